"""The loss: by hand, by property, and against TRL on the same batch."""

from __future__ import annotations

import math

import pytest
import torch
from datasets import Dataset
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer, models
from transformers import PreTrainedTokenizerFast, Qwen3Config, Qwen3ForCausalLM
from trl import GRPOConfig, GRPOTrainer

from clinsim.training.batches import collated, decided_logps
from clinsim.training.loss import LossRule, policy_loss
from clinsim.training.samples import Group, Sample

VOCABULARY = 24


def tiny_model(seed: int = 0) -> Qwen3ForCausalLM:
    torch.manual_seed(seed)
    config = Qwen3Config(
        vocab_size=VOCABULARY, hidden_size=16, intermediate_size=32, num_hidden_layers=2, num_attention_heads=2,
        num_key_value_heads=1, head_dim=8, max_position_embeddings=64, tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, pad_token_id=2,
    )  # fmt: skip
    return Qwen3ForCausalLM(config).eval()


def batch(rows: int = 6, prompt: int = 5, written: int = 7) -> dict[str, torch.Tensor]:
    draw = torch.Generator().manual_seed(3)
    mask = torch.ones(rows, written)
    mask[1, 4:] = 0
    mask[3, 2:] = 0
    forced = torch.randint(0, 2, (rows, written), generator=draw).float()
    forced[:, 0] = 1
    return {
        "prompt_ids": torch.randint(3, VOCABULARY, (rows, prompt), generator=draw),
        "prompt_mask": torch.ones(rows, prompt, dtype=torch.long),
        "completion_ids": torch.randint(3, VOCABULARY, (rows, written), generator=draw),
        "completion_mask": mask.long(),
        "tool_mask": forced.long(),
        "advantages": torch.randn(rows, generator=draw),
        "old_per_token_logps": -3.0 + 0.5 * torch.randn(rows, written, generator=draw),
        "ref_per_token_logps": -3.0 + 0.5 * torch.randn(rows, written, generator=draw),
        "num_items_in_batch": (mask * forced).sum(),
    }


def theirs(model: Qwen3ForCausalLM, data: dict[str, torch.Tensor], folder: str, beta: float = 0.0, **settings_of_loss: object) -> torch.Tensor:
    words = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.WordLevel({f"w{k}": k for k in range(VOCABULARY)}, unk_token="w0")))
    words.pad_token, words.eos_token = "w2", "w1"
    config = GRPOConfig(
        output_dir=folder, use_cpu=True, bf16=False, num_generations=2, per_device_train_batch_size=2, report_to=[],
        use_bias_correction_kl=False, disable_dropout=True, **settings_of_loss,
    )  # fmt: skip
    rows = Dataset.from_list([{"prompt": "w3"}] * 2)
    trainer = GRPOTrainer(
        model, reward_funcs=lambda completions, **_: [0.0] * len(completions), args=config, train_dataset=rows, processing_class=words
    )
    trainer.current_gradient_accumulation_steps = 1
    trainer.beta = beta  # set afterwards: the setting would load a reference model from a hub
    trainer.model.eval()
    return trainer._compute_loss(trainer.model, data)


def sampled(data: dict[str, torch.Tensor]) -> list[Sample]:
    """The same batch as samples: a decision wherever TRL's masks are 1."""
    start = data["prompt_ids"].shape[1]
    rows = []
    for row, written in enumerate((data["completion_mask"] * data["tool_mask"]).bool()):
        places = written.nonzero().flatten()
        tokens = [*data["prompt_ids"][row].tolist(), *data["completion_ids"][row][data["completion_mask"][row].bool()].tolist()]
        logps = tuple(data["old_per_token_logps"][row][places].tolist())
        rows.append(Sample(tuple(tokens), tuple((places + start).tolist()), logps, 0.0, "doctor", "doctor_1", Group("toy", 0, "doctor"), row, 0))
    return rows


def ours(model: Qwen3ForCausalLM, data: dict[str, torch.Tensor], rule: LossRule) -> torch.Tensor:
    samples = sampled(data)
    made = collated(samples, [[row] for row in range(len(samples))])
    logps, entropies = decided_logps(model, made)
    reference = data["ref_per_token_logps"].gather(1, (made.before + 1 - data["prompt_ids"].shape[1]).clamp(min=0))
    return policy_loss(
        logps, made.sampled, data["advantages"], made.mask, rule, entropies=entropies, reference=reference if rule.kl else None
    ).total  # fmt: skip


SAME = [
    (LossRule("grpo"), {"loss_type": "grpo"}),
    (LossRule("dapo"), {"loss_type": "dapo"}),
    (LossRule("dapo", clip_low=0.1, clip_high=0.3), {"loss_type": "dapo", "epsilon": 0.1, "epsilon_high": 0.3}),
    (LossRule("grpo", kl=0.1), {"loss_type": "grpo", "beta": 0.1}),
    (LossRule("grpo", level="sequence"), {"loss_type": "grpo", "importance_sampling_level": "sequence"}),
    (LossRule("dapo", entropy=0.02), {"loss_type": "dapo", "entropy_coef": 0.02}),
    (LossRule("cispo", clip_high=4.0), {"loss_type": "cispo", "epsilon_high": 5.0}),
]


@pytest.mark.parametrize(("rule", "settings_of_loss"), SAME, ids=[f"{rule.kind}-{number}" for number, (rule, _) in enumerate(SAME)])
def test_equals_the_loss_and_gradient_of_trl(rule, settings_of_loss, tmp_path):
    data, one, other = batch(), tiny_model(), tiny_model()
    expected = theirs(one, dict(data), str(tmp_path), **settings_of_loss)
    found = ours(other, data, rule)
    assert found.item() == pytest.approx(expected.item(), rel=1e-5)
    expected.backward()
    found.backward()
    for (name, a), b in zip(one.named_parameters(), other.parameters(), strict=True):
        assert torch.allclose(a.grad, b.grad, rtol=1e-4, atol=1e-6), name


def test_clipping_by_hand():
    """Ratio 1.5 with a good turn stops at 1.2; with a bad turn it counts in full; ratio 0.5 the other way round."""
    logps = torch.tensor([[math.log(1.5)], [math.log(1.5)], [math.log(0.5)], [math.log(0.5)]], requires_grad=True)
    parts = policy_loss(logps, torch.zeros(4, 1), torch.tensor([1.0, -1.0, 1.0, -1.0]), torch.ones(4, 1), LossRule(), entropies=torch.zeros(4, 1))
    assert parts.total.item() == pytest.approx(-(1.2 - 1.5 + 0.5 - 0.8) / 4)
    assert parts.clipped.item() == 0.5
    parts.total.backward()
    assert logps.grad is not None
    assert (logps.grad[:, 0] != 0).tolist() == [False, True, True, False]


def test_a_divergence_needs_a_reference():
    with pytest.raises(ValueError, match="reference"):
        policy_loss(*[torch.zeros(1, 1)] * 2, torch.zeros(1), torch.ones(1, 1), LossRule(kl=0.1), entropies=torch.zeros(1, 1))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["grpo", "dapo", "cispo"]), st.sampled_from(["token", "sequence"]))
def test_what_was_not_decided_has_no_gradient(seed, kind, level):
    draw = torch.Generator().manual_seed(seed)
    logps = (-torch.rand(3, 5, generator=draw)).requires_grad_()
    mask = torch.randint(0, 2, (3, 5), generator=draw).float()
    rule = LossRule(kind, level)
    policy_loss(logps, -torch.rand(3, 5, generator=draw), torch.randn(3, generator=draw), mask, rule, entropies=torch.zeros(3, 5)).total.backward()
    assert logps.grad is not None
    assert (logps.grad[mask == 0] == 0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000))
def test_padding_changes_nothing(seed):
    draw = torch.Generator().manual_seed(seed)
    logps, sampled, mask = -torch.rand(3, 4, generator=draw), -torch.rand(3, 4, generator=draw), torch.ones(3, 4)
    advantage = torch.randn(3, generator=draw)
    wide = [torch.cat([part, torch.rand(3, 2, generator=draw)], 1) for part in (logps, sampled)]
    padded = torch.cat([mask, torch.zeros(3, 2)], 1)
    plain = policy_loss(logps, sampled, advantage, mask, LossRule(), entropies=torch.zeros(3, 4)).total
    other = policy_loss(*wide, advantage, padded, LossRule(), entropies=torch.zeros(3, 6)).total
    assert plain.item() == pytest.approx(other.item(), abs=1e-6)


def test_under_a_grammar_the_distribution_is_over_what_is_allowed():
    model, open_to = tiny_model(), ((5, 6, 9), tuple(range(VOCABULARY)))
    sample = Sample((3, 4, 6, 7), (2, 3), (-1.0, -1.0), 0.0, "doctor", "doctor_1", Group("toy", 0, "doctor"), 0, 0, open_to)
    logps, entropies = decided_logps(model, collated([sample], [[0]]))
    logits = model(torch.tensor([[3, 4, 6, 7]])).logits[0]
    three = logits[1, [5, 6, 9]].softmax(0)
    assert logps[0].tolist() == pytest.approx([three[1].log().item(), logits[2].log_softmax(0)[7].item()], abs=1e-5)
    assert entropies[0, 0].item() == pytest.approx(-(three * three.log()).sum().item(), abs=1e-5)

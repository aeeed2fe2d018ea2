"""Samples per CPU-second of our GRPO against TRL's GRPOTrainer on the same toys, in one process, in turn.

    .venv/bin/python benchmarks/training.py

The same work on both sides: a model of the shipped size and shape (Qwen3, untrained; its vocabulary is that of the toy) reads words and writes words,
`GROUP` episodes from each of `PROMPTS` starts; the reward is the share of even words among those it wrote; one update of AdamW on all samples of a
step by the loss of DAPO, without reference model; one thread, no checkpoints, no reports. A sample is an episode. Both draw from all words at
temperature 1: our grammar leaves all words open, and forces none. There are two toys, of about as many tokens:

- `one turn`: a long prompt, then the whole answer. TRL plays it by itself.
- `turns`: eight short turns, as in the hospital; what stands between does not train. TRL plays it by its `rollout_func`, which gives the whole
  conversation to `generate` at each turn, as TRL's own loop for tools does.

TRL is spared recomputing activations (its default) and the end of a text. What it does besides (texts for the reward function, figures for its log)
is part of its loop, as are our grammar and our figures. Models and trainers are made, and `WARM` steps taken, before the clock starts. Medians
of rounds in turn are printed, since machines are shared.
"""

from __future__ import annotations

import contextlib
import io
import os
import statistics
import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import numpy as np
import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import Qwen3Config, Qwen3ForCausalLM, TrainerCallback
from trl import GRPOConfig, GRPOTrainer

from clinsim.agents.call_grammar import Choice, Form, Vocabulary
from clinsim.agents.cast import Cast
from clinsim.agents.decoding import END, PAD, Ask, Engine, words_of
from clinsim.agents.shelf import Shelf
from clinsim.record import ToolCard
from clinsim.training import grpo
from clinsim.training.learners import learners_of
from clinsim.training.model import HEAD_UNITS, Shape
from clinsim.training.rollouts import Plan, Rollout, Said, one_thread
from clinsim.training.settings import GrpoSettings

ROUNDS, WARM, STEPS = 3, 1, 3
PROMPTS, GROUP, WORDS = 4, 8, 128
SAMPLES = PROMPTS * GROUP
LEARNING_RATE = 1e-3
ANY = Choice({f"w{k}": () for k in range(WORDS)})
SETTINGS = GrpoSettings(
    start="", steps=WARM + STEPS, groups=PROMPTS, group_size=GROUP, learning_rate=LEARNING_RATE, warm_up=0, updates=1, entropy=0.0, clip_high=0.2,
    batch_tokens=16_384, threads=1,
)  # fmt: skip


Tokens = list[int]


@dataclass(frozen=True, slots=True)
class Toy:
    """Words that are read and written in each of some turns."""

    turns: int
    read: int
    written: int

    def shown(self) -> list[list[Tokens]]:
        """What is read from each start of all steps, in order, turn by turn."""
        shape = (SETTINGS.steps * PROMPTS, self.turns, self.read)
        found: list[list[Tokens]] = np.random.default_rng(0).integers(2, WORDS + 2, shape).tolist()
        return found


TOYS = {"one turn": Toy(1, 256, 24), "turns": Toy(8, 24, 3)}


class Round(NamedTuple):
    """What a round came to: samples per CPU-second, and the mean reward of each step."""

    rate: float
    rewards: list[float]


def round_of(ends: Sequence[float], rewards: list[float]) -> Round:
    """A round, by the CPU time at the end of each step."""
    return Round(SAMPLES * STEPS / (ends[-1] - ends[WARM - 1]), rewards)


# ---------------------------------------------------------------- what both have


def toy_words() -> Any:
    """The tokenizer of the toys: a token for each word."""
    table = {PAD: 0, END: 1, **{f"w{k}": k + 2 for k in range(WORDS)}}
    tokenizer = Tokenizer(models.WordLevel(table, unk_token=PAD))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return words_of(tokenizer)


def toy_model() -> Qwen3ForCausalLM:
    """An untrained model of the shape of the shipped one."""
    torch.manual_seed(0)
    shape = Shape()
    return Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=WORDS + 2, hidden_size=shape.hidden, intermediate_size=3 * shape.hidden, num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads, num_key_value_heads=shape.heads, head_dim=HEAD_UNITS, max_position_embeddings=shape.context,
            tie_word_embeddings=True, pad_token_id=0, eos_token_id=1, bos_token_id=None,
        )
    )  # fmt: skip


def reward_of(written: Sequence[int]) -> float:
    """The share of even words."""
    return statistics.fmean(token % 2 == 0 for token in written)


# ---------------------------------------------------------------- ours


class ToyEngine(Engine):
    """An engine whose grammar leaves everything open."""

    def __init__(self, toy: Toy) -> None:
        """Write as many words a turn as the toy says."""
        super().__init__(toy_model(), toy_words(), Vocabulary())
        self._any: Form = (ANY,) * toy.written

    def form(self, cards: Sequence[ToolCard], ids: Sequence[str]) -> Form:
        """Any word at each place."""
        return self._any


def our_round(toy: Toy) -> Round:
    """Train a toy by our GRPO."""
    shown = toy.shown()
    learners = learners_of(Cast.shared(ToyEngine(toy)), SETTINGS)
    rewards: list[float] = []
    ends: list[float] = []
    for row in grpo.trained(learners, SETTINGS, grpo.Memory(), partial(played, shown)):
        rewards.append(row["return"])
        ends.append(time.process_time())
    return round_of(ends, rewards)


def played(shown: Sequence[Sequence[Tokens]], cast: Cast, settings: GrpoSettings, step: int) -> list[Rollout]:
    """The episodes of a step, in step."""
    plans = [Plan("toy", seed, number) for seed in range(step * PROMPTS, (step + 1) * PROMPTS) for number in range(GROUP)]
    said: list[list[Said]] = [[] for _ in plans]
    shelf = Shelf()
    with one_thread():
        for turn in range(len(shown[0])):
            asks = [asked(plan, shown[plan.seed][turn], own) for plan, own in zip(plans, said, strict=True)]
            for own, written in zip(said, cast.complete(asks, shelf), strict=True):
                own.append(Said("doctor_1", "doctor", turn, written))
    return [rollout_of(plan, own) for plan, own in zip(plans, said, strict=True)]


def asked(plan: Plan, words: Tokens, said: Sequence[Said]) -> Ask:
    """What is read at a turn: all that was said, and some words more."""
    name = f"{plan.seed}|{plan.number}"
    before = said[-1].written.tokens if said else ()
    return Ask((*before, *words), (), (), name, f"{name}|{len(said)}", "doctor")


def rollout_of(plan: Plan, said: Sequence[Said]) -> Rollout:
    """An episode as it was played."""
    reward = reward_of([turn.written.tokens[place] for turn in said for place in turn.written.decided])
    return Rollout(plan, {"doctor_1": reward}, {"doctor_1": "doctor"}, frozenset({"doctor_1"}), tuple(said), 0.0, len(said), 0)


# ---------------------------------------------------------------- TRL


@dataclass
class Clock(TrainerCallback):
    """CPU time at the end of each step."""

    ends: list[float] = field(default_factory=list)

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """Look at the clock."""
        self.ends.append(time.process_time())


def their_round(toy: Toy, folder: str) -> Round:
    """Train a toy by TRL."""
    words, shown, rewards, clock = toy_words(), toy.shown(), [], Clock()
    starts = {words.decode(turns[0]): turns for turns in shown}

    def rewarded(completion_ids: list[Tokens], **_: Any) -> list[float]:
        found = [reward_of(written_in(tokens, toy)) for tokens in completion_ids]
        rewards.append(statistics.fmean(found))
        return found

    config = GRPOConfig(
        output_dir=folder, use_cpu=True, bf16=False, report_to=[], save_strategy="no", disable_tqdm=True, logging_steps=SETTINGS.steps,
        max_steps=SETTINGS.steps, per_device_train_batch_size=SAMPLES, num_generations=GROUP, max_completion_length=toy.written,
        generation_kwargs={"min_new_tokens": toy.written}, shuffle_dataset=False, gradient_checkpointing=False, beta=0.0, loss_type="dapo",
        learning_rate=LEARNING_RATE, lr_scheduler_type="constant", max_grad_norm=1.0,
    )  # fmt: skip
    trainer = GRPOTrainer(
        toy_model(), reward_funcs=rewarded, args=config, train_dataset=Dataset.from_list([{"prompt": text} for text in starts]),
        processing_class=words, callbacks=[clock], rollout_func=partial(their_rollouts, toy, starts) if toy.turns > 1 else None,
    )  # fmt: skip
    with contextlib.redirect_stdout(io.StringIO()):
        trainer.train()
    return round_of(clock.ends, rewards)


def their_rollouts(toy: Toy, starts: Mapping[str, Sequence[Tokens]], prompts: Sequence[str], trainer: GRPOTrainer) -> dict[str, Any]:
    """Episodes of several turns, in step."""
    model: Any = trainer.model
    rows = torch.tensor([starts[text][0] for text in prompts])
    for turn in range(toy.turns):
        if turn:
            rows = torch.cat([rows, torch.tensor([starts[text][turn] for text in prompts])], 1)
        with torch.no_grad():
            rows = model.generate(rows, attention_mask=torch.ones_like(rows), generation_config=trainer.generation_config)
    after = rows[:, toy.read :].tolist()
    mask = [int(place % (toy.written + toy.read) < toy.written) for place in range(len(after[0]))]
    return {"prompt_ids": rows[:, : toy.read].tolist(), "completion_ids": after, "logprobs": None, "env_mask": [mask] * len(after)}


def written_in(completion: Tokens, toy: Toy) -> Tokens:
    """What the model wrote in all turns.

    Raises:
        RuntimeError: It wrote more or less than it should: that would not be the same work.
    """
    turn = toy.written + toy.read
    if len(completion) != toy.turns * turn - toy.read:
        raise RuntimeError(f"a completion of {len(completion)} tokens")
    return [token for place, token in enumerate(completion) if place % turn < toy.written]


# ---------------------------------------------------------------- both, in turn


def compared(toy: Toy) -> list[str]:
    """Both on a toy, in turn."""
    with TemporaryDirectory() as folder:
        pairs = [(our_round(toy), their_round(toy, folder)) for _ in range(ROUNDS)]
    rows = []
    for name, rounds in zip(("ours", "TRL"), zip(*pairs, strict=True), strict=True):
        rate, rewards = statistics.median(one.rate for one in rounds), rounds[0].rewards
        rows.append(f"{name:5s} {rate:6.1f} samples per CPU-second; reward {rewards[0]:.3f} in the first step, {rewards[-1]:.3f} in the last")
    ratios = [ours.rate / theirs.rate for ours, theirs in pairs]
    return [*rows, f"ours / TRL: {statistics.median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f} in {ROUNDS} rounds)"]


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
    for name, toy in TOYS.items():
        print(f"--- {name}: {toy.turns} x ({toy.read} read + {toy.written} written), {SAMPLES} episodes a step", *compared(toy), sep="\n")
    print(f"load when done: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

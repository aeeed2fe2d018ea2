"""Writing without a grammar: any token may come, all of them train, and a call that is taught is spelt whole."""

from __future__ import annotations

import json
import math

import pytest
import torch

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Ask, Engine
from clinsim.agents.walking import FreeWalk
from clinsim.errors import UsageError
from clinsim.training import grpo
from clinsim.training.batches import batches, decided_logps
from clinsim.training.experts import lessons
from clinsim.training.grpo import played, scored
from clinsim.training.recipes import RECIPES, settings_of
from clinsim.training.settings import GrpoSettings, SftSettings
from clinsim.training.sft import run_sft

SMALL = GrpoSettings(start="", groups=1, group_size=4, threads=1, grammar=False, kl=0.01)


@pytest.mark.parametrize(
    ("texts", "ends"),
    [
        (["{", '"a":{', '"}"', "}", "}", "more"], 5),
        (['{"x":"\\', '"', "}", '"', "}"], 5),
        (["say", "{"], 1),
        (["{", "b", "c", "d", "e", "f", "g"], 6),
        (["{}"], 1),
    ],
)
def test_a_reply_is_over_when_its_braces_are_closed_or_never_opened_or_it_is_long(texts, ends):
    walk = FreeWalk(texts, 6)
    for token in range(ends):
        assert list(walk.open()) == list(range(len(texts)))
        assert walk.forced() == []
        walk.take(token)
    assert walk.is_done
    assert not walk.open()


def test_what_is_written_freely_is_all_decided_and_scored_among_all_tokens(engine, seats):
    engine.grammar = False
    tokens = tuple(engine.encode("doctor\nminute 0 start\n"))
    (said,) = engine.complete([Ask(tokens, seats["doctor_1"].tools, (), "talk", "key", "doctor")])
    assert said.allowed is None
    assert said.decided == tuple(range(len(tokens), len(said.tokens)))
    logits = engine.model(torch.tensor([said.tokens])).logits.detach()[0, len(tokens) - 1 : -1].double().log_softmax(-1)
    assert said.logps == pytest.approx([float(row[token]) for row, token in zip(logits, said.tokens[len(tokens) :], strict=True)], abs=1e-4)


def test_whether_a_grammar_holds_is_kept_with_the_model(engine, tmp_path):
    assert engine.grammar
    engine.grammar = False
    engine.save(tmp_path / "model")
    assert not Engine.load(tmp_path / "model").grammar
    Cast.shared(engine).save(tmp_path / "cast")
    assert not Cast.load(tmp_path / "cast").engines["."].grammar


def test_lessons_without_a_grammar_teach_whole_calls(engine, shown, seats):
    held = next(lessons(engine, shown[:1], seats))
    engine.grammar = False
    free = next(lessons(engine, shown[:1], seats))
    assert free.tokens == held.tokens
    assert set(held.decided) < set(free.decided)
    written = engine.tokenizer.backend_tokenizer.decode([free.tokens[place] for place in free.decided])
    assert json.loads(written)["name"] == shown[0].call["name"]


def test_a_policy_learns_without_a_grammar(engine):
    engine.grammar = False
    rollouts = played(engine, SMALL, 0)
    assert sum(rollout.refused for rollout in rollouts) > 0
    step_of = scored(rollouts, SMALL, grpo.Memory().baselines)
    for batch in batches(step_of.samples):
        logps, _ = decided_logps(engine.model, batch)
        assert torch.allclose(logps, batch.sampled, atol=1e-3)


def test_the_setting_reaches_the_model(tmp_path):
    settings = SftSettings(episodes=2, passes=1, threads=1, vocabulary=700, hidden=32, layers=1, heads=1, grammar=False)
    losses = []
    run_sft(settings, tmp_path / "run", False, lambda row: losses.append(row["loss"]))
    assert not Cast.load(tmp_path / "run" / "best").engines["."].grammar
    assert all(map(math.isfinite, losses))
    with pytest.raises(UsageError, match="grammar is for models of this process"):
        settings_of(RECIPES["served"], None, ["start=x", "server=m@http://127.0.0.1:1/v1", "grammar=false"])

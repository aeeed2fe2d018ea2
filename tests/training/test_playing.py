"""A small model at the table: what it reads and may write, episodes in step, and that it can be taught."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest

import clinsim
from clinsim.agents.call_grammar import Vocabulary, canonical, ids_in
from clinsim.agents.decoding import Ask, Engine, drawn
from clinsim.agents.local import LocalPolicy
from clinsim.errors import UsageError
from clinsim.scenario_file import load_scenario
from clinsim.tooling import granted, parse
from clinsim.training.experts import check_training, expert_turns, lessons
from clinsim.training.rollouts import Plan, blocks, play_block
from clinsim.training.sft import FitRule, fitted, likelihood

SCENARIO = "first_hour"
PLANS = [Plan(SCENARIO, seed, number) for seed in (1, 2) for number in range(2)]


def played(engine, plans=PLANS, size=2):
    scenarios = {SCENARIO: load_scenario(SCENARIO)}
    return [rollout for block in blocks(plans, size) for rollout in play_block(engine, block, scenarios)]


def figures(rollouts):
    return [(rollout.rewards, [(said.agent, said.written.tokens, said.written.logps) for said in rollout.said]) for rollout in rollouts]


def _played_from(folder, plans):
    return figures(played(Engine.load(folder), plans))


def test_every_written_call_fits_its_schema(engine, shown, seats):
    tools = {agent: granted("live", seat.role, [card.name for card in seat.tools]) for agent, seat in seats.items()}
    asks = [Ask(turn.prompt, seats[turn.agent].tools, f"{k}") for k, turn in enumerate(shown[:40])]
    for turn, written in zip(shown, engine.complete(asks), strict=False):
        assert parse(written.text, tools[turn.agent]).status == "ok", written.text
        subjects = {value for name, value in json.loads(written.text)["arguments"].items() if name.endswith("_id")}
        assert subjects <= set(ids_in(turn.prompt))


def test_tokens_and_positions_are_those_of_the_text(engine, shown, seats):
    turn = max(shown, key=lambda turn: len(json.dumps(turn.call)))
    (written,) = engine.complete([Ask(turn.prompt, seats[turn.agent].tools, "x")])
    assert engine.tokenizer.decode(written.tokens).endswith(written.text)
    assert len(written.decided) == len(written.logps) == len(written.allowed)
    assert all(row[written.tokens[place]] and row.sum() > 1 for place, row in zip(written.decided, written.allowed, strict=True))


def test_expert_calls_are_forced_to_the_same_text(engine, shown, seats):
    for turn in shown[::3]:
        cards = seats[turn.agent].tools
        text = canonical(turn.call, next(card for card in cards if card.name == turn.call["name"]), engine.vocabulary)
        assert engine.forced(turn.prompt, text, cards).text == text


def test_a_call_outside_the_grammar_is_refused(engine, shown, seats):
    with pytest.raises(ValueError, match="does not go on"):
        engine.forced(shown[0].prompt, '{"name":"wait","arguments":{"minutes":999}}', seats[shown[0].agent].tools)


def test_batched_answers_are_those_given_alone(engine, shown, seats):
    asks = [Ask(turn.prompt, seats[turn.agent].tools, f"{k}") for k, turn in enumerate(shown[5:17])]
    together = engine.complete(asks)
    for ask, batched in zip(asks, together, strict=True):
        (alone,) = engine.complete([ask])
        assert alone.text == batched.text
        assert alone.logps == pytest.approx(batched.logps, abs=1e-4)


def test_the_same_numbers_from_two_processes_and_from_one(engine, tmp_path):
    engine.save(tmp_path)
    straight = _played_from(tmp_path, PLANS)
    with ProcessPoolExecutor(2) as pool:
        parts = list(pool.map(_played_from, [tmp_path] * 2, blocks(PLANS, 2)))
    assert [row for part in parts for row in part] == straight


def test_an_episode_in_step_is_one_that_run_episode_plays(engine):
    (rollout,) = played(engine, PLANS[:1])
    trace = clinsim.run_episode(clinsim.raw_env(SCENARIO), LocalPolicy(engine, "|0"), seed=PLANS[0].seed)
    assert trace.rewards == rollout.rewards
    assert [action.token_ids for action in trace.actions if action.token_ids] == [said.written.tokens for said in rollout.said]


def test_other_numbers_of_a_group_draw_otherwise(engine):
    one, other = figures(played(engine, PLANS[:2]))
    assert one[1] != other[1]


def test_partners_play_and_do_not_learn(engine):
    (rollout,) = played(engine, [Plan(SCENARIO, 1, 0, {"doctor": "guideline", "radiologist": "idle"})])
    assert {said.role for said in rollout.said} == {"pharmacist"}
    assert {sample.role for sample in rollout.samples(0)} <= {"pharmacist"}


def test_it_can_be_taught(engine, shown, seats):
    samples = list(lessons(engine, shown[:60], seats))
    before = likelihood(engine.model, samples)
    steps = list(fitted(engine.model, samples, FitRule(passes=10, learning_rate=5e-3, batch_tokens=4096)))
    assert steps[-1].step == steps[-1].steps - 1
    assert likelihood(engine.model, samples) < 0.7 * before


def test_seeds_for_looking_are_not_learnt_from():
    with pytest.raises(UsageError, match="seed 20000 is not for training"):
        list(expert_turns(SCENARIO, [20_000]))
    check_training(range(10))


def test_words_are_brought_to_the_vocabulary():
    words = Vocabulary({"wait.minutes": [1, 10, 60], "admit_patient.reason": ["needs a bed", "after infarction"]})
    assert words.nearest("wait.minutes", 33) == 60
    assert words.nearest("wait.minutes", 9.0) == 10
    assert words.nearest("admit_patient.reason", "After infarction: monitor") == "after infarction"
    assert words.nearest("unknown.field", "kept") == "kept"


def test_drawing_by_hand():
    logits = np.log(np.array([0.5, 0.2, 0.2, 0.1]))
    allowed = np.array([False, True, True, True])
    assert [drawn(logits, allowed, 1.0, draw)[0] for draw in (0.0, 0.39, 0.41, 0.79, 0.81, 0.999999)] == [1, 1, 2, 2, 3, 3]
    assert drawn(logits, allowed, 1.0, 0.0)[1] == pytest.approx(np.log(0.4))
    assert drawn(logits, allowed, 0.0, 0.99)[0] == 1

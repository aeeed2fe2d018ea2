"""A small model at the table: what it reads and may write, episodes in step, and that it can be taught."""

from __future__ import annotations

import copy
import json
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pytest
import torch

import clinsim
from clinsim.agents import conversation
from clinsim.agents.call_grammar import Choice, Vocabulary, canonical, ids_in
from clinsim.agents.decoding import Engine, drawn
from clinsim.agents.local import LocalPolicy
from clinsim.agents.shelf import Shelf
from clinsim.agents.walking import Spellings, Walk
from clinsim.errors import UsageError
from clinsim.scenario_file import load_scenario
from clinsim.tooling import granted, parse
from clinsim.training.batches import batches, conversations, decided_logps
from clinsim.training.experts import card_of, check_training, expert_turns, lessons
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


def asked(engine, shown, seats):
    """The turns of experts as a model would be asked."""
    policies: dict[int, LocalPolicy] = {}
    for turn in shown:
        if turn.seed not in policies:
            policies[turn.seed] = LocalPolicy(engine, str(turn.seed))
            policies[turn.seed].start(list(seats.values()))
        (ask,) = policies[turn.seed].asks([(turn.agent, turn.observation)])
        text = canonical(turn.call, card_of(seats[turn.agent], turn.call), engine.vocabulary)
        said = engine.forced(ask.tokens, text, ask.cards, ask.ids)
        policies[turn.seed].replies([(turn.agent, turn.observation)], [said])
        yield turn, ask, said


def test_every_written_call_fits_its_schema(engine, shown, seats):
    tools = {agent: granted("live", seat.role, [card.name for card in seat.tools]) for agent, seat in seats.items()}
    turns = list(asked(engine, shown[:60], seats))
    for (turn, ask, _), written in zip(turns, engine.complete([ask for _, ask, _ in turns]), strict=True):
        assert parse(written.text, tools[turn.agent]).status == "ok", written.text
        subjects = {value for name, value in json.loads(written.text)["arguments"].items() if name.endswith("_id")}
        assert subjects <= set(ids_in(turn.observation.text))
        assert written.tokens[: len(ask.tokens)] == ask.tokens
        assert engine.tokenizer.decode(written.tokens[len(ask.tokens) :]) == written.text
        assert len(written.decided) == len(written.logps) == len(written.allowed)
        assert all(written.tokens[place] in row and len(row) > 1 for place, row in zip(written.decided, written.allowed, strict=True))


def test_expert_calls_are_forced_to_the_same_text(engine, shown, seats):
    for turn, _, said in asked(engine, shown, seats):
        assert said.text == canonical(turn.call, card_of(seats[turn.agent], turn.call), engine.vocabulary)


def test_a_call_outside_the_grammar_is_refused(engine, shown, seats):
    with pytest.raises(ValueError, match="does not go on"):
        engine.forced((5,), '{"name":"wait","arguments":{"minutes":999}}', seats[shown[0].agent].tools, ())


def test_batched_answers_are_those_given_alone_with_and_without_what_was_read_before(engine, shown, seats):
    asks = [ask for _, ask, _ in asked(engine, shown[5:25], seats)]
    together, shelf = engine.complete(asks), Shelf()
    for ask, batched in zip(asks, together, strict=True):
        (alone,) = engine.complete([ask], shelf)
        assert alone.text == batched.text
        assert alone.logps == pytest.approx(batched.logps, abs=1e-4)


def test_a_conversation_goes_on_from_its_own_tokens_and_begins_anew_when_there_is_no_room(engine, shown, seats, monkeypatch):
    monkeypatch.setattr(conversation, "CONTEXT", 200)
    talks = conversations(list(lessons(engine, shown, seats)))
    samples = list(lessons(engine, shown, seats))
    assert {place for talk in talks for place in talk} == set(range(len(samples)))
    assert len(talks) > len({(sample.episode, sample.agent) for sample in samples})
    assert max(len(talk) for talk in talks) > 3


def test_what_is_read_as_one_row_is_what_the_turns_say_one_by_one(engine, shown, seats):
    samples = list(lessons(engine, shown[:40], seats))
    (together,) = batches(samples, 100_000)
    logps, entropies = decided_logps(engine.model, together)
    for row, sample in enumerate(samples):
        (alone,) = batches([sample])
        own, spread = decided_logps(engine.model, alone)
        here = (together.rows == row) & (together.mask > 0)
        assert logps[here].tolist() == pytest.approx(own[0].tolist(), abs=1e-4)
        assert entropies[here].tolist() == pytest.approx(spread[0].tolist(), abs=1e-4)


def test_log_probabilities_when_learning_are_those_when_playing(engine):
    (rollout,) = played(engine, PLANS[:1])
    samples = rollout.samples(0)
    for batch in batches(samples):
        assert torch.allclose(decided_logps(engine.model, batch)[0], batch.sampled, atol=1e-4)


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
    steps = list(fitted(engine.model, samples, FitRule(passes=10, learning_rate=5e-3, batch_tokens=1024)))
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


def test_walks_end_in_every_text_of_a_form_and_in_no_other():
    spelt = Spellings(lambda text: [ord(letter) for letter in text])
    form = ("<", Choice({"5": (), "50": (), "7": ("!", Choice({"a": (), "ab": ()}))}), ">")
    found, walks = set(), [("", Walk(form, spelt))]
    while walks:
        text, walk = walks.pop()
        if walk.is_done:
            found.add(text)
        for token in walk.open():
            other = copy.deepcopy(walk)
            other.take(token)
            walks.append((text + chr(token), other))
    assert found == {"<5>", "<50>", "<7!a>", "<7!ab>"}


def test_drawing_by_hand():
    logits = np.log(np.array([0.5, 0.2, 0.2, 0.1]))
    allowed = (1, 2, 3)
    assert [drawn(logits, allowed, 1.0, draw)[0] for draw in (0.0, 0.39, 0.41, 0.79, 0.81, 0.999999)] == [1, 1, 2, 2, 3, 3]
    assert drawn(logits, allowed, 1.0, 0.0)[1] == pytest.approx(np.log(0.4))
    assert drawn(logits, allowed, 0.0, 0.99)[0] == 1

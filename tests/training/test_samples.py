"""Samples: made from the tokens of a trace as they are, and refused if they cannot have been sampled."""

from __future__ import annotations

import pytest

import clinsim
from clinsim.errors import TraceError
from clinsim.record import Observation, Past, Reply, Seat, Turn
from clinsim.training.samples import Group, Sample, role_weights, samples_of

GROUP = Group("first_hour", 3, "doctor")


class Talker:
    """Waits, and keeps tokens: three read, one forced, two decided."""

    def __init__(self, decided: tuple[int, ...] = (3, 5)) -> None:
        self.decided = decided

    def start(self, seats: tuple[Seat, ...], history: tuple[Past, ...] = ()) -> None:
        pass

    def act(self, turns: list[Turn]) -> list[Reply]:
        return [self.reply(observation) for _, observation in turns]

    def reply(self, observation: Observation) -> Reply:
        text = '{"name":"wait","arguments":{"minutes":60}}'
        minute = int(observation.minute)
        return Reply(text, (text,), tokens=(1, 2, minute, 7, 8, 9), logps=(-0.5, -1.25)[: len(self.decided)], decided=self.decided)


def episode(policy: object) -> clinsim.Trace:
    return clinsim.run_episode(clinsim.raw_env("first_hour"), {"doctor": policy, "pharmacist": "idle", "radiologist": "idle"}, seed=3)


def test_samples_hold_the_tokens_of_the_trace_through_the_file(tmp_path):
    trace = episode(Talker())
    trace.save(tmp_path / "trace.jsonl")
    samples = samples_of(clinsim.Trace.load(tmp_path / "trace.jsonl"), episode=4)
    assert len(samples) == sum(action.agent == "doctor_1" for action in trace.actions)
    first = samples[0]
    assert (first.tokens, first.decided, first.logps) == ((1, 2, 0, 7, 8, 9), (3, 5), (-0.5, -1.25))
    assert first.action_mask == (False, False, False, True, False, True)
    assert (first.group, first.agent, first.episode) == (GROUP, "doctor_1", 4)
    assert first.reward == trace.rewards["doctor_1"]


def test_credit_replaces_what_was_earned():
    assert {sample.reward for sample in samples_of(episode(Talker()), credit={"doctor_1": 2.5})} == {2.5}


def test_scripted_policies_give_no_samples():
    assert samples_of(episode("idle")) == []


def test_tokens_without_a_decision_are_refused():
    with pytest.raises(TraceError, match="none that it decided"):
        samples_of(episode(Talker(decided=())))


@pytest.mark.parametrize(
    ("decided", "logps", "message"),
    [
        ((1,), (), "with 0 log"),
        ((0,), (-1.0,), "rise within 1 to 2"),
        ((2, 1), (-1.0, -1.0), "rise"),
        ((3,), (-1.0,), "rise"),
        ((1,), (0.1,), "at most 0"),
        ((1,), (float("nan"),), "at most 0"),
    ],
)
def test_what_cannot_have_been_sampled_is_refused(decided, logps, message):
    with pytest.raises(ValueError, match=message):
        Sample((1, 2, 3), decided, logps, 0.0, "doctor", "doctor_1", GROUP, 0, 0)


def test_each_role_weighs_the_same():
    talkative = Sample((0,) * 9, tuple(range(1, 9)), (-1.0,) * 8, 0.0, "doctor", "doctor_1", GROUP, 0, 0)
    terse = Sample((0, 0, 0), (1, 2), (-1.0, -1.0), 0.0, "pharmacist", "pharmacist_1", GROUP, 0, 0)
    weights = role_weights([talkative, terse])
    assert weights["doctor"] * 8 == pytest.approx(weights["pharmacist"] * 2)
    assert (weights["doctor"] * 8 + weights["pharmacist"] * 2) / 10 == pytest.approx(1.0)

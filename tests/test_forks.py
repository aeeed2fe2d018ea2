"""Forks, copies and pickles stand at the same point as the straight run, and are independent of it."""

import copy
import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsim.callers import Callers
from clinsim.record import Reply
from clinsim.rollout import env, policy_for, raw_env, run_episode, run_on

WAIT = '{"name": "wait", "arguments": {"minutes": 5}}'


def seen(ward):
    """All that a player can see of an environment, and what it rests on."""
    return {
        "turn": ward.agent_selection,
        "observations": {agent: ward.observe(agent)["text"] for agent in ward.agents},
        "flags": (ward.terminations, ward.truncations),
        "rewards": (ward.rewards, ward._cumulative_rewards),
        "infos": ward.infos,
        "digests": (ward.digest(), ward.state_digest()),
        "ledger": ward.ledger.rows,
    }


def play(ward, callers, turns):
    """Let the policies play some turns."""
    for _ in range(turns):
        if not ward.agents or ward.truncations[ward.agent_selection] or ward.terminations[ward.agent_selection]:
            break
        agent, observation = ward.agent_selection, ward.observation(ward.agent_selection)
        call, dropped = callers.next_call(agent, observation)
        ward.drop(agent, dropped)
        ward.step(call)


def seated(ward):
    callers = Callers(dict.fromkeys(ward.possible_agents, policy_for("guideline")))
    callers.start(ward.seats())
    return callers


class Chatty:
    """The guideline, but three calls at a time: its own, then two waits."""

    def __init__(self):
        self.policy = policy_for("guideline")

    def start(self, seats, history=()):
        own = [(agent, observation, Reply(reply.text, reply.calls[:1])) for agent, observation, reply in history]
        self.policy.start(seats, own)

    def act(self, turns):
        return [Reply(reply.text, (*reply.calls, WAIT, WAIT)) for reply in self.policy.act(turns)]


@settings(max_examples=12)
@given(seed=st.integers(0, 9999), turns=st.integers(0, 60), make=st.sampled_from([Chatty, lambda: policy_for("guideline")]))
def test_a_fork_played_on_equals_the_straight_run(seed, turns, make):
    ward = raw_env("first_hour")
    ward.recording = True
    ward.reset(seed=seed)
    callers = Callers(dict.fromkeys(ward.possible_agents, make()))
    callers.start(ward.seats())
    play(ward, callers, turns)
    [fork] = ward.fork()
    assert seen(fork) == seen(ward)
    straight = run_episode(raw_env("first_hour"), make(), seed=seed)
    assert run_on(fork, make()) == straight


def test_a_ward_that_was_not_recorded_cannot_be_played_on():
    ward = raw_env("first_hour")
    ward.reset(seed=0)
    ward.step(WAIT)
    with pytest.raises(ValueError, match="not recorded"):
        run_on(ward)


def test_forks_do_not_touch_each_other():
    ward = raw_env("first_hour")
    ward.reset(seed=3)
    play(ward, seated(ward), 12)
    before = seen(ward)
    one, other = ward.fork(2)
    while one.agents:
        one.step(None if one.truncations[one.agent_selection] or one.terminations[one.agent_selection] else WAIT)
    assert seen(other) == before
    assert seen(ward) == before


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda ward: pickle.loads(pickle.dumps(ward))], ids=["copy", "pickle"])
@pytest.mark.parametrize("make", [raw_env, env], ids=["raw", "wrapped"])
def test_a_copy_goes_on_as_the_original(make, copied):
    ward = make("first_hour")
    ward.reset(seed=1)
    for agent in ward.possible_agents:
        ward.action_space(agent).seed(1)
    for _ in range(9):
        ward.step(ward.action_space(ward.agent_selection).sample())
    twin = copied(ward)
    for _ in range(9):
        assert seen(twin.unwrapped) == seen(ward.unwrapped)
        action = ward.action_space(ward.agent_selection).sample()
        assert twin.action_space(twin.agent_selection).sample() == action
        ward.step(action)
        twin.step(action)


@pytest.mark.parametrize("scenario", ["first_hour", "surge"])
def test_other_luck_from_here_on_leaves_what_was(scenario):
    ward = raw_env(scenario)
    ward.recording = True
    ward.reset(seed=4)
    play(ward, seated(ward), 15)
    before, one, same, other = ward.digest(), *ward.fork(3)
    for fork, luck in ((one, 1), (same, 1), (other, 2)):
        fork.reseed(luck)
        assert seen(fork)["observations"] == seen(ward)["observations"]
    ends = [run_on(fork, "idle") for fork in (one, pickle.loads(pickle.dumps(same)), other)]
    assert ends[0] == ends[1]
    assert ends[0].entries != ends[2].entries
    assert ward.digest() == before != one.digest()


def test_a_copy_before_reset_is_as_fresh_as_the_original():
    twin = copy.deepcopy(raw_env("first_hour"))
    twin.reset(seed=5)
    straight = raw_env("first_hour")
    straight.reset(seed=5)
    assert seen(twin) == seen(straight)


def test_a_fork_of_the_end_is_at_the_end():
    ward = raw_env("first_hour", max_cycles=3)
    ward.reset(seed=2)
    while not ward.truncations[ward.agent_selection]:
        ward.step(WAIT)
    [fork] = ward.fork()
    assert seen(fork) == seen(ward)
    while fork.agents:
        fork.step(None)
    assert len(ward.agents) == len(ward.possible_agents)

"""Credit: whose reward it is, what a turn was worth to the team, and groups of replies to one moment."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Written
from clinsim.agents.local import LocalPolicy
from clinsim.errors import UsageError
from clinsim.rollout import run_on
from clinsim.scenario_file import load_scenario
from clinsim.training.advantages import Earned
from clinsim.training.credit import Rule, Spots, TurnRule, as_team, credits_of, play_credited, play_turns, with_share
from clinsim.training.grpo import Memory, earned_by, played, scored, update
from clinsim.training.learners import learners_of
from clinsim.training.model import sharpen
from clinsim.training.rollouts import Plan, Table, model_at, opened, play_out
from clinsim.training.samples import Group, Sample
from clinsim.training.settings import GrpoSettings, settings_from

SCENARIOS = {"first_hour": load_scenario("first_hour")}
PLANS = [Plan("first_hour", 3, number, key="k") for number in range(2)]
REWARDS = st.dictionaries(st.sampled_from(["a", "b", "c", "d"]), st.floats(-5, 5), min_size=1)
ALONE = {"pharmacist": "idle", "radiologist": "idle"}
LEDGER = GrpoSettings(start="", groups=1, group_size=3)
SMALL = GrpoSettings(start="", groups=1, group_size=2, credit="counterfactual", partners=ALONE)

TURNS = GrpoSettings(start="", groups=2, group_size=4, block=1, grouping="turn", credit_decisions=2)


class Idler:
    """Writes what the idle policy says."""

    def complete(self, asks, shelf=None):
        text = '{"name":"wait","arguments":{"minutes":60}}'
        return [Written(text, (*ask.tokens, 1), (len(ask.tokens),), (-0.5,), ((1, 2),)) for ask in asks]

    def encoder(self, role):
        return lambda text: [1]


def spots_of(writer, plan, most=2):
    spots = Spots(plan, most)
    play_out(writer, [Table(plan, model_at(plan, writer), opened(plan, SCENARIOS), spots.see)])
    return list(spots)


@given(REWARDS, st.floats(0, 1))
def test_a_share_moves_everybody_towards_the_team(rewards, share):
    credited = with_share(rewards, share)
    assert with_share(rewards, 0.0) == rewards
    assert math.fsum(credited.values()) == pytest.approx(math.fsum(rewards.values()) * (1 + share * (len(rewards) > 1)), abs=1e-9)
    if len(rewards) == 2:
        assert with_share(rewards, 1.0) == pytest.approx(as_team(rewards), abs=1e-9)


@pytest.mark.parametrize("seed", range(4))
def test_a_turn_whose_replacement_changes_nothing_is_worth_exactly_nothing(seed):
    rollouts = play_credited(Idler(), [Plan("first_hour", seed, 0)], SCENARIOS, Rule("idle", decisions=3))
    credits = rollouts[0].credits
    assert len({rollouts[0].said[turn].agent for turn in credits}) == 3
    assert set(credits.values()) == {0.0}


@pytest.mark.parametrize("baseline", ["guideline", "itself"])
def test_credit_is_what_two_runs_from_the_fork_earn(engine, baseline):
    """The same arms, played one at a time by `run_on`."""
    plan, rule = PLANS[1], Rule(baseline)
    spot = spots_of(engine, plan)[-1]
    agent, differences = spot.said.agent, []
    for future in range(rule.futures):
        made, unmade = spot.ward.fork(2)
        for ward in (made, unmade):
            ward.reseed(future)
        made.step(spot.said.written.text)
        key = f"k|1|future|{future}"
        others = {other: LocalPolicy(engine, key) for other in made.possible_agents if other != agent}
        with_it = run_on(made, LocalPolicy(engine, key))
        without = run_on(unmade, LocalPolicy(engine, key) if baseline == "itself" else {**others, agent: baseline})
        differences.append(math.fsum(with_it.rewards.values()) - math.fsum(without.rewards.values()))
    assert credits_of(engine, [(plan, spot)], rule) == [pytest.approx(math.fsum(differences) / rule.futures, abs=1e-9)]


def test_a_turn_that_could_not_be_otherwise_is_worth_nothing_beside_itself(engine):
    """The same turns beside a policy that idles are worth what the agent does later: that is the moment's, not the reply's."""
    sharpen(engine, 1e-6)
    beside = {spec: play_credited(engine, [Plan("first_hour", 4, 0)], SCENARIOS, Rule(spec, decisions=3))[0].credits for spec in ("itself", "idle")}
    assert set(beside["itself"].values()) == {0.0}
    assert any(beside["idle"].values())


def test_both_arms_meet_the_same_luck_and_futures_differ(engine):
    spot = spots_of(engine, PLANS[0])[0]
    logs = []
    for luck in (0, 0, 1):
        [ward] = spot.ward.fork()
        ward.reseed(luck)
        logs.append(run_on(ward, "idle").entries)
    assert logs[0] == logs[1] != logs[2]


def test_credits_repeat_and_two_processes_find_what_one_finds(engine):
    settings = SMALL.model_copy(update={"block": 1})
    one, two = (played(engine, settings.model_copy(update={"processes": n}), 0) for n in (1, 2))
    assert [rollout.credits for rollout in one] == [rollout.credits for rollout in two]
    assert all(rollout.credits for rollout in one)


def test_only_turns_of_known_worth_train(engine):
    rollouts = [replace(rollout, credits={turn: float(turn % 3) for turn in (0, 1, 4)}) for rollout in played(engine, LEDGER, 0)]
    settings = LEDGER.model_copy(update={"credit": "counterfactual", "credit_baseline": "idle"})
    step_of = scored(rollouts, settings, Memory().baselines)
    tried = {(episode, turn) for episode, rollout in enumerate(rollouts) for turn in rollout.credits}
    assert {(sample.episode, sample.turn) for sample in step_of.samples} <= tried
    assert {(row.episode, row.turn) for row in earned_by(rollouts, settings)} == tried
    for sample, value in zip(step_of.samples, step_of.values, strict=True):
        group = [row.reward for row in earned_by(rollouts, settings) if row.group == sample.group]
        assert (value > 0) == (rollouts[sample.episode].credits[sample.turn] > sum(group) / len(group))


def test_what_was_found_beside_itself_is_the_advantage(engine):
    """It is compared with no other turn, and turns that made no difference teach nothing."""
    rollouts = [replace(rollout, credits={0: -0.5, 1: 0.0, 4: 2.0}) for rollout in played(engine, LEDGER, 0)]
    step_of = scored(rollouts, LEDGER.model_copy(update={"credit": "counterfactual"}), Memory().baselines)
    assert len(step_of.samples) == 2 * len(rollouts)
    assert all(value == {0: -0.5, 4: 2.0}[sample.turn] for sample, value in zip(step_of.samples, step_of.values, strict=True))
    assert step_of.groups.alone == 0


@pytest.mark.parametrize(("credit", "share"), [("ledger", 0.0), ("ledger", 0.5), ("team", 0.0)])
def test_episodes_are_credited_as_the_setting_says(engine, credit, share):
    settings = GrpoSettings(start="", groups=1, group_size=2, credit=credit, team_share=share)
    for row in earned_by(rollouts := played(engine, settings, 0), settings):
        rewards = rollouts[row.episode].rewards
        expected = as_team(rewards) if credit == "team" else with_share(rewards, share)
        assert row == Earned(row.group, row.episode, row.agent, expected[row.agent])


def test_every_turn_is_as_likely_to_be_kept():
    kept: Counter[int] = Counter()
    for seed in range(2000):
        spots, held = Spots(Plan("first_hour", seed, 0), 2), {}
        for turn in range(8):
            place = spots._place("doctor_1")
            held |= {place: turn} if place < 2 else {}
        kept.update(held.values())
    assert all(abs(kept[turn] / 2000 - 0.25) < 0.04 for turn in range(8))


def replayed(rollout):
    """The digest before the turn that is compared, and what was earned in the end, when all that was said is said again from the beginning."""
    plan = rollout.plan
    table = Table(plan, model_at(plan, Idler()), opened(plan, SCENARIOS))
    digest = ""
    for said in rollout.said:
        table.next_ask()
        digest = table.ward.digest() if said.turn == rollout.moment.turn else digest
        table.take(said.written, said.written)
    table.next_ask()
    return digest, table.rollout().rewards


@settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 9999), size=st.integers(2, 3), decisions=st.integers(1, 2))
def test_replies_that_are_compared_are_to_one_moment(engine, seed, size, decisions):
    """All members of a group, played again from the beginning, stand at the same digest before the decision; every group is whole."""
    rollouts = play_turns(engine, [Plan("first_hour", seed, 0)], SCENARIOS, TurnRule(size, decisions))
    groups: dict[Group, list[Sample]] = {}
    for episode, rollout in enumerate(rollouts):
        (sample,) = rollout.samples(episode)
        groups.setdefault(sample.group, []).append(sample)
        assert replayed(rollout) == (sample.group.digest, rollout.rewards)
    assert len(groups) > 1
    for members in groups.values():
        assert len(members) == size
        assert len({(sample.agent, sample.turn, sample.tokens[: sample.decided[0]]) for sample in members}) == 1


def test_a_step_compares_replies_to_moments(engine):
    played_by = [played(engine, TURNS.model_copy(update={"processes": n}), 0) for n in (1, 2)]
    one, two = ([(rollout.moment, rollout.rewards) for rollout in rollouts] for rollouts in played_by)
    assert one == two
    step_of = scored(played_by[0], TURNS, Memory().baselines)
    assert step_of.samples
    assert (step_of.groups.alone, step_of.groups.unequal) == (0, 0)
    for sample, value in zip(step_of.samples, step_of.values, strict=True):
        group = [other.rewards[sample.agent] for other in played_by[0] if other.moment.digest == sample.group.digest]
        assert len(group) == TURNS.group_size
        assert (value > 0) == (played_by[0][sample.episode].rewards[sample.agent] > sum(group) / len(group))
    assert update(learners_of(Cast.shared(engine), TURNS), step_of, TURNS, 0)["gradient"] > 0


def test_settings_that_contradict_each_other_are_refused():
    for given_settings, words in [
        (["advantage=team", "credit=counterfactual"], "choose one"),
        (["credit=team", "team_share=0.5"], "own ledger"),
        (["grouping=turn", "credit=counterfactual"], "replies to one moment"),
        (["grouping=turn", "advantage=rae"], "replies to one moment"),
        (["grouping=turn", "courses={a: ['tasks:radiology_report']}"], "courses have no tasks"),
    ]:
        with pytest.raises(UsageError, match=words):
            settings_from(GrpoSettings, None, ["start=x", *given_settings])

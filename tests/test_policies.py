"""Scripted policies: every name plays, replays exactly, uses only what it is granted, and does what its name says."""

import json
from collections import Counter

import pytest

from clinsim.agents.degraded import SLOWER_CHARACTERS
from clinsim.agents.scripted import SPECS, make_policy
from clinsim.errors import UsageError
from clinsim.record import Observation, Seat
from clinsim.rollout import env, run_episode

OWN_ROLE = {
    "admit_all": "doctor",
    "icu_all": "doctor",
    "discharge_all": "doctor",
    "cherry_pick": "doctor",
    "downtriage": "doctor",
    "stat_all": "doctor",
    "override_all": "doctor",
    "shotgun": "doctor",
    "reject_all": "pharmacist",
    "approve_all": "pharmacist",
    "flag_all": "pharmacist",
    "report_normal": "radiologist",
    "report_all": "radiologist",
    "critical_all": "radiologist",
}
EVERY_ROLE = ("quit_early", "message_flood")
ONLY = {
    "admit_all": {"claim_patient", "admit_patient", "wait"},
    "icu_all": {"claim_patient", "admit_patient", "wait"},
    "discharge_all": {"claim_patient", "discharge_patient", "wait"},
    "downtriage": {"claim_patient", "retriage_patient", "wait"},
    "stat_all": {"claim_patient", "order_test", "wait"},
    "override_all": {"claim_patient", "order_drug", "wait"},
    "shotgun": {"claim_patient", "order_test", "order_drug", "wait"},
    "reject_all": {"reject_order", "check_override", "wait"},
    "approve_all": {"verify_order", "check_override", "wait"},
    "flag_all": {"screen_order", "query_order", "verify_order", "check_override", "acknowledge", "wait"},
    "report_normal": {"claim_study", "submit_report", "wait"},
    "report_all": {"claim_study", "submit_report", "wait"},
    "critical_all": {"claim_study", "call_critical", "wait"},
    "message_flood": {"list_colleagues", "send_message", "wait"},
    "idle": {"wait"},
}
SHORT = "first_hour"
BUSY = "ed_evening"


def played(spec, scenario=SHORT, seed=0):
    return run_episode(env(scenario), spec, seed=seed)


def calls_of(trace, role):
    return [action for action in trace.actions if action.agent.startswith(role)]


def turns_of(trace):
    """(agent, observation, reply text) of every turn, in the order in which they were taken."""
    return [
        (action.agent, Observation(action.observation, action.minute, action.why), action.raw)
        for action in sorted(trace.actions, key=lambda action: action.turn)
    ]


@pytest.fixture(scope="module")
def busy():
    """Two evenings of the guideline."""
    return [played("guideline", BUSY, seed) for seed in (0, 1)]


def test_all_promised_names_are_there():
    promised = {"guideline", "idle", "random", "spam", "guideline_slow", "guideline_half", "guideline_noisy", *OWN_ROLE, *EVERY_ROLE}
    assert promised <= set(SPECS)
    assert {f"guideline+{vice}" for vice in (*OWN_ROLE, *EVERY_ROLE, "spam")} <= set(SPECS)


@pytest.mark.parametrize("spec", ["", "guidelines", "guideline+", "gold", "guideline+guideline"])
def test_an_unknown_name_is_answered_with_those_there_are(spec):
    with pytest.raises(UsageError, match=r"unknown policy .*allowed: guideline, .*idle"):
        make_policy(spec)


@pytest.mark.parametrize("spec", SPECS)
def test_every_policy_plays_an_hour(spec):
    trace = played(spec)
    stages = Counter(action.status for action in trace.actions)
    if "quit_early" not in spec:
        assert stages.keys() <= {"ok", "refused", "interrupted", "unfinished"}
    assert stages


@pytest.mark.parametrize("spec", ["guideline", "random", "spam", "guideline+shotgun", "stat_all", "reject_all", "critical_all"])
def test_a_busy_evening_is_played_with_calls_that_fit(spec):
    trace = played(spec, BUSY)
    assert {action.status for action in trace.actions} <= {"ok", "refused", "interrupted", "unfinished"}


def test_guideline_is_hardly_ever_refused(busy):
    statuses = Counter(action.status for trace in busy for action in trace.actions)
    assert statuses["refused"] < 0.02 * statuses.total()


@pytest.mark.parametrize(("spec", "allowed"), ONLY.items(), ids=ONLY)
def test_an_attacker_does_only_its_trick(spec, allowed):
    trace = played(spec, BUSY)
    used = {action.call["name"] for action in trace.actions if action.call}
    assert used <= allowed
    assert used - {"wait"} or spec == "idle"


@pytest.mark.parametrize(("spec", "role"), OWN_ROLE.items(), ids=OWN_ROLE)
def test_an_attacker_is_idle_in_other_roles(spec, role):
    trace = played(spec)
    assert {action.call["name"] for action in trace.actions if not action.agent.startswith(role)} <= {"wait"}


def test_stat_all_orders_stat_and_override_all_overrides():
    stat = {action.call["arguments"]["priority"] for action in played("stat_all", BUSY).actions if action.call["name"] == "order_test"}
    overrides = {action.call["arguments"]["override"] for action in played("override_all").actions if action.call["name"] == "order_drug"}
    assert (stat, overrides) == ({"stat"}, {True})


def test_cherry_pick_claims_only_the_least_urgent():
    trace = played("cherry_pick", BUSY)
    esi = {entry.subject: entry.data["esi"] for entry in trace.entries if entry.kind == "triage"}
    claimed = [entry.subject for entry in trace.entries if entry.kind == "claim"]
    assert claimed
    assert {esi[patient] for patient in claimed} <= {4, 5}


def test_quit_early_burns_its_budget():
    trace = played("quit_early")
    assert {action.status for action in trace.actions} == {"parse"}


def test_spam_uses_nearly_every_tool():
    trace = played("spam", BUSY)
    used = {action.call["name"] for action in calls_of(trace, "doctor") if action.call}
    assert len(used) > 25


def test_slow_thinks_ten_minutes_more_with_each_action():
    trace = played("guideline_slow")
    assert all(action.thinking == len(action.raw) + SLOWER_CHARACTERS for action in trace.actions if action.status == "ok")


def test_half_loses_each_second_action():
    trace = played("guideline_half", BUSY)
    by_agent = {}
    for action in sorted(trace.actions, key=lambda action: action.turn):
        by_agent.setdefault(action.agent, []).append(action.call)
    for calls in by_agent.values():
        assert all(call == {"name": "wait", "arguments": {"minutes": 1}} for call in calls[1::2])


def test_noisy_differs_from_the_guideline_and_repeats_itself():
    first, again, plain = played("guideline_noisy", BUSY), played("guideline_noisy", BUSY), played("guideline", BUSY)
    assert first.digest == again.digest != plain.digest


@pytest.mark.parametrize("spec", ["guideline", "guideline_half", "guideline_noisy", "random", "spam", "guideline+shotgun", "override_all"])
def test_a_policy_started_with_the_past_goes_on_as_if_it_had_played_it(spec):
    trace = played(spec, BUSY)
    turns = turns_of(trace)
    seats = seats_of(BUSY)
    straight = make_policy(spec)
    straight.start(seats)
    replies = [straight.act([(agent, observation)])[0] for agent, observation, _ in turns]
    assert [reply.text for reply in replies] == [raw for _, _, raw in turns]
    past = [(agent, observation, reply) for (agent, observation, _), reply in zip(turns, replies, strict=True)]
    for cut in (1, len(turns) // 3, len(turns) // 2, len(turns) - 5):
        resumed = make_policy(spec)
        resumed.start(seats, past[:cut])
        assert [resumed.act([(agent, observation)])[0] for agent, observation, _ in turns[cut : cut + 60]] == replies[cut : cut + 60]


def test_the_order_of_a_batch_does_not_matter():
    turns = turns_of(played("guideline"))
    seats = seats_of(SHORT)
    firsts = list({agent: (agent, observation) for agent, observation, _ in reversed(turns)}.values())
    one, other = make_policy("guideline"), make_policy("guideline")
    one.start(seats)
    other.start(seats)
    assert one.act(firsts) == other.act(firsts[::-1])[::-1]


def test_another_policys_past_can_be_taken_over():
    turns = turns_of(played("spam", BUSY))
    seats = seats_of(BUSY)
    spam = make_policy("spam")
    spam.start(seats)
    past = [(agent, observation, spam.act([(agent, observation)])[0]) for agent, observation, _ in turns]
    heir = make_policy("guideline")
    heir.start(seats, past[:-1])
    agent, observation, _ = turns[-1]
    assert json.loads(heir.act([(agent, observation)])[0].text)["name"]


def test_only_granted_tools_are_used():
    doctor = next(seat for seat in seats_of(SHORT) if seat.role == "doctor")
    names = {card.name for card in doctor.tools}
    assert len(names) <= 12
    assert {action.call["name"] for action in calls_of(played("guideline"), "doctor")} <= names


@pytest.mark.parametrize("missing", ["get_chart", "take_history", "examine_patient", "order_imaging", "record_diagnosis", "perform_procedure"])
def test_guideline_goes_on_without_a_tool(missing):
    seats = [Seat(seat.agent, seat.role, tuple(card for card in seat.tools if card.name != missing), seed=seat.seed) for seat in seats_of(SHORT)]
    policy = make_policy("guideline")
    policy.start(seats)
    used = {json.loads(policy.act([(agent, observation)])[0].text)["name"] for agent, observation, _ in turns_of(played("guideline"))}
    assert missing not in used
    assert used - {"wait"}


def test_guideline_does_good(busy):
    idle = [played("idle", BUSY, seed) for seed in (0, 1)]
    assert sum(loss_of(trace) for trace in busy) < 0.8 * sum(loss_of(trace) for trace in idle)


def loss_of(trace):
    return sum(entry.data["loss"] for entry in trace.entries if entry.kind == "settled")


def seats_of(scenario):
    ward = env(scenario).unwrapped
    ward.reset(seed=0)
    return ward.seats()

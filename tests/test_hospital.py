"""What must hold in the hospital whatever agents do: conservation, capacities, one body in one place, time forward, reading changes nothing."""

from __future__ import annotations

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from clinsim.hospital.hospital import Hospital
from clinsim.hospital.invariants import check
from clinsim.record import Submission
from clinsim.scenario_file import load_scenario, scenario_names
from clinsim.space import ToolCallText
from clinsim.tooling import parse


def wait(minutes: float) -> Submission:
    return Submission("wait", {"minutes": minutes})


def play_waiting(hospital: Hospital) -> None:
    while decision := hospital.advance():
        hospital.act(decision.agent, wait(30.0))
    hospital.settle()


@pytest.mark.parametrize("name", scenario_names())
def test_an_idle_shift_keeps_everybody(name):
    hospital = Hospital(load_scenario(name), 1)
    play_waiting(hospital)
    check(hospital)
    settled = [entry.subject for entry in hospital.log if entry.kind == "settled"]
    assert sorted(settled) == sorted(hospital.patients), "everybody is settled once"


def test_the_same_seed_gives_the_same_log_and_another_seed_another():
    logs = []
    for seed in (3, 3, 4):
        hospital = Hospital(load_scenario("ed_evening"), seed)
        play_waiting(hospital)
        logs.append((hospital.digest(), hospital.state_digest()))
    assert logs[0] == logs[1] != logs[2]


def test_more_doctors_do_not_change_who_comes():
    """Common random numbers: changing a resource leaves everything upstream bit-identical."""
    base, more = (load_scenario("ed_evening", overrides) for overrides in ({}, {"hospital.pools.ct.units": 5, "hospital.pools.nurse_ward.units": 3}))
    arrivals = []
    for scenario in (base, more):
        hospital = Hospital(scenario, 9)
        play_waiting(hospital)
        arrivals.append([(e.minute, e.data["complaint"], e.data["age"]) for e in hospital.log if e.kind == "arrival" and e.data["origin"] == "ed"])
    assert arrivals[0] == arrivals[1] != []


class AnyActions(RuleBasedStateMachine):
    """Random valid and invalid calls by whoever is asked; invariants after each."""

    def __init__(self) -> None:
        super().__init__()
        self.hospital: Hospital | None = None
        self.asked = None

    @initialize(seed=st.integers(0, 10_000), name=st.sampled_from(["ed_evening", "first_hour", "surge", "ward_round", "icu_full"]))
    def open(self, seed, name):
        self.hospital = Hospital(load_scenario(name), seed)
        staffs = self.hospital.staff.values()
        self.spaces = {s.agent: ToolCallText((tool.card for tool in s.tools.values()), 0.9, seed + k) for k, s in enumerate(staffs)}
        self.asked = self.hospital.advance()
        self.since = 0

    @precondition(lambda self: self.asked is not None)
    @rule(count=st.integers(1, 40))
    def act(self, count):
        for _ in range(count):
            if self.asked is None:
                return
            staff = self.hospital.staff[self.asked.agent]
            space = self.spaces[staff.agent]
            space.offer(self.hospital.observe(staff.agent))
            self.hospital.act(staff.agent, parse(space.sample(), staff.tools, 0.1))
            self.asked = self.hospital.advance()

    @rule()
    def look(self):
        before = self.hospital.state_digest()
        for agent in self.hospital.agents:
            assert self.hospital.observe(agent) == self.hospital.observe(agent)
        assert self.hospital.state_digest() == before

    @invariant()
    def holds(self):
        if self.hospital is not None:
            self.since = check(self.hospital, self.since)

    def teardown(self):
        if self.hospital is not None:
            self.hospital.settle()
            check(self.hospital)


TestAnyActions = AnyActions.TestCase
TestAnyActions.settings = settings(
    max_examples=15, stateful_step_count=12, deadline=None, phases=[Phase.generate]
)  # shrinking an evening takes minutes

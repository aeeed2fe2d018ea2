"""The general hospital: shifts that come again, days that differ, stays under way, beds that take time; and published figures."""

from __future__ import annotations

from dataclasses import replace
from math import exp
from statistics import fmean, stdev
from types import SimpleNamespace

import pytest

import clinsim
from clinsim.condition_file import load_conditions
from clinsim.errors import ScenarioError
from clinsim.hospital import arrivals, wards
from clinsim.hospital.hospital import Hospital
from clinsim.hospital.invariants import check as check_invariants
from clinsim.hospital.people import make_person, present
from clinsim.hospital.physiology import Course
from clinsim.hospital.streams import Streams
from clinsim.record import Entry
from clinsim.validation import general_hospital, hospital_page
from clinsim.validation.visits import Visits

SMALL = {
    "arrivals.per_day": 16,
    "hospital.pools.ward_bed.units": 10,
    "hospital.pools.icu_bed.units": 4,
    "hospital.pools.step_down_bed.units": 4,
    "hospital.background.prescriptions_per_hour": 2.0,
}


@pytest.fixture(scope="module")
def two_days():
    ward = clinsim.raw_env(clinsim.load_scenario("general_hospital", SMALL | {"horizon_minutes": 2340.0}))
    return clinsim.run_episode(ward, "guideline", seed=3, observations=False), ward


def test_shifts_come_again_every_day(two_days):
    trace, ward = two_days
    check_invariants(ward.hospital)
    for rule in (*ward.scenario.seats, *ward.scenario.background):
        if rule.every_day:
            acted = [entry.minute for entry in trace.entries if entry.kind == "action" and entry.subject == rule.agent]
            for day in range(2):
                first, last = rule.starts_at + 1440.0 * day, rule.ends_at + 1440.0 * day
                if last < 2340.0:
                    assert any(first <= minute <= last for minute in acted), (rule.agent, day)
            spans = [(rule.starts_at + 1440.0 * day, rule.ends_at + 1440.0 * day + 60.0) for day in range(2)]
            assert all(any(first <= minute <= last for first, last in spans) for minute in acted), rule.agent


def test_patients_are_handed_over_to_those_who_stay(two_days):
    trace, _ = two_days
    given = [entry.data["to"] for entry in trace.entries if entry.kind == "hand_over" and entry.data["by"].startswith("doctor") and entry.data["to"]]
    assert len(set(given) - {"ward", "icu", "step_down"}) >= 2


def test_a_shift_that_comes_again_needs_an_end():
    with pytest.raises(ScenarioError, match=r"doctor_1.every_day: needs ends_at"):
        clinsim.load_scenario("general_hospital", {"seats.0.ends_at": None})
    with pytest.raises(ScenarioError, match=r"doctor_1.every_day: needs ends_at"):
        clinsim.load_scenario("general_hospital", {"seats.0.ends_at": 1430.0})


# ---------------------------------------------------------------- days, stays, beds


def rule(**change):
    return clinsim.load_scenario("general_hospital").file.arrivals.model_copy(update=change)


def test_days_differ_by_a_factor_with_mean_one():
    spread = rule(day_spread=0.2)
    factors = [arrivals.day_factor(Streams(seed), spread, 100.0) for seed in range(4000)]
    assert fmean(factors) == pytest.approx(1.0, abs=4 * 0.2 / 4000**0.5)
    assert stdev(factors) == pytest.approx((exp(0.04) - 1.0) ** 0.5, rel=0.06)
    one = Streams(1)
    assert len({arrivals.day_factor(one, spread, minute) for minute in (0.0, 700.0, 1439.9)}) == 1
    assert arrivals.day_factor(one, spread, 0.0) != arrivals.day_factor(one, spread, 1440.0)
    assert arrivals.day_factor(one, rule(), 0.0) == 1.0


def test_busy_days_spread_the_counts():
    """Index of dispersion of a day's arrivals: about 1 without spread, 1 + mean * (exp(spread^2) - 1) with it."""
    counts = {}
    for spread in (0.0, 0.4):
        counts[spread] = []
        for seed in range(120):
            streams, drawn = Streams(seed), rule(per_day=50, day_spread=spread)
            from clinsim.hospital.clock import Clock
            from clinsim.hospital.thinning import thinned

            clock, came = Clock(), []
            highest = max(arrivals.rate_per_minute(drawn, hour) for hour in range(24)) * exp(4 * spread)

            def rate(minute, streams=streams, drawn=drawn):
                return arrivals.rate_per_minute(drawn, minute / 60.0) * arrivals.day_factor(streams, drawn, minute)

            clock.process(thinned(clock, streams, highest, rate, came.append))
            clock.run_through(1439.9)
            counts[spread].append(len(came))
    index = {spread: stdev(found) ** 2 / fmean(found) for spread, found in counts.items()}
    assert 0.6 < index[0.0] < 1.5
    assert 5.0 < index[0.4] < 15.0


def test_what_is_left_of_a_stay_is_that_of_a_random_moment():
    """The mean is E[X^2] / 2 E[X]; for a lognormal stay, half its mean times exp(sigma^2)."""
    hospital = Hospital(clinsim.load_scenario("general_hospital", SMALL), seed=5)
    stay = hospital.rules.units["ward"].stay
    left = [wards.rest_of_stay(hospital, SimpleNamespace(person=SimpleNamespace(id=f"x{n}")), "ward") for n in range(6000)]
    mean = stay.median * exp(0.5 * stay.sigma**2)
    assert fmean(left) == pytest.approx(0.5 * mean * exp(stay.sigma**2), rel=0.12)
    assert sum(minutes < 1440.0 for minutes in left) / len(left) == pytest.approx(1440.0 / mean, rel=0.15), "about one in LOS leaves within a day"


def test_a_free_bed_takes_its_time(two_days):
    trace, ward = two_days
    boarded = [entry.data["boarded_minutes"] for entry in trace.entries if entry.kind == "bed"]
    assert boarded
    assert min(boarded) > 10.0
    assert ward.scenario.hospital.stages["bed_assignment"].median > 0


# ---------------------------------------------------------------- against published figures


def entry(minute, kind, subject, /, **data):
    return Entry(minute, kind, subject, "chart", data)


LOG = [
    entry(0.0, "arrival", "P1", origin="ed", unit="", mode="ambulance"),
    entry(1.0, "arrival", "P2", origin="ed", unit="", mode="walk_in"),
    entry(2.0, "arrival", "P3", origin="inpatient", unit="ward", mode="walk_in"),
    entry(5.0, "triage", "P1", esi=2),
    entry(6.0, "triage", "P2", esi=5),
    entry(15.0, "seen", "P1", by="doctor_1"),
    entry(20.0, "order", "O1", patient="P1", kind="imaging", code="CT_HEAD", priority="stat", amount=None, unit="", route=""),
    entry(21.0, "order", "O2", patient="P1", kind="drug", code="alteplase", priority="stat", amount=1.0, unit="mg", route="iv", override=False),
    entry(21.5, "order", "O4", patient="P1", kind="drug", code="aspirin", priority="stat", amount=300.0, unit="mg", route="oral", override=True),
    entry(22.0, "order", "O3", patient="P1", kind="test", code="FBC", priority="stat", amount=None, unit="", route=""),
    entry(26.5, "given", "P1", order="O4"),
    entry(40.0, "given", "P1", order="O2"),
    entry(60.0, "study", "S1", patient="P1", code="CT_HEAD", order="O1"),
    entry(90.0, "bed_request", "P1", unit="icu"),
    entry(101.0, "departed", "P2", how="left_unseen"),
    entry(210.0, "bed", "P1", unit="icu"),
]


def test_visits_by_hand():
    found = Visits(LOG, first_contact=5.0)
    one, two = found.of(0.0, 10.0)
    assert (one.wait, one.stay, one.boarded, one.left_to, one.scans, one.stat_given) == (10.0, 210.0, 120.0, "icu", [40.0], [19.0])
    assert one.resources == {"CT", "drug", "laboratory"}
    assert (two.wait, two.stay, two.is_admitted) == (None, 100.0, False)
    assert found.of(0.5, 10.0) == [two]


def test_figures_by_hand():
    said = general_hospital.figures(Visits(LOG, first_contact=5.0).of(0.0, 10.0))
    wanted = {
        "admitted": 0.5,
        "left_unseen": 0.5,
        "in_time_hour": 1.0,
        "in_time_emergent": 1.0,
        "icu": 0.5,
        "stay_mean": 155.0,
        "ct_median": 40.0,
        "resources_esi_2": 3.0,
        "stay_esi_1": None,
    }
    assert {name: said[name] for name in wanted} == wanted
    assert said["admitted_ambulance"] == 1.0
    assert said["admitted_walk_in"] == 0.0
    rows = {published.of for published in general_hospital.table().figures}
    assert rows <= {*said, "icu_occupancy", "got_worse", "tide"}


def published(role):
    return general_hospital.Published(name="x", of="x", role=role, value=1.0, low=0.5, high=1.5, source="assumption")


def test_what_was_held_out_is_shown_and_what_was_tuned_must_fit():
    held, tuned = (general_hospital.compare(published(role), [9.0, 9.0]) for role in ("held out", "tuned"))
    assert (held["passed"], held["fits"], held["verdict"]) == (None, False, "does not fit")
    assert (tuned["passed"], tuned["fits"]) == (False, False)
    assert general_hospital.compare(published("held out"), [1.0, 1.2])["passed"] is True
    assert general_hospital.compare(published("held out"), [None])["verdict"] == "nothing to count"


def test_at_least_half_of_the_figures_are_held_out():
    roles = [rule.role for rule in general_hospital.table().figures]
    assert roles.count("held out") / len(roles) >= 0.5
    assert all(rule.low <= rule.value <= rule.high for rule in general_hospital.table().figures)


def test_the_report_shows_levels_and_misfits(tmp_path):
    played = [
        general_hospital.Played({rule.of: rule.high + 1.0 for rule in general_hospital.table().figures}, {2: [5.0, 9.0, 30.0]}, {2: [50.0, 90.0]})
        for _ in range(2)
    ]
    for one in played:
        one.waits.update({level: [] for level in (1, 3, 4, 5)})
        one.stays.update({level: [] for level in (1, 3, 4, 5)})
    checks = [general_hospital.compare(rule, [one.figures[rule.of] for one in played]) for rule in general_hospital.table().figures]
    assert [check["passed"] for check in general_hospital.verdicts(checks)] == [True, False]
    checks += general_hospital.spread(played)
    hospital_page.draw(checks, tmp_path / "general-hospital.svg")
    assert (tmp_path / "general-hospital-levels.svg").exists()
    assert any(line.startswith("| 2 | 6 | 5 |") for line in hospital_page.tables(checks))


# ---------------------------------------------------------------- who comes, and how


def test_who_comes_with_something_minor_is_otherwise_well():
    """The same people with fewer states beside the illness; the draws that make them who they are stay the same."""
    sheet, streams = load_conditions()["ankle_sprain"], Streams(8)
    usual, plain = ([make_person(streams, f"p{number}", sheet, mixed=mixed) for number in range(400)] for mixed in (1.0, 0.2))
    assert all(replace(one, mixed=0.2) == other for one, other in zip(usual, plain, strict=True))
    rates = [[Course(sheet, person, streams, 0.0).vitals(0.0)["hr"] for person in people] for people in (usual, plain)]
    assert fmean(rates[1]) < fmean(rates[0]) - 5.0
    assert stdev(rates[1]) < stdev(rates[0])
    own = [sum(present(sheet, person, streams).complaint in sheet.complaints for person in people) for people in (usual, plain)]
    assert own[1] > own[0] + 40


def test_a_share_of_what_nobody_has_is_refused():
    with pytest.raises(ScenarioError, match=r"mixed: 'plague' has no weight"):
        clinsim.load_scenario("general_hospital", {"case_mix.mixed": {"plague": 0.5}})
    with pytest.raises(ScenarioError, match=r"ambulance_by_esi: give all levels 1 to 5, or none"):
        clinsim.load_scenario("general_hospital", {"arrivals.ambulance_by_esi": {"1": 0.5}})


def test_the_sicker_come_by_ambulance_and_one_in_five_of_all():
    scenario = clinsim.load_scenario("general_hospital")
    hospital, rule = Hospital(scenario, seed=4), scenario.file.arrivals
    weights = tuple(scenario.file.case_mix.weights.items())
    shares = [arrivals.ambulance_share(hospital, rule, hospital.streams.pick(weights, "mix", str(n)), f"x{n}") for n in range(3000)]
    assert fmean(shares) == pytest.approx(rule.ambulance_share, abs=0.03)
    assert set(shares) == set(rule.ambulance_by_esi.values())
    assert arrivals.ambulance_share(hospital, rule.model_copy(update={"ambulance_by_esi": {}}), "stemi", "x1") == rule.ambulance_share


def test_what_a_scenario_leaves_out_is_not_in_its_hash():
    """Fields that came later and stand at their default leave older scenarios the same."""
    kept = clinsim.load_scenario("ed_evening").file.model_dump(mode="json")
    assert "ambulance_by_esi" not in kept["arrivals"]
    assert "mixed" not in kept["case_mix"]


def test_levels_one_and_two_pass_the_registration_desk_by(two_days):
    """Of walk-in patients: from triage to the waiting room at once, or after the minutes at the desk."""
    trace, _ = two_days
    triaged = {entry.subject: (entry.minute, entry.data["esi"]) for entry in trace.entries if entry.kind == "triage"}
    waited = {}
    for entry in trace.entries:
        if entry.kind == "place" and entry.data["to"] == "waiting_room" and entry.subject in triaged:
            minute, esi = triaged[entry.subject]
            waited.setdefault(esi <= 2, []).append(entry.minute - minute)
    assert max(waited[True]) == 0.0
    assert min(waited[False]) > 1.0

"""Key figures from small logs: delays per patient, stays, shares, and exact time integrals of pools."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.metrics import kpis, outcome
from clinsim.record import CHART, TRUTH, Entry


@dataclass(frozen=True)
class Units:
    units: int


@dataclass(frozen=True)
class House:
    pools: dict[str, Units] = field(default_factory=lambda: {"ct": Units(2), "nurse": Units(3)})


@dataclass(frozen=True)
class File:
    warm_up_minutes: float = 0.0


@dataclass(frozen=True)
class Setting:
    file: File = field(default_factory=File)
    hospital: House = field(default_factory=House)


def line(minute: float, kind: str, subject: str, /, **data: Any) -> Entry:
    return Entry(minute, kind, subject, CHART, data)


def comes(minute: float, pid: str, origin: str = "ed") -> Entry:
    return line(minute, "arrival", pid, complaint="fever", age=40, sex="f", mode="walk_in", origin=origin)


def goes(minute: float, pid: str, how: str) -> Entry:
    return line(minute, "departed", pid, how=how, by="", unit="")


def drug(minute: float, oid: str, pid: str) -> Entry:
    return line(minute, "order", oid, patient=pid, kind="drug", code="x", by="doctor_1", priority="stat")


def state(minute: float, oid: str, state: str, by: str) -> Entry:
    return line(minute, "order_state", oid, state=state, by=by)


def result(minute: float, pid: str, test: str, taken_at: float) -> Entry:
    return line(minute, "result", pid, order="O1", test=test, values={}, critical=False, taken_at=taken_at)


def dose(minute: float, pid: str, antibiotic: bool) -> Entry:
    return line(minute, "given", pid, order="O1", drug="x", by="doctor_1", antibiotic=antibiotic)


def wants(minute: float, unit: str) -> Entry:
    return line(minute, "bed_request", "P1", unit=unit)


def ends_as(pid: str, p_death: float, loss: float) -> Entry:
    return Entry(100.0, "settled", pid, TRUTH, {"p_death": p_death, "loss": loss})


def decided(oid: str, verdict: str, loss: float = 0.0, error: str = "", minutes: float = 0.0) -> Entry:
    data = {"verdict": verdict, "by": "p", "error": error, "significant": loss > 0, "loss": loss, "fixed": False, "doctor_minutes": minutes}
    return Entry(10.0, "order_graded", oid, TRUTH, data)


VERDICTS = [
    decided("O1", "queried", 0.04, "OVERDOSE", 4.0), decided("O1", "verified", 0.04, "OVERDOSE"), decided("O2", "unverified", 0.02, "RENAL"),
    decided("O3", "queried", minutes=4.0), decided("O4", "verified"), decided("O5", "verified"), decided("O6", "verified"),
    decided("O7", "queried", error="half_dose"),
]  # fmt: skip
"""Two significant errors, four right orders, one order with an error that does not matter."""
END = line(100.0, "end", "hospital", reason="horizon")
TWO = [comes(10, "P1"), comes(20, "P2")]
CT = line(40, "study", "S1", patient="P1", code="CT_HEAD", order="O1", priority="stat")
XRAY = line(40, "study", "S1", patient="P1", code="XR_CHEST", order="O1", priority="stat")

FIGURES: list[tuple[str, str, list[Entry], float | None, int]] = [
    ("nobody came", "arrivals", [], None, 0),
    ("two came", "arrivals", TWO, 2, 2),
    ("nobody seen", "door_to_doctor", TWO, None, 0),
    ("one seen twice", "door_to_doctor", [*TWO, line(25, "seen", "P1", by="doctor_1"), line(60, "seen", "P1", by="doctor_2")], 15, 1),
    ("both seen", "door_to_doctor", [*TWO, line(25, "seen", "P1", by="doctor_1"), line(25, "seen", "P2", by="doctor_2")], 10, 2),
    ("an inpatient seen", "door_to_doctor", [*TWO, comes(0, "P3", "inpatient"), line(90, "seen", "P3", by="doctor_1")], None, 0),
    ("the moment of the tracing", "door_to_ecg", [*TWO, result(35, "P1", "CBC", 12), result(40, "P1", "ECG", 18)], 8, 1),
    ("first antibiotic", "door_to_antibiotic", [*TWO, dose(12, "P1", False), dose(50, "P1", True), dose(90, "P1", True)], 40, 1),
    ("the balloon", "door_to_balloon", [*TWO, line(90, "procedure", "P1", order="O1", procedure="pci", by="doctor_1")], 80, 1),
    ("another procedure", "door_to_balloon", [*TWO, line(90, "procedure", "P1", order="O1", procedure="intubation", by="doctor_1")], None, 0),
    ("images taken", "door_to_ct", [*TWO, CT], 30, 1),
    ("a radiograph is no CT", "door_to_ct", [*TWO, XRAY], None, 0),
    ("read", "ct_to_report", [*TWO, CT, line(57, "report", "S1"), line(90, "report", "S1")], 17, 1),
    ("a radiograph read", "ct_to_report", [*TWO, XRAY, line(57, "report", "S1")], None, 0),
    ("verified", "verification_time", [*TWO, drug(30, "O1", "P1"), state(42, "O1", "verified", "pharmacist_1")], 12, 1),
    ("let go by time", "verification_time", [*TWO, drug(30, "O1", "P1"), state(75, "O1", "verified", "timeout")], None, 0),
    ("a ward order", "verification_time", [*TWO, drug(30, "O1", "P9"), state(42, "O1", "verified", "pharmacist_1")], None, 0),
    ("home", "length_of_stay", [*TWO, goes(60, "P1", "home")], 50, 1),
    ("to a bed, and home from there", "length_of_stay", [*TWO, line(60, "bed", "P1", unit="ward"), goes(95, "P1", "home")], 50, 1),
    ("home apart", "length_of_stay_home", [*TWO, goes(60, "P1", "home"), line(90, "bed", "P2", unit="icu")], 50, 1),
    ("intensive care apart", "length_of_stay_icu", [*TWO, goes(60, "P1", "home"), line(90, "bed", "P2", unit="icu")], 70, 1),
    ("boarded", "boarding_time", [*TWO, wants(50, "ward"), line(80, "bed", "P1", unit="ward")], 30, 1),
    ("asked twice", "boarding_time", [*TWO, wants(50, "ward"), wants(70, "icu"), line(80, "bed", "P1", unit="icu")], 30, 1),
    ("still boarding", "boarding_time", [*TWO, wants(50, "ward")], None, 0),
    ("one went unseen", "left_unseen", [*TWO, goes(60, "P1", "left_unseen")], 0.5, 2),
    ("harmed", "harm_events", [*TWO, line(50, "harm", "P1"), line(51, "harm", "P1")], 2, 2),
    ("died", "deaths", [*TWO, line(50, "death", "P1"), goes(50, "P1", "died")], 1, 2),
    ("expected to die", "expected_deaths", [*TWO, ends_as("P1", 0.25, 0.3), ends_as("P2", 0.5, 0.5)], 0.75, 2),
    ("lost", "utility_loss", [*TWO, comes(0, "P3", "inpatient"), ends_as("P1", 0.25, 0.3), ends_as("P3", 0.5, 0.5)], 0.3, 1),
    ("no order came", "pharmacist_sensitivity", TWO, None, 0),
    ("one error of two stopped", "pharmacist_sensitivity", VERDICTS, 0.5, 2),
    ("one right order of four stopped", "pharmacist_false_alarms", VERDICTS, 0.25, 4),
    ("net benefit by the odds of the threshold", "pharmacist_net_benefit", VERDICTS, (1 - 1 / 9) / 7, 7),
    ("what was averted", "pharmacist_loss_averted", VERDICTS, 0.04, 2),
    ("minutes of doctors", "query_doctor_minutes", VERDICTS, 8.0, 7),
    ("minutes that orders stood queried", "query_delay", [*VERDICTS, state(30, "O1", "queried", "p"), state(50, "O1", "to_verify", "d")], 20.0, 7),
    ("a ward without a door", "utility_loss", [comes(0, "P3", "inpatient"), ends_as("P3", 0.5, 0.5)], 0.5, 1),
    ("in the department", "occupancy", [comes(0, "P1"), comes(50, "P2"), goes(75, "P1", "home"), END], 1.25, 100),
    ("in a bed is out of the department", "occupancy", [comes(0, "P1"), line(50, "bed", "P1", unit="ward"), goes(75, "P1", "home"), END], 0.5, 100),
]  # fmt: skip


@pytest.mark.parametrize(("figure", "log", "value", "n"), [row[1:] for row in FIGURES], ids=[f"{f}: {name}" for name, f, *_ in FIGURES])
def test_figures_on_patients(figure: str, log: list[Entry], value: float | None, n: int) -> None:
    found = kpis(log, Setting())[figure]
    assert (found["value"] and pytest.approx(found["value"]), found["n"]) == (value, n)


def test_every_figure_has_value_unit_and_count() -> None:
    for figure in kpis([*TWO, END], Setting()).values():
        assert set(figure) == {"value", "unit", "n"}
        assert figure["unit"]
        assert (figure["value"] is None) == (figure["n"] == 0)


# ---------------------------------------------------------------- pools


def pool(minute: float, busy: int, queue: int, units: int, name: str = "ct") -> Entry:
    return line(minute, "pool", name, busy=busy, queue=queue, units=units)


POOLS: list[tuple[str, list[Entry], float, float, float]] = [
    # log, warm-up, utilisation, mean queue
    ("never used", [END], 0, 0.0, 0.0),
    ("half of the units, half of the time", [pool(0, 1, 0, 2), pool(50, 0, 0, 2), END], 0, 0.25, 0.0),
    ("a queue", [pool(20, 2, 1, 2), pool(40, 2, 3, 2), pool(60, 2, 0, 2), END], 0, 0.8, 0.8),
    ("one unit fewer from half-time", [pool(0, 1, 0, 2), pool(50, 1, 0, 1), END], 0, 100 / 150, 0.0),
    ("down while busy: what is in use counts", [pool(0, 2, 0, 2), pool(50, 2, 0, 0), END], 0, 1.0, 0.0),
    ("no units at all", [pool(0, 0, 4, 0), END], 0, 0.0, 4.0),
    ("the warm-up does not count", [pool(0, 2, 9, 2), pool(60, 1, 1, 2), END], 50, 12 / 20, 2.6),
]


@pytest.mark.parametrize(("log", "warm_up", "utilisation", "queue"), [row[1:] for row in POOLS], ids=[row[0] for row in POOLS])
def test_pools_are_integrals_over_time(log: list[Entry], warm_up: float, utilisation: float, queue: float) -> None:
    figures = kpis(log, Setting(File(warm_up)))
    assert figures["utilisation_ct"]["value"] == pytest.approx(utilisation)
    assert figures["queue_ct"]["value"] == pytest.approx(queue)
    assert figures["utilisation_nurse"]["value"] == 0.0


CHANGES = st.lists(st.tuples(st.integers(0, 99), st.integers(0, 4), st.integers(0, 9), st.integers(0, 4)), max_size=30).map(sorted)


@given(CHANGES, st.integers(0, 99))
def test_integrals_equal_a_count_minute_by_minute(changes: list[tuple[int, int, int, int]], warm_up: int) -> None:
    figures = kpis([*(pool(*change) for change in changes), END], Setting(File(warm_up)))
    levels = [([(0, 0, 0, 2)] + [c for c in changes if c[0] <= minute])[-1] for minute in range(warm_up, 100)]
    offered = sum(max(busy, units) for _, busy, _, units in levels)
    assert figures["utilisation_ct"]["value"] == pytest.approx(sum(busy for _, busy, _, _ in levels) / offered if offered else 0.0)
    assert figures["queue_ct"]["value"] == pytest.approx(sum(queue for _, _, queue, _ in levels) / (100 - warm_up))
    assert 0.0 <= figures["utilisation_ct"]["value"] <= 1.0 + 1e-9


# ---------------------------------------------------------------- warm-up and outcome


def test_patients_of_the_warm_up_do_not_count() -> None:
    log = [*TWO, goes(60, "P1", "home"), goes(80, "P2", "home"), ends_as("P1", 0.5, 0.5), ends_as("P2", 0.25, 0.25)]
    figures = kpis(log, Setting(File(15.0)))
    assert (figures["arrivals"]["value"], figures["length_of_stay"]["value"], figures["utility_loss"]["value"]) == (1, 60, 0.25)


def test_outcome_is_that_of_the_figures() -> None:
    log = [*TWO, line(50, "harm", "P1"), ends_as("P1", 0.25, 0.3), ends_as("P2", 0.5, 0.5), END]
    assert outcome(log) == {"expected_deaths": 0.75, "utility_loss": 0.8, "harm_events": 1}
    assert outcome([]) == {"expected_deaths": 0.0, "utility_loss": 0.0, "harm_events": 0}
    figures = kpis(log, Setting())
    assert {name: figures[name]["value"] for name in outcome(log)} == outcome(log)


# ---------------------------------------------------------------- reading of images


def hidden(minute: float, kind: str, subject: str, /, **data: Any) -> Entry:
    return Entry(minute, kind, subject, TRUTH, data)


def report_of(sid: str, tp: int, fp: int, fn: int, **changes: Any) -> Entry:
    data: dict[str, Any] = {"critical_missed": 0, "critical_invented": 0, "certainty": 0.8, "addendum": False}
    return hidden(30, "report_graded", sid, by="r", tp=tp, fp=fp, fn=fn, **(data | changes))


READ = [
    hidden(10, "study_truth", "S1", critical=True, findings=[], patient="P1"),
    hidden(10, "study_truth", "S2", critical=True, findings=[], patient="P1"),
    hidden(10, "study_truth", "S3", critical=False, findings=[], patient="P1"),
    report_of("S1", 2, 0, 0),
    report_of("S2", 0, 0, 1, critical_missed=1),
    report_of("S3", 0, 1, 0, critical_invented=1),
    report_of("S3", 0, 5, 0, addendum=True),
    hidden(40, "call_graded", "S1", by="r", critical=True, to="d", patient="P1"),
    hidden(40, "call_graded", "S3", by="r", critical=False, to="d", patient="P1"),
]
READING = {
    "report_f1": (4 / 6, 6),
    "report_brier": ((0.04 + 0.64 + 0.64) / 3, 3),
    "actionable_errors": (2, 3),
    "critical_call_precision": (0.5, 2),
    "critical_call_recall": (0.5, 2),
}


@pytest.mark.parametrize("name", READING)
def test_reading_of_images(name: str) -> None:
    value, n = READING[name]
    figure = kpis(READ, Setting())[name]
    assert figure["value"] == pytest.approx(value)
    assert figure["n"] == n
    assert kpis([], Setting())[name]["value"] is None

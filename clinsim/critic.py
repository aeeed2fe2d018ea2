"""The whole ward as numbers of a fixed shape, for the critics of central training. It holds the truth: never show it to an agent.

A critic is asked while policies are trained, and thrown away afterwards; so it may know what no clinician knows, the severity behind the
signs among it. Nothing here enters an observation, an info or a trace.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from gymnasium.spaces import Box
from numpy.typing import NDArray

from clinsim.hospital.hospital import Hospital
from clinsim.hospital.patients import Patient
from clinsim.scenario_file import Scenario

PATIENTS = 24
"""How many patients have a place in the state: first those whom a doctor's work list may show, the sickest of each group first."""
LONGEST_HOURS = 8760.0
MOST = 10_000.0
"""Counts and minutes are cut off here."""
WARD = {"hours": LONGEST_HOURS, "share_of_horizon": 1.0, "arrived": 1e6, "here": MOST, "to_verify": MOST, "to_read": MOST, "to_protocol": MOST}
"""Fields of the ward with their greatest value: hours since the start, patients so far and now, lengths of the shared work lists."""
POOL = {"busy": MOST, "queue": MOST, "units": MOST}
"""Fields of each pool (`pool.NAME.FIELD`): units in use, requests that wait, units that there are."""
STAFF = {"on_shift": 1.0, "busy_minutes": MOST, "news": MOST}
"""Fields of each member of staff (`staff.AGENT.FIELD`): on shift, minutes left of what is under way, news not yet seen."""
PATIENT = {
    "here": 1.0, "severity": 1.0, "hazard": 100.0, "stakes": 1.0, "true_acuity": 5.0, "esi": 5.0, "hours": LONGEST_HOURS, "seen": 1.0, "owner": MOST,
    "open_orders": MOST, "helping": MOST, "harmful": MOST, "missing": MOST, "in_unit": 1.0, "decided": 1.0,
}  # fmt: skip
"""Fields of each place for a patient (`patient.K.FIELD`, all 0 if nobody has it).

True: `severity` (0 to 1), `hazard` of death so far (cumulative), `stakes` (utility loss that care can save), `true_acuity`, numbers of treatments
that help, harms at work, essential treatments `missing`. Charted: `esi` (0: not triaged), `hours` since arrival, `seen` by a doctor, `owner` (place
among the staff from 1, 0: nobody), `open_orders`, `in_unit` (lies in a ward or intensive care), `decided` (disposition).
"""


class WardState:
    """Which number stands where: `fields` names them in order, `space` bounds them; the same for every episode of a scenario."""

    def __init__(self, scenario: Scenario) -> None:
        """Lay out the state of `scenario`."""
        parts = [("", WARD), *((f"pool.{name}.", POOL) for name in scenario.hospital.pools)]
        parts += [(f"staff.{rule.agent}.", STAFF) for rule in (*scenario.seats, *scenario.background)]
        parts += [(f"patient.{place}.", PATIENT) for place in range(PATIENTS)]
        bounds = {under + name: most for under, part in parts for name, most in part.items()}
        self.fields = tuple(bounds)
        self.space = Box(0.0, np.array(list(bounds.values()), np.float32), dtype=np.float32)

    def read(self, hospital: Hospital) -> NDArray[np.float32]:
        """The state of `hospital` now; reading changes nothing."""
        values = [*_ward(hospital), *_pools(hospital), *_staff(hospital)]
        numbers = {agent: float(number) for number, agent in enumerate(hospital.agents, 1)}
        for patient in _shown(hospital):
            values += _patient(hospital, patient, numbers)
        values += [0.0] * (len(self.fields) - len(values))
        return np.minimum(np.array(values, np.float32), self.space.high)


def _ward(hospital: Hospital) -> Sequence[float]:
    desk, now = hospital.desk, hospital.now
    lists = (len(desk.to_verify), len(desk.to_read), len(desk.to_protocol))
    return (now / 60.0, now / hospital.scenario.horizon_minutes, len(hospital.patients), len(hospital.present), *lists)


def _pools(hospital: Hospital) -> Iterator[float]:
    for pool in hospital.pools.values():
        yield from (pool.busy, pool.queue, pool.units)


def _staff(hospital: Hospital) -> Iterator[float]:
    for staff in hospital.staff.values():
        left = staff.doing.ends_at - hospital.now if staff.doing is not None else 0.0
        yield from (staff.is_on_shift(hospital.now), max(0.0, left), len(staff.inbox))


def _shown(hospital: Hospital) -> list[Patient]:
    """Those who have a place, in order: independent of who came first, so that like states look alike."""
    sick = {patient.id: patient.course.severity(hospital.now) for patient in hospital.present.values()}
    return sorted(hospital.present.values(), key=lambda patient: (patient.id not in hospital.listed, -sick[patient.id], patient.id))[:PATIENTS]


def _patient(hospital: Hospital, patient: Patient, numbers: dict[str, float]) -> Sequence[float]:
    chart, course = patient.chart, patient.course
    essential = [treatment.id for treatment in patient.condition.treatments if treatment.essential]
    truth = (course.x, course.hazard, patient.stakes, patient.true_esi)
    charted = (chart.esi or 0, (hospital.now - chart.arrived_at) / 60.0, chart.seen_at is not None, numbers.get(chart.owner, 0.0))
    waiting = len(hospital.rows.open_orders(chart))
    care = (len(course.helping), len(course.harmed), sum(name not in course.helping for name in essential))
    return (1.0, *truth, *charted, waiting, *care, bool(chart.unit), bool(chart.disposition))

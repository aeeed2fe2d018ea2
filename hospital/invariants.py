"""What must hold in the hospital at any moment, whatever agents do: nobody is lost or in two places, no capacity is exceeded, time goes forward."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital

GONE = frozenset({"home", "left_unseen", "died"})
PLACES = ("resus", "acute", "fast_track")


class InvariantError(AssertionError):
    """Something impossible has happened in the hospital: a fault of this project."""


def check(hospital: Hospital, since: int = 0) -> int:
    """Check every invariant; `since` is the length of the log up to which time has been checked. Returns the length checked now.

    Raises:
        InvariantError: One does not hold; the message says which.
    """
    for holds, what in (*_conservation(hospital), *_capacities(hospital), *_places(hospital)):
        if not holds:
            raise InvariantError(what)
    minutes = [entry.minute for entry in hospital.log[max(0, since - 1) :]]
    if any(later < earlier for earlier, later in itertools.pairwise(minutes)):
        raise InvariantError("time goes back in the log")
    return len(hospital.log)


def _conservation(hospital: Hospital) -> list[tuple[bool, str]]:
    gone = [patient for patient in hospital.patients.values() if patient.gone]
    return [
        (len(hospital.patients) == len(hospital.charts), "a patient without a chart"),
        (len(gone) + len(hospital.present) == len(hospital.patients), "arrived patients are present or gone"),
        (all(patient.gone in GONE for patient in gone), "nobody is gone without a way"),
        (all(patient.chart.departed_at is not None for patient in gone), "the gone have departed"),
    ]


def _capacities(hospital: Hospital) -> list[tuple[bool, str]]:
    return [(pool.is_consistent(), f"pool {pool.name}: {pool.busy} busy of {pool.units}, {pool.queue} waiting") for pool in hospital.pools.values()]


def _places(hospital: Hospital) -> list[tuple[bool, str]]:
    lying = Counter(patient.zone for patient in hospital.present.values())
    in_beds = Counter(patient.chart.unit for patient in hospital.present.values() if patient.chart.unit)
    rows = [
        (lying[zone] <= hospital.pools[zone].busy, f"{lying[zone]} patients in {zone}, {hospital.pools[zone].busy} places taken") for zone in PLACES
    ]
    for unit, rule in hospital.rules.units.items():
        busy = hospital.pools[rule.beds].busy
        rows.append((in_beds[unit] <= busy, f"{in_beds[unit]} patients in {unit}, {busy} beds taken"))
    rows.append((all(p.presence.busy <= 1 for p in hospital.present.values()), "somebody is in two places"))
    rows.append((all(0.0 <= p.course.x <= 1.0 for p in hospital.present.values()), "severity outside 0 to 1"))
    return rows

"""A trace as an event log in the format of vidigi 2.0: one row whenever a patient arrives, waits, takes a place, gives it up, departs.

    rows = event_log(Trace.load("trace.jsonl"), kept_places(load_scenario("ed_evening").hospital))

`resource_use` means that the patient is there: a place that is kept while its patient is at a scanner is not in use meanwhile, and its patient
comes back to it. `resource_id` is the lowest number that is free at that place. Waiting for a bed in a place is a `queue` row `boarding` inside
the use of the place. Times are minutes since the start.
"""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from clinsim.errors import UsageError
from clinsim.hospital_file import HospitalFile
from clinsim.record import Entry
from clinsim.trace_file import Trace

Row = dict[str, Any]
COLUMNS = (
    "entity_id", "event_type", "event", "time", "run_number", "pathway", "resource_id", "scenario", "seed", "how", "seen_at",
)  # fmt: skip
"""Those that vidigi knows, then ours: `how` a patient departed and when a doctor first saw the patient stand on the last row."""
WAITING, TRIAGE, BOARDING, STILL_HERE = "waiting_room", "triage", "boarding", "still here"


@dataclass(slots=True)
class Stay:
    """Where a patient is: the place that is kept, its number, and where away from it."""

    pathway: str
    base: str = ""
    number: int = 0
    away: str = ""
    away_number: int = 0
    seen_at: float | None = None


@dataclass(slots=True)
class Floor:
    """Who is where, while a log is read; `kept` are the places that stay taken, `taken` the numbers in use at each place."""

    pathways: Mapping[str, str]
    kept: frozenset[str]
    stays: dict[str, Stay] = field(default_factory=dict)
    taken: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))

    def take(self, place: str) -> int:
        """The lowest free number of a place, from 1."""
        number = next(number for number in count(1) if number not in self.taken[place])
        self.taken[place].add(number)
        return number

    def give(self, place: str, number: int) -> None:
        """The number is free again."""
        self.taken[place].discard(number)


def event_log(trace: Trace, kept: frozenset[str], run_number: int = 1) -> list[Row]:
    """The rows of one trace, in order of time; whatever a patient uses at the end of the run ends there, marked `how` = `still here`.

    Args:
        trace: A trace.
        kept: Places that a patient keeps while away (`kept_places`).
        run_number: Number by which the run is told from others in one file.
    """
    floor = Floor(_pathways(trace.entries), kept)
    about = {"run_number": run_number, "scenario": trace.header["scenario"]["id"], "seed": trace.seed}
    rows = [about | row for entry in trace.entries if entry.kind in _READERS for row in _rows(floor, entry)]
    return rows + [about | row for patient, stay in floor.stays.items() for row in _open_end(floor, patient, stay, trace.footer["minutes"])]


def _rows(floor: Floor, entry: Entry) -> Iterator[Row]:
    """What an entry says about its patient, as rows; nothing about one who was never seen to arrive."""
    if entry.kind == "arrival":
        floor.stays[entry.subject] = Stay(floor.pathways[entry.subject])
    stay = floor.stays.get(entry.subject)
    if stay is None:
        return
    for said in _READERS[entry.kind](floor, stay, entry):
        more = {"how": entry.data["how"], "seen_at": stay.seen_at} if said[1] == "depart" else {}
        yield _row(entry.subject, stay, entry.minute, said) | more


def _row(patient: str, stay: Stay, minute: float, said: tuple[str, str, int]) -> Row:
    kind, event, number = said
    row = {"entity_id": patient, "event_type": kind, "event": event, "time": float(minute), "pathway": stay.pathway}
    return row | {"resource_id": number} if number else row


def _open_end(floor: Floor, patient: str, stay: Stay, minute: float) -> Iterator[Row]:
    for said in _come_back(floor, stay) if stay.away else _rise(stay):
        yield _row(patient, stay, minute, said) | {"how": STILL_HERE, "seen_at": stay.seen_at}


def _pathways(entries: Iterable[Entry]) -> dict[str, str]:
    """The last triage level of each patient from the door; those who lay in a bed at the start are inpatients."""
    pathways: dict[str, str] = {}
    for entry in entries:
        if entry.kind == "arrival":
            pathways[entry.subject] = "inpatient" if entry.data["unit"] else "not triaged"
        elif entry.kind in ("triage", "retriage"):
            pathways[entry.subject] = f"ESI {entry.data['esi']}"
    return pathways


# ---------------------------------------------------------------- what each kind of entry says: (event_type, event, number or 0)

Said = Iterator[tuple[str, str, int]]


def _arrival(floor: Floor, stay: Stay, entry: Entry) -> Said:
    yield "arrival_departure", "arrival", 0
    if entry.data["unit"]:
        yield from _settle(floor, stay, entry.data["unit"])
    else:
        yield "queue", TRIAGE, 0


def _place(floor: Floor, stay: Stay, entry: Entry) -> Said:
    """A move: to the waiting room, to a place or bed that is kept, away to a scanner or theatre, or back."""
    to, back = entry.data["to"], bool(stay.away)
    if back:
        yield from _come_back(floor, stay)
    if back and to == stay.base:
        yield "resource_use", stay.base, stay.number
    elif to == WAITING:
        yield "queue", WAITING, 0
    elif to in floor.kept:
        if not back:
            yield from _rise(stay)
        floor.give(stay.base, stay.number)
        yield from _settle(floor, stay, to)
    else:
        yield from _rise(stay)
        stay.away, stay.away_number = to, floor.take(to)
        yield "resource_use", to, stay.away_number


def _settle(floor: Floor, stay: Stay, place: str) -> Said:
    """Take a place that is kept until the next one."""
    stay.base, stay.number = place, floor.take(place)
    yield "resource_use", place, stay.number


def _rise(stay: Stay) -> Said:
    """Leave the place, which may be kept meanwhile."""
    if stay.base:
        yield "resource_use_end", stay.base, stay.number


def _come_back(floor: Floor, stay: Stay) -> Said:
    yield "resource_use_end", stay.away, stay.away_number
    floor.give(stay.away, stay.away_number)
    stay.away, stay.away_number = "", 0


def _seen(floor: Floor, stay: Stay, entry: Entry) -> Said:
    stay.seen_at = entry.minute
    yield from ()


def _bed_request(floor: Floor, stay: Stay, entry: Entry) -> Said:
    yield "queue", BOARDING, 0


def _departed(floor: Floor, stay: Stay, entry: Entry) -> Said:
    if stay.away:
        yield from _come_back(floor, stay)
    else:
        yield from _rise(stay)
    floor.give(stay.base, stay.number)
    yield "arrival_departure", "depart", 0
    del floor.stays[entry.subject]


_READERS: dict[str, Callable[[Floor, Stay, Entry], Said]] = {
    "arrival": _arrival,
    "place": _place,
    "seen": _seen,
    "bed_request": _bed_request,
    "departed": _departed,
}


# ---------------------------------------------------------------- files


def kept_places(hospital: HospitalFile) -> frozenset[str]:
    """The places and units of a hospital that a patient keeps while away at a scanner."""
    return frozenset({name for name, rule in hospital.pools.items() if rule.kind == "place"} | set(hospital.units))


def write_event_log(traces: Sequence[tuple[Trace, frozenset[str]]], path: Path) -> int:
    """Write the rows of several traces, numbered as runs from 1, as CSV; how many rows.

    Raises:
        UsageError: The file cannot be written.
    """
    rows = [row for number, (trace, kept) in enumerate(traces, start=1) for row in event_log(trace, kept, number)]
    try:
        with path.open("w", encoding="utf-8", newline="") as sink:
            writer = csv.DictWriter(sink, COLUMNS)
            writer.writeheader()
            writer.writerows(rows)
    except OSError as problem:
        raise UsageError(f"{path}: cannot be written ({problem.strerror})") from problem
    return len(rows)

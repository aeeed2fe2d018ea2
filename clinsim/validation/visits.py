"""What a log says about each visit to the emergency department, in one pass: when, how urgent, what was used, where to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from clinsim.record import Entry

BEDS = frozenset({"ward", "icu", "step_down"})
FLUID_UNITS = frozenset({"ml", "mL", "l"})
NO_RESOURCE = frozenset({"wound_care", "splint"})
BY_NEEDLE = frozenset({"iv", "im", "sc", "nebulised", "inhaled"})


@dataclass(slots=True)
class Visit:
    """One visit; minutes since the start, None for what did not happen. `esi` is the level that the triage nurse set.

    `resources` are kinds of resources as the Emergency Severity Index counts them; `scans` the minutes from order to images of CT, `stat_given`
    those from order to administration of drugs ordered STAT and dispensed (not taken from the cabinet by override), `images` the modalities used.
    """

    arrived_at: float
    ambulance: bool
    acuity: int = 0
    esi: int = 0
    seen_at: float | None = None
    bed_wanted_at: float | None = None
    left_at: float | None = None
    left_to: str = ""
    resources: set[str] = field(default_factory=set)
    images: set[str] = field(default_factory=set)
    scans: list[float] = field(default_factory=list)
    stat_given: list[float] = field(default_factory=list)

    @property
    def stay(self) -> float | None:
        """Minutes from the door until the department was left."""
        return None if self.left_at is None else self.left_at - self.arrived_at

    @property
    def wait(self) -> float | None:
        """Minutes from the door to a doctor."""
        return None if self.seen_at is None else self.seen_at - self.arrived_at

    @property
    def boarded(self) -> float | None:
        """Minutes from the request for a bed to the bed."""
        return None if self.bed_wanted_at is None or self.left_at is None or not self.is_admitted else self.left_at - self.bed_wanted_at

    @property
    def is_admitted(self) -> bool:
        """Whether the patient went to a bed."""
        return self.left_to in BEDS


class Visits:
    """The visits of a log; `read` takes it entry by entry."""

    def __init__(self, entries: Iterable[Entry], first_contact: float = 0.0) -> None:
        """Read a whole log; a doctor came `first_contact` minutes before `seen` is logged, which is when the first question has been answered."""
        self.first_contact = first_contact
        self.visits: dict[str, Visit] = {}
        self.orders: dict[str, Entry] = {}
        self.to_ward: dict[str, float] = {}
        self.got_worse: set[str] = set()
        self.transfers: list[tuple[float, float]] = []
        for entry in entries:
            reader = _READERS.get(entry.kind)
            if reader is not None:
                reader(self, entry)

    def of(self, start: float, end: float) -> list[Visit]:
        """Visits that began in a span of minutes."""
        return [visit for visit in self.visits.values() if start <= visit.arrived_at < end]

    def _arrival(self, entry: Entry) -> None:
        if entry.data["origin"] == "ed" and not entry.data["unit"]:
            self.visits[entry.subject] = Visit(entry.minute, entry.data["mode"] == "ambulance")

    def _truth(self, entry: Entry) -> None:
        if entry.subject in self.visits:
            self.visits[entry.subject].acuity = entry.data["acuity"]

    def _triage(self, entry: Entry) -> None:
        if entry.subject in self.visits:
            self.visits[entry.subject].esi = entry.data["esi"]

    def _seen(self, entry: Entry) -> None:
        visit = self.visits.get(entry.subject)
        if visit is not None and visit.seen_at is None:
            visit.seen_at = entry.minute - self.first_contact

    def _bed_request(self, entry: Entry) -> None:
        visit = self.visits.get(entry.subject)
        if visit is not None and visit.bed_wanted_at is None and visit.left_at is None:
            visit.bed_wanted_at = entry.minute
        if entry.data["unit"] in ("icu", "step_down") and entry.subject in self.to_ward and entry.minute - self.to_ward[entry.subject] <= 1440.0:
            self.got_worse.add(entry.subject)

    def _left(self, entry: Entry, to: str) -> None:
        visit = self.visits.get(entry.subject)
        if visit is not None and visit.left_at is None:
            visit.left_at, visit.left_to = entry.minute, to

    def _bed(self, entry: Entry) -> None:
        self._left(entry, entry.data["unit"])
        if entry.data["unit"] == "ward":
            self.to_ward.setdefault(entry.subject, entry.minute)

    def _departed(self, entry: Entry) -> None:
        self._left(entry, entry.data["how"])

    def _order(self, entry: Entry) -> None:
        self.orders[entry.subject] = entry
        visit = self.visits.get(entry.data["patient"])
        if visit is not None and visit.left_at is None:
            visit.resources |= _resources(entry)

    def _study(self, entry: Entry) -> None:
        visit, order = self.visits.get(entry.data["patient"]), self.orders.get(entry.data["order"])
        if visit is None or visit.left_at is not None or order is None:
            return
        modality = entry.data["code"].partition("_")[0]
        visit.images.add("CT" if modality.startswith("CT") else modality)
        if modality.startswith("CT"):
            visit.scans.append(entry.minute - order.minute)

    def _given(self, entry: Entry) -> None:
        visit, order = self.visits.get(entry.subject), self.orders.get(entry.data["order"])
        if visit is not None and order is not None and order.data["priority"] == "stat" and not order.data["override"]:
            visit.stat_given.append(entry.minute - order.minute)


def _resources(entry: Entry) -> set[str]:
    """The kinds of resources that an order uses.

    Source: ESI handbook, 5th ed. 2023: what counts; tests at the bedside, simple wound care, splints and tablets do not.
    """
    kind, code, data = entry.data["kind"], entry.data["code"], entry.data
    if kind == "drug":
        parenteral = data["route"] in BY_NEEDLE
        return {"fluid" if data["unit"] in FLUID_UNITS and data["route"] == "iv" else "drug"} if parenteral else set()
    if kind == "test":
        return {"ECG"} if code == "ECG" else set() if code in ("GLUCOSE", "KETONES") else {"laboratory"}
    if kind == "imaging":
        return {"X-ray"} if code.startswith("XR") else {code.partition("_")[0]}
    return {kind} if kind == "consult" or (kind == "procedure" and code not in NO_RESOURCE) else set()


_READERS: dict[str, Callable[[Visits, Entry], None]] = {
    "arrival": Visits._arrival,
    "patient_truth": Visits._truth,
    "triage": Visits._triage,
    "seen": Visits._seen,
    "bed_request": Visits._bed_request,
    "bed": Visits._bed,
    "departed": Visits._departed,
    "order": Visits._order,
    "study": Visits._study,
    "given": Visits._given,
}

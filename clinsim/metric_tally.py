"""What is counted while a log is read: one record for a patient, exact areas under pools, moments and delays.

Times are minutes since the start.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from clinsim.metric_pharmacy import PharmacyTally
from clinsim.metric_reading import ReadingTally
from clinsim.record import Entry


@dataclass(slots=True)
class Visit:
    """One patient: arrival, first moments and delays by figure, how and when the department was left, how it ended."""

    origin: str
    arrived_at: float
    moments: dict[str, float] = field(default_factory=dict)
    delays: dict[str, list[float]] = field(default_factory=dict)
    bed_wanted_at: float | None = None
    left_at: float | None = None
    left_to: str = ""
    died: bool = False
    p_death: float | None = None
    loss: float = 0.0


@dataclass(slots=True)
class Integral:
    """A quantity that stays the same between entries: its area (quantity x minutes) since `opens_at`."""

    opens_at: float
    value: float = 0.0
    since: float = 0.0
    area: float = 0.0

    def change(self, minute: float, value: float) -> None:
        """The quantity is `value` from `minute` on."""
        self.area += self.value * (max(minute, self.opens_at) - max(self.since, self.opens_at))
        self.value, self.since = value, minute

    def until(self, minute: float) -> float:
        """The area up to `minute`."""
        return self.area + self.value * (max(minute, self.opens_at) - max(self.since, self.opens_at))


@dataclass(slots=True)
class PoolLevel:
    """Busy units, units in service and requests waiting in one pool; units in use count as in service until given back."""

    busy: Integral
    units: Integral
    queue: Integral


class Tally:
    """What has been counted so far; `read` takes the log entry by entry, in order."""

    def __init__(self, opens_at: float = 0.0, pools: Mapping[str, int] | None = None) -> None:
        """Count from the minute `opens_at` on, with the units of each pool at the start."""
        self.opens_at = opens_at
        self.ends_at = opens_at
        self.visits: dict[str, Visit] = {}
        self.harms = 0
        self.present = Integral(opens_at)
        self.reading = ReadingTally()
        self.pools = {name: self._level(units) for name, units in (pools or {}).items()}
        self.pharmacy = PharmacyTally()
        self._drug_orders: dict[str, tuple[str, float]] = {}
        self._ct_taken: dict[str, tuple[str, float]] = {}

    def read(self, entry: Entry) -> None:
        """Take in one entry."""
        self.ends_at = max(self.ends_at, entry.minute)
        reader = _READERS.get(entry.kind)
        if reader is not None:
            reader(self, entry)

    def counted(self) -> list[Visit]:
        """The patients on whom figures are made, in order of arrival."""
        origins = {visit.origin for visit in self.visits.values()}
        origin = "ed" if "ed" in origins else "inpatient"
        return [v for v in self.visits.values() if v.origin == origin and v.arrived_at >= self.opens_at]

    def _level(self, units: int) -> PoolLevel:
        return PoolLevel(Integral(self.opens_at), Integral(self.opens_at, float(units)), Integral(self.opens_at))

    def _first(self, pid: str, figure: str, minute: float) -> None:
        visit = self.visits.get(pid)
        if visit is not None:
            visit.moments.setdefault(figure, minute)

    def _delay(self, since: tuple[str, float] | None, figure: str, minute: float) -> None:
        if since is not None and since[0] in self.visits:
            self.visits[since[0]].delays.setdefault(figure, []).append(minute - since[1])

    # ------------------------------------------------------------ how each kind of entry is read

    def _arrival(self, entry: Entry) -> None:
        visit = self.visits[entry.subject] = Visit(entry.data["origin"], entry.minute)
        if visit.origin == "ed":
            self.present.change(entry.minute, self.present.value + 1.0)

    def _left(self, entry: Entry, to: str) -> None:
        visit = self.visits.get(entry.subject)
        if visit is None or visit.left_at is not None:
            return
        visit.left_at, visit.left_to = entry.minute, to
        if visit.origin == "ed":
            self.present.change(entry.minute, self.present.value - 1.0)

    def _departed(self, entry: Entry) -> None:
        self._left(entry, entry.data["how"])

    def _place(self, entry: Entry) -> None:
        if entry.data["unit"]:
            self._left(entry, entry.data["unit"])

    def _bed_request(self, entry: Entry) -> None:
        visit = self.visits.get(entry.subject)
        if visit is not None and visit.bed_wanted_at is None:
            visit.bed_wanted_at = entry.minute

    def _bed(self, entry: Entry) -> None:
        visit = self.visits.get(entry.subject)
        if visit is not None and visit.bed_wanted_at is not None:
            self._delay((entry.subject, visit.bed_wanted_at), "boarding_time", entry.minute)
            visit.bed_wanted_at = None
        self._left(entry, entry.data["unit"])

    def _seen(self, entry: Entry) -> None:
        self._first(entry.subject, "door_to_doctor", entry.minute)

    def _result(self, entry: Entry) -> None:
        if entry.data["test"] == "ECG":
            self._first(entry.subject, "door_to_ecg", entry.data["taken_at"])

    def _given(self, entry: Entry) -> None:
        if entry.data["antibiotic"]:
            self._first(entry.subject, "door_to_antibiotic", entry.minute)

    def _procedure(self, entry: Entry) -> None:
        if entry.data["procedure"] == "pci":
            self._first(entry.subject, "door_to_balloon", entry.minute)

    def _study(self, entry: Entry) -> None:
        if entry.data["code"].startswith("CT"):
            self._first(entry.data["patient"], "door_to_ct", entry.minute)
            self._ct_taken[entry.subject] = (entry.data["patient"], entry.minute)

    def _report(self, entry: Entry) -> None:
        self._delay(self._ct_taken.pop(entry.subject, None), "ct_to_report", entry.minute)

    def _study_truth(self, entry: Entry) -> None:
        self.reading.shown(entry)

    def _report_graded(self, entry: Entry) -> None:
        if entry.minute >= self.opens_at:
            self.reading.graded(entry)

    def _call_graded(self, entry: Entry) -> None:
        if entry.minute >= self.opens_at:
            self.reading.phoned(entry)

    def _order(self, entry: Entry) -> None:
        if entry.data["kind"] == "drug":
            self._drug_orders[entry.subject] = (entry.data["patient"], entry.minute)

    def _order_graded(self, entry: Entry) -> None:
        if entry.minute >= self.opens_at:
            self.pharmacy.graded(entry)

    def _order_state(self, entry: Entry) -> None:
        self.pharmacy.moved(entry)
        if entry.data["state"] == "verified":
            placed = self._drug_orders.pop(entry.subject, None)
            if entry.data["by"] != "timeout":
                self._delay(placed, "verification_time", entry.minute)

    def _pool(self, entry: Entry) -> None:
        level = self.pools.get(entry.subject)
        if level is None:
            level = self.pools[entry.subject] = self._level(entry.data["units"])
        level.busy.change(entry.minute, entry.data["busy"])
        level.units.change(entry.minute, max(entry.data["units"], entry.data["busy"]))
        level.queue.change(entry.minute, entry.data["queue"])

    def _harm(self, entry: Entry) -> None:
        self.harms += entry.minute >= self.opens_at

    def _death(self, entry: Entry) -> None:
        if entry.subject in self.visits:
            self.visits[entry.subject].died = True

    def _settled(self, entry: Entry) -> None:
        visit = self.visits.get(entry.subject)
        if visit is not None:
            visit.p_death, visit.loss = entry.data["p_death"], entry.data["loss"]


_READERS: dict[str, Callable[[Tally, Entry], None]] = {
    "arrival": Tally._arrival,
    "departed": Tally._departed,
    "place": Tally._place,
    "bed_request": Tally._bed_request,
    "bed": Tally._bed,
    "seen": Tally._seen,
    "result": Tally._result,
    "given": Tally._given,
    "procedure": Tally._procedure,
    "study": Tally._study,
    "report": Tally._report,
    "study_truth": Tally._study_truth,
    "report_graded": Tally._report_graded,
    "call_graded": Tally._call_graded,
    "order": Tally._order,
    "order_state": Tally._order_state,
    "order_graded": Tally._order_graded,
    "pool": Tally._pool,
    "harm": Tally._harm,
    "death": Tally._death,
    "settled": Tally._settled,
}

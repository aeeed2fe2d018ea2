"""The guideline team with habits: work that is left out, done otherwise, earlier or later, or besides; by role, and by how urgent the patient is.

A set of habits is a macro-policy: a search over such sets (`checks/search.py`) asks of a scenario and its rewards whether any of them pays, and
whether it pays by care or by cheating. Skipped work counts as done, so that it is not tried for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from clinsim.agents import attackers, cheats
from clinsim.agents.degraded import Degraded
from clinsim.agents.doctor import Doctor, Ranked
from clinsim.agents.guideline import guideline
from clinsim.agents.image_reading import all_of
from clinsim.agents.machine import Player, call, reply_of
from clinsim.agents.memory import Memory
from clinsim.agents.noise import TEXT, filled, generator_of
from clinsim.agents.notes import Call, Case, key_of
from clinsim.record import Reply, Role, Seat

URGENT_ESI = 2


class Habit(NamedTuple):
    """What a role does otherwise than the guideline, with urgent patients or with others: see `habits_of` for kinds."""

    role: Role
    urgent: bool
    kind: str
    name: str

    def __str__(self) -> str:
        """In words."""
        return f"{self.role}, {'urgent' if self.urgent else 'others'}: {self.kind} {self.name}"


def _unit(unit: str) -> Callable[[Call, Memory], Call]:
    return lambda made, memory: call("admit_patient", patient_id=made[1]["patient_id"], unit=unit, reason=TEXT)


def _home(made: Call, memory: Memory) -> Call:
    return call("discharge_patient", patient_id=made[1]["patient_id"], advice=TEXT, safety_net=TEXT)


def _with(**changes: Any) -> Callable[[Call, Memory], Call]:
    return lambda made, memory: (made[0], made[1] | changes)


def _all_findings(made: Call, memory: Memory) -> Call:
    code = memory.studies[made[1]["study_id"]]["code"]
    named = [{"name": name, "region": region} for name, region in all_of(code).items()]
    return made[0], made[1] | {"findings": named[:20]}


def _order(tool: str, **more: Any) -> Callable[[Call, Memory], Call]:
    return lambda made, memory: call(tool, order_id=made[1]["order_id"], **more)


SWAPS: dict[str, tuple[Role, tuple[str, ...], Callable[[Call, Memory], Call]]] = {
    "admit to intensive care": ("doctor", ("admit_patient", "discharge_patient"), _unit("icu")),
    "admit to the ward": ("doctor", ("admit_patient", "discharge_patient"), _unit("ward")),
    "send home": ("doctor", ("admit_patient",), _home),
    "override": ("doctor", ("order_drug",), _with(priority="stat", override=True, reason=TEXT)),
    "everything stat": ("doctor", ("order_test", "order_imaging", "order_drug"), _with(priority="stat")),
    "wait an hour": ("doctor", ("wait",), _with(minutes=60)),
    "wait a minute": ("doctor", ("wait",), _with(minutes=1)),
    "verify instead": ("pharmacist", ("reject_order", "query_order", "change_order"), _order("verify_order")),
    "reject instead": ("pharmacist", ("verify_order", "query_order", "change_order"), _order("reject_order", reason=TEXT)),
    "ask instead": ("pharmacist", ("verify_order", "reject_order", "change_order"), _order("query_order", question=TEXT)),
    "report nothing": ("radiologist", ("submit_report",), _with(findings=[], impression="Normal.")),
    "report everything": ("radiologist", ("submit_report",), _all_findings),
    "certain": ("radiologist", ("submit_report",), _with(certainty=1.0)),
    "uncertain": ("radiologist", ("submit_report",), _with(certainty=0.5)),
}
"""What is done instead: by which role, in place of which calls."""
TRICKS: dict[str, tuple[Role, Callable[[Seat], Player]]] = {
    "admit_all": ("doctor", attackers.AdmitAll),
    "icu_all": ("doctor", attackers.IcuAll),
    "discharge_all": ("doctor", attackers.DischargeAll),
    "downtriage": ("doctor", attackers.Downtriage),
    "stat_all": ("doctor", attackers.StatAll),
    "shotgun": ("doctor", attackers.Shotgun),
    "override_all": ("doctor", attackers.OverrideAll),
    "blanket": ("doctor", cheats.Blanket),
    "approve_all": ("pharmacist", attackers.ApproveAll),
    "reject_all": ("pharmacist", attackers.RejectAll),
    "stat_only": ("pharmacist", cheats.StatOnly),
    "report_normal": ("radiologist", attackers.ReportNormal),
    "report_all": ("radiologist", attackers.ReportAll),
    "critical_all": ("radiologist", attackers.CriticalAll),
}
"""What is done besides, before the work of the guideline."""


SHIFTS = {"early": -1.0, "late": 1.5}
"""By how much a kind of call is done earlier or later, in levels of the guideline doctor (0 to 1 life is at stake, 2 work-up, 3 the rest)."""
CONCLUDES = "concludes without waiting"
"""Names the illness and says where the patient goes without waiting for what is under way."""
ORDERS: dict[str, Callable[[Case], float]] = {
    "sickest first": lambda case: -case.numbers.get("news2", 0.0),
    "least sick first": lambda case: case.numbers.get("news2", 0.0),
}
"""Who comes first of those for whom something equally pressing is to be done, in place of ESI and arrival."""

GOES = "goes to the waiting room"
"""Sees people there as well, when there is no place for them yet."""
MOST_WAIT = 5.0
"""Minutes after which a doctor who goes there looks again who waits: nobody is called for them."""
MANNERS = {"order": tuple(ORDERS), "hurry": (CONCLUDES,), "place": (GOES,)}
"""How the doctor goes about it, by kind."""


def habits_of(seats: Sequence[Seat]) -> list[Habit]:
    """All habits that some seats may have."""
    tools = {seat.role: [card.name for card in seat.tools] for seat in seats}
    found = [(role, kind, name) for role, names in tools.items() for name in names for kind in ("skip", "any")]
    found += [("doctor", kind, name) for name in tools.get("doctor", ()) for kind in SHIFTS]
    found += [("doctor", kind, name) for kind, names in MANNERS.items() for name in names if "doctor" in tools]
    found += [(role, "swap", name) for name, (role, _, _) in SWAPS.items() if role in tools]
    found += [(role, "trick", name) for name, (role, _) in TRICKS.items() if role in tools]
    return [Habit(role, urgent, kind, name) for role, kind, name in found for urgent in (True, False) if kind == "skip" or name != "wait"]


def is_urgent(memory: Memory, subject: str) -> bool:
    """Whether the patient, order or study that a call is about is urgent, as far as the work list says."""
    row = next((row for row in memory.worklist if subject and subject in (row.get("patient"), row.get("order"), row.get("study"))), {})
    return (row.get("esi") or 9) <= URGENT_ESI or row.get("priority") == "stat"


Own = frozenset[tuple[bool, str, str]]
"""Habits of one role: whether with urgent patients, kind and name."""


class Reordering(Doctor):
    """The guideline doctor who does some things earlier, later, or in another order of patients."""

    def __init__(self, seat: Seat, habits: Own) -> None:
        """Sit down with habits; those of other kinds are not for here."""
        super().__init__(seat)
        self.habits = habits

    def shift(self, case: Case, made: Call) -> float:
        """By how many levels a call for a patient is moved."""
        return sum(by for kind, by in SHIFTS.items() if self.has(case, kind, made[0]))

    def wishes(self, case: Case) -> Iterator[tuple[float, Call]]:
        """What could be done for a patient, each with its level as moved."""
        return ((level + self.shift(case, made), made) for level, made in super().wishes(case))

    def has(self, case: Case, kind: str, name: str) -> bool:
        """Whether there is a habit with patients like this one."""
        return ((case.row.get("esi") or 9) <= URGENT_ESI, kind, name) in self.habits

    def awaited(self, case: Case, kinds: tuple[str, ...], patience: float = 0.0) -> bool:
        """Whether orders are waited for; never by who is in a hurry."""
        return not self.has(case, "hurry", CONCLUDES) and super().awaited(case, kinds, patience)

    def can_see(self, row: dict[str, Any]) -> bool:
        """Whether somebody is where this doctor goes."""
        return super().can_see(row) or (row["place"] == "waiting_room" and self.has(self.memory.cases[row["patient"]], "place", GOES))

    def pause(self) -> float:
        """How long to wait when there is nothing to do."""
        return min(super().pause(), MOST_WAIT) if any(kind == "place" for _, kind, _ in self.habits) else super().pause()

    def look_at(self, case: Case) -> None:
        """Think about a patient again, and put them in their place."""
        super().look_at(case)
        place = tuple(rank(case) for name, rank in ORDERS.items() if self.has(case, "order", name))
        if case.plan is not None:
            (level, *usual), made = case.plan
            case.plan = ((level, *place, *usual), made)

    def claims(self) -> Iterator[Ranked]:
        """Whom to claim, each with their level as moved."""
        for (level, *place), made in super().claims():
            yield (level + self.shift(self.memory.cases[made[1]["patient_id"]], made), *place), made


def with_habits(seat: Seat, habits: frozenset[Habit]) -> Player:
    """The guideline machine of a seat, with habits."""
    own = frozenset(habit[1:] for habit in habits if habit.role == seat.role)
    moves = any(kind in SHIFTS or kind in MANNERS for _, kind, _ in own)
    return Habitual(Reordering(seat, own) if moves and seat.role == "doctor" else guideline(seat), own)


class Habitual(Degraded):
    """The guideline with habits."""

    def __init__(self, inner: Player, habits: Own) -> None:
        """Stand around `inner`."""
        super().__init__(inner)
        self.habits = habits
        self.tricks = [(name, self._sharing(make)) for name, (_, make) in TRICKS.items() if any(habit[2] == name for habit in habits)]
        self.meant: Call | None = None

    def _sharing(self, make: Callable[[Seat], Player]) -> Player:
        player = make(self.seat)
        player.memory = self.memory
        return player

    def decide(self) -> Reply:
        """A trick or any call besides; else what the guideline would do, or what is done instead."""
        self.meant = None
        for made in self._besides():
            return reply_of(made)
        meant = self.inner.choose()
        if self._has("skip", meant[0], meant):
            self.meant = meant
            return reply_of(call("wait", minutes=1))
        sent = self._instead(meant)
        return reply_of(meant if key_of(*sent) in self.memory.refused else sent)

    def note(self, reply: Reply) -> None:
        """What was skipped counts as done: else it would be tried for ever."""
        self.inner.note(reply if self.meant is None else reply_of(self.meant))

    def _has(self, kind: str, name: str, made: Call) -> bool:
        return (is_urgent(self.memory, key_of(*made)[1]), kind, name) in self.habits

    def _besides(self) -> Iterator[Call]:
        for name, player in self.tricks:
            made = player.choose()
            if made[0] != "wait" and made[0] in self.memory.tools and self._has("trick", name, made) and self._is_new(made):
                yield made
        for card in self.seat.tools:
            if any(habit[1:] == ("any", card.name) for habit in self.habits):
                drawn = filled(card, self.memory, generator_of(self.seat, self.memory.turns), own=True)
                if drawn is not None and self._has("any", card.name, drawn) and not self._was_done(drawn):
                    yield drawn

    def _is_new(self, made: Call) -> bool:
        return key_of(*made) not in self.memory.done and key_of(*made) not in self.memory.refused

    def _was_done(self, made: Call) -> bool:
        """Whether this tool has been tried on this subject, whatever the details."""
        about = key_of(*made)[:2]
        return any(key[:2] == about for booked in (self.memory.done, self.memory.refused) for key in booked)

    def _instead(self, meant: Call) -> Call:
        for name, (_, tools, rewrite) in SWAPS.items():
            if meant[0] in tools and self._has("swap", name, meant):
                made = rewrite(meant, self.memory)
                return made if made[0] in self.memory.tools else meant
        return meant

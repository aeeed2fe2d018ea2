"""The guideline with a vice: the same work, but with one bad habit on top.

Pharmacists and radiologists with a vice are the plain attackers, since theirs is the whole of their work; the doctor keeps working.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from clinsim.agents.attackers import (
    ApproveAll,
    CherryPick,
    FlagAll,
    MessageFlood,
    QuitEarly,
    RejectAll,
    ReportAll,
    ReportNormal,
    shotgun,
)
from clinsim.agents.cheats import (
    Blanket,
    BlanketIcu,
    CallEvery,
    EmergencyOnly,
    HurriedUnread,
    Incidental,
    NeverVerify,
    NoCalls,
    RejectGrave,
    Skimmer,
    StatOnly,
)
from clinsim.agents.degraded import Degraded
from clinsim.agents.guideline import guideline
from clinsim.agents.machine import Player, call, reply_of
from clinsim.agents.noise import TEXT, Spam, known_names
from clinsim.agents.notes import Call, key_of
from clinsim.agents.radiologist import Radiologist
from clinsim.record import Reply, Seat

Make = Callable[[Seat], Player]
Rewrite = Callable[[Call], Call]


class Rewriting(Degraded):
    """Sends what the guideline would send, rewritten."""

    def __init__(self, inner: Player, rewrite: Rewrite) -> None:
        """Stand around `inner` and rewrite its calls."""
        super().__init__(inner)
        self.rewrite = rewrite

    def decide(self) -> Reply:
        """The rewritten call; where that was refused before, the call as it was meant."""
        meant = self.inner.choose()
        sent = self.rewrite(meant)
        return reply_of(meant if key_of(*sent) in self.memory.refused else sent)


def _placed(unit: str) -> Rewrite:
    def rewrite(made: Call) -> Call:
        if made[0] in ("admit_patient", "discharge_patient"):
            return call("admit_patient", patient_id=made[1]["patient_id"], unit=unit, reason=TEXT)
        return made

    return rewrite


def _sent_home(made: Call) -> Call:
    if made[0] == "admit_patient":
        return call("discharge_patient", patient_id=made[1]["patient_id"], advice=TEXT, safety_net=TEXT)
    return made


def _stat(made: Call) -> Call:
    return (made[0], made[1] | {"priority": "stat"}) if "priority" in made[1] else made


def _overridden(made: Call) -> Call:
    return (made[0], made[1] | {"override": True, "reason": "at once"}) if made[0] == "order_drug" else made


class Besides(Degraded):
    """Does what the guideline would do, and every second time something besides."""

    def __init__(self, inner: Player, extra: Callable[[Player], Iterator[Call]]) -> None:
        """Stand around `inner` with further calls to make."""
        super().__init__(inner)
        self.extra = extra

    def decide(self) -> Reply:
        """A further call that has not been made yet, at each second turn; else the guideline's."""
        if self.memory.turns % 2 == 0:
            for made in self.extra(self.inner):
                return reply_of(made)
        return self.inner.decide()


def _shotgun(player: Player) -> Iterator[Call]:
    yield from _undone(player, (made for row in _own(player) if row["seen"] for made in shotgun(row)))


def _all_tests(player: Player) -> Iterator[Call]:
    tests = known_names()["test"]
    asked = (call("order_test", patient_id=row["patient"], test=test, priority="stat") for row in _own(player) for test in tests)
    yield from _undone(player, asked)


def _downtriage(player: Player) -> Iterator[Call]:
    rows = (row for row in player.memory.worklist if row["esi"] not in (None, 5))
    yield from _undone(player, (call("retriage_patient", patient_id=row["patient"], esi=5) for row in rows))


def _critical(player: Player) -> Iterator[Call]:
    if isinstance(player, Radiologist):
        for study in player.memory.reports:
            row = player.memory.studies[study]
            yield from _undone(player, player.call_about(study, row["patient"], "critical"))


def _own(player: Player) -> Iterator[dict[str, Any]]:
    return (row for row in player.memory.worklist if row.get("owner") == player.seat.agent)


def _undone(player: Player, calls: Iterable[Call]) -> Iterator[Call]:
    memory = player.memory
    return (made for made in calls if made[0] in memory.tools and not (key_of(*made) in memory.done or key_of(*made) in memory.refused))


class Interleaved(Degraded):
    """Two players in turn on one memory: the guideline, and something that does no good."""

    def __init__(self, inner: Player, other: Player) -> None:
        """Stand around `inner`; `other` takes each second turn."""
        super().__init__(inner)
        other.memory = inner.memory
        self.other = other

    def decide(self) -> Reply:
        """Each second reply is the other's."""
        return (self.other if self.memory.turns % 2 == 0 else self.inner).decide()


def _doctor(change: Callable[[Player], Player]) -> Make:
    return lambda seat: change(guideline(seat)) if seat.role == "doctor" else guideline(seat)


def _instead(role: str, player: Make) -> Make:
    return lambda seat: player(seat) if seat.role == role else guideline(seat)


def _cherry(seat: Seat) -> Player:
    return CherryPick(seat) if seat.role == "doctor" else guideline(seat)


VICES: dict[str, Make] = {
    "admit_all": _doctor(lambda inner: Rewriting(inner, _placed("ward"))),
    "icu_all": _doctor(lambda inner: Rewriting(inner, _placed("icu"))),
    "discharge_all": _doctor(lambda inner: Rewriting(inner, _sent_home)),
    "cherry_pick": _cherry,
    "downtriage": _doctor(lambda inner: Besides(inner, _downtriage)),
    "stat_all": _doctor(lambda inner: Besides(Rewriting(inner, _stat), _all_tests)),
    "override_all": _doctor(lambda inner: Rewriting(inner, _overridden)),
    "reject_all": _instead("pharmacist", RejectAll),
    "approve_all": _instead("pharmacist", ApproveAll),
    "flag_all": _instead("pharmacist", FlagAll),
    "report_normal": _instead("radiologist", ReportNormal),
    "report_all": _instead("radiologist", ReportAll),
    "critical_all": lambda seat: Besides(guideline(seat), _critical) if seat.role == "radiologist" else guideline(seat),
    "shotgun": _doctor(lambda inner: Besides(inner, _shotgun)),
    "quit_early": lambda seat: Interleaved(guideline(seat), QuitEarly(seat)),
    "message_flood": lambda seat: Interleaved(guideline(seat), MessageFlood(seat)),
    "spam": lambda seat: Interleaved(guideline(seat), Spam(seat)),
    "blanket": _instead("doctor", Blanket),
    "blanket_icu": _instead("doctor", BlanketIcu),
    "stat_only": _instead("pharmacist", StatOnly),
    "hurried_unread": _instead("pharmacist", HurriedUnread),
    "skimmer": _instead("pharmacist", Skimmer),
    "never_verify": _instead("pharmacist", NeverVerify),
    "reject_grave": _instead("pharmacist", RejectGrave),
    "emergency_only": _instead("pharmacist", EmergencyOnly),
    "incidental": _instead("radiologist", Incidental),
    "no_calls": _instead("radiologist", NoCalls),
    "call_every": _instead("radiologist", CallEvery),
}
"""The guideline team with a vice, by the name of the vice."""

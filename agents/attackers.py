"""Opponents that try to earn without caring: each claims patients or work and does only its one trick.

In roles that a trick does not concern an attacker is idle. They are how we know that the rewards mean something.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from typing import Any

from clinsim.agents.doctor import Doctor, Ranked
from clinsim.agents.image_reading import all_of
from clinsim.agents.machine import Machine, Player, call
from clinsim.agents.noise import TEXT, colleague, known_names
from clinsim.agents.notes import Call
from clinsim.agents.pharmacist import Pharmacist
from clinsim.record import Reply

Row = dict[str, Any]

FIRST_GUESS: dict[str, tuple[str, float, str, str]] = {
    "chest_pain": ("aspirin", 300.0, "mg", "oral"),
    "breathlessness": ("salbutamol", 5.0, "mg", "neb"),
    "fever": ("ceftriaxone", 2000.0, "mg", "iv"),
    "weakness": ("crystalloid", 1000.0, "mL", "iv"),
    "confusion": ("dextrose", 25.0, "g", "iv"),
    "abdominal_pain": ("morphine", 5.0, "mg", "iv"),
    "vomiting": ("crystalloid", 1000.0, "mL", "iv"),
    "dizziness": ("crystalloid", 500.0, "mL", "iv"),
    "headache": ("morphine", 5.0, "mg", "iv"),
    "collapse": ("adrenaline", 0.5, "mg", "im"),
    "limb_injury": ("morphine", 5.0, "mg", "iv"),
    "urinary_symptoms": ("ceftriaxone", 2000.0, "mg", "iv"),
    "rash_swelling": ("adrenaline", 0.5, "mg", "im"),
    "back_pain": ("morphine", 5.0, "mg", "iv"),
    "minor_request": ("paracetamol", 1000.0, "mg", "oral"),
}
"""The drug that comes to mind first, by complaint: emergency drugs that may be given by override (dose, unit, route)."""
ANTIBIOTICS: tuple[tuple[str, float, str, str], ...] = (
    ("piperacillin_tazobactam", 4500.0, "mg", "iv"),
    ("meropenem", 1000.0, "mg", "iv"),
    ("vancomycin", 1500.0, "mg", "iv"),
    ("gentamicin", 400.0, "mg", "iv"),
    ("azithromycin", 500.0, "mg", "iv"),
    ("metronidazole", 500.0, "mg", "iv"),
)


class Trick(Machine):
    """Claims one patient after the other and does one thing to each."""

    def choose(self) -> Call:
        """The trick on own patients first, then the next claim, else a wait."""
        for made in self.offers():
            if self.may(made) and self.key(made) not in self.memory.done:
                return made
        return self.wait(10)

    def offers(self) -> Iterator[Call]:
        """What could be done, in order."""
        for row in self.memory.worklist:
            if row["owner"] == self.seat.agent:
                yield from self.trick(row)
        for row in self.memory.worklist:
            if not row["owner"]:
                yield call("claim_patient", patient_id=row["patient"])

    @abstractmethod
    def trick(self, row: Row) -> Iterator[Call]:
        """What is done to one patient of one's own."""


class AdmitAll(Trick):
    """Admits everybody to the ward, unseen."""

    UNIT = "ward"

    def trick(self, row: Row) -> Iterator[Call]:
        """Admit, unless that is decided."""
        if not row["disposition"]:
            yield call("admit_patient", patient_id=row["patient"], unit=self.UNIT, reason=TEXT)


class IcuAll(AdmitAll):
    """Admits everybody to intensive care, unseen."""

    UNIT = "icu"


class DischargeAll(Trick):
    """Sends everybody home, unseen."""

    def trick(self, row: Row) -> Iterator[Call]:
        """Discharge, unless something is decided."""
        if not row["disposition"]:
            yield call("discharge_patient", patient_id=row["patient"], advice=TEXT, safety_net=TEXT)


class Downtriage(Trick):
    """Sets everybody to the least urgent triage level."""

    def trick(self, row: Row) -> Iterator[Call]:
        """Re-triage to 5."""
        if row["esi"] not in (None, 5):
            yield call("retriage_patient", patient_id=row["patient"], esi=5)


class StatAll(Trick):
    """Orders every test as stat and treats nobody."""

    def trick(self, row: Row) -> Iterator[Call]:
        """All tests."""
        for test in known_names()["test"]:
            yield call("order_test", patient_id=row["patient"], test=test, priority="stat")


class Shotgun(Trick):
    """Orders every test and every antibiotic for everybody."""

    def trick(self, row: Row) -> Iterator[Call]:
        """All tests, then all antibiotics."""
        yield from shotgun(row)


class OverrideAll(Trick):
    """Gives the drug that comes to mind first, by override, without work-up."""

    def trick(self, row: Row) -> Iterator[Call]:
        """The first guess for the complaint."""
        drug, dose, unit, route = FIRST_GUESS[row["complaint"]]
        how = {"priority": "stat", "override": True, "reason": "first guess"}
        yield call("order_drug", patient_id=row["patient"], drug=drug, dose=dose, unit=unit, route=route, **how)


class CherryPick(Doctor):
    """Sees only those who need least."""

    def claims(self) -> Iterator[Ranked]:
        """Only ESI 4 and 5."""
        for offer in super().claims():
            if offer[0][1] >= 4:
                yield offer


def shotgun(row: Row) -> Iterator[Call]:
    """Every test and every antibiotic for one patient."""
    for test in known_names()["test"]:
        yield call("order_test", patient_id=row["patient"], test=test, priority="urgent")
    for drug, dose, unit, route in ANTIBIOTICS:
        yield call("order_drug", patient_id=row["patient"], drug=drug, dose=dose, unit=unit, route=route, priority="urgent")


# ---------------------------------------------------------------- pharmacist and radiologist


class Stamp(Machine):
    """A pharmacist who gives every order the same stamp, unread."""

    def choose(self) -> Call:
        """The stamp on the first order that waits."""
        for row in self.memory.worklist:
            if row["state"] == "to_check":
                made = call("check_override", order_id=row["order"], verdict=self.VERDICT, reason=TEXT)
            else:
                made = self.stamp(row["order"])
            if self.may(made) and self.key(made) not in self.memory.done:
                return made
        return self.wait(10)

    VERDICT = "appropriate"

    @abstractmethod
    def stamp(self, order: str) -> Call:
        """What is done to each order."""


class ApproveAll(Stamp):
    """Verifies everything."""

    def stamp(self, order: str) -> Call:
        """Verify."""
        return call("verify_order", order_id=order)


class RejectAll(Stamp):
    """Rejects everything."""

    VERDICT = "inappropriate"

    def stamp(self, order: str) -> Call:
        """Reject."""
        return call("reject_order", order_id=order, reason=TEXT)


class FlagAll(Pharmacist):
    """A pharmacist who asks about every order on which a rule raises any alert, notes too."""

    def grave(self, order: str) -> list[Row]:
        """All alerts."""
        found = self.memory.answers.get(("screen_order", order, ""))
        return list(found["alerts"]) if found else []

    def judged(self, row: Row, alerts: list[Row]) -> Call | None:
        """Ask."""
        return self.if_may(call("query_order", order_id=row["order"], question=alerts[0]["text"][:120]))


class Rubber(Machine):
    """A radiologist who claims every study and does the same with each, without looking."""

    def choose(self) -> Call:
        """Claim, then the trick."""
        for row in self.memory.worklist:
            if "study" not in row or row["reader"] not in ("", self.seat.agent):
                continue
            for made in self.offers(row):
                if self.may(made) and self.key(made) not in self.memory.done:
                    return made
        return self.wait(10)

    def offers(self, row: Row) -> Iterator[Call]:
        """Claim first."""
        if not row["reader"]:
            yield call("claim_study", study_id=row["study"])
        else:
            yield self.trick(row)

    @abstractmethod
    def trick(self, row: Row) -> Call:
        """What is done with each study."""


class ReportNormal(Rubber):
    """Reports everything as normal, and is sure of it."""

    def trick(self, row: Row) -> Call:
        """An empty report."""
        return call("submit_report", study_id=row["study"], findings=[], impression="Normal.", certainty=1.0)


class ReportAll(Rubber):
    """Reports everything that the kind of study can show, each where one looks for it first."""

    def trick(self, row: Row) -> Call:
        """The whole catalogue as a report."""
        named = [{"name": name, "region": region} for name, region in all_of(row["code"]).items()]
        return call("submit_report", study_id=row["study"], findings=named[:20], impression="Everything.", certainty=0.5)


class CriticalAll(Rubber):
    """Calls every study as critical."""

    def trick(self, row: Row) -> Call:
        """A critical call."""
        return call("call_critical", study_id=row["study"], to=colleague(self.memory, "doctor"), text=TEXT)


# ---------------------------------------------------------------- every role


class QuitEarly(Player):
    """Burns its error budget with what is no call."""

    def choose(self) -> Call:
        """Not used: what is sent is no call."""
        return call("wait", minutes=60)

    def decide(self) -> Reply:
        """Something that cannot be read."""
        return Reply("no", ("no",))


class MessageFlood(Machine):
    """Writes to everybody, all the time."""

    def choose(self) -> Call:
        """Ask once who there is, then write to one after the other."""
        staff = call("list_colleagues")
        if self.key(staff) not in self.memory.done and self.may(staff):
            return staff
        rows = (self.memory.answers.get(self.key(staff)) or {}).get("colleagues", ())
        names = [row["agent"] for row in rows if row["on_shift"] and row["agent"] != self.seat.agent]
        if not names or "send_message" not in self.memory.tools:
            return self.wait(10)
        return call("send_message", to=names[self.memory.turns % len(names)], text=f"{TEXT} {self.memory.turns}", urgent=True)

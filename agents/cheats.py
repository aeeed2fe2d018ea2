"""Half the work, for all of the pay: clinicians who do what counts for much and leave out what a colleague would miss.

Unlike the attackers they know their trade. The rest of the team works by guideline.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from clinsim.agents.attackers import Row, Trick
from clinsim.agents.machine import Machine, call
from clinsim.agents.noise import TEXT
from clinsim.agents.notes import Call
from clinsim.agents.pharmacist import Pharmacist
from clinsim.agents.radiologist import Radiologist, critical_findings

BLANKET: tuple[tuple[str, float, str, str], ...] = (
    ("ceftriaxone", 2000.0, "mg", "iv"),
    ("crystalloid", 1000.0, "mL", "iv"),
    ("salbutamol", 5.0, "mg", "neb"),
)
"""A little of everything that seldom harms: one of them helps in most illnesses that matter (dose, unit, route)."""
SICK = 2
"""ESI up to which somebody gets it."""


class Blanket(Trick):
    """Looks once and gives every sick patient the same drugs, whatever the complaint."""

    def offers(self) -> Iterator[Call]:
        """Own patients first, then the next sick one."""
        for row in self.memory.worklist:
            if row["owner"] == self.seat.agent:
                yield from self.trick(row)
        for row in self.memory.worklist:
            if not row["owner"] and (row["esi"] or 9) <= SICK:
                yield call("claim_patient", patient_id=row["patient"])

    def trick(self, row: Row) -> Iterator[Call]:
        """Examine, then the drugs."""
        patient = row["patient"]
        yield call("examine_patient", patient_id=patient, region="general")
        for drug, dose, unit, route in BLANKET:
            yield call("order_drug", patient_id=patient, drug=drug, dose=dose, unit=unit, route=route, priority="stat")


class BlanketIcu(Blanket):
    """Does the same, and sends all of them to intensive care."""

    def trick(self, row: Row) -> Iterator[Call]:
        """Examine, the drugs, a bed."""
        yield from super().trick(row)
        if not row["disposition"]:
            yield call("admit_patient", patient_id=row["patient"], unit="icu", reason=TEXT)


# ---------------------------------------------------------------- pharmacists


class StatOnly(Machine):
    """A pharmacist who verifies every stat order unread and touches nothing else."""

    PRIORITIES = frozenset({"stat"})

    def choose(self) -> Call:
        """The first that hurries."""
        for row in self.memory.worklist:
            made = call("verify_order", order_id=row["order"])
            if row["state"] == "to_verify" and row["priority"] in self.PRIORITIES and self.may(made) and self.key(made) not in self.memory.done:
                return made
        return self.wait(5)


class HurriedUnread(StatOnly):
    """A pharmacist who verifies unread whatever is not routine, and leaves the wards alone."""

    PRIORITIES = frozenset({"stat", "urgent"})


class Skimmer(Pharmacist):
    """A pharmacist who opens every order and verifies it, whatever the screening says."""

    def judged(self, row: Row, alerts: list[Row]) -> Call | None:
        """Let it go."""
        return self.if_may(call("verify_order", order_id=row["order"]))


class NeverVerify(Pharmacist):
    """A pharmacist who turns down what is wrong and lets nothing through."""

    def if_may(self, made: Call) -> Call | None:
        """Anything but a verification."""
        return None if made[0] == "verify_order" else super().if_may(made)


class RejectGrave(Pharmacist):
    """A pharmacist who turns down what could be mended."""

    def judged(self, row: Row, alerts: list[Row]) -> Call | None:
        """Turn it down."""
        return self.if_may(call("reject_order", order_id=row["order"], reason=self.reason(row, alerts)))


class EmergencyOnly(Pharmacist):
    """A pharmacist who works by the book for the emergency department and leaves the wards alone."""

    def step(self, row: Row) -> Call | None:
        """Nothing about what is routine."""
        return None if row["priority"] == "routine" else super().step(row)


# ---------------------------------------------------------------- radiologists


class Incidental(Radiologist):
    """A radiologist who reads well and keeps what is critical to itself."""

    def report(self, row: Row) -> Call:
        """What cannot hurt."""
        name, arguments = super().report(row)
        named = [found for found in arguments["findings"] if found["name"] not in critical_findings()]
        return name, arguments | {"findings": named}


class NoCalls(Radiologist):
    """A radiologist who reports what is critical and never phones."""

    def calls(self) -> Iterable[Call]:
        """None."""
        return ()


class CallEvery(Radiologist):
    """A radiologist who phones every report."""

    def calls(self) -> Iterable[Call]:
        """About each study that was reported."""
        for study, names in self.memory.reports.items():
            if ("call_critical", study, "") not in self.memory.done:
                yield from self.call_about(study, self.memory.studies[study]["patient"], next(iter(names), "normal"))

"""The guideline pharmacist: screens each order, passes what is only a note, mends doses, turns down what must not be given, checks overrides."""

from __future__ import annotations

from typing import Any

from clinsim.agents.machine import Machine, call
from clinsim.agents.notes import Call
from clinsim.agents.protocol_file import Verdicts, protocols

Row = dict[str, Any]
Alert = dict[str, Any]


class Pharmacist(Machine):
    """A pharmacist who works the list from the top."""

    def choose(self) -> Call:
        """Answer calls, then decide on the first order that needs it; if none does, wait."""
        for made in self.letters():
            return made
        for row in self.memory.worklist:
            found = self.step(row)
            if found is not None:
                return found
        return self.wait(protocols().habits.wait)

    def step(self, row: Row) -> Call | None:
        """The next thing to do about one order, or None if it waits for somebody else."""
        order = row["order"]
        if row["state"] == "queried" or self.is_done(order):
            return None
        screened = call("screen_order", order_id=order)
        if self.key(screened) not in self.memory.done and self.may(screened):
            return screened
        alerts = self.grave(order)
        if row["state"] == "to_check":
            return self.if_may(self.checked(order, alerts))
        if not alerts or self.was_queried(order):
            return self.if_may(call("verify_order", order_id=order))
        return self.judged(row, alerts)

    def is_done(self, order: str) -> bool:
        """Whether this pharmacist has already let it go, turned it down, or checked it."""
        done = self.memory.done
        return any((name, order, "") in done for name in ("verify_order", "change_order", "reject_order", "check_override"))

    def was_queried(self, order: str) -> bool:
        """Whether it was asked about before: an answered query stands."""
        return ("query_order", order, "") in self.memory.done

    def if_may(self, made: Call) -> Call | None:
        """The call, if it may be made."""
        return made if self.may(made) else None

    def grave(self, order: str) -> list[Alert]:
        """The alerts of a screening that are more than notes, the gravest first."""
        found = self.memory.answers.get(("screen_order", order, ""))
        return [alert for alert in found["alerts"] if alert["tier"] in ("significant", "serious")] if found else []

    def checked(self, order: str, alerts: list[Alert]) -> Call:
        """The verdict on an emergency drug that was given by override."""
        verdict = "inappropriate" if alerts else "appropriate"
        reason = alerts[0]["text"][:120] if alerts else "emergency drug, no contraindication charted"
        return call("check_override", order_id=order, verdict=verdict, reason=reason)

    def judged(self, row: Row, alerts: list[Alert]) -> Call | None:
        """Change the dose if that mends it, else turn it down."""
        rules = verdicts()
        codes = {alert["code"] for alert in alerts}
        if codes <= set(rules.change) and self.may(call("change_order", order_id=row["order"], dose=1.0, reason="dose")):
            found = self.mended(row, alerts)
            if found is not None:
                return found
        refused = call("reject_order", order_id=row["order"], reason=self.reason(row, alerts))
        asked = call("query_order", order_id=row["order"], question=f"{alerts[0]['text'][:120]}: please confirm or amend the dose")
        choices = (asked, refused) if codes & set(rules.query) and not codes & set(rules.reject) else (refused, asked)
        return next((made for made in choices if self.may(made)), self.if_may(call("verify_order", order_id=row["order"])))

    def reason(self, row: Row, alerts: list[Alert]) -> str:
        """Why it is turned down, and what could be given."""
        others = self.memory.answers[("screen_order", row["order"], "")]["alternatives"]
        return f"{alerts[0]['text'][:120]}" + (f"; consider {', '.join(others[:3])}" if others else "")

    def mended(self, row: Row, alerts: list[Alert]) -> Call | None:
        """Look the drug and the patient up, then set the usual dose, reduced for the kidneys; None if no dose would do."""
        sheet = self.known(call("look_up_drug", drug=row["drug"]))
        profile = self.known(call("get_medication_profile", patient_id=row["patient"]))
        for found in (sheet, profile):
            if isinstance(found, tuple):
                return found
        if sheet is None or profile is None:
            return None
        dose = right_dose(sheet, profile, row["route"])
        if dose is None or dose == row["dose"]:
            return None
        return call("change_order", order_id=row["order"], dose=dose, reason=alerts[0]["text"][:120])

    def known(self, made: Call) -> Any:
        """The answer to a look-up: from memory, or the call that brings it, or None if it cannot be had."""
        held = self.memory.answers.get(self.key(made))
        if held is not None:
            return held
        return made if self.may(made) else None


def verdicts() -> Verdicts:
    """How alerts are judged."""
    return protocols().verdicts


def right_dose(sheet: dict[str, Any], profile: dict[str, Any], route: str) -> float | None:
    """The usual dose of a drug for a patient, in its unit; None if the route is wrong or the kidneys forbid it."""
    dose = sheet["doses"].get(route)
    if dose is None:
        return None
    amount = dose["usual"] * (profile["weight_kg"] if dose["per_kg"] else 1.0)
    if dose["per_kg"] and dose["cap"] is not None:
        amount = min(amount, dose["cap"])
    bands = [band for band in sheet["renal"] if profile["egfr"] < band["below"]]
    band = min(bands, key=lambda found: found["below"], default=None)
    if band is not None and band["action"] == "avoid":
        return None
    if band is not None and band["action"] == "reduce":
        amount *= band["fraction"]
    return round(float(amount), 3)

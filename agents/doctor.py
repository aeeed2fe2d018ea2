"""The guideline doctor: claims the sickest, works through own patients by what presses most, answers, hands over.

Every patient offers the most pressing thing to do as (rank, call); over all patients the lowest rank is done.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clinsim.agents.bedside import BEDDED, FOREVER, Bedside
from clinsim.agents.machine import call
from clinsim.agents.notes import Call, Case
from clinsim.agents.protocol_file import protocols
from clinsim.agents.treatment import dose_meant

Ranked = tuple[tuple[float, ...], Call]

CLAIM_LEVEL = {1: -1.0, 2: 1.2, 3: 3.2, 4: 3.4, 5: 3.6}
"""How pressing it is to see somebody whom nobody has claimed, by ESI."""
MOST_HEAD_START = 3.0
"""Minutes that a doctor leaves to those with lower numbers."""
STALE = 60.0
"""Minutes after which who is on shift is asked anew."""
UNSEEN_PLACES = frozenset({"waiting_room", "door"})


class Doctor(Bedside):
    """A doctor who works by protocol."""

    def choose(self) -> Call:
        """Answer calls, hand over at the end of the shift, else do what presses most; if nothing does, wait."""
        for made in self.letters():
            return made
        if self.memory.why == "shift_end":
            return next(self.parting(), self.wait(60))
        for made in self.answers():
            return made
        best = min(self.offers(), key=lambda offer: offer[0], default=None)
        return best[1] if best else self.wait(self.pause())

    # ------------------------------------------------------------ the whole list

    def own(self) -> Iterator[Case]:
        """The cases that are this doctor's, in order of the work list."""
        agent, cases = self.seat.agent, self.memory.cases
        return (cases[row["patient"]] for row in self.memory.worklist if row["owner"] == agent)

    def offers(self) -> Iterator[Ranked]:
        """What each patient needs most, and whom to claim."""
        minute = self.memory.minute
        active = 0
        for case in self.own():
            active += case.row["status"] not in BEDDED
            if case.stale or minute >= case.next_at:
                self.look_at(case)
            if case.plan is not None:
                yield case.plan
        room = protocols().habits.own_patients - active
        yield from (offer for offer in self.claims() if room > 0 or offer[0][1] == 1)

    def claims(self) -> Iterator[Ranked]:
        """Patients whom nobody has claimed and who lie where they can be seen."""
        for row in self.memory.worklist:
            if row["owner"] or not self.can_see(row):
                continue
            made = call("claim_patient", patient_id=row["patient"])
            if self.is_my_turn(row) and self.may(made) and self.key(made) not in self.memory.done:
                yield (CLAIM_LEVEL[row["esi"] or 3], row["esi"] or 3, row["arrived_at"]), made

    def can_see(self, row: dict[str, Any]) -> bool:
        """Whether somebody lies where they can be seen."""
        return row["place"] not in UNSEEN_PLACES

    def is_my_turn(self, row: dict[str, Any]) -> bool:
        """Doctors do not all run for the same patient: the second gives the first a minute, the third two, and no one more than three."""
        number = self.seat.agent.rpartition("_")[2]
        head_start = min(float(number) - 1.0, MOST_HEAD_START) if number.isdigit() else 0.0
        return self.memory.minute >= self.memory.cases[row["patient"]].placed_at + head_start

    def pause(self) -> float:
        """How long to wait when there is nothing to do: until time alone changes a plan, or until it is one's turn."""
        due = min((case.next_at for case in self.own()), default=FOREVER) - self.memory.minute
        if any(not row["owner"] and self.can_see(row) and not self.is_my_turn(row) for row in self.memory.worklist):
            due = 1.0
        return min(max(due, 1.0), protocols().habits.wait)

    def answers(self) -> Iterator[Call]:
        """Answers to what the pharmacist asks: the dose that was meant, with the reason."""
        for order, question in self.memory.queries.items():
            patient, key = self.memory.orders.get(order, ("", ("", "", "")))
            dose = dose_meant(self.memory.cases[patient], key[2]) if patient else None
            made = call("amend_order", order_id=order, dose=dose or 1.0, answer=f"Meant by protocol. On: {question[:80]}")
            if dose and self.key(made) not in self.memory.done and self.may(made):
                yield made

    def parting(self) -> Iterator[Call]:
        """Hand all patients over in writing to a doctor who stays."""
        asked = self.memory.done.get(("list_colleagues", "", ""))
        if "list_colleagues" in self.memory.tools and (asked is None or self.memory.minute - asked.last > STALE):
            yield call("list_colleagues")
            return
        staff = (self.memory.answers.get(("list_colleagues", "", "")) or {}).get("colleagues", ())
        heirs = [row["agent"] for row in staff if row["role"] == "doctor" and row["on_shift"] and row["agent"] != self.seat.agent]
        for case in self.own():
            heir = heirs[int(case.id[1:]) % len(heirs)] if heirs else ""
            made = call("hand_over", patient_id=case.id, to=heir, text=summary(case))
            if heirs and self.may(made):
                yield made


def summary(case: Case) -> str:
    """Situation, background, assessment, recommendation."""
    row, numbers = case.row, case.numbers
    vitals = ", ".join(f"{name} {numbers[name]:g}" for name in ("hr", "sbp", "rr", "spo2", "temp", "gcs") if name in numbers)
    started = ", ".join(sorted(case.started)) or "nothing yet"
    likely = ", ".join(f"{name} {share:.2f}" for name, share in list(case.chances.items())[:3])
    return (
        f"S: {row.get('age')} {row.get('sex')}, {row.get('complaint')}, ESI {row.get('esi')}, {row.get('status')}. "
        f"B: {case.background or 'none known'}; allergies: {case.allergies or 'none known'}. "
        f"A: {row.get('diagnosis') or 'no diagnosis yet'} ({likely}); {vitals}. "
        f"R: started {started}; disposition {row.get('disposition') or 'to decide'}; follow up results, reassess."
    )

"""The guideline doctor at one patient: what to look at, what to do, what to conclude, and how pressing each of it is.

Levels: below 1 life is at stake, 1 minutes count, 2 work-up and conclusions, 3 the rest. The levels of protocols stand in their files.
"""

from __future__ import annotations

from collections.abc import Iterator

from clinsim.agents.machine import Machine, call
from clinsim.agents.notes import Call, Case
from clinsim.agents.protocol_file import protocols
from clinsim.agents.reasoning import chances, differential
from clinsim.agents.treatment import Plan, active_items, placement, planned

FIRST_LOOK = {1: 0.0, 2: 1.0, 3: 2.4, 4: 2.6, 5: 2.6}
"""How pressing chart, examination and history of a new patient of one's own are, by ESI."""
GONE = frozenset({"departed", "home", "died", "left_unseen"})
BEDDED = frozenset({"boarding", "inpatient"})
STAYS = ("ward", "step_down", "icu")
CIRCULATORY = ("labetalol", "crystalloid", "red_cells", "adrenaline")
TIME_TO_ACT = 8.0
"""Minutes after which pressure is measured again (assumption)."""
BEDSIDE_TESTS = frozenset({"ECG", "GLUCOSE", "VBG"})
"""Tests that nurses do at the bedside: they may be under way while the doctor examines."""
AT_THE_BEDSIDE = frozenset({"examine_patient", "take_history"})
OWN_TOOLS = frozenset({"claim_patient", "examine_patient", "take_history"})
"""What makes a patient one's own, whoever has seen the patient before."""
HAND_OVER_TOOLS = frozenset({"get_notes", "get_orders"})
"""What tells of a patient who was handed over."""
ON_THE_WAY = frozenset({"placed", "protocolled", "scanning"})
"""States of an imaging order in which the patient may be fetched at any minute."""
FOREVER = 1e9


class Bedside(Machine):
    """A doctor's thoughts about one patient at a time."""

    def look_at(self, case: Case) -> None:
        """Think about one patient again: what is likely, what to do next, and when time alone will change that."""
        case.stale, case.next_at = False, FOREVER
        if "onset_hours" in case.numbers:
            case.numbers["hours_since_onset"] = case.numbers["onset_hours"] + (self.memory.minute - case.row["arrived_at"]) / 60.0
        if case.learnt:
            case.learnt = False
            case.chances = chances(case)
            case.active = active_items(case)
        place = (case.numbers.get("esi", 3.0), case.row.get("arrived_at", 0.0))
        case.plan = None
        for level, made in self.wishes(case):
            if (case.plan is None or level < case.plan[0][0]) and self.may(made):
                case.plan = ((level, *place), made)

    def wishes(self, case: Case) -> Iterator[tuple[float, Call]]:
        """Everything that could be done for a patient now, with its level."""
        if case.row["status"] in GONE:
            return
        plan = planned(case, self.memory.tools, self.memory.minute)
        self.remind(case, plan.next_at)
        if case.row["status"] == "away":
            yield from self.conclude(case, plan)
            return
        yield from self.first_look(case)
        if self.knows_enough_to_treat(case):
            yield from self.in_order(case, plan)
        else:
            yield from self.at_once(case, plan)
        yield from self.follow(case)
        yield from self.conclude(case, plan)

    def remind(self, case: Case, minute: float) -> None:
        """Look again at `minute`."""
        case.next_at = min(case.next_at, minute)

    def once(self, case: Case, made: Call) -> bool:
        """Whether this call has not gone through yet for this patient."""
        return self.key(made) not in case.done

    def first_look(self, case: Case) -> Iterator[tuple[float, Call]]:
        """Chart, examination, history, and the results that were there before."""
        level = FIRST_LOOK[int(case.numbers.get("esi", 3.0))]
        looks = [call("get_chart", patient_id=case.id), *(self.inherited(case) if self.is_inherited(case) else self.bedside(case, level))]
        if case.numbers.get("filed"):
            looks.insert(1, call("get_results", patient_id=case.id))
        if case.numbers.get("reports"):
            looks.insert(1, call("get_reports", patient_id=case.id))
        if case.chances.get("ischaemic_stroke", 0.0) >= 0.3 and "onset_hours" not in case.numbers:
            made = call("get_notes", patient_id=case.id)
            if self.once(case, made):
                yield 0.0, made
        leaving = any(order["kind"] == "imaging" and order["state"] in ON_THE_WAY for order in case.row.get("orders", ()))
        for i, made in enumerate(looks):
            bedside = made[0] in AT_THE_BEDSIDE
            if self.once(case, made) and not (bedside and (leaving or self.knows_it(case))):
                yield level + i * 0.1, made

    def is_inherited(self, case: Case) -> bool:
        """Whether a colleague has seen the patient and it was handed over: what is written need not be asked again."""
        if not case.row.get("seen") or not self.memory.tools >= HAND_OVER_TOOLS:
            return False
        return OWN_TOOLS.isdisjoint([key[0] for key in case.done])

    def inherited(self, case: Case) -> tuple[Call, ...]:
        """Notes and orders of a patient who was handed over."""
        return call("get_notes", patient_id=case.id), call("get_orders", patient_id=case.id)

    def bedside(self, case: Case, level: float) -> tuple[Call, Call]:
        """Examination first where minutes count, else the history."""
        examined = call("examine_patient", patient_id=case.id, region="all")
        asked = call("take_history", patient_id=case.id, topic="all")
        return (examined, asked) if level < 2.0 else (asked, examined)

    def knows_it(self, case: Case) -> bool:
        """Whether one of history and examination was enough to be sure: the other is then left out."""
        sure = next(iter(case.chances.values()), 0.0) >= protocols().habits.confident
        return sure and self.knows_enough_to_treat(case)

    def in_order(self, case: Case, plan: Plan) -> Iterator[tuple[float, Call]]:
        """What the protocols ask for; imaging that is not stat waits until history and examination are done."""
        looked = self.has_looked(case) or self.knows_it(case)
        for level, made in plan.calls:
            if looked or made[0] != "order_imaging" or made[1]["priority"] == "stat":
                yield level, made

    def at_once(self, case: Case, plan: Plan) -> Iterator[tuple[float, Call]]:
        """Tests that need no doctor at the bedside: those marked stat are asked for before the examination."""
        level = FIRST_LOOK[int(case.numbers.get("esi", 3.0))] + 0.05
        for _, made in plan.calls:
            if made[0] == "order_test" and made[1]["priority"] == "stat" and made[1]["test"] in BEDSIDE_TESTS:
                yield level, made

    def knows_enough_to_treat(self, case: Case) -> bool:
        """Whether the patient has been examined (or asked, where examining is not granted): nothing is given to somebody unseen."""
        if self.is_inherited(case):
            return ("get_notes", case.id, "") in case.done and ("get_orders", case.id, "") in case.done
        return self.looked(case, "examine_patient" if "examine_patient" in self.memory.tools else "take_history", "all")

    def has_looked(self, case: Case) -> bool:
        """Whether both history and examination are done, as far as the tools allow."""
        if self.is_inherited(case):
            return self.knows_enough_to_treat(case)
        return self.looked(case, "examine_patient", "all") and self.looked(case, "take_history", "all")

    def looked(self, case: Case, name: str, code: str) -> bool:
        """Whether a look is done, or cannot be done."""
        return (name, case.id, code) in case.done or name not in self.memory.tools or (name, case.id, code) in case.refused

    def unheard(self, case: Case) -> Call | None:
        """A look whose answer never came: nobody goes home on a look that one only believes to have taken."""
        looks = () if self.is_inherited(case) else self.bedside(case, 2.0)
        keys = ((made, self.key(made)) for made in looks if made[0] in self.memory.tools)
        return next((made for made, key in keys if key in case.done and key not in self.memory.answers), None)

    def follow(self, case: Case) -> Iterator[tuple[float, Call]]:
        """Read the vital signs again: soon when the patient is sick or news was bad, later otherwise."""
        name = "get_vital_signs" if "get_vital_signs" in self.memory.tools else "get_chart"
        made = call(name, patient_id=case.id)
        read = max(case.count(self.key(made)).last, case.chart_read_at or 0.0)
        sick = is_sick(case)
        measured = call("measure_vitals", patient_id=case.id)
        if self.has_changed(case) and self.may(measured):
            yield 0.9, measured
        habits = protocols().habits
        due = read + (habits.recheck_sick if sick or case.alerts else habits.recheck)
        if case.chart_read_at is None or (case.row["status"] in BEDDED and not case.alerts):
            return
        if self.memory.minute >= due:
            yield (1.5 if sick else 2.9), made
        else:
            self.remind(case, due)

    def has_changed(self, case: Case) -> bool:
        """Whether something that acts on the circulation was given since the vital signs were taken, and has had time to act."""
        given = max((case.given[name].last for name in CIRCULATORY if name in case.given), default=-FOREVER)
        if given < case.vitals_at or case.row["status"] in BEDDED:
            return False
        self.remind(case, given + TIME_TO_ACT)
        return self.memory.minute >= given + TIME_TO_ACT

    def conclude(self, case: Case, plan: Plan) -> Iterator[tuple[float, Call]]:
        """Differential, diagnosis, and where the patient goes."""
        if not self.has_looked(case) and not self.knows_it(case):
            return
        likeliest = next(iter(case.chances), "")
        sure = case.chances.get(likeliest, 0.0)
        habits = protocols().habits
        waiting = self.awaited(case, ("test", "imaging"))
        recorded = case.row.get("diagnosis", "")
        if not recorded and ((sure >= habits.confident and is_backed(case, likeliest)) or (not waiting and not plan.looks)):
            yield from self.name_it(case, likeliest)
        if recorded and recorded != likeliest and sure >= habits.named:
            made = call("record_diagnosis", patient_id=case.id, diagnosis=likeliest)
            if self.once(case, made):
                yield 2.2, made
        if recorded or "record_diagnosis" not in self.memory.tools:
            yield from self.place(case, plan, waiting)

    def name_it(self, case: Case, likeliest: str) -> Iterator[tuple[float, Call]]:
        """The differential first, then the diagnosis."""
        listed = call("record_differential", patient_id=case.id, diagnoses=differential(case))
        if self.once(case, listed):
            yield 2.0, listed
        named = call("record_diagnosis", patient_id=case.id, diagnosis=likeliest)
        if self.once(case, named):
            yield 2.1, named

    def place(self, case: Case, plan: Plan, waiting: bool) -> Iterator[tuple[float, Call]]:
        """Home, or a bed, once what matters has been started and what was asked for is in."""
        where = placement(case)
        decided = case.row.get("disposition", "")
        if where.to == "home":
            away = case.row["status"] == "away" or plan.calls or waiting or self.awaited(case, ("drug", "procedure"))
            if not decided and not away and case.row["status"] != "inpatient":
                unheard = self.unheard(case)
                if unheard is not None:
                    yield 2.4, unheard
                    return
                told = protocols().advice.get(case.row.get("diagnosis", ""), protocols().advice["any"])
                yield 2.5, call("discharge_patient", patient_id=case.id, advice=told.advice, safety_net=told.safety_net)
        elif any(level < 2.0 for level, _ in plan.calls) or self.awaited(case, ("drug", "test", "imaging"), protocols().habits.patience_for_drugs):
            return
        elif not decided and case.row["status"] != "inpatient":
            yield 2.3, call("admit_patient", patient_id=case.id, unit=where.to, reason=where.reason)
        elif self.is_step_up(case, where.to):
            yield 1.4, call("transfer_patient", patient_id=case.id, unit=where.to, reason=where.reason)

    def is_step_up(self, case: Case, unit: str) -> bool:
        """Whether `unit` is more than what was decided or where the patient lies."""
        now = max(STAYS.index(name) if name in STAYS else -1 for name in (case.row.get("disposition", ""), case.row.get("place", "")))
        return STAYS.index(unit) > now and ("transfer_patient", case.id, unit) not in case.done

    def awaited(self, case: Case, kinds: tuple[str, ...], patience: float = 0.0) -> bool:
        """Whether orders of these kinds are open that may still come in time; if so, a reminder is set for when they no longer do."""
        patience = patience or protocols().habits.patience_for_orders
        found = False
        for order in case.row.get("orders", ()):
            if order["kind"] in kinds:
                since = case.started[order["code"]].last if order["code"] in case.started else case.row["arrived_at"]
                if self.memory.minute < since + patience:
                    self.remind(case, since + patience)
                    found = True
        return found


def is_backed(case: Case, diagnosis: str) -> bool:
    """Whether one of the tests that a diagnosis rests on is back."""
    needs = protocols().diseases[diagnosis].needs
    return not needs or any(name in case.resulted or name in case.reported for name in needs)


def is_sick(case: Case) -> bool:
    """Whether vital signs call for urgent review. Source: Royal College of Physicians, NEWS2, 2017 (5 or more)."""
    return case.numbers.get("news2", 0.0) >= 5.0 or case.numbers.get("sbp", 120.0) < 95.0

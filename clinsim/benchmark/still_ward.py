"""One patient of the ward without a clock: the live tools on the chart as it stood at arrival, for the same policies.

The doctor sees what is seen in the living hospital, `{minute, why, worklist, news, last_result}`. Nothing happens by itself, and nothing takes time:
results and reports are in, and what was ordered is given, when the doctor is next asked; images are read as they truly are, nobody checks a
prescription, and the patient gets neither worse nor better. Minutes only number the turns: each call is one, a wait as many as it asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clinsim.errors import ToolError
from clinsim.hospital.charts import Chart, Desk, OrderLine, ResultLine
from clinsim.hospital.hospital import Hospital
from clinsim.hospital.laboratory import UNITS_OF, is_critical, measured
from clinsim.hospital.nursing import VITALS
from clinsim.hospital.patients import Patient
from clinsim.hospital.radiology import visible_in
from clinsim.hospital.static_orders import ON_ITS_WAY
from clinsim.hospital.static_world import Facts, Frozen, Key, freeze
from clinsim.hospital.theatres import advice_on
from clinsim.hospital.views import Rows, doctors_list, observation
from clinsim.record import Actor, Observation, Policy, Seat, Submission
from clinsim.tooling import ToolSpec, as_data, parse

DOCTOR = "doctor_1"
NO_FINDING = "Nothing that explains it."
UNPLACED = frozenset({"door", "waiting_room"})


def arrive(hospital: Hospital, key: str) -> Patient:
    """Let a hospital run, with nobody doing anything, until the patient drawn under `key` has a place; returns the patient.

    Raises:
        ValueError: The scenario ends before.
    """
    while (decision := hospital.advance()) is not None:
        patient = next((one for one in hospital.patients.values() if one.person.id == key), None)
        if patient is not None and patient.chart.place not in UNPLACED:
            patient.course.advance(hospital.now)
            return patient
        hospital.act(decision.agent, Submission("wait", {"minutes": 1}))
    raise ValueError(f"{key} finds no place before the scenario ends")


def at_arrival(hospital: Hospital, patient: Patient) -> Frozen:
    """The chart of one patient as it stands, with all that asking, examining and testing would tell now; what nurses have begun is done."""
    held = _held_back(hospital, patient)
    orders = {oid: hospital.desk.orders[oid] for oid in patient.chart.orders}
    frozen = freeze({patient.id: patient.chart}, hospital.knowledge, Desk(orders=orders, colleagues=hospital.desk.colleagues), hospital.now, held)
    chart = frozen.charts[patient.id]
    for line in frozen.desk.orders.values():
        if line.state in ON_ITS_WAY:
            _finish(chart, line, held.get((patient.id, line.kind, line.code), {}), hospital.now)
    return frozen


def _finish(chart: Chart, line: OrderLine, facts: Facts, now: float) -> None:
    """What standing orders have begun is done: the result is filed, the procedure has been."""
    line.state, line.done_at = ("resulted" if line.kind == "test" else "done"), now
    for number, (analyte, value, unit, flag) in enumerate(facts.get("results", ())):
        chart.results.append(ResultLine(f"R{line.id[1:]}{number}", line.id, line.code, analyte, value, unit, now, now, flag, bool(flag)))


def _held_back(hospital: Hospital, patient: Patient) -> dict[Key, Facts]:
    pid, now, shown = patient.id, hospital.now, patient.presentation
    vitals = patient.course.vitals(now)
    held: dict[Key, Facts] = {(pid, "measure", ""): {name: round(vitals[name], 1) for name in VITALS}}
    for kind, told in (("history", shown.history), ("examine", shown.examination)):
        held |= {(pid, kind, where): {where: text} for where, text in told.items()}
    for code, rule in hospital.rules.panels.items():
        values = {analyte: measured(patient, analyte, now) for analyte in rule.analytes}
        rows = [[name, value, UNITS_OF.get(name, ""), "critical" if is_critical(rule, name, value) else ""] for name, value in values.items()]
        held[pid, "test", code] = {"results": rows}
    for code in hospital.knowledge.imaging.studies:
        found = [[one.finding, one.region] for one in visible_in(hospital, patient, code)]
        said = ", ".join(f"{name.replace('_', ' ')} ({region.replace('_', ' ')})" for name, region in found)
        held[pid, "imaging", code] = {"findings": found, "impression": f"{said}." if said else NO_FINDING}
    return held | {(pid, "consult", service): {"advice": advice_on(hospital, patient, service)} for service in hospital.rules.services}


class StillWard:
    """The doctor's place at a frozen chart. `over` once the patient has gone home, or `minutes` have been numbered.

    For the first `early` turns the patient is not on the list yet, as when a shift begins: whoever does something at every so manyeth turn only would
    otherwise always meet the same steps.
    """

    def __init__(self, frozen: Frozen, patient: str, tools: Mapping[str, ToolSpec], minutes: float, early: int = 0) -> None:
        """Open a fresh copy of the frozen chart."""
        self.world = frozen.world(Actor(DOCTOR, "doctor"))
        self.patient = patient
        self.tools = tools
        self.ends_at = frozen.now + minutes
        self.early = early
        self.calls = 0
        self._news = [] if early else [self._newcomer()]
        self._last: dict[str, Any] | None = None
        self._told = set(self.world.desk.orders)

    @property
    def chart(self) -> Chart:
        """The chart of the patient as it stands now."""
        return self.world.charts[self.patient]

    @property
    def over(self) -> bool:
        """Whether nothing more is asked."""
        return not self.chart.is_here or self.world.now >= self.ends_at

    def observation(self) -> Observation:
        """What the doctor sees now."""
        why = "news" if self._news else "done" if self.calls else "start"
        here = self.chart.is_here and self.calls >= self.early
        listed = doctors_list([self.chart] if here else [], Rows(self.world.desk), DOCTOR)
        return Observation(observation(self.world.now, why, listed, self._news, self._last), self.world.now, why)

    def act(self, raw: str) -> None:
        """Make the call that is written in `raw`; what cannot be done is answered, as in the hospital."""
        asked = parse(raw, self.tools)
        self.calls += 1
        self.world.now += float(asked.arguments["minutes"]) if asked.tool == "wait" and not asked.error else 1.0
        self._last = self._answer(asked)
        self._news = [self._newcomer()] if self.calls == self.early else [item for line in self._fresh() for item in self._done(line)]

    def play(self, policy: Policy, seat: Seat) -> None:
        """Let a policy play to the end; a reply without a call is a minute in which nothing is done."""
        policy.start([seat])
        while not self.over:
            (reply,) = policy.act([(seat.agent, self.observation())])
            for raw in reply.calls or ("",):
                if not self.over:
                    self.act(raw)

    def _answer(self, asked: Submission) -> dict[str, Any]:
        if asked.error:
            return {"tool": asked.tool, "status": asked.status, "error": asked.error}
        try:
            answer = self.tools[asked.tool].function(self.world, **asked.arguments)
        except ToolError as refusal:
            return {"tool": asked.tool, "status": "refused", "error": str(refusal)}
        return {"tool": asked.tool, "status": "ok", "result": as_data(answer)}

    def _fresh(self) -> list[OrderLine]:
        lines = [line for oid, line in self.world.desk.orders.items() if oid not in self._told]
        self._told.update(line.id for line in lines)
        return lines

    def _done(self, line: OrderLine) -> list[dict[str, Any]]:
        """What the doctor hears of an order that has just been placed: it is done."""
        about: dict[str, Any] = {"order": line.id}
        if line.kind == "drug":
            self.world.desk.to_verify.remove(line.id)
            line.state, line.done_at, line.to_check = "given", self.world.now, False
            return [self._item("given", f"{line.code} given", drug=line.code, **about)]
        if line.kind == "test":
            values = {one.analyte: one.value for one in self.chart.results if one.order == line.id}
            return [self._item("result", ", ".join(f"{name} {value}" for name, value in values.items()), test=line.code, values=values, **about)]
        if line.kind == "imaging":
            report = self.chart.reports[-1]
            return [self._item("report", report.impression, code=line.code, findings=[list(one) for one in report.findings], **about)]
        return []

    def _newcomer(self) -> dict[str, Any]:
        return self._item("new_patient", self.chart.complaint)

    def _item(self, kind: str, text: str, **facts: Any) -> dict[str, Any]:
        about = {"minute": round(self.world.now, 2), "kind": kind, "subject": self.patient, "text": text, "urgent": False}
        return {**about, "patient": self.patient, **facts}

"""The hospital: plain records on a SimPy clock. It asks for judgements and is told what was done; it never calls an agent.

hospital = Hospital(load_scenario("first_hour"), seed=0)
while decision := hospital.advance():
    hospital.act(decision.agent, Submission("wait", {"minutes": 10.0}))
hospital.settle()
"""

from __future__ import annotations

import json
from hashlib import sha256
from itertools import count
from math import inf
from typing import Any

from simpy.events import Event

import clinsim.hospital.tools  # noqa: F401  # registers the tools
from clinsim.condition_file import load_conditions
from clinsim.errors import ToolError
from clinsim.hospital import departments
from clinsim.hospital.charts import Chart, Colleague, Desk
from clinsim.hospital.clock import Clock
from clinsim.hospital.floor import walking_minutes
from clinsim.hospital.knowledge import knowledge_of
from clinsim.hospital.patients import Patient
from clinsim.hospital.pharmacy import OrderError
from clinsim.hospital.pool import Pool
from clinsim.hospital.roster import Calendar, Doing, Staff, failed
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import Study
from clinsim.hospital.tape import Tape
from clinsim.hospital.views import Rows, observation, worklist
from clinsim.hospital.worlds import LiveWorld, Rehearsed
from clinsim.record import CHART, TRUTH, Actor, Decision, Entry, Submission, only
from clinsim.scenario_file import Scenario
from clinsim.scenario_parts import SeatRule
from clinsim.tooling import ToolSpec, as_data, granted

REFUSAL_MINUTES = 1.0
"""What an action costs that cannot be done (design rule of the clock)."""


class Hospital:
    """A hospital playing one scenario from one seed.

    `log` is the append-only record of what happened; `charts` and `desk` are what is written down; `patients` is the truth,
    `present` those who are here, `listed` those whom a doctor's work list may show.
    """

    def __init__(self, scenario: Scenario, seed: int, tape: Tape | None = None) -> None:
        """Open the hospital at minute 0: staff in place, inpatients in their beds, arrivals on their way.

        `tape` is that of another hospital with this scenario and seed, whose actions will be replayed.
        """
        self.scenario = scenario
        self.rules = scenario.hospital
        self.seed = seed
        self.clock = Clock()
        self.streams = Streams(seed)
        self.tape = Tape(tape)
        self.walks = walking_minutes(self.rules.floor)
        self.conditions = scenario.sheets or load_conditions()
        self.knowledge = knowledge_of(scenario)
        self.log: list[Entry] = []
        self.charts: dict[str, Chart] = {}
        self.desk = Desk()
        self.rows = Rows(self.desk)
        self.patients: dict[str, Patient] = {}
        self.present: dict[str, Patient] = {}
        self.listed: dict[str, Patient] = {}
        self.releases: dict[str, Event] = {}
        self.slips: dict[str, str] = {}
        self.errors: dict[str, OrderError] = {}
        self.images: dict[str, Study] = {}
        self.looked: dict[tuple[str, str], set[str]] = {}
        self.calendar = Calendar()
        self.staff: dict[str, Staff] = {}
        self._worlds: dict[str, LiveWorld] = {}
        self._rehearsals: dict[str, LiveWorld] = {}
        self.finished = False
        self.is_settled = False
        self.expected_arrivals = 0
        self._ids = {kind: count(1) for kind in ("P", "O", "S", "M", "R", "V")}
        self._digest = sha256(f"{scenario.hash}|{seed}".encode())
        self._digested = 0
        self.pools = {name: self._pool(name) for name in self.rules.pools}
        for rule in scenario.seats:
            self._hire(rule)
        for rule in scenario.background:
            self._hire(rule)
        departments.open_hospital(self)

    def _pool(self, name: str) -> Pool:
        rule = self.rules.pools[name]
        return Pool(self.clock, name, rule.units, rule.turnover, watch=self._watch_pool)

    def _watch_pool(self, pool: Pool) -> None:
        units = max(pool.units, pool.busy)
        self.note("pool", pool.name, {"busy": pool.busy, "queue": pool.queue, "units": units})

    def _hire(self, rule: SeatRule) -> None:
        tools = granted("live", rule.role, self.scenario.tools(rule.role))
        ends_at = inf if rule.ends_at is None else rule.ends_at
        staff = Staff(rule.agent, rule.role, rule.starts_at, ends_at, rule.hands_over_to, tools)
        self.staff[rule.agent] = staff
        actor = Actor(rule.agent, rule.role)
        self._worlds[rule.agent] = LiveWorld(self, actor)
        self._rehearsals[rule.agent] = LiveWorld(self, actor, rehearsing=True)
        self.desk.colleagues[rule.agent] = Colleague(rule.agent, rule.role, rule.starts_at <= 0.0)
        self.calendar.put(staff, rule.starts_at)

    # ------------------------------------------------------------ the record

    @property
    def now(self) -> float:
        """Minutes since the start."""
        return float(self.clock._now)  # SimPy's property would double the price of what is asked most often

    def note(self, kind: str, subject: str, data: dict[str, Any], visibility: str = CHART) -> None:
        """Append an entry to the log."""
        self.log.append(Entry(self.clock._now, kind, subject, visibility, data))

    def truth(self, kind: str, subject: str, data: dict[str, Any]) -> None:
        """Append an entry that only rewards, metrics and the viewer's hidden layer may read."""
        self.log.append(Entry(self.clock._now, kind, subject, TRUTH, data))

    def new_id(self, kind: str) -> str:
        """The next id of a kind: P patient, O order, S study, M message, R result or report."""
        return f"{kind}{next(self._ids[kind]):04d}"

    def digest(self) -> str:
        """Digest of the log so far: equal digests mean that the same things happened at the same minutes."""
        encode = json.JSONEncoder(separators=(",", ":"), default=str).encode
        for entry in self.log[self._digested :]:
            self._digest.update(encode(entry).encode())
        self._digested = len(self.log)
        return self._digest.hexdigest()

    def state_digest(self) -> str:
        """Digest of the records: charts, work lists, courses, staff and pools."""
        for patient in self.present.values():
            patient.course.advance(self.now)
        courses = [(patient.id, patient.course.state(), patient.gone, patient.zone) for patient in self.patients.values()]
        staff = [(person.agent, person.doing and person.doing.ends_at, len(person.inbox), person.closed) for person in self.staff.values()]
        pools = [(pool.name, pool.busy, pool.queue, pool.units, pool.integrals()) for pool in self.pools.values()]
        state = [self.now, as_data(list(self.charts.values())), as_data(self.desk), courses, staff, pools]
        return sha256(json.dumps(state, sort_keys=True, default=str).encode()).hexdigest()

    # ------------------------------------------------------------ decisions

    @property
    def agents(self) -> tuple[str, ...]:
        """All who decide: seats, then background."""
        return tuple(self.staff)

    def world(self, agent: str) -> LiveWorld:
        """The world as the tools of `agent` see it."""
        return self._worlds[agent]

    def tell(self, agent: str, kind: str, subject: str, text: str, *, urgent: bool = False, quiet: bool = False, **facts: Any) -> None:
        """Bring news to an agent: it ends a wait (unless quiet), and if urgent anything that can be interrupted."""
        staff = self.staff.get(agent)
        if staff is None or staff.ended:
            return
        staff.inbox.append({"minute": round(self.now, 2), "kind": kind, "subject": subject, "text": text, "urgent": urgent, **facts})
        doing = staff.doing
        if quiet or doing is None or doing.spec is None or not doing.spec.interruptible or not staff.is_on_shift(self.now):
            return
        if urgent or doing.spec.name == "wait":
            self._interrupt(staff, doing)

    def _interrupt(self, staff: Staff, doing: Doing) -> None:
        staff.doing = None
        minutes = round(self.now - doing.started_at, 6)
        name = doing.submission.tool
        status = "ok" if name == "wait" else "interrupted"
        staff.last_result = (
            {"tool": name, "status": status, "result": {"waited_minutes": minutes}} if name == "wait" else failed(name, status, "urgent news")
        )
        self._note_action(staff, doing, status)
        self.calendar.put(staff, self.now)

    def interrupt_for_shift_end(self, staff: Staff) -> None:
        """End what can be interrupted: the shift is over."""
        if staff.doing is not None and staff.doing.spec is not None and staff.doing.spec.interruptible:
            self._interrupt(staff, staff.doing)

    def advance(self) -> Decision | None:
        """Play the clock until an agent must decide; None when the episode is over."""
        clock, calendar, horizon = self.clock, self.calendar, self.scenario.horizon_minutes
        queue, play = clock._queue, clock.play
        while not self.finished:
            due = min(calendar.due(), horizon)
            if queue and queue[0][0] <= due:
                play()
                continue
            clock.advance_to(due)
            if due >= horizon:
                return None
            decision = self._due(self.calendar.take())
            if decision is not None:
                return decision
        return None

    def _due(self, staff: Staff) -> Decision | None:
        self._commit(staff)
        if staff.closed or staff.ended or self.finished:
            return None
        why = staff.reason(self.now)
        staff.started = True
        staff.why = why
        return Decision(staff.agent, why, why.rpartition(" ")[2] if why.startswith("urgent") else "", self.now)

    def act(self, agent: str, submission: Submission, refusal: str | None = None, read: str = "") -> str:
        """Take the action of an agent who was asked: it is refused at once (one minute), or takes its time and is committed at the end.

        Returns why it was refused at once (empty: it was not). A replay passes that as `refusal`, so that nothing is rehearsed again, and as
        `read` the status with which an action ended that only read, so that it is not read again.
        """
        staff = self.staff[agent]
        staff.inbox, staff.only_read = [], False
        spec = staff.tools.get(submission.tool) if not submission.error else None
        error, status = submission.error, submission.status
        if spec is not None:
            error = self._rehearse(staff, submission) if refusal is None else refusal
            status = "refused" if error else "ok"
        if error:
            staff.last_result = failed(submission.tool, status, error)
            spec = None
        minutes = REFUSAL_MINUTES if spec is None else self._service_minutes(staff, submission)
        ends_at = round(self.now + submission.thinking_minutes + minutes, 6)
        staff.doing = Doing(submission, spec, self.now, ends_at, submission.thinking_minutes, read)
        if spec is None:
            self._note_action(staff, staff.doing, status)
        self.calendar.put(staff, ends_at)
        return error

    def _service_minutes(self, staff: Staff, submission: Submission) -> float:
        spec = staff.tools[submission.tool]
        if spec.minutes_from:
            return float(submission.arguments[spec.minutes_from])
        reading = departments.reading_minutes(self, staff, submission)
        return self.rules.service_minutes[spec.service] + reading

    def _rehearse(self, staff: Staff, submission: Submission) -> str:
        try:
            staff.tools[submission.tool].function(self._rehearsals[staff.agent], **submission.arguments)
        except Rehearsed:
            return ""
        except ToolError as refusal:
            return str(refusal)
        return ""

    def _commit(self, staff: Staff) -> None:
        doing, staff.doing = staff.doing, None
        if doing is None or doing.spec is None:
            return
        if doing.read:
            staff.last_result = {"tool": doing.spec.name, "status": doing.read}
        else:
            staff.last_result = self._carried_out(staff, doing.spec, doing.submission)
        self._note_action(staff, doing, staff.last_result["status"])

    def _carried_out(self, staff: Staff, spec: ToolSpec, submission: Submission) -> dict[str, Any]:
        world = self._worlds[staff.agent]
        world.asked = False
        try:
            answer = spec.function(world, **submission.arguments)
            return {"tool": spec.name, "status": "ok", "result": as_data(answer)}
        except ToolError as refusal:
            return failed(spec.name, "refused", str(refusal))
        finally:
            staff.only_read = not world.asked

    def _note_action(self, staff: Staff, doing: Doing, status: str) -> None:
        self.note("action", staff.agent, doing.told(status, self.now), only(staff.agent))

    def observe(self, agent: str) -> str:
        """What an agent sees now, as canonical JSON; asking changes nothing."""
        staff = self.staff[agent]
        return observation(self.now, staff.why, worklist(self, staff), staff.inbox, staff.last_result)

    def close_seat(self, agent: str) -> None:
        """Ask this agent nothing more: its budget is spent."""
        self.staff[agent].closed = True

    def settle(self) -> None:
        """Roll on to the end of the scenario and settle every arrived patient to 30 days; a second call does nothing."""
        if self.is_settled:
            return
        if not self.finished:
            self.clock.run_through(self.scenario.horizon_minutes)
            self.clock.advance_to(self.scenario.horizon_minutes)
        self.is_settled = True
        departments.settle_all(self)
        self.note("end", "hospital", {"reason": "all departed" if self.finished else "horizon"})

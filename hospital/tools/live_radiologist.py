"""Radiologist's tools: the work list, protocols, views with measurements, reports, and critical calls."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from clinsim.errors import ToolError
from clinsim.hospital.charts import ReportLine, StudyLine
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.answers import Done, StudyRow, ask, study_row
from clinsim.hospital.tools.live_shared import Text
from clinsim.record import Order, Priority, Role, World
from clinsim.tooling import tool

RADIOLOGIST: tuple[Role, ...] = ("radiologist",)
Certainty = Annotated[float, Field(ge=0, le=1)]


@with_config(ConfigDict(extra="forbid", strict=True))
class Finding(TypedDict):
    """A finding of a report: what, and where in the study."""

    name: Annotated[str, Field(description="Name in the catalogue of findings.")]
    region: Annotated[str, Field(description="Region of the study.")]


Findings = Annotated[list[Finding], Field(max_length=20)]


@dataclass(frozen=True, slots=True)
class ProtocolRow:
    """An imaging order that waits for its protocol."""

    order_id: str
    patient_id: str
    code: str
    priority: str
    indication: str
    placed_at: float


@dataclass(frozen=True, slots=True)
class ReadingList:
    """What waits for a radiologist: studies to read in order of the list, and orders to protocol."""

    minute: float
    to_read: tuple[StudyRow, ...]
    to_protocol: tuple[ProtocolRow, ...]


@dataclass(frozen=True, slots=True)
class ImagingRequest:
    """A request for imaging with what the radiologist should know; eGFR in mL/min/1.73 m2."""

    study_id: str
    order_id: str
    patient_id: str
    code: str
    priority: str
    indication: str
    protocol: str
    allowed_protocols: tuple[str, ...]
    regions: tuple[str, ...]
    windows: tuple[str, ...]
    findings: tuple[str, ...]
    age: int
    sex: str
    pregnant: bool
    egfr: float
    allergies: tuple[str, ...]
    priors: tuple[ReportLine, ...]


@tool("live", roles=RADIOLOGIST, service="desk", tags=("read",))
def list_studies(world: World) -> ReadingList:
    """List studies that wait to be read and imaging orders that wait for a protocol, in order of the work list."""
    desk = checks.desk(world)
    to_read = tuple(study_row(desk.studies[study_id], world.now) for study_id in desk.to_read)
    waiting = [desk.orders[order_id] for order_id in desk.to_protocol]
    to_protocol = tuple(ProtocolRow(line.id, line.patient, line.code, line.priority, line.text, line.placed_at) for line in waiting)
    return ReadingList(world.now, to_read, to_protocol)


@tool("live", roles=RADIOLOGIST, service="claim", tags=("write",))
def claim_study(world: World, study_id: str) -> Done:
    """Take a study in hand, so that no other radiologist reads it.

    Args:
        study_id: Study on the work list, for example S0003.
    """
    line = _unread(checks.study_line(world, study_id))
    if line.reader == world.actor.agent:
        raise ToolError(f"{study_id} is already yours")
    if line.reader:
        raise ToolError(f"{study_id} is being read by {line.reader}; claim another study")
    return ask(world, Order("claim_study", subject=study_id))


def _unread(line: StudyLine) -> StudyLine:
    if line.reported_at is not None:
        raise ToolError(f"{line.id} was reported at minute {line.reported_at:g}; use addend_report to add to it")
    return line


@tool("live", roles=RADIOLOGIST, service="desk", tags=("read",))
def get_request(world: World, study_id: str) -> ImagingRequest:
    """Read the request behind a study or an imaging order: question, patient, priors, what can be looked at and named.

    Args:
        study_id: Study, or imaging order that waits for a protocol.
    """
    studies = checks.desk(world).studies
    order_id = studies[study_id].order if study_id in studies else study_id
    line = checks.order_line(world, order_id, "imaging")
    chart = checks.patient(world, line.patient)
    imaging = checks.knowledge(world).imaging
    study = imaging.studies[line.code]
    return ImagingRequest(
        study_id=study_id if study_id in studies else "",
        order_id=line.id,
        patient_id=chart.id,
        code=line.code,
        priority=line.priority,
        indication=line.text,
        protocol=line.protocol,
        allowed_protocols=tuple(study.protocols),
        regions=study.regions,
        windows=study.windows,
        findings=imaging.findings_of(line.code),
        age=chart.age,
        sex=chart.sex,
        pregnant=chart.pregnant,
        egfr=chart.egfr,
        allergies=chart.allergies,
        priors=tuple(chart.reports),
    )


@tool("live", roles=RADIOLOGIST, service="order", tags=("write",))
def protocol_study(world: World, order_id: str, protocol: str) -> Done:
    """Set the protocol by which an imaging order is scanned.

    Args:
        order_id: Imaging order that waits for a protocol, as list_studies shows it.
        protocol: One of the study's protocols, as get_request shows them.
    """
    line = checks.order_line(world, order_id, "imaging")
    waiting = checks.desk(world).to_protocol
    if order_id not in waiting:
        raise ToolError(f"{order_id} ({line.code}) waits for no protocol; waiting: {checks.named(waiting, order_id)}")
    checks.one_of("protocol", protocol, checks.knowledge(world).imaging.studies[line.code].protocols)
    return ask(world, Order("protocol", subject=order_id, code=protocol))


@tool("live", roles=RADIOLOGIST, service="view", tags=("read",))
def view_study(world: World, study_id: str, region: str, window: str) -> Done:
    """Look at one region of a study in one window; the answer is what can be measured there, without names of findings.

    It says how good the pictures are, and what was measured there in an earlier study of the kind, if there is one.

    Args:
        study_id: Study, for example S0003.
        region: Region of the study, as get_request shows them.
        window: Window of the study, as get_request shows them.
    """
    line = checks.study_line(world, study_id)
    study = checks.knowledge(world).imaging.studies[line.code]
    checks.one_of("region", region, study.regions)
    checks.one_of("window", window, study.windows)
    return ask(world, Order("view", subject=study_id, code=region, text=window))


@tool("live", roles=RADIOLOGIST, service="report", interruptible=True, tags=("write",))
def submit_report(world: World, study_id: str, findings: Findings, impression: Text, certainty: Certainty) -> Done:
    """Report a study that you have claimed; an empty list of findings reports it as normal.

    Args:
        study_id: Study that you have claimed, for example S0003.
        findings: What you found and where, by the names that get_request shows.
        impression: Your conclusion for the doctor.
        certainty: How sure you are that the report is right, 0 to 1.
    """
    line = _unread(checks.own_study(world, study_id))
    return ask(world, _report(world, "report", line, findings, impression, certainty))


@tool("live", roles=RADIOLOGIST, service="report", interruptible=True, tags=("write",))
def addend_report(world: World, study_id: str, findings: Findings, impression: Text, certainty: Certainty) -> Done:
    """Add to a report of yours: the findings given here stand instead of those of the report.

    Args:
        study_id: Study that you have reported, for example S0003.
        findings: What you found and where, by the names that get_request shows.
        impression: Your conclusion for the doctor.
        certainty: How sure you are that the report is right now, 0 to 1.
    """
    line = checks.own_study(world, study_id)
    if line.reported_at is None:
        raise ToolError(f"{study_id} has no report yet; use submit_report")
    return ask(world, _report(world, "addend", line, findings, impression, certainty))


def _report(world: World, kind: str, line: StudyLine, findings: list[Finding], impression: str, certainty: float) -> Order:
    imaging = checks.knowledge(world).imaging
    for finding in findings:
        checks.one_of("finding", finding["name"], imaging.findings_of(line.code))
        checks.one_of("region", finding["region"], imaging.studies[line.code].regions)
    sure = float(certainty)
    items = tuple(dict.fromkeys((f"{finding['name']}@{finding['region']}", sure) for finding in findings))
    return Order(kind, subject=line.id, items=items, text=checks.written("impression", impression), amount=sure)


@tool("live", roles=RADIOLOGIST, service="call", tags=("write",))
def call_critical(world: World, study_id: str, to: str, text: Text) -> Done:
    """Phone a doctor about a critical finding; the doctor reads it back.

    Args:
        study_id: Study that shows it, for example S0003.
        to: Agent id of a doctor on shift, for example doctor_1.
        text: Patient, finding, where, and what it may mean.
    """
    checks.study_line(world, study_id)
    checks.colleague(world, to, ("doctor",))
    return ask(world, Order("critical_call", subject=study_id, to=to, text=checks.written("text", text)))


@tool("live", roles=RADIOLOGIST, service="desk", tags=("write",))
def set_reading_priority(world: World, study_id: str, priority: Priority) -> Done:
    """Move an unread study on the work list by changing its priority.

    Args:
        study_id: Study that is not reported yet, for example S0003.
        priority: New place in the queue: stat, urgent or routine.
    """
    line = _unread(checks.study_line(world, study_id))
    if line.priority == priority:
        raise ToolError(f"{study_id} already has priority {priority}")
    return ask(world, Order("reading_priority", subject=study_id, priority=priority))

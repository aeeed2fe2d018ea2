"""What is written down: charts, orders, studies, messages. Tools read these; the truth is elsewhere (`patients.py`).

The hospital writes them; a tool gets them through a world and only reads. Times are minutes since the start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from clinsim.formulary_file import Formulary
from clinsim.imaging_file import Imaging
from clinsim.record import Priority, Role


@dataclass(frozen=True, slots=True)
class VitalSet:
    """Vital signs as charted: hr and rr (1/min), sbp (mmHg), spo2 (%), temp (deg C), gcs (3-15), pain (0-10)."""

    minute: float
    hr: float
    sbp: float
    rr: float
    spo2: float
    temp: float
    gcs: float
    pain: float
    by: str = "nurse"


@dataclass(frozen=True, slots=True)
class ResultLine:
    """A measured value: analyte, value in `unit`, the minute it was taken and filed, and whether it is critical."""

    id: str
    order: str
    test: str
    analyte: str
    value: float | str
    unit: str
    taken_at: float
    filed_at: float
    flag: str = ""
    critical: bool = False


@dataclass(frozen=True, slots=True)
class NoteLine:
    """A line of the notes: triage, history, examination, nursing, medical, handover, consult, pharmacy."""

    minute: float
    kind: str
    by: str
    text: str


@dataclass(frozen=True, slots=True)
class ReportLine:
    """A radiologist's report: findings by (finding, region), impression, stated certainty 0-1."""

    id: str
    study: str
    code: str
    minute: float
    by: str
    findings: tuple[tuple[str, str], ...]
    impression: str
    certainty: float
    addendum: bool = False


@dataclass(slots=True)
class OrderLine:
    """A clinical order and where it stands.

    `state` of a drug: `to_verify`, `queried`, `verified`, `dispensed`, `given`, `rejected`, `cancelled`; of a test: `placed`, `collected`,
    `resulted`;
    of imaging: `placed`, `protocolled`, `scanning`, `to_read`, `reported`; of the rest: `placed`, `done`, `refused`.
    """

    id: str
    kind: str
    patient: str
    code: str
    by: str
    priority: Priority
    placed_at: float
    state: str = "placed"
    amount: float | None = None
    unit: str = ""
    route: str = ""
    override: bool = False
    to_check: bool = False
    text: str = ""
    query: str = ""
    protocol: str = ""
    verified_by: str = ""
    verified_at: float | None = None
    done_at: float | None = None
    repeat: int = 0
    background: bool = False


@dataclass(slots=True)
class StudyLine:
    """Images on the radiologist's work list: who, what, why, when taken, and who has it in hand."""

    id: str
    order: str
    patient: str
    code: str
    priority: Priority
    indication: str
    taken_at: float
    reader: str = ""
    reported_at: float | None = None
    called_at: float | None = None


@dataclass(slots=True)
class Chart:
    """All that is written down about one patient."""

    id: str
    age: int
    sex: str
    weight_kg: float
    complaint: str
    arrived_at: float
    arrival_mode: str
    allergies: tuple[str, ...]
    home_drugs: tuple[str, ...]
    comorbidities: tuple[str, ...]
    egfr: float
    pregnant: bool = False
    esi: int | None = None
    place: str = "door"
    unit: str = ""
    owner: str = ""
    status: str = "arrived"
    observe_every: float = 0.0
    vitals: list[VitalSet] = field(default_factory=list)
    results: list[ResultLine] = field(default_factory=list)
    notes: list[NoteLine] = field(default_factory=list)
    reports: list[ReportLine] = field(default_factory=list)
    orders: list[str] = field(default_factory=list)
    differential: tuple[tuple[str, float], ...] = ()
    diagnosis: str = ""
    disposition: str = ""
    seen_at: float | None = None
    departed_at: float | None = None

    @property
    def is_here(self) -> bool:
        """Whether the patient is still in the hospital."""
        return self.departed_at is None


@dataclass(slots=True)
class Letter:
    """A message between staff; `call` is spoken at once, the rest is read when the addressee has a moment."""

    id: str
    sender: str
    to: str
    text: str
    sent_at: float
    patient: str = ""
    call: bool = False
    urgent: bool = False
    read_at: float | None = None
    acknowledged_at: float | None = None


@dataclass(frozen=True, slots=True)
class Panel:
    """A laboratory panel or bedside test as the catalogue shows it: code, analytes, where it is done."""

    code: str
    title: str
    analytes: tuple[str, ...]
    bedside: bool


@dataclass(frozen=True, slots=True)
class Knowledge:
    """What staff can look up: catalogues and the formulary. It holds no patient and no truth.

    `panels` by test code; `procedures` and `services` (consultants) with a one-line description; `units` to which a patient can be admitted;
    `diagnoses` with their titles (the vocabulary of `record_diagnosis`); `places` of the department.
    """

    panels: Mapping[str, Panel]
    units_of: Mapping[str, str]
    procedures: Mapping[str, str]
    services: Mapping[str, str]
    units: tuple[str, ...]
    diagnoses: Mapping[str, str]
    formulary: Formulary
    imaging: Imaging


@dataclass(slots=True)
class Colleague:
    """Somebody who can be messaged: agent id, role, whether on shift."""

    agent: str
    role: Role
    on_shift: bool = True


@dataclass(slots=True)
class Desk:
    """Work lists and the department at a glance, shared by all staff.

    `to_verify`, `to_read` and `to_protocol` are ordered work lists (order, study and order ids); `beds` gives (occupied, staffed, waiting) by unit.
    """

    orders: dict[str, OrderLine] = field(default_factory=dict)
    studies: dict[str, StudyLine] = field(default_factory=dict)
    letters: dict[str, Letter] = field(default_factory=dict)
    to_verify: list[str] = field(default_factory=list)
    to_read: list[str] = field(default_factory=list)
    to_protocol: list[str] = field(default_factory=list)
    colleagues: dict[str, Colleague] = field(default_factory=dict)
    beds: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    board: dict[str, Any] = field(default_factory=dict)

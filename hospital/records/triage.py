"""Records of the domain `triage_emergency`: patients at the door, resources, protocols, and how the department stands.

Pressure in mmHg, rates per minute, saturation in %, temperature in °C, pain 0 to 10, coma scale 3 to 15.
"""

from __future__ import annotations

from pydantic import Field

from clinsim.hospital.records.base import DomainRecords, Log, Record
from clinsim.hospital.records.clinical import LabResult


class TriageVitals(Record):
    """The vital signs at the door."""

    heart_rate: float
    systolic_bp: float
    diastolic_bp: float
    respiratory_rate: float
    spo2: float
    temperature: float


class HeldImage(Record):
    """What imaging shows once it is asked for."""

    modality: str
    body_part: str
    report: str


class GcsParts(Record):
    """The parts of the coma scale as they were observed."""

    eye: int = Field(ge=1, le=4)
    verbal: int = Field(ge=1, le=5)
    motor: int = Field(ge=1, le=6)


class TriagePatient(Record):
    """A patient at the door. What no tool shows: the two `correct_` fields, and what is held back until it is ordered."""

    patient_id: str
    name: str
    age: int
    sex: str
    chief_complaint: str
    arrival_mode: str
    onset_time: str
    triage_vitals: TriageVitals
    allergies: tuple[str, ...] = ()
    medications: tuple[str, ...] = ()
    medical_history: tuple[str, ...] = ()
    presenting_symptoms: tuple[str, ...] = ()
    pain_score: int
    gcs: int = Field(ge=3, le=15)
    gcs_parts: GcsParts | None = None
    on_oxygen: bool = False
    correct_esi_level: int
    correct_disposition: str
    held_results: tuple[LabResult, ...] = ()
    held_images: tuple[HeldImage, ...] = ()


class Resource(Record):
    """Beds or machines of one kind: how many, how many free, and the wait in minutes."""

    resource_id: str
    resource_type: str
    total_capacity: int
    current_available: int
    wait_time_minutes: int


class ProtocolDrug(Record):
    """A drug of a protocol."""

    name: str
    dose: str
    route: str
    note: str | None = None


class EmergencyProtocol(Record):
    """A protocol: when it applies and what it asks for."""

    protocol_id: str
    name: str
    trigger_conditions: tuple[str, ...]
    immediate_actions: tuple[str, ...]
    medications: tuple[ProtocolDrug, ...] = ()
    diagnostics: tuple[str, ...] = ()
    time_critical: bool = True
    time_target_minutes: int


class EdStatus(Record):
    """The department in numbers."""

    total_patients: int
    waiting_patients: int
    beds_available: int
    beds_total: int
    average_wait_minutes: int
    diversion_status: bool
    pending_admissions: int


class TriageRecords(DomainRecords):
    """The file of the domain."""

    patients: dict[str, TriagePatient]
    resources: dict[str, Resource] = Field(default_factory=dict)
    protocols: dict[str, EmergencyProtocol] = Field(default_factory=dict)
    ed_status: EdStatus | None = None
    triage_decisions: Log = ()

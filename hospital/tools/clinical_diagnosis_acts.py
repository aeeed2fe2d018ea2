"""Tools of the domain `clinical_diagnosis` that write: orders, prescriptions, notes, diagnoses, referrals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clinsim.hospital.drug_facts import PatientFacts
from clinsim.hospital.records.clinical import ClinicalPatient, ClinicalRecords, LabResult
from clinsim.hospital.records.laboratory_names import of_test
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.clinical_diagnosis import SET, last_vitals, medications_of, patient_of
from clinsim.hospital.tools.generic import Written, answered, as_confidence, as_icd10, as_priority, put
from clinsim.hospital.tools.prescribing import pairs_against, refuse_drug, warnings_on, with_reaction
from clinsim.record import Role
from clinsim.tooling import tool

DOCTOR: tuple[Role, ...] = ("doctor",)
_order = tool(SET, roles=DOCTOR, service="order", tags=("write",))
_note = tool(SET, roles=DOCTOR, service="note", tags=("write",))
_submit = tool(SET, roles=DOCTOR, service="note", tags=("write", "submit"))
NO_RESULT = "The test is ordered; the record holds no result of it."


@dataclass(frozen=True, slots=True)
class TestOrdered:
    """An ordered test with what came of it at once: results held back until now, else those on record already."""

    order_id: str
    test_name: str
    patient_id: str
    status: str
    priority: str
    message: str
    results: Sequence[LabResult]


@_order
def order_lab_test(world: RecordWorld, patient_id: str, test_name: str, priority: str = "routine") -> TestOrdered:
    """Order a laboratory test or panel in plain words; its result is read off at once, if there is one.

    Args:
        patient_id: Patient, for example P001.
        test_name: Test or panel, for example CBC, lactate, blood culture.
        priority: stat, urgent or routine.
    """
    who = patient_of(world, patient_id)
    urgency = as_priority(priority)
    came = of_test(written("test_name", test_name), who.held_results)
    known = came or of_test(test_name, who.lab_results)
    details = {"test_name": test_name, "priority": urgency, "results": [row.test_id for row in came]}
    receipt = world.write("test", patient_id, **details)
    message = "" if came else ("Already on record." if known else NO_RESULT)
    return TestOrdered(receipt.id, test_name, patient_id, "resulted" if known else "ordered", urgency, message, known)


@_order
def prescribe_medication(world: RecordWorld, patient_id: str, drug_name: str, dosage: str, frequency: str, route: str = "oral") -> Written:
    """Prescribe a drug. One to whose kind the patient is allergic is refused; other findings come back as warnings.

    Args:
        patient_id: Patient, for example P001.
        drug_name: Generic or brand name.
        dosage: Single dose with its unit, for example 500 mg.
        frequency: How often, for example every 8 h.
        route: How it is given, for example oral or iv.
    """
    who = patient_of(world, patient_id)
    refuse_drug(written("drug_name", drug_name), [(row.allergen, row.reaction) for row in who.allergies])
    records: ClinicalRecords = world.records
    current = [drug.drug_name for drug in medications_of(world, who)]
    found = (
        *pairs_against(drug_name, current, records.drug_interactions),
        *warnings_on(world, drug_name, written("dosage", dosage), route, _facts(world, who)),
    )
    details = {"drug_name": drug_name, "dosage": dosage, "frequency": written("frequency", frequency), "route": route}
    return put(world, "prescription", patient_id, warnings=found, **details)


def _facts(world: RecordWorld, who: ClinicalPatient) -> PatientFacts:
    return PatientFacts(
        allergies=tuple(with_reaction(row.allergen, row.reaction) for row in who.allergies),
        current_drugs=tuple(drug.drug_name for drug in medications_of(world, who)),
        weight_kg=next((row.weight for row in reversed(who.vital_signs) if row.weight), None),
        pregnant=who.pregnant,
        age=who.age,
        problems=tuple(row.condition_name for row in who.conditions),
        results={"sbp": last_vitals(who).blood_pressure_systolic or 120.0} if who.vital_signs else {},
    )


@_note
def add_clinical_note(world: RecordWorld, patient_id: str, note_type: str, content: str, diagnosis_codes: str = "") -> Written:
    """Write a note into the record.

    Args:
        patient_id: Patient, for example P001.
        note_type: Type, for example progress, consultation, procedure, discharge.
        content: The text.
        diagnosis_codes: ICD-10 codes, separated by commas.
    """
    who = patient_of(world, patient_id)
    codes = tuple(as_icd10(code) for code in diagnosis_codes.split(",") if code.strip())
    kind, text = written("note_type", note_type), written("content", content)
    return put(world, "note", who.patient_id, note_type=kind, content=text, diagnosis_codes=codes)


@_note
def record_diagnosis(
    world: RecordWorld, patient_id: str, diagnosis: str, icd10_code: str = "", confidence: str = "moderate", reasoning: str = ""
) -> Written:
    """Record a diagnosis.

    Args:
        patient_id: Patient, for example P001.
        diagnosis: The diagnosis in words.
        icd10_code: Its ICD-10 code.
        confidence: low, moderate or high.
        reasoning: What speaks for it.
    """
    who = patient_of(world, patient_id)
    sure = as_confidence(confidence)
    return put(
        world,
        "diagnosis",
        who.patient_id,
        diagnosis=written("diagnosis", diagnosis),
        icd10_code=as_icd10(icd10_code),
        confidence=sure,
        reasoning=reasoning,
    )


@_note
def transfer_to_specialist(world: RecordWorld, summary: str, specialty: str) -> Written:
    """Refer the case to a specialist.

    Args:
        summary: The case in brief.
        specialty: Which, for example surgery.
    """
    return put(world, "referral", "", summary=written("summary", summary), specialty=written("specialty", specialty))


@_submit
def submit_answer(world: RecordWorld, answer: str, reasoning: str = "") -> Written:
    """Submit the answer to the task; this ends it.

    Args:
        answer: The answer.
        reasoning: What speaks for it.
    """
    return answered(world, answer, reasoning)

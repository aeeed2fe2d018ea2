"""Tools of the domain `clinical_diagnosis` that work out scores from what is on record, with the calculators of the house."""

from __future__ import annotations

from clinsim.errors import ToolError
from clinsim.hospital.calculators.declaration import Given
from clinsim.hospital.records.clinical import ClinicalPatient
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.clinical_diagnosis import SET, last_vitals, patient_of, results_of
from clinsim.hospital.tools.readings import said
from clinsim.hospital.tools.scoring import ScoreAnswer, history_facts, laboratory_facts, quantity, score, sex_of
from clinsim.hospital.wording import shown
from clinsim.record import ROLES
from clinsim.tooling import tool

_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
CONFUSION_WORDS = ("confus", "disorient", "letharg", "altered mental", "drows")
WELLS = {"pe": "wells_pe", "dvt": "wells_dvt"}


def facts_of(world: RecordWorld, who: ClinicalPatient) -> dict[str, Given]:
    """What is on record of a patient, as calculators take it; results of tests ordered in this episode count."""
    signs = last_vitals(who)
    conditions = [row.condition_name for row in who.conditions]
    notes = " ; ".join((who.chief_complaint, *(note.content for note in who.clinical_notes)))
    measured = {
        "age": quantity(who.age, "y"),
        "sex": sex_of(who.sex),
        "heart_rate": quantity(signs.heart_rate, "1/min"),
        "respiratory_rate": quantity(signs.respiratory_rate, "1/min"),
        "sbp": quantity(signs.blood_pressure_systolic, "mmHg"),
        "dbp": quantity(signs.blood_pressure_diastolic, "mmHg"),
        "spo2": quantity(signs.spo2, "%"),
        "temperature": quantity(signs.temperature, "°C"),
        "weight": quantity(next((row.weight for row in reversed(who.vital_signs) if row.weight), None), "kg"),
        "height": quantity(who.height_cm or signs.height, "cm"),
        "gcs": signs.gcs,
        "mean_pressure": _mean_pressure(signs.blood_pressure_systolic, signs.blood_pressure_diastolic),
        "confusion": bool(said(notes, CONFUSION_WORDS)),
    }
    results = laboratory_facts((row.test_name, row.value, row.unit) for row in results_of(world, who))
    return {name: value for name, value in (history_facts(conditions) | results | measured).items() if value is not None}


def _mean_pressure(systolic: float | None, diastolic: float | None) -> Given:
    return None if systolic is None or diastolic is None else quantity(round((systolic + 2 * diastolic) / 3, 1), "mmHg")


def _scored(world: RecordWorld, patient_id: str, name: str) -> ScoreAnswer:
    return score(patient_id, name, facts_of(world, patient_of(world, patient_id)))


@_chart
def calculate_curb65(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out CURB-65 of pneumonia; urea (BUN) must be on record.

    Args:
        patient_id: Patient, for example P001.
    """
    return _scored(world, patient_id, "curb_65")


@_chart
def calculate_wells_score(world: RecordWorld, patient_id: str, indication: str) -> ScoreAnswer:
    """Work out the Wells score; findings of the bedside that are not on record count as absent and are named.

    Args:
        patient_id: Patient, for example P001.
        indication: PE or DVT.
    """
    name = WELLS.get(indication.strip().lower())
    if name is None:
        raise ToolError(f"unknown indication {shown(indication)}; allowed: PE, DVT")
    return _scored(world, patient_id, name)


@_chart
def calculate_chads2_vasc(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out CHA2DS2-VASc from age, sex and conditions on record.

    Args:
        patient_id: Patient, for example P001.
    """
    return _scored(world, patient_id, "cha2ds2_vasc")


@_chart
def calculate_meld_score(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out MELD-Na; bilirubin, INR, creatinine and sodium must be on record.

    Args:
        patient_id: Patient, for example P001.
    """
    return _scored(world, patient_id, "meld_na")


@_chart
def calculate_apache2(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out APACHE II; what it needs and is not on record is named.

    Args:
        patient_id: Patient, for example P001.
    """
    return _scored(world, patient_id, "apache_ii")


@_chart
def calculate_bmi(world: RecordWorld, patient_id: str) -> ScoreAnswer:
    """Work out the body mass index; weight and height must be on record.

    Args:
        patient_id: Patient, for example P001.
    """
    return _scored(world, patient_id, "bmi")

"""Tools of the domain `drug_interaction`: drugs, pairs, patients' lists, alternatives."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

from clinsim.hospital.records.base import UnknownRecordError, on_record
from clinsim.hospital.records.drug_names import allergic_to, known_as, members, plain_name, same_drug
from clinsim.hospital.records.drugs import DrugRecord, DrugRecords, InteractionRecord, ProfileRecord
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.safety import load_formulary
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.generic import Found, Thought, Written, answered, found, heard
from clinsim.hospital.tools.prescribing import NOT_KNOWN, house_answer, recorded
from clinsim.hospital.wording import named, shown
from clinsim.record import ROLES
from clinsim.tooling import tool

SET = "drug_interaction"
_chart = tool(SET, roles=ROLES, service="chart", tags=("read",))
_look_up = tool(SET, roles=ROLES, service="lookup", tags=("read",))
_free = tool(SET, roles=ROLES, service="think", tags=("generic",))
_submit = tool(SET, roles=ROLES, service="note", tags=("write", "submit"))
RATE = re.compile(r"(?:e?GFR|CrCl)\D{0,5}(\d+(?:\.\d+)?)", re.IGNORECASE)
GRAVITY = ("contraindicated", "major", "moderate", "minor", "suppressed", NOT_KNOWN)
"""Severities, the gravest first."""


@dataclass(frozen=True, slots=True)
class DrugRow:
    """A drug as a line of a list."""

    drug_id: str
    name: str
    drug_class: str
    mechanism: str


@dataclass(frozen=True, slots=True)
class PairRow:
    """What is known of two drugs; severity `unknown` means that nothing is known, not that they are safe."""

    interaction_id: str
    drug_a: str
    drug_b: str
    severity: str
    mechanism: str
    effect: str
    management: str
    evidence_level: str
    source: str


@dataclass(frozen=True, slots=True)
class AllPairs:
    """The pairs of a patient's drugs on which something is known, the gravest first, and those on which nothing is."""

    patient_id: str
    new_drug: str
    interactions: Sequence[PairRow]
    not_in_knowledge_base: Sequence[str]
    allergy_alerts: Sequence[str]


@dataclass(frozen=True, slots=True)
class DosageAnswer:
    """How a drug is dosed, and what the patient's organ function asks for."""

    drug_name: str
    typical_dosage: str
    dosage_forms: Sequence[str]
    renal_adjustment: str | None
    hepatic_adjustment: str | None
    patient_renal_function: str | None
    patient_hepatic_function: str | None
    house_renal_rule: str
    allergy_alert: str


def records_of(world: RecordWorld) -> DrugRecords:
    """The records of the domain."""
    records: DrugRecords = world.records
    return records


def drug_of(world: RecordWorld, drug_name: str) -> DrugRecord:
    """The drug of that generic or brand name.

    Raises:
        UnknownRecordError: There is none.
    """
    drugs = records_of(world).drugs
    name = plain_name(drug_name)
    for row in drugs.values():
        if name in names_of(row) or same_drug(row.name, name):
            return row
    raise UnknownRecordError(f"drug {shown(drug_name)} is not in the knowledge base; it has {named(drugs, drug_name)}")


@lru_cache(maxsize=1024)
def names_of(row: DrugRecord) -> frozenset[str]:
    """Names under which a drug of the database is asked for: id, name, brands, and the members of a class."""
    return frozenset(plain_name(name) for name in (row.drug_id, row.name, *row.brand_names, *members(row.name)))


def profile_of(world: RecordWorld, patient_id: str) -> ProfileRecord:
    """The patient of that id.

    Raises:
        UnknownRecordError: There is none.
    """
    return on_record("patient", patient_id, records_of(world).patient_profiles)


def generic_name(world: RecordWorld, written_name: str) -> str:
    """What the database calls a drug; the plain written name where it has none."""
    try:
        return drug_of(world, written_name).name
    except UnknownRecordError:
        return plain_name(written_name)


def pair_row(world: RecordWorld, drug_a: str, drug_b: str) -> PairRow:
    """What database or house know of two drugs, or that neither knows anything."""
    a, b = generic_name(world, drug_a), generic_name(world, drug_b)
    row = recorded(records_of(world).interactions.values(), a, b)
    if row is not None:
        return _shown(row)
    house = house_answer(drug_a, drug_b)
    return PairRow("", a, b, house.severity, house.mechanism, house.description, house.recommendation, "", house.source)


def _shown(row: InteractionRecord) -> PairRow:
    return PairRow(
        row.interaction_id, row.drug_a, row.drug_b, row.severity, row.mechanism, row.effect, row.management, row.evidence_level, "database"
    )


def alerts_on(who: ProfileRecord, drug_name: str) -> str:
    """The allergy that speaks against a drug, in words; empty if none does."""
    hit = allergic_to(drug_name, [(entry, "") for entry in who.allergies], load_formulary())
    return "" if hit is None else f"allergy to {hit[0]}: {hit[1]}"


def renal_rule(who: ProfileRecord, drug_name: str) -> str:
    """What the formulary asks for at the filtration rate that the profile states in words; empty if it asks for nothing."""
    stated, drug = RATE.search(who.renal_function or ""), known_as(drug_name)
    band = drug.renal_band(float(stated[1])) if stated and drug else None
    return f"below {band.below:g} mL/min/1.73 m2: {band.action}; {band.text}" if band else ""


@_look_up
def get_drug_info(world: RecordWorld, drug_name: str) -> DrugRecord:
    """Look a drug up: class, mechanism, uses, contraindications, side effects, dosage, adjustments, metabolism.

    Args:
        drug_name: Generic or brand name.
    """
    return drug_of(world, drug_name)


@_look_up
def search_drugs_by_class(world: RecordWorld, drug_class: str) -> Found:
    """List the drugs of a class.

    Args:
        drug_class: Class or part of its name, for example anticoagulant.
    """
    wanted = written("drug_class", drug_class).strip().lower()
    drugs = records_of(world).drugs.values()
    rows = [DrugRow(row.drug_id, row.name, row.drug_class, row.mechanism) for row in drugs if wanted in row.drug_class.lower()]
    classes = sorted({row.drug_class for row in drugs})
    return found(drug_class, rows, f"No class of that name in the knowledge base; it has: {named(classes, drug_class)}")


@_look_up
def check_interaction(world: RecordWorld, drug_a: str, drug_b: str) -> PairRow:
    """Look up what is known of two drugs together; severity unknown means not in the knowledge base, not safe.

    Args:
        drug_a: The one, by generic or brand name.
        drug_b: The other.
    """
    return pair_row(world, written("drug_a", drug_a), written("drug_b", drug_b))


@_chart
def check_all_interactions(world: RecordWorld, patient_id: str, new_drug: str = "") -> AllPairs:
    """Check all pairs of a patient's drugs, or with a new drug its pairs with each of them.

    Args:
        patient_id: Patient, for example DI_P001.
        new_drug: A drug that is to be added; all pairs of the list if left out.
    """
    who = profile_of(world, patient_id)
    current = who.current_medications
    pairs = [(new_drug, drug) for drug in current if not same_drug(new_drug, drug)] if new_drug.strip() else list(combinations(current, 2))
    rows = [pair_row(world, a, b) for a, b in pairs]
    known = sorted((row for row in rows if row.severity != NOT_KNOWN), key=lambda row: (_gravity(row.severity), row.drug_a, row.drug_b))
    unknown = [f"{row.drug_a} + {row.drug_b}" for row in rows if row.severity == NOT_KNOWN]
    alerts = [text for drug in ([new_drug] if new_drug.strip() else current) if (text := alerts_on(who, drug))]
    return AllPairs(patient_id, new_drug, known, unknown, alerts)


def _gravity(severity: str) -> int:
    return GRAVITY.index(severity) if severity in GRAVITY else len(GRAVITY)


@_chart
def get_patient_medications(world: RecordWorld, patient_id: str) -> ProfileRecord:
    """Read a patient's drugs, allergies, conditions, age, weight (kg) and organ function.

    Args:
        patient_id: Patient, for example DI_P001.
    """
    return profile_of(world, patient_id)


@_look_up
def search_alternatives(world: RecordWorld, drug_name: str) -> Found:
    """List drugs that may stand in for another, with the reason and the risk of interactions.

    Args:
        drug_name: Generic or brand name.
    """
    name = generic_name(world, written("drug_name", drug_name))
    held = records_of(world).alternatives
    rows = next((rows for key, rows in held.items() if same_drug(key, name)), ())
    return found(drug_name, rows, f"No alternatives to {shown(drug_name)} in the knowledge base; it has some to {named(held, name)}")


@_look_up
def check_dosage(world: RecordWorld, drug_name: str, patient_id: str = "") -> DosageAnswer:
    """Look up the dosage of a drug, for a patient with what kidney, liver and allergies ask for.

    Args:
        drug_name: Generic or brand name.
        patient_id: Patient, for example DI_P001; leave out for the general dosage.
    """
    drug = drug_of(world, drug_name)
    who = profile_of(world, patient_id) if patient_id else None
    return DosageAnswer(
        drug.name, drug.typical_dosage, drug.dosage_forms, drug.renal_adjustment, drug.hepatic_adjustment,
        who.renal_function if who else None, who.hepatic_function if who else None, renal_rule(who, drug.name) if who else "",
        alerts_on(who, drug.name) if who else "",
    )  # fmt: skip


@_free
def think(world: RecordWorld, thought: str) -> Thought:
    """Think aloud; nothing is changed or looked up.

    Args:
        thought: What you think.
    """
    return heard(thought)


@_submit
def submit_answer(world: RecordWorld, answer: str, reasoning: str = "") -> Written:
    """Submit the recommendation; this ends the task.

    Args:
        answer: Risk, key interactions and plan.
        reasoning: What speaks for it.
    """
    return answered(world, answer, reasoning)

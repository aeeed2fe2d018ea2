"""Records of the domain `drug_interaction`: drugs, pairs, patient profiles, alternatives."""

from __future__ import annotations

from pydantic import Field

from clinsim.hospital.records.base import DomainRecords, Log, Record


class DrugRecord(Record):
    """What is known of a drug, in words."""

    drug_id: str
    name: str
    brand_names: tuple[str, ...] = ()
    drug_class: str
    mechanism: str = ""
    indications: tuple[str, ...] = ()
    contraindications: tuple[str, ...] = ()
    common_side_effects: tuple[str, ...] = ()
    serious_side_effects: tuple[str, ...] = ()
    dosage_forms: tuple[str, ...] = ()
    typical_dosage: str = ""
    renal_adjustment: str | None = None
    hepatic_adjustment: str | None = None
    pregnancy_category: str | None = None
    metabolism: str | None = None
    half_life: str | None = None


class InteractionRecord(Record):
    """What two drugs do to each other, how grave it is (minor to contraindicated), and what to do."""

    interaction_id: str
    drug_a: str
    drug_b: str
    severity: str
    mechanism: str = ""
    effect: str
    management: str
    evidence_level: str = ""


class ProfileRecord(Record):
    """A patient in brief: drugs by name, allergies, conditions, organ function in words; weight in kg."""

    patient_id: str
    current_medications: tuple[str, ...] = ()
    allergies: tuple[str, ...] = ()
    conditions: tuple[str, ...] = ()
    age: int
    weight_kg: float | None = None
    sex: str | None = None
    renal_function: str | None = None
    hepatic_function: str | None = None
    pregnant: bool = False


class AlternativeRecord(Record):
    """A drug that may stand in for another, and why."""

    drug_name: str
    drug_class: str
    reason: str
    interaction_risk: str


class DrugRecords(DomainRecords):
    """The file of the domain."""

    drugs: dict[str, DrugRecord]
    interactions: dict[str, InteractionRecord] = Field(default_factory=dict)
    patient_profiles: dict[str, ProfileRecord] = Field(default_factory=dict)
    alternatives: dict[str, tuple[AlternativeRecord, ...]] = Field(default_factory=dict)
    interaction_check_log: Log = ()

"""Small databases of our own in the ancestor's layouts, and every call of a tool on every record."""

from pathlib import Path

import pytest

from clinsim.hospital.domains import load_database

OWN = Path(__file__).parent / "data"
IDS = {
    ("clinical_diagnosis", "patient_id"): "patients",
    ("visual_diagnosis", "patient_id"): "patient_contexts",
    ("drug_interaction", "patient_id"): "patient_profiles",
    ("triage_emergency", "patient_id"): "patients",
    ("ehr_management", "hadm_id"): "records",
    ("ehr_management", "patient_id"): "patient_index",
    ("visual_diagnosis", "image_id"): "images",
    ("visual_diagnosis", "current_image_id"): "images",
    ("visual_diagnosis", "prior_image_id"): "images",
    ("radiology_report", "study_id"): "studies",
    ("medical_qa", "pmid"): "articles",
    ("medical_qa", "entry_id"): "wiki_entries",
    ("drug_interaction", "drug_name"): "drugs",
}
"""Collections whose ids an argument names."""
WORDS = {
    "priority": "stat", "urgency": "stat", "confidence": "high", "symptoms": "fever, cough", "symptom_complex": "headache, fever", "indication": "PE",
    "system": "Fleischner", "protocol_type": "sepsis_bundle", "child_pugh": "B", "regions": '{"right lower": "opacity"}', "score_name": "bmi",
    "parameters": '{"weight": "70 kg", "height": "175 cm"}', "drug_a": "warfarin", "drug_b": "ibuprofen", "new_drug": "ibuprofen", "code": "I50.9",
    "icd10_code": "J18.9", "diagnosis_codes": "J18.9", "modality": "CT", "body_part": "chest",
    "dosage": "5 mg", "section": "abstract", "prior_study_id": "", "options": "A) thiamine, B) ascorbic acid", "route": "oral",
    "drug_name": "paracetamol",
}  # fmt: skip
OF_TYPE = {"integer": 3, "number": 42.0, "boolean": True, "array": ["CBC", "lactate"]}


def calls_of(domain, spec, base):
    """Every call of a tool on every record: optional arguments once left out and once given."""
    rules = spec.card.parameters["properties"]
    named = [name for name in rules if (domain, name) in IDS]
    for key in list(getattr(base.records, IDS[domain, named[0]])) if named else [None]:
        full = {name: value_of(domain, name, rule, base, key, name in named[:1]) for name, rule in rules.items()}
        yield {name: value for name, value in full.items() if name in spec.card.parameters["required"]}
        yield full


def value_of(domain, name, rule, base, key, is_first):
    if is_first:
        return key
    if (domain, name) in IDS:
        return next(iter(getattr(base.records, IDS[domain, name])))
    if name == "lab_name":
        return base.records.records[key].lab_events[0].label if base.records.records[key].lab_events else "sodium"
    if name == "lesion_id":
        report = base.records.report_by_image.get(key)
        return report.findings[0].finding_id if report else "right lower"
    if rule.get("type") in OF_TYPE:
        return OF_TYPE[rule["type"]]
    return WORDS.get(name, "pneumonia")


@pytest.fixture
def own():
    """The folder of our own databases."""
    return OWN


@pytest.fixture
def base_of():
    """The own database of a domain."""
    return lambda domain: load_database(domain, OWN / f"{domain}.json")


@pytest.fixture
def opened(base_of):
    """A world over the own database of a domain."""
    return lambda domain: base_of(domain).open()


@pytest.fixture
def filled():
    """Every call of a tool on every record."""
    return calls_of

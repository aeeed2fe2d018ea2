"""Databases and worlds: parsed once, isolated, compared by what was written; files that are wrong are named."""

import json
import sys
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinsim.errors import ScenarioError, ToolError, UsageError
from clinsim.hospital.domains import DOMAINS, call, difference, load_database, tools_of
from clinsim.hospital.records.database import MOST_KEPT
from clinsim.record import Order, World

OWN = Path(__file__).parent / "data"

WRITES = [
    ("clinical_diagnosis", "record_diagnosis", {"patient_id": "C1", "diagnosis": "Pneumonia", "confidence": "HIGH"},
     {"kind": "diagnosis", "subject": "C1", "diagnosis": "Pneumonia", "icd10_code": "", "confidence": "high", "reasoning": ""}),
    ("clinical_diagnosis", "prescribe_medication", {"patient_id": "C2", "drug_name": "omeprazole", "dosage": "20 mg", "frequency": "daily"},
     {"kind": "prescription", "subject": "C2", "drug_name": "omeprazole", "dosage": "20 mg", "frequency": "daily", "route": "oral"}),
    ("clinical_diagnosis", "add_clinical_note", {"patient_id": "C1", "note_type": "progress", "content": "worse", "diagnosis_codes": "J18.9, A41.9"},
     {"kind": "note", "subject": "C1", "note_type": "progress", "content": "worse", "diagnosis_codes": ["J18.9", "A41.9"]}),
    ("clinical_diagnosis", "order_lab_test", {"patient_id": "C1", "test_name": "INR"},
     {"kind": "test", "subject": "C1", "test_name": "INR", "priority": "routine", "results": ["H4"]}),
    ("clinical_diagnosis", "transfer_to_specialist", {"summary": "s", "specialty": "surgery"},
     {"kind": "referral", "subject": "", "summary": "s", "specialty": "surgery"}),
    ("ehr_management", "place_order", {"hadm_id": "H1", "order_type": "Lab", "order_details": "potassium"},
     {"kind": "order", "subject": "H1", "order_type": "lab", "order_details": "potassium"}),
    ("ehr_management", "request_consult", {"hadm_id": "H1", "service": "nephrology", "urgency": "stat"},
     {"kind": "consult", "subject": "H1", "service": "nephrology", "reason": "", "urgency": "stat"}),
    ("ehr_management", "write_clinical_note", {"hadm_id": "H1", "content": "x"},
     {"kind": "note", "subject": "H1", "note_type": "progress_note", "content": "x"}),
    ("triage_emergency", "submit_answer", {"esi_level": 1, "disposition": "resus", "reasoning": "shock"},
     {"kind": "answer", "subject": "", "esi_level": 1, "disposition": "resus", "reasoning": "shock", "initial_orders": ""}),
    ("triage_emergency", "activate_emergency_protocol", {"patient_id": "T1", "protocol_type": "Sepsis"},
     {"kind": "protocol", "subject": "T1", "protocol": "sepsis_bundle"}),
    ("radiology_report", "generate_critical_finding_alert", {"study_id": "S1", "finding": "growth"},
     {"kind": "alert", "subject": "S1", "finding": "growth"}),
    ("visual_diagnosis", "record_visual_diagnosis", {"image_id": "V1", "diagnosis": "pneumothorax"},
     {"kind": "diagnosis", "subject": "V1", "diagnosis": "pneumothorax", "confidence": "moderate", "reasoning": ""}),
    ("drug_interaction", "submit_answer", {"answer": "stop"}, {"kind": "answer", "subject": "", "answer": "stop", "reasoning": ""}),
]  # fmt: skip


@pytest.mark.parametrize(("domain", "name", "arguments", "change"), WRITES, ids=[f"{case[0]}-{case[1]}" for case in WRITES])
def test_a_write_is_left_behind_and_stays_in_its_world(base_of, domain, name, arguments, change):
    base = base_of(domain)
    world, other = base.open(), base.open()
    called = call(world, domain, name, arguments)
    assert (called.ok, called.written) == (True, True), called
    found = json.loads(json.dumps(world.changes()))
    assert [{key: value for key, value in row.items() if key != "id"} for row in found] == [change]
    assert other.changes() == []
    assert world.state_digest() != other.state_digest() == base.open().state_digest()
    call(other, domain, name, arguments)
    assert world.state_digest() == other.state_digest()


def test_every_tool_that_writes_is_in_the_table_or_only_answers():
    written = {(domain, name) for domain in DOMAINS for name, spec in tools_of(domain).items() if "write" in spec.tags}
    covered = {case[:2] for case in WRITES}
    rest = {name for _, name in written - covered}
    assert rest <= {"submit_answer", "submit_report", "order_stat_labs", "order_imaging", "annotate_regions"}


@pytest.mark.parametrize("domain", DOMAINS)
def test_reads_write_nothing_and_writes_say_so(base_of, filled, domain):
    base = base_of(domain)
    for name, spec in tools_of(domain, base.open().actor.role).items():
        for arguments in filled(domain, spec, base):
            world = base.open()
            called = call(world, domain, name, arguments)
            assert called.written == bool(world.changes())
            assert called.written == ("write" in spec.tags and called.ok)


@pytest.mark.parametrize("domain", DOMAINS)
def test_an_answer_that_is_kept_is_the_answer_and_nobody_can_spoil_it(base_of, filled, domain):
    base = base_of(domain)
    for name, spec in tools_of(domain, base.open().actor.role).items():
        for arguments in filled(domain, spec, base):
            base.answers.clear()
            first, second = (call(base.open(), domain, name, arguments) for _ in range(2))
            assert first == second
            if isinstance(second.result, dict):
                second.result.clear()
                assert call(base.open(), domain, name, arguments) == first


def test_at_most_so_many_answers_are_kept(base_of):
    base = base_of("medical_qa")
    for number in range(MOST_KEPT + 10):
        call(base.open(), "medical_qa", "search_pubmed", {"query": f"word{number}"})
    assert MOST_KEPT // 2 < len(base.answers) <= MOST_KEPT


def test_what_was_written_is_read_again(opened):
    world = opened("clinical_diagnosis")
    call(
        world,
        "clinical_diagnosis",
        "prescribe_medication",
        {"patient_id": "C1", "drug_name": "azithromycin", "dosage": "500 mg", "frequency": "daily"},
    )
    call(world, "clinical_diagnosis", "add_clinical_note", {"patient_id": "C1", "note_type": "progress", "content": "macrolide with warfarin"})
    call(world, "clinical_diagnosis", "record_diagnosis", {"patient_id": "C1", "diagnosis": "pneumonia"})
    drugs = call(world, "clinical_diagnosis", "get_medications", {"patient_id": "C1"}).result["medications"]
    notes = call(world, "clinical_diagnosis", "get_clinical_notes", {"patient_id": "C1", "note_type": "Progress"}).result["notes"]
    info = call(world, "clinical_diagnosis", "get_patient_info", {"patient_id": "C1"}).result
    assert [row["drug_name"] for row in drugs] == ["Warfarin", "azithromycin"]
    assert [row["content"] for row in notes] == ["macrolide with warfarin"]
    assert [row["diagnosis"] for row in info["diagnoses_recorded"]] == ["pneumonia"]
    assert [row["condition_name"] for row in info["active_conditions"]] == ["Atrial fibrillation", "Heart failure"]


def test_states_are_compared_whatever_the_order(base_of):
    base = base_of("clinical_diagnosis")
    one, other = base.open(), base.open()
    steps = [("add_clinical_note", {"patient_id": "C1", "note_type": "progress", "content": text}) for text in ("a", "b", "c")]
    for world, order in ((one, steps[:2]), (other, [steps[1], steps[0], steps[2]])):
        for name, arguments in order:
            call(world, "clinical_diagnosis", name, arguments)
    found = difference(one.changes(), other.changes())
    assert (found["missing"], [row["content"] for row in found["extra"]]) == ([], ["c"])
    assert [row["content"] for row in difference(other.changes(), one.changes())["missing"]] == ["c"]


def test_a_world_is_a_world_with_one_door(opened):
    world: World = opened("clinical_diagnosis")
    assert (dict(world.charts), world.now, world.actor.role) == ({}, 0.0, "doctor")
    assert "warfarin" in world.knowledge.formulary.drugs
    assert world.desk.orders == {}
    with pytest.raises(ToolError, match="know no request 'magic'"):
        world.request(Order("magic", "C1"))


def test_roles_have_what_their_licence_allows(base_of):
    assert "prescribe_medication" not in tools_of("clinical_diagnosis", "pharmacist")
    assert "submit_report" not in tools_of("radiology_report", "doctor")
    called = call(base_of("clinical_diagnosis").open(role="pharmacist"), "clinical_diagnosis", "prescribe_medication", {})
    assert called.outcome == "unknown_tool"


def test_a_file_is_parsed_once_and_again_when_it_changes(tmp_path):
    path = tmp_path / "db.json"
    path.write_text((OWN / "drug_interaction.json").read_text(encoding="utf-8"), encoding="utf-8")
    first = load_database("drug_interaction", path)
    assert load_database("drug_interaction", tmp_path) is first
    path.write_text(path.read_text(encoding="utf-8").replace('"age": 77', '"age": 78'), encoding="utf-8")
    second = load_database("drug_interaction", path)
    assert (first.records.patient_profiles["D1"].age, second.records.patient_profiles["D1"].age) == (77, 78)
    assert first.digest != second.digest


def changed(domain, change):
    raw = json.loads((OWN / f"{domain}.json").read_text(encoding="utf-8"))
    change(raw)
    return raw


WRONG = [
    ("clinical_diagnosis", lambda raw: raw["patients"]["C1"].pop("age"), r"db.json: patients.C1.age: missing"),
    ("clinical_diagnosis", lambda raw: raw["patients"]["C1"].update(star_sign="Leo"), r"patients.C1.star_sign: Extra inputs"),
    ("triage_emergency", lambda raw: raw["patients"]["T1"].update(gcs=2), r"patients.T1.gcs: Input should be greater"),
    ("ehr_management", lambda raw: raw["records"]["H1"]["lab_events"][0].update(value="high"), r"records.H1.lab_events.0.value"),
    ("visual_diagnosis", lambda raw: raw["images"]["V2"]["phantom"].update(code="XR_WING"), r"V2.phantom: .*no phantom of kind 'XR_WING'; allowed"),
    ("visual_diagnosis", lambda raw: raw["images"]["V3"]["phantom"]["findings"][0].update(finding="wings"), r"shows no 'wings'; allowed conso"),
    ("drug_interaction", lambda raw: raw.pop("drugs"), r"db.json: drugs: missing"),
    ("radiology_report", lambda raw: raw.update(extra={}), r"extra: Extra inputs .*allowed .*studies"),
]  # fmt: skip


@pytest.mark.parametrize(("domain", "change", "message"), WRONG, ids=[case[2][:30] for case in WRONG])
def test_a_wrong_file_is_named_with_its_field(tmp_path, domain, change, message):
    path = tmp_path / "db.json"
    path.write_text(json.dumps(changed(domain, change)), encoding="utf-8")
    with pytest.raises(ScenarioError, match=message):
        load_database(domain, path)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("db.json", "{", "broken JSON"), ("database.yaml", "a: [", "broken YAML"), ("db.json", "[]", "must be a mapping"),
        ("db.json", "[" * 100_000, "broken JSON"),
    ],
    ids=["cut", "yaml", "list", "deep"],
)  # fmt: skip
def test_a_file_that_is_none_is_named(tmp_path, name, text, message):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(ScenarioError, match=message):
        load_database("drug_interaction", tmp_path)


def test_what_is_not_there_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"unknown domain 'astrology'; there are clinical_diagnosis"):
        load_database("astrology", tmp_path)
    with pytest.raises(UsageError, match="holds no database"):
        load_database("drug_interaction", tmp_path)
    with pytest.raises(UsageError, match="cannot be read"):
        load_database("drug_interaction", tmp_path / "none.json")


# ---------------------------------------------------------------- malformed calls and speed

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=30)
    | st.sampled_from(["C1", "H1", "V2", "S3", "T1", "D1"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
ARGUMENTS = st.sampled_from(sorted({name for domain in DOMAINS for spec in tools_of(domain).values() for name in spec.card.parameters["properties"]}))


@pytest.mark.parametrize("domain", DOMAINS)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_malformed_calls_are_answers(domain, data):
    world = load_database(domain, OWN / f"{domain}.json").open()
    name = data.draw(st.sampled_from(sorted(tools_of(domain))) | st.text(max_size=20))
    known = tools_of(domain)[name].card.parameters["properties"] if name in tools_of(domain) else {}
    keys = st.sampled_from(sorted(known)) if known else ARGUMENTS
    called = call(world, domain, name, data.draw(st.dictionaries(keys | st.text(max_size=6), JSON, max_size=5)))
    assert called.ok or (called.error and len(called.error) <= 1000)
    json.dumps(called.result, allow_nan=False)
    json.dumps(world.changes(), allow_nan=False)


def test_opening_copies_nothing_and_calls_are_fast(base_of):
    base = base_of("ehr_management")
    world = base.open()
    assert world.records is base.open().records
    assert sys.getsizeof(world) < 200
    start = process_time()
    for _ in range(1000):
        call(base.open(), "ehr_management", "get_lab_trend", {"hadm_id": "H1", "lab_name": "creatinine"})
    assert process_time() - start < 1.0  # a thousand openings and calls; the goal is 30,000 calls a second

"""Tools of the static domains: all of them on all records, the ancestor's signatures, and its faults, which must be absent."""

import json
import re
from pathlib import Path

import pytest

from clinsim.hospital.ancestor import ancestor
from clinsim.hospital.domains import DOMAINS, call, load_database, tools_of
from clinsim.hospital.records.clinical import LabResult
from clinsim.hospital.records.laboratory_names import of_test
from clinsim.hospital.tools.readings import said, without_reading
from clinsim.hospital.tools.triage_judgement import USUAL_PARTS
from clinsim.tooling import strict_schema

OWN = Path(__file__).parent / "data"
ANCESTOR = Path(__file__).parents[3] / "shared" / "data" / "bioagents"

STUB = re.compile(r"\b(stub|todo|not implemented|placeholder|simulated result|dummy)\b", re.IGNORECASE)
ON_MERIT = {
    ("ehr_management", "get_lab_trend"),  # an admission without laboratory results
    ("ehr_management", "write_clinical_note"),  # an empty note, order, call
    ("ehr_management", "place_order"),
    ("radiology_report", "generate_critical_finding_alert"),
    ("visual_diagnosis", "get_image_report"),  # an image without a report
    ("triage_emergency", "activate_emergency_protocol"),  # a house without that protocol
    ("radiology_report", "apply_classification_system"),  # a system for another part of the body
}
TYPES = {"str": "string", "int": "integer", "float": "number", "bool": "boolean", "list": "array"}


def databases():
    """(name, domain, file) of every database at hand: the ancestor's only where its files are beside the checkout."""
    own = [(f"own-{domain}", domain, OWN / f"{domain}.json") for domain in DOMAINS]
    return own + [(f"ancestor-{domain}", domain, ANCESTOR / domain) for domain in DOMAINS if (ANCESTOR / domain).is_dir()]


@pytest.mark.parametrize(("domain", "path"), [case[1:] for case in databases()], ids=[case[0] for case in databases()])
def test_every_tool_answers_on_every_record(domain, path, filled):
    base = load_database(domain, path)
    for name, spec in tools_of(domain, base.open().actor.role).items():
        answers = [call(base.open(), domain, name, arguments) for arguments in filled(domain, spec, base)]
        assert any(called.ok for called in answers), (name, answers)
        for called in answers:
            assert called.ok or (called.outcome in ("refused", "missing") and (domain, name) in ON_MERIT), (name, called)
            assert not STUB.search(json.dumps(called.result) + called.error), (name, called)


@pytest.mark.skipif(not ANCESTOR.is_dir(), reason="the ancestor's files are not beside the checkout")
def test_the_ancestors_files_are_among_those_tested():
    assert sum(name.startswith("ancestor") for name, _, _ in databases()) == 6


@pytest.mark.parametrize("domain", DOMAINS)
def test_the_ancestors_tools_are_there_with_its_arguments(domain):
    tools = tools_of(domain)
    for name, parameters in ancestor().tools[domain].items():
        schema = tools[name].card.parameters
        rules = schema["properties"]
        assert [line.split(":")[0] for line in parameters] == list(rules), name
        for line in parameters:
            argument, kind, default = re.fullmatch(r"(\w+): (\w+)(?: = (.*))?", line).groups()
            assert rules[argument]["type"] == TYPES[kind], (name, argument)
            assert (argument in schema["required"]) == (default is None), (name, argument)
            assert default is None or str(rules[argument]["default"]) == default.strip("'"), (name, argument)


@pytest.mark.parametrize(("domain", "name"), [(domain, name) for domain in DOMAINS for name in tools_of(domain)])
def test_strict_schema_holds_every_argument_with_a_description(domain, name):
    schema = strict_schema(tools_of(domain)[name])["function"]
    assert schema["parameters"]["required"] == list(schema["parameters"]["properties"])
    assert all(rule["description"] for rule in schema["parameters"]["properties"].values())
    assert schema["description"].endswith(".")


# ---------------------------------------------------------------- faults of the ancestor


@pytest.mark.parametrize(
    "drug",
    [
        "amoxicillin",
        "Amoxil",
        "amoxicillin-clavulanate",
        "Augmentin",
        "AMPICILLIN 1g",
        "dicloxacillin",
        "penicillin V",
        "pen V",
        "pip-tazo",
        "Pip/Tazo 4.5 g",
    ],
)
def test_allergy_to_penicillin_blocks_its_kind(opened, drug):
    world = opened("clinical_diagnosis")
    arguments = {"patient_id": "C1", "drug_name": drug, "dosage": "500 mg", "frequency": "every 8 h"}
    called = call(world, "clinical_diagnosis", "prescribe_medication", arguments)
    assert (called.ok, called.written, called.outcome) == (False, False, "refused")
    assert "allergy" in called.error
    assert call(world, "clinical_diagnosis", "prescribe_medication", arguments | {"patient_id": "C2"}).ok


MISSPELT = {
    "amoxicilin": "amoxicillin",
    "Amoxicilin 500 mg": "amoxicillin",
    "penicilin": "benzylpenicillin",
    "piperacilin tazobactam": "piperacillin tazobactam",
}


@pytest.mark.parametrize("drug", MISSPELT)
def test_a_misspelt_name_passes_no_allergy_and_is_asked_back(opened, drug):
    world = opened("clinical_diagnosis")
    arguments = {"patient_id": "C1", "drug_name": drug, "dosage": "500 mg", "frequency": "every 8 h"}
    called = call(world, "clinical_diagnosis", "prescribe_medication", arguments)
    assert (called.ok, "allergy to" in called.error) == (False, True)
    called = call(world, "clinical_diagnosis", "prescribe_medication", arguments | {"patient_id": "C2"})
    assert not called.ok
    assert called.error.endswith(f"did you mean {MISSPELT[drug]}?")


@pytest.mark.parametrize(
    ("kind", "details", "ok"),
    [
        ("medication", "amoxicilin 500 mg po", False),
        ("antibiotic", "give pen V 500 mg", False),
        ("iv", "piperacillin tazobactam over 30 min", False),
        ("medication", "doxycyclin 100 mg", False),
        ("medication", "doxycycline one tablet", True),
        ("Lab", "penicillin skin test", True),
    ],
)
def test_no_wording_of_an_order_passes_the_allergy(opened, kind, details, ok):
    arguments = {"hadm_id": "H1", "order_type": kind, "order_details": details}
    assert call(opened("ehr_management"), "ehr_management", "place_order", arguments).ok is ok


@pytest.mark.parametrize("drug", ["felodipine", "vitamin C", "remdesivir", "cefdinir 300 mg", "lactated Ringer's"])
def test_a_drug_that_the_house_does_not_have_is_no_misspelt_one(opened, drug):
    arguments = {"patient_id": "C2", "drug_name": drug, "dosage": "1", "frequency": "once"}
    assert call(opened("clinical_diagnosis"), "clinical_diagnosis", "prescribe_medication", arguments).ok


@pytest.mark.parametrize(("drug", "ok"), [("azithromycin", True), ("doxycycline", True), ("ceftriaxone", True), ("levofloxacin", True)])
def test_other_drugs_are_not_blocked(opened, drug, ok):
    arguments = {"patient_id": "C1", "drug_name": drug, "dosage": "500 mg", "frequency": "daily"}
    assert call(opened("clinical_diagnosis"), "clinical_diagnosis", "prescribe_medication", arguments).ok is ok


def test_a_prescription_against_another_drug_comes_with_a_warning(opened):
    arguments = {"patient_id": "C1", "drug_name": "clarithromycin", "dosage": "500 mg", "frequency": "twice daily"}
    called = call(opened("clinical_diagnosis"), "clinical_diagnosis", "prescribe_medication", arguments)
    assert called.result["warnings"][0] == "major: Warfarin with Clarithromycin: The macrolide slows the breakdown of warfarin."


def test_a_dosage_for_a_patient_knows_the_filtration_rate(opened):
    found = call(opened("drug_interaction"), "drug_interaction", "check_dosage", {"drug_name": "warfarin", "patient_id": "D1"}).result
    assert (found["patient_renal_function"], found["house_renal_rule"], found["allergy_alert"]) == ("eGFR 38 mL/min", "", "")
    ancestor_style = call(
        opened("drug_interaction"), "drug_interaction", "calculate_renal_dose_adjustment", {"drug_name": "enoxaparin", "gfr": 25}
    ).result
    assert (ancestor_style["action"], ancestor_style["organ_function"][:2]) == ("interval", "G4")


@pytest.mark.parametrize(("domain", "name"), [("clinical_diagnosis", "check_drug_interaction"), ("drug_interaction", "check_interaction")])
def test_an_unknown_pair_is_unknown_and_not_safe(opened, domain, name):
    called = call(opened(domain), domain, name, {"drug_a": "moonshine", "drug_b": "pixie dust"})
    assert called.ok
    assert called.result["severity"] == "unknown"
    assert "not in the knowledge base; that does not mean safe" in json.dumps(called.result)


def test_known_pairs_come_in_either_order_and_by_members_of_a_class(opened):
    world = opened("drug_interaction")
    for pair in (("warfarin", "NSAIDs"), ("ibuprofen", "Coumadin"), ("naproxen", "warfarin 5 mg")):
        called = call(world, "drug_interaction", "check_interaction", dict(zip(("drug_a", "drug_b"), pair, strict=True)))
        assert (called.result["interaction_id"], called.result["severity"]) == ("i1", "major"), pair


@pytest.mark.parametrize("path", [case[2] for case in databases() if case[1] == "triage_emergency"], ids=str)
def test_parts_of_the_coma_scale_add_up(path):
    base = load_database("triage_emergency", path)
    for patient in base.records.patients:
        found = call(base.open(), "triage_emergency", "calculate_gcs", {"patient_id": patient}).result
        assert sum(found["components"].values()) == found["gcs_total"]


@pytest.mark.parametrize("total", range(3, 16))
def test_the_usual_split_of_every_total_adds_up(total):
    eye, verbal, motor = USUAL_PARTS[total]
    assert eye + verbal + motor == total
    assert (1 <= eye <= 4, 1 <= verbal <= 5, 1 <= motor <= 6) == (True, True, True)


@pytest.mark.parametrize("path", [case[2] for case in databases() if case[1] == "triage_emergency"], ids=str)
def test_the_suggested_triage_level_is_right_for_nine_in_ten(path):
    base = load_database("triage_emergency", path)
    right = [
        call(base.open(), "triage_emergency", "calculate_esi_level", {"patient_id": key}).result["suggested_esi_level"] == who.correct_esi_level
        for key, who in base.records.patients.items()
    ]
    assert sum(right) >= 0.9 * len(right)


HIDDEN = {
    "triage_emergency": lambda records: [who.correct_disposition for who in records.patients.values()],
    "radiology_report": lambda records: [study.impression_reference for study in records.studies.values()],
    "visual_diagnosis": lambda records: [row.explanation for row in records.questions.values() if row.explanation],
}


@pytest.mark.parametrize(
    ("domain", "path"), [case[1:] for case in databases() if case[1] in HIDDEN], ids=[case[0] for case in databases() if case[1] in HIDDEN]
)
def test_no_answer_holds_what_is_kept_from_the_agent(domain, path, filled):
    base = load_database(domain, path)
    hidden = [text for text in HIDDEN[domain](base.records) if len(text) > 9]
    for name, spec in tools_of(domain, base.open().actor.role).items():
        for arguments in filled(domain, spec, base):
            text = json.dumps(call(base.open(), domain, name, arguments).result, ensure_ascii=False)
            assert "correct_" not in text
            assert not [told for told in hidden if told in text], (name, arguments)


def test_ordered_tests_return_results_and_replace_what_was_pending(opened):
    world = opened("clinical_diagnosis")
    before = call(world, "clinical_diagnosis", "get_lab_results", {"patient_id": "C1"}).result["results"]
    assert [row["value"] for row in before] == ["17.1", "Pending"]
    ordered = call(world, "clinical_diagnosis", "order_lab_test", {"patient_id": "C1", "test_name": "blood cultures x2", "priority": "STAT"}).result
    assert (ordered["status"], ordered["priority"]) == ("resulted", "stat")
    call(world, "clinical_diagnosis", "order_lab_test", {"patient_id": "C1", "test_name": "BMP"})
    after = call(world, "clinical_diagnosis", "get_lab_results", {"patient_id": "C1"}).result["results"]
    assert [row["test_id"] for row in after] == ["L1", "H1", "H2", "H3", "H5"]


def test_triage_orders_return_results_that_scores_then_use(opened):
    world = opened("triage_emergency")
    first = call(world, "triage_emergency", "calculate_sirs_criteria", {"patient_id": "T1"}).result
    assert "white_cells" in first["missing"]
    ordered = call(world, "triage_emergency", "order_stat_labs", {"patient_id": "T1", "tests": ["CBC", "lactic acid", "troponin"]}).result
    assert ([row["test_id"] for row in ordered["results"]], ordered["awaited"]) == (["R2", "R1"], ["troponin"])
    second = call(world, "triage_emergency", "calculate_sirs_criteria", {"patient_id": "T1"}).result
    assert (second["value"], "white_cells" in second["missing"]) == (4, False)
    assert call(world, "triage_emergency", "screen_sepsis", {"patient_id": "T1"}).result["lactate"] == "4.4 mmol/L"


def test_alerts_look_at_all_readings(opened):
    found = call(opened("ehr_management"), "ehr_management", "detect_vital_alerts", {"hadm_id": "H1"}).result
    assert {row["charttime"] for row in found["alerts"]} == {"2026-02-01 08:10"}  # the last reading is quiet
    assert {row["parameter"] for row in found["alerts"]} >= {"hr", "sbp", "spo2", "rr", "gcs", "mean_bp", "news2_total"}
    assert found["readings_checked"] == 2


@pytest.mark.parametrize("name", ["creatinine", "CREATININE", "Creatinine", "serum creatinine"])
def test_trends_know_names_in_any_case_and_sort_by_time(opened, name):
    found = call(opened("ehr_management"), "ehr_management", "get_lab_trend", {"hadm_id": "H1", "lab_name": name}).result
    assert (found["values"], found["trend"], found["abnormal_count"]) == ([1.2, 2.6, 1.4], "rising then falling", 2)
    assert (found["ref_lower"], found["ref_upper"]) == (0.6, 1.3)


@pytest.mark.parametrize(("name", "argument"), [("get_lab_results", "last_n"), ("get_vital_signs", "last_n")])
@pytest.mark.parametrize("value", [0, -1, 10**9, 2.5, "3", True])
def test_how_many_is_checked(opened, name, argument, value):
    called = call(opened("ehr_management"), "ehr_management", name, {"hadm_id": "H1", argument: value})
    assert (called.ok, called.outcome) == (False, "schema")


# ---------------------------------------------------------------- images


@pytest.mark.parametrize("path", [case[2] for case in databases() if case[1] == "visual_diagnosis"], ids=str)
def test_looking_at_an_image_leaks_neither_impression_nor_meaning(path):
    base = load_database("visual_diagnosis", path)
    for key, image in base.records.images.items():
        text = json.dumps(call(base.open(), "visual_diagnosis", "analyze_medical_image", {"image_id": key}).result, ensure_ascii=False)
        report = base.records.report_by_image.get(key)
        assert "impression" not in text
        assert "consistent with" not in text.lower()
        for row in report.findings if report else ():
            assert len(row.clinical_significance.split()) < 4 or row.clinical_significance not in text, (key, image.description)
        assert report is None or report.impression not in text


@pytest.mark.parametrize("path", [case[2] for case in databases() if case[1] == "radiology_report"], ids=str)
def test_looking_at_a_study_leaks_no_impression(path):
    base = load_database("radiology_report", path)
    for key, study in base.records.studies.items():
        text = json.dumps(call(base.open(), "radiology_report", "analyze_findings", {"study_id": key}).result, ensure_ascii=False)
        assert study.impression_reference not in text
        assert "consistent with" not in text


def test_measuring_reads_pixels_and_says_so_where_there_are_none(opened):
    world = opened("visual_diagnosis")
    words = call(world, "visual_diagnosis", "measure_lesion", {"image_id": "V1", "lesion_id": "F1"}).result
    assert (words["measurements"], words["stated_sizes"]) == ([], ["22 mm"])
    assert "no pixels" in words["note"]
    drawn = call(world, "visual_diagnosis", "measure_lesion", {"image_id": "V3", "lesion_id": "left lower"}).result
    assert {row["region"] for row in drawn["measurements"]} == {"left_lower"}
    assert drawn["note"] == ""


def test_an_effusion_that_came_is_followed_on_the_pixels(opened):
    found = call(opened("visual_diagnosis"), "visual_diagnosis", "track_lesion_changes", {"image_id": "V3", "prior_image_id": "V2"}).result
    left = {row["measure"]: row for row in found["tracked"] if row["region"] == "left_lower"}
    right = {row["measure"]: row for row in found["tracked"] if row["region"] == "right_lower"}
    grown = left["meniscus_height_mm"]["current"] - left["meniscus_height_mm"]["prior"]
    still = abs(right["meniscus_height_mm"]["current"] - right["meniscus_height_mm"]["prior"])
    assert grown > 5.0 > still


def test_a_report_compares_pixels_with_the_prior_study(opened):
    found = call(opened("radiology_report"), "radiology_report", "compare_with_prior_study", {"study_id": "S3"}).result
    assert (found["prior_study_id"], found["current_findings"]) == ("PR3", [])
    assert len(found["current_measurements"]) == len(found["prior_measurements"]) > 5


@pytest.mark.parametrize(
    ("study", "system", "value"),
    [("S2", "TI-RADS", 4), ("S2", "ti rads", 4), ("S1", "Fleischner", "CT at 3 months, PET-CT or biopsy")],
)
def test_reporting_systems_are_the_houses_calculators(opened, study, system, value):
    found = call(opened("radiology_report"), "radiology_report", "apply_classification_system", {"study_id": study, "system": system}).result
    assert found["score"]["value"] == value


# ---------------------------------------------------------------- scores and knowledge


@pytest.mark.parametrize(
    ("name", "arguments", "value"),
    [
        ("calculate_curb65", {}, 5),  # confusion, urea above 19, rate 32, 88/54, 71 years: after a basic metabolic panel
        ("calculate_chads2_vasc", {}, 3),  # failure 1, age 65 to 74 1, woman 1
        ("calculate_wells_score", {"indication": "pe"}, 1.5),  # rate above 100
        ("calculate_bmi", {}, 23.5),  # 64 / 1.65^2
        ("calculate_meld_score", {}, None),
    ],
)
def test_scores_of_a_patient_by_hand(opened, name, arguments, value):
    world = opened("clinical_diagnosis")
    if name == "calculate_curb65":
        assert call(world, "clinical_diagnosis", name, {"patient_id": "C1"}).result["missing"] == ["urea"]
        call(world, "clinical_diagnosis", "order_lab_test", {"patient_id": "C1", "test_name": "BMP"})
    found = call(world, "clinical_diagnosis", name, {"patient_id": "C1", **arguments}).result
    assert found["value"] == (value if value is None else pytest.approx(value, abs=0.02))
    assert found["source"]


def test_readmission_by_hand(opened):
    found = call(opened("ehr_management"), "ehr_management", "calculate_readmission_risk", {"hadm_id": "H1"}).result
    # six whole days 4, emergency 3, Charlson without age: failure 1, kidney 2: 3, one visit 1; haemoglobin 1, procedure 1, urgent 1, stay 2
    assert (found["lace"]["value"], found["hospital"]["value"]) == (11, 5)


def test_trauma_score_by_hand(opened):
    found = call(opened("triage_emergency"), "triage_emergency", "calculate_trauma_score", {"patient_id": "T3", "mechanism": "motorbike"}).result
    assert found["value"] == pytest.approx(2 * 0.9368 + 2 * 0.7326 + 3 * 0.2908)


def test_chest_pain_is_scored_once_ecg_and_troponin_have_come(opened):
    world = opened("triage_emergency")
    before = call(world, "triage_emergency", "calculate_heart_score", {"patient_id": "T4"}).result
    assert (before["value"], before["missing"]) == (None, ["ecg", "troponin"])
    call(world, "triage_emergency", "order_stat_labs", {"patient_id": "T4", "tests": ["12-lead ECG", "hs troponin"]})
    after = call(world, "triage_emergency", "calculate_heart_score", {"patient_id": "T4"}).result
    assert after["components"] == {"history": 2, "ecg": 2, "age": 1, "risk_factors": 1, "troponin": 2}


@pytest.mark.parametrize(("modality", "outcome"), [("CT with contrast", "ok"), ("chest X-ray", "ok"), ("tarot", "refused")])
def test_imaging_knows_its_machines(opened, modality, outcome):
    arguments = {"patient_id": "T1", "modality": modality, "body_part": "chest"}
    called = call(opened("triage_emergency"), "triage_emergency", "order_imaging", arguments)
    assert called.outcome == outcome
    if modality == "chest X-ray":
        assert [row["report"] for row in called.result["reports"]] == ["Opacity at the right base."]
    if modality.startswith("CT"):
        assert called.result["warnings"] == ["allergy to iodine contrast: no contrast without preparation"]


@pytest.mark.parametrize(("code", "ok"), [("J18.9", True), ("j189", True), ("", True), ("pneumonia", False), ("18.9", False)])
def test_a_code_has_the_form_of_one(opened, code, ok):
    arguments = {"patient_id": "C1", "diagnosis": "pneumonia", "icd10_code": code}
    assert call(opened("clinical_diagnosis"), "clinical_diagnosis", "record_diagnosis", arguments).ok is ok


def test_search_finds_the_passage_that_holds_the_evidence(opened):
    world = opened("medical_qa")
    question = {"question": "Lack of which vitamin causes Wernicke encephalopathy?", "options": "A) thiamine B) ascorbic acid"}
    found = call(world, "medical_qa", "analyze_answer_options", question).result["options_analysis"]
    assert [(row["option"], row["passage_id"]) for row in found] == [("A", "p1"), ("B", "p2")]
    hits = call(world, "medical_qa", "search_pubmed", {"query": "beta-blockers infarction"}).result["results"]
    assert hits[0]["pmid"] == "101"
    assert call(world, "medical_qa", "browse_article", {"pmid": "101", "section": "results"}).result["text"] == "Fewer deaths."


def test_an_empty_library_says_that_it_holds_nothing(tmp_path):
    (tmp_path / "db.json").write_text("{}", encoding="utf-8")
    world = load_database("medical_qa", tmp_path).open()
    for name, argument in (("search_pubmed", "query"), ("search_medical_wiki", "query"), ("retrieve_evidence", "query")):
        assert "Nothing in the knowledge base" in call(world, "medical_qa", name, {argument: "aspirin"}).result["message"]


@pytest.mark.parametrize("answer", [3, None, ["B"], {"letter": "B"}, "", "   "])
def test_an_answer_that_is_no_text_is_refused_and_nothing_is_written(opened, answer):
    world = opened("medical_qa")
    assert not call(world, "medical_qa", "submit_answer", {"answer": answer}).ok
    assert world.changes() == []


@pytest.mark.parametrize(
    ("text", "stems", "found"),
    [
        ("Dementia, initial visit", ("tia",), ()),
        ("TIA in 2023", ("tia",), ("tia",)),
        ("acute abdominal pain", ("cut", "abdominal"), ("abdominal",)),
        ("Motorbike crash", ("rash",), ()),
        ("No chest pain, no history of stroke; denies any fever", ("chest pain", "stroke", "fever"), ()),
        ("no fever yesterday; fever today", ("fever",), ("fever",)),
        ("Newly confused", ("confus",), ("confus",)),
        ("portal hypertension", ("hypertens",), ("hypertens",)),
    ],
)
def test_words_are_said_only_where_they_are_said_and_not_denied(text, stems, found):
    assert said(text, stems) == found


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("Dense area in the territory consistent with acute change", "Dense area in the territory"),
        ("A nodule of 9 mm, concerning for malignancy. No effusion.", "A nodule of 9 mm. No effusion."),
        ("Lines (most likely oedema) at both bases", "Lines at both bases"),
        ("Heart size is normal.", "Heart size is normal."),
    ],
)
def test_descriptions_lose_what_they_mean(text, kept):
    assert without_reading(text) == kept


@pytest.mark.parametrize(
    ("ordered", "charted", "same"),
    [
        ("CBC", "White Blood Cell Count", True),
        ("CBC", "Lactate", False),
        ("lp", "CSF protein", True),
        ("bun", "Blood Urea Nitrogen", True),
        ("Blood Glucose", "Glucose", True),
        ("hemoglobin", "HbA1c", False),
        ("Basic metabolic panel", "Potassium", True),
        ("serum lipase", "Lipase", True),
    ],
)
def test_an_order_in_plain_words_finds_its_results(ordered, charted, same):
    row = LabResult(test_id="1", test_name=charted, category="c", value="1")
    assert bool(of_test(ordered, [row])) is same

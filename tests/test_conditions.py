"""Condition sheets: what each must hold, how they hang together with the other data, and what a broken one is told."""

from __future__ import annotations

from collections import Counter, defaultdict
from importlib.resources import files
from pathlib import Path
from typing import get_args

import pytest
import yaml

from clinsim.body_file import load_bodies
from clinsim.condition_file import Condition, load_conditions, read_condition, read_conditions
from clinsim.condition_parts import Complaint, Vital
from clinsim.errors import ScenarioError
from clinsim.formulary_file import Formulary
from clinsim.hospital.people import make_person, present
from clinsim.hospital.physiology import references
from clinsim.hospital.presentation import others_with
from clinsim.hospital.safety import load_formulary
from clinsim.hospital.streams import Streams
from clinsim.imaging_file import Imaging
from clinsim.scenario_file import checked, load_scenario, read_data

CONDITIONS = load_conditions()
EVERY = pytest.mark.parametrize("condition", CONDITIONS.values(), ids=list(CONDITIONS))
DANGEROUS = {
    "septic_shock",
    "urosepsis",
    "stemi",
    "ischaemic_stroke",
    "pulmonary_embolism",
    "dka",
    "upper_gi_bleed",
    "copd_exacerbation",
    "hyperkalaemia",
    "anaphylaxis",
    "nstemi",
    "intracerebral_haemorrhage",
    "peptic_ulcer_bleed",
    "pulmonary_oedema",
    "aortic_dissection",
    "bacterial_meningitis",
    "acute_pancreatitis",
    "appendicitis",
    "tension_pneumothorax",
    "opioid_overdose",
    "hypoglycaemia",
    "community_pneumonia",
}
SHEET = (files("clinsim.scenarios") / "conditions" / "stemi.yaml").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def formulary() -> Formulary:
    return load_formulary()


@pytest.fixture(scope="module")
def imaging() -> Imaging:
    return checked(Imaging, read_data("imaging.yaml"), "imaging.yaml")


def test_dangerous_conditions_mimics_and_inpatients_are_there() -> None:
    assert set(CONDITIONS) >= DANGEROUS
    assert Counter(sheet.kind for sheet in CONDITIONS.values())["mimic"] >= 21
    assert {"inpatient_recovering", "inpatient_deteriorating"} <= set(CONDITIONS)


def test_every_complaint_fits_three_conditions_or_more() -> None:
    fits = {
        complaint: [sheet.id for sheet in CONDITIONS.values() if complaint in sheet.complaints and sheet.kind != "inpatient"]
        for complaint in get_args(Complaint)
    }
    assert {complaint: len(ids) for complaint, ids in fits.items() if len(ids) < 3} == {}


def test_a_classifier_that_knows_only_the_complaint_is_mostly_wrong() -> None:
    mix = load_scenario("ed_evening").file.case_mix
    assert mix is not None
    joint: dict[str, Counter[str]] = defaultdict(Counter)
    for name, weight in mix.weights.items():
        sheet = CONDITIONS[name]
        for complaint, share in sheet.complaints.items():
            joint[complaint][name] += weight * share / sum(sheet.complaints.values())  # type: ignore[assignment]  # weights, not counts
    right = sum(max(shares.values()) for shares in joint.values())
    assert right / sum(mix.weights.values()) < 0.5


def test_esi_3_is_the_most_common_level() -> None:
    mix = load_scenario("ed_evening").file.case_mix
    assert mix is not None
    levels: dict[int, float] = defaultdict(float)
    for name, weight in mix.weights.items():
        middle = sum(CONDITIONS[name].course.severity) / 2
        levels[CONDITIONS[name].esi_at(middle)] += weight / sum(mix.weights.values())
    assert 0.3 < levels[3] < 0.55
    assert levels[3] == max(levels.values())


@EVERY
def test_codes_of_treatments_and_harms_can_be_ordered(condition: Condition, formulary: Formulary) -> None:
    orderable = {*formulary.drugs, *load_scenario("ed_evening").hospital.procedures, "icu_care"}
    named = {code for item in (*condition.treatments, *condition.harms) for code in item.any_of} | set(condition.accepted)
    named |= {code for harm in condition.harms for code in harm.unless}
    assert named - orderable == set()


def test_codes_that_harm_or_support_anybody_can_be_ordered(formulary: Formulary) -> None:
    orderable = {*formulary.drugs, *load_scenario("ed_evening").hospital.procedures}
    bodies = load_bodies()
    named = {code for harm in bodies.general.harms for code in harm.any_of}
    named |= {code for support in bodies.signs.supports for code in support.any_of}
    named |= {drug for rule in bodies.people.comorbidities.values() for drug in rule.drugs} | set(bodies.people.other_drugs)
    assert named - orderable == set()


@EVERY
def test_findings_can_be_seen_where_they_are_said_to_be(condition: Condition, imaging: Imaging) -> None:
    for line in condition.imaging:
        assert line.region in imaging.findings[line.finding].seen[line.study].regions
    assert condition.critical_imaging == any(imaging.findings[line.finding].critical and line.sensitivity.value >= 0.5 for line in condition.imaging)


@EVERY
def test_key_tests_can_be_ordered(condition: Condition, imaging: Imaging) -> None:
    assert set(condition.key_tests) <= {*load_scenario("ed_evening").hospital.panels, *imaging.studies}


def test_every_analyte_of_the_laboratory_can_be_measured() -> None:
    signs = load_bodies().signs
    panels = load_scenario("ed_evening").hospital.panels.values()
    assert {analyte for panel in panels for analyte in panel.analytes} <= {*signs.labs, *signs.text_labs, "ECG"}


@EVERY
def test_names_inside_a_sheet_are_known(condition: Condition) -> None:
    bodies = load_bodies()
    signs = {*get_args(Vital), *bodies.signs.labs}
    guards = [when for item in condition.treatments for when in item.barred] + [when for item in condition.harms for when in item.when]
    assert {when.sign for when in guards} - {""} <= signs
    assert {when.comorbidity for when in guards} - {""} <= set(bodies.people.comorbidities)
    assert set(condition.people.comorbidities) <= set(bodies.people.comorbidities)
    numeric = {name for name, rule in condition.labs.items() if rule.arrival}
    assert numeric <= set(bodies.signs.labs)
    assert set(condition.labs) - numeric <= set(bodies.signs.text_labs)


@EVERY
def test_words_do_not_give_the_diagnosis_away(condition: Condition) -> None:
    spoken = [line.says for line in condition.history] + list(condition.complaint_notes.values())
    for name in (condition.title, *condition.diagnosis_synonyms):
        assert not any(name.lower() in text.lower() for text in spoken)


@EVERY
def test_a_presentation_is_the_same_for_the_same_key_and_speaks_of_everything(condition: Condition) -> None:
    person = make_person(Streams(4), "p1", condition)
    assert person == make_person(Streams(4), "p1", condition)
    shown = present(condition, person, Streams(4))
    again = present(condition, person, Streams(4))
    assert (shown.complaint, shown.triage_note) == (again.complaint, again.triage_note)
    assert (shown.history, shown.examination) == (again.history, again.examination)
    assert shown.complaint in condition.complaints
    assert all(shown.history.values())
    assert all(shown.examination.values())
    assert list(shown.history) == list(load_bodies().words.history)
    assert str(person.age) in shown.triage_note


def test_what_a_person_has_is_told_when_asked() -> None:
    streams = Streams(1)
    condition = CONDITIONS["hyperkalaemia"]
    people = [make_person(streams, f"p{number}", condition, {"penicillin": 0.5}) for number in range(60)]
    for person in people:
        history = present(condition, person, streams).history
        assert ("penicillin" in history["allergies"]) == ("penicillin" in person.allergies)
        assert all(drug.replace("_", " ") in history["drugs"] for drug in person.home_drugs)
    assert 0 < sum("penicillin" in person.allergies for person in people) < 60


def test_telling_lines_are_only_said_of_their_own_illness_and_others_of_some_more() -> None:
    telling: dict[str, set[str]] = defaultdict(set)
    common: dict[str, set[str]] = defaultdict(set)
    ways = load_bodies().words.ways_to_say
    for sheet in CONDITIONS.values():
        for text, is_telling in [(line.says, line.telling) for line in sheet.history] + [(line.finds, line.telling) for line in sheet.examination]:
            for way in ways.get(text, (text,)):
                (telling if is_telling and len(ways.get(text, (text,))) == 1 else common)[way].add(sheet.id)
    borrowed = 0
    for sheet in CONDITIONS.values():
        for number in range(25):
            person = make_person(Streams(9), f"t{number}", sheet)
            shown = present(sheet, person, Streams(9))
            for text in (*shown.history.values(), *shown.examination.values()):
                for line, owners in telling.items():
                    assert line not in text or sheet.id in owners or line in common, (sheet.id, line)
                borrowed += sum(line in text and sheet.id not in owners for line, owners in common.items())
    assert borrowed > 300


def test_lines_that_say_the_same_stand_in_one_list_and_words_of_others_need_a_complaint_in_common() -> None:
    lines = [line for group in load_bodies().words.same for line in group]
    assert len(lines) == len(set(lines))
    for complaint in get_args(Complaint):
        sayings = others_with(complaint)
        for pool in (*sayings.history.values(), *sayings.examination.values()):
            assert all(complaint in CONDITIONS[sheet].complaints and weight > 0.0 for _, weight, sheet in pool)


def test_adding_a_condition_is_adding_a_file(tmp_path: Path) -> None:
    (tmp_path / "stemi.yaml").write_text(SHEET, encoding="utf-8")
    assert list(read_conditions(tmp_path)) == ["stemi"]
    (tmp_path / "other_infarct.yaml").write_text(SHEET.replace("id: stemi", "id: other_infarct"), encoding="utf-8")
    sheet = read_conditions(tmp_path)["other_infarct"]
    assert sheet.esi == 2
    assert sheet.esi_at(1.0) == 1
    assert sheet.needs_icu(0.3)
    person = make_person(Streams(1), "p1", sheet)
    untreated, optimal = references(sheet, person, Streams(1), 0.0)
    assert untreated.loss > optimal.loss


@pytest.mark.parametrize("field", [name for name, rule in Condition.model_fields.items() if rule.is_required()])
def test_an_incomplete_sheet_is_refused_with_the_missing_field_named(field: str, tmp_path: Path) -> None:
    (tmp_path / "stemi.yaml").write_text(without(field), encoding="utf-8")
    with pytest.raises(ScenarioError, match=rf"^stemi.yaml: {field}: missing"):
        read_conditions(tmp_path)


def without(field: str) -> str:
    return yaml.safe_dump({key: value for key, value in yaml.safe_load(SHEET).items() if key != field}, sort_keys=False)


@EVERY
def test_a_sheet_can_go_wrong_and_says_how(condition: Condition) -> None:
    """A safety gate has something to fire on; a disease has care that counts; sheets tell their traps."""
    assert condition.harms or condition.kind == "inpatient"
    assert condition.traps
    assert condition.kind != "disease" or condition.essential
    assert not condition.essential or condition.p_optimal.value < condition.p_untreated.value


def test_some_who_come_need_nothing_and_some_need_all_at_once() -> None:
    levels = {sheet.esi_at(x) for sheet in CONDITIONS.values() for x in sheet.course.severity}
    assert levels == {1, 2, 3, 4, 5}


BROKEN = [
    ("missing outcome", without("p_untreated"), "p_untreated: missing"),
    ("missing treatments", without("treatments"), "treatments: missing"),
    ("no treatment", without("treatments") + "treatments: []\n", "treatments: p_optimal is below p_untreated"),
    ("no trap", without("traps") + "traps: []\n", "traps: "),
    (
        "worse with care",
        without("p_optimal") + "p_optimal: {value: 0.5, low: 0.4, high: 0.6, source: assumption}\n",
        "p_optimal: at most p_untreated, 0.18, not 0.5",
    ),
    ("missing sources", without("sources"), "sources: missing"),
    ("unknown field", SHEET + "colour: red\n", "colour: Extra inputs are not permitted (got 'red'); allowed"),
    ("text for a number", SHEET.replace("growth: 1.0", "growth: fast"), "course.growth"),
    ("negative rate", SHEET.replace("growth: 1.0", "growth: -1.0"), "course.growth"),
    ("share above one", SHEET.replace("male: 0.70", "male: 1.70"), "people.male"),
    ("unknown complaint", SHEET.replace("{chest_pain: 0.68", "{toothache: 0.68"), "complaints.toothache"),
    ("unknown kind", SHEET.replace("kind: disease", "kind: ailment"), "'disease', 'mimic' or 'inpatient'"),
    ("interval off", SHEET.replace("{value: 0.18, low: 0.12", "{value: 0.10, low: 0.12"), "low <= value <= high"),
    ("infinite", SHEET.replace("growth: 1.0", "growth: .inf"), "course.growth"),
    ("not YAML", "id: [stemi", "broken YAML"),
    ("a list", "- stemi", "must be a mapping"),
    ("a date", SHEET.replace("version: 1", "version: 2020-01-01"), "no number, text, list or mapping"),
    ("essential without target", SHEET.replace("target_minutes: 90, ", ""), "needs target_minutes"),
    ("another name", SHEET.replace("id: stemi", "id: infarct"), "id: 'infarct' must be the file's name"),
    (
        "source missing",
        SHEET.replace(", source: 'ISIS-2, Lancet 1988 (23 % fewer vascular deaths); effect assumption'", ""),
        "treatments.1.source: missing",
    ),
]


@pytest.mark.parametrize(("text", "told"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
def test_a_broken_sheet_is_refused_with_file_field_and_what_is_allowed(text: str, told: str) -> None:
    with pytest.raises(ScenarioError) as refusal:
        read_condition(text, "stemi.yaml")
    assert str(refusal.value).startswith("stemi.yaml: ")
    assert told in str(refusal.value)
    assert "\n" not in str(refusal.value)

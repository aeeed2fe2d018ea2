"""The tools of toolset `live` on a small house: what they refuse, ask for, and show."""

import dataclasses
import json
from pathlib import Path

import pytest
import yaml

import clinsim.hospital.tools
from clinsim.errors import ToolError
from clinsim.hospital.static_requests import ANSWERS
from clinsim.record import ROLES
from clinsim.tooling import MAX_ERROR_CHARACTERS, as_data, granted, parse, strict_schema, toolsets

NOW = 60.0
P1 = {"patient_id": "P1"}


def rows(name):
    return yaml.safe_load((Path(__file__).parent / name).read_text(encoding="utf-8"))


REFUSED, ASKED = rows("refused.yaml"), rows("asked.yaml")


@pytest.mark.parametrize(("agent", "tool", "arguments", "message"), REFUSED)
def test_a_refusal_names_the_value_the_rule_and_the_way_out(use, agent, tool, arguments, message):
    with pytest.raises(ToolError) as refusal:
        use(tool, arguments, agent)
    assert str(refusal.value) == message
    assert len(message) <= MAX_ERROR_CHARACTERS


@pytest.mark.parametrize(("agent", "tool", "arguments", "fields"), ASKED)
def test_a_write_tool_makes_one_order_and_says_all_in_it(use, agent, tool, arguments, fields):
    world, answer = use(tool, arguments, agent)
    (order,) = world.requested
    defaults = {field.name: field.default for field in dataclasses.fields(order)}
    said = {name: value for name, value in dataclasses.asdict(order).items() if value != defaults[name]}
    assert as_data(said) == fields
    assert answer.minute == NOW


def test_every_kind_of_order_is_asked_for_by_a_tool_and_answered_by_the_static_world():
    assert {fields["kind"] for _, _, _, fields in ASKED} == set(ANSWERS)


READ = [
    *[
        (tool, P1)
        for tool in (
            "get_chart",
            "get_vital_signs",
            "get_results",
            "get_reports",
            "get_orders",
            "get_notes",
            "early_warning_score",
        )
    ],
    ("department_status", {}),
    ("list_colleagues", {}),
    ("look_up_drug", {"drug": "aspirin"}),
    ("check_interaction", {"drug_a": "warfarin", "drug_b": "aspirin"}),
    ("list_catalogue", {"kind": "diagnoses"}),
    ("wait", {"minutes": 5}),
    ("list_patients", {"scope": "all"}),
    ("list_verifications", {}),
    ("get_order", {"order_id": "O1"}),
    ("get_medication_profile", P1),
    ("screen_order", {"order_id": "O1"}),
    ("creatinine_clearance", P1),
    ("suggest_dose", {"patient_id": "P1", "drug": "aspirin", "route": "oral"}),
    ("list_studies", {}),
    ("get_request", {"study_id": "S1"}),
]


@pytest.mark.parametrize(("tool", "arguments"), READ)
def test_reading_asks_for_nothing_and_changes_nothing(house, use, tool, arguments):
    agent = f"{toolsets()['live'][tool].roles[0]}_0"
    before = house(agent)
    world, answer = use(tool, arguments, agent)
    assert world.requested == []
    assert (world.charts, world.desk) == (before.charts, before.desk)
    assert json.loads(json.dumps(as_data(answer))) == as_data(answer)


def test_each_tool_stands_in_a_table_of_this_file():
    covered = {tool for tool, _ in READ} | {tool for _, tool, _, _ in ASKED}
    assert covered == set(toolsets()["live"])
    assert len(covered) >= 40


def test_a_role_gets_the_shared_tools_and_its_own_and_no_others():
    by_role = {role: set(granted("live", role)) for role in ROLES}
    shared = set.intersection(*by_role.values())
    assert {"wait", "send_message", "get_chart", "look_up_drug"} <= shared
    for role, own in {
        "doctor": {"order_drug", "discharge_patient", "retriage_patient"},
        "pharmacist": {"verify_order", "screen_order"},
        "radiologist": {"submit_report", "view_study"},
    }.items():
        assert own <= by_role[role]
        assert all(own.isdisjoint(by_role[other]) for other in ROLES if other != role)


def test_another_roles_tool_is_unknown_to_an_agent():
    call = parse('{"name": "verify_order", "arguments": {"order_id": "O1"}}', granted("live", "doctor"))
    assert call.status == "unknown_tool"
    assert call.error.startswith("unknown tool 'verify_order'; you have wait, send_message,")


def test_the_service_class_of_each_tool_is_one_that_hospitals_know():
    known = (
        "wait message call read chart note lookup claim history examine order procedure consult diagnose disposition "
        "handover verify query view report desk"
    )
    assert {spec.service for spec in toolsets()["live"].values()} == set(known.split())


def test_only_waiting_and_long_actions_can_be_interrupted():
    found = {spec.name for spec in toolsets()["live"].values() if spec.interruptible}
    assert found == {"wait", "take_history", "examine_patient", "submit_report", "addend_report"}


@pytest.mark.parametrize("name", sorted(toolsets()["live"]))
def test_the_strict_schema_is_strict_and_a_grammar_can_be_made_of_it(name):
    schema = strict_schema(toolsets()["live"][name])["function"]["parameters"]
    assert schema["required"] == list(schema["properties"])
    assert schema["additionalProperties"] is False
    assert "$ref" not in json.dumps(schema)
    assert all(rule.get("description") for rule in schema["properties"].values())
    llguidance = pytest.importorskip("llguidance")
    grammar = llguidance.LLMatcher.grammar_from_json_schema(json.dumps(schema))
    assert llguidance.LLMatcher.validate_grammar(grammar, None) == ""


def test_lists_are_in_order_of_urgency_and_show_owners(use):
    _, answer = use("list_patients", {"scope": "all"})
    assert [(row.patient_id, row.owner) for row in answer.patients] == [
        ("P1", "doctor_0"),
        ("P4", "doctor_1"),
        ("P6", "doctor_0"),
        ("P7", "doctor_2"),
        ("P2", ""),
        ("P5", ""),
    ]
    _, mine = use("list_patients", {})
    assert [row.patient_id for row in mine.patients] == ["P1", "P6"]


def test_the_last_charted_set_is_scored_with_the_oxygen_that_is_running(use):
    _, answer = use("early_warning_score", P1)
    assert (answer.measured_at, answer.on_oxygen, answer.total_scale_1) == (50.0, True, 2 + 2 + 2 + 2 + 3 + 0 + 1)
    _, unmeasured = use("early_warning_score", {"patient_id": "P2"})
    assert unmeasured.measured_at is None
    assert unmeasured.missing == ("rr", "spo2", "sbp", "hr", "consciousness", "temp")


def test_an_order_is_screened_by_what_is_charted(use):
    _, answer = use("screen_order", {"order_id": "O4"}, "pharmacist_0")
    assert [(alert.code, alert.tier) for alert in answer.alerts] == [("INTERACTION", "significant")]
    _, other = use("screen_order", {"order_id": "O1"}, "pharmacist_0")
    assert other.alerts == ()


def test_clearance_follows_from_the_last_creatinine(use):
    _, answer = use("creatinine_clearance", P1, "pharmacist_0")
    assert answer.clearance_ml_min == pytest.approx((140 - 70) * 60 / 72 * 0.85, abs=0.05)
    with pytest.raises(ToolError, match=r"^no creatinine is charted for P2; its eGFR on record is 55 mL"):
        use("creatinine_clearance", {"patient_id": "P2"}, "pharmacist_0")


def test_a_work_list_parts_what_is_to_verify_from_what_is_to_check(use):
    _, answer = use("list_verifications", {}, "pharmacist_0")
    assert [row.order_id for row in answer.to_verify] == ["O1", "O5", "O7"]
    assert [row.order_id for row in answer.to_check] == ["O4"]


def test_a_request_can_be_read_by_study_and_by_order(use):
    _, by_study = use("get_request", {"study_id": "S1"}, "radiologist_0")
    _, by_order = use("get_request", {"study_id": "O6"}, "radiologist_0")
    assert by_study.allowed_protocols == ("standard", "angio")
    assert dataclasses.replace(by_study, study_id="") == by_order


def test_an_interaction_is_found_by_either_order(use):
    _, one = use("check_interaction", {"drug_a": "warfarin", "drug_b": "aspirin"})
    _, other = use("check_interaction", {"drug_a": "aspirin", "drug_b": "warfarin"})
    assert [row.tier for row in one.found] == [row.tier for row in other.found] == ["major"]


def test_a_long_list_of_names_is_cut_and_shows_the_nearest_first():
    names = [f"diagnosis_number_{number}" for number in range(100)]
    text = clinsim.hospital.tools.checks.named(names, "diagnosis_number_77")
    assert text.startswith("diagnosis_number_77, ")
    assert text.endswith("more")
    assert len(text) <= clinsim.hospital.tools.checks.ROOM_FOR_NAMES

"""The tools in a living hospital: each write changes what becomes of somebody or something; reads agree with the frozen chart."""

import json

import pytest

from clinsim.errors import ToolError
from clinsim.hospital.hospital import Hospital
from clinsim.hospital.static_world import freeze
from clinsim.hospital.worlds import LiveWorld, Rehearsed
from clinsim.record import Actor
from clinsim.scenario_file import load_scenario
from clinsim.tooling import as_data, parse, toolsets

SEATS = [{"agent": f"{role}_{number}", "role": role} for role, number in [("doctor", 1), ("doctor", 2), ("pharmacist", 1), ("radiologist", 1)]]
HOUSE = {
    "seats": SEATS,
    "tools": {},
    "patients": [{"condition": "septic_shock", "minute": 0.0}, {"condition": "stemi", "minute": 4.0, "ambulance": True}],
    "horizon_minutes": 240.0,
    "ends": "horizon",
    "hospital.units.ward.occupied": 0.0,
    "hospital.background.prescriptions_per_hour": 0.0,
}
SEPTIC, INFARCT = {"patient_id": "P0001"}, {"patient_id": "P0002"}
NEVER = 1e9


def opened(seed=1):
    return Hospital(load_scenario("first_hour", HOUSE), seed)


def is_possible(hospital, agent, tool, arguments):
    world = LiveWorld(hospital, Actor(agent, hospital.staff[agent].role), rehearsing=True)
    try:
        toolsets()["live"][tool].function(world, **arguments)
    except Rehearsed:
        return True
    except ToolError:
        return False
    return True


def play(steps, until=NEVER, seed=1):
    """Play steps (agent, tool, arguments), each agent's in order and each as soon as it is possible; otherwise wait.

    The argument `after` is none of the tool's: before that minute the step is not taken.
    """
    hospital, left = opened(seed), list(steps)
    while decision := hospital.advance():
        if decision.at >= until:
            return hospital
        step = next((step for step in left if step[0] == decision.agent), None)
        call = ("wait", {"minutes": 2})
        if step is not None:
            arguments = {name: value(hospital) if callable(value) else value for name, value in step[2].items()}
            due = decision.at >= arguments.pop("after", 0.0)
            if due and is_possible(hospital, decision.agent, step[1], arguments):
                call = (step[1], arguments)
                left.remove(step)
        action = json.dumps({"name": call[0], "arguments": call[1]})
        submission = parse(action, hospital.staff[decision.agent].tools)
        assert submission.error == ""
        hospital.act(decision.agent, submission)
    assert left == []
    hospital.settle()
    return hospital


def order(code):
    """The first order for `code`, as soon as there is one."""
    return lambda hospital: next((line.id for line in hospital.desk.orders.values() if line.code == code), "")


def study(hospital):
    """The first study, as soon as there is one."""
    return next(iter(hospital.desk.studies), "")


def letter(hospital):
    """The first letter to the first doctor, as soon as there is one."""
    return next((letter.id for letter in hospital.desk.letters.values() if letter.to == "doctor_1"), "")


def chart(pid, field):
    return lambda hospital: getattr(hospital.charts[pid], field)


def line(code, field):
    return lambda hospital: next(getattr(found, field) for found in hospital.desk.orders.values() if found.code == code)


def settled(pid, field):
    return lambda hospital: next(e.data[field] for e in hospital.log if e.kind == "settled" and e.subject == pid)


def logged(kind, field):
    return lambda hospital: [entry.data[field] for entry in hospital.log if entry.kind == kind]


def notes(pid, kind):
    return lambda hospital: [note.text for note in hospital.charts[pid].notes if note.kind == kind]


def doctor(tool, **arguments):
    return ("doctor_1", tool, arguments)


def pharmacist(tool, **arguments):
    return ("pharmacist_1", tool, arguments)


def radiologist(tool, **arguments):
    return ("radiologist_1", tool, arguments)


CLAIM, CLAIM_INFARCT = doctor("claim_patient", **SEPTIC), doctor("claim_patient", **INFARCT)
SEE = [CLAIM, doctor("take_history", **SEPTIC)]
SEE_INFARCT = [CLAIM_INFARCT, doctor("take_history", **INFARCT)]
DRUG = {"drug": "ceftriaxone", "dose": 2000, "unit": "mg", "route": "iv", "priority": "stat"}
ANTIBIOTIC = doctor("order_drug", **SEPTIC, **DRUG)
QUERY = pharmacist("query_order", order_id=order("ceftriaxone"), question="dose?")
VERIFY = pharmacist("verify_order", order_id=order("ceftriaxone"))
VERIFY_LATE = pharmacist("verify_order", order_id=order("ceftriaxone"), after=60.0)
BY_OVERRIDE = doctor("order_drug", **SEPTIC, **DRUG, override=True, reason="shock")
FILM = doctor("order_imaging", **SEPTIC, study="XR_CHEST", priority="stat", indication="cough and shock")
SCAN = doctor("order_imaging", **SEPTIC, study="CT_PULMONARY", priority="routine", indication="embolism?")
REPORT = {"study_id": study, "impression": "consolidation", "certainty": 0.8}
FOUND = [{"name": "consolidation", "region": "right_lower"}]
CLAIM_STUDY = radiologist("claim_study", study_id=study)
TO_WARD = doctor("admit_patient", **SEPTIC, unit="ward", reason="sepsis")
MAIL = ("doctor_2", "send_message", {"to": "doctor_1", "text": "please look", "urgent": True})

# name of the tool under test, steps before, the step, what is looked at
CHANGED = [
    ([], CLAIM, settled("P0001", "owner")),
    ([CLAIM], doctor("hand_over", **SEPTIC, to="doctor_2", text="septic"), settled("P0001", "owner")),
    ([CLAIM], doctor("take_history", **SEPTIC), chart("P0001", "seen_at")),
    ([CLAIM], doctor("examine_patient", **SEPTIC, region="chest"), notes("P0001", "examination")),
    ([CLAIM], doctor("measure_vitals", **SEPTIC), lambda h: len(h.charts["P0001"].vitals)),
    ([CLAIM], doctor("set_observations", **SEPTIC, every_minutes=5), lambda h: len(h.charts["P0001"].vitals)),
    (SEE, doctor("order_test", **SEPTIC, test="VBG", priority="stat"), lambda h: len(h.charts["P0001"].results)),
    (SEE, FILM, lambda h: len(h.desk.studies)),
    (SEE, ANTIBIOTIC, settled("P0001", "loss")),
    ([*SEE, ANTIBIOTIC, QUERY, VERIFY_LATE],
     doctor("amend_order", order_id=order("ceftriaxone"), dose=1000, answer="one gram"), line("ceftriaxone", "amount")),
    ([*SEE, ANTIBIOTIC], doctor("cancel_order", order_id=order("ceftriaxone")), settled("P0001", "loss")),
    ([*SEE, BY_OVERRIDE], doctor("stop_drug", **SEPTIC, drug="ceftriaxone"), line("ceftriaxone", "state")),
    (SEE_INFARCT, doctor("perform_procedure", **INFARCT, procedure="pci", priority="stat"), settled("P0002", "loss")),
    (SEE, doctor("request_consult", **SEPTIC, service="intensive_care", question="bed?"), notes("P0001", "consult")),
    ([], doctor("retriage_patient", **SEPTIC, esi=5), chart("P0001", "esi")),
    (SEE, doctor("record_differential", **SEPTIC, diagnoses={"septic_shock": 0.9}), logged("differential_graded", "brier")),
    (SEE, doctor("record_diagnosis", **SEPTIC, diagnosis="septic_shock"), logged("diagnosis_graded", "correct")),
    (SEE, TO_WARD, chart("P0001", "unit")),
    ([*SEE, TO_WARD], doctor("transfer_patient", **SEPTIC, unit="icu", reason="shock"), chart("P0001", "unit")),
    (SEE, doctor("discharge_patient", **SEPTIC, advice="rest", safety_net="fever"), settled("P0001", "how")),
    ([], MAIL, lambda h: len(h.desk.letters)),
    ([], ("doctor_2", "call_colleague", {"to": "doctor_1", "text": "please come", **SEPTIC}), logged("message", "call")),
    ([MAIL], doctor("read_messages", after=30.0), lambda h: h.desk.letters["M0001"].read_at),
    ([MAIL, doctor("read_messages", after=30.0)], doctor("acknowledge", letter_id=letter, read_back="will look"), logged("acknowledge", "by")),
    ([], pharmacist("write_note", **SEPTIC, text="no allergies known"), notes("P0001", "pharmacy")),
    ([*SEE, ANTIBIOTIC], VERIFY, line("ceftriaxone", "done_at")),
    ([*SEE, ANTIBIOTIC], pharmacist("change_order", order_id=order("ceftriaxone"), dose=1000, reason="weight"),
     lambda h: [(e.data["drug"], e.data["amount"]) for e in h.log if e.kind == "given"]),
    ([*SEE, ANTIBIOTIC], QUERY, logged("order_graded", "verdict")),
    ([*SEE, ANTIBIOTIC], pharmacist("reject_order", order_id=order("ceftriaxone"), reason="no"), settled("P0001", "loss")),
    ([*SEE, BY_OVERRIDE], pharmacist("check_override", order_id=order("ceftriaxone"), verdict="appropriate", reason="shock"),
     logged("override_graded", "verdict")),
    ([], pharmacist("reconcile_medications", **SEPTIC), notes("P0001", "pharmacy")),
    ([*SEE, FILM], CLAIM_STUDY, lambda h: [found.reader for found in h.desk.studies.values()]),
    ([*SEE, SCAN], radiologist("protocol_study", order_id=order("CT_PULMONARY"), protocol="plain"), line("CT_PULMONARY", "protocol")),
    ([*SEE, FILM, CLAIM_STUDY], radiologist("submit_report", **REPORT, findings=FOUND), lambda h: len(h.charts["P0001"].reports)),
    ([*SEE, FILM, CLAIM_STUDY, radiologist("submit_report", **REPORT, findings=[])],
     radiologist("addend_report", **REPORT, findings=FOUND), lambda h: h.charts["P0001"].reports[-1].findings),
    ([*SEE, FILM], radiologist("call_critical", study_id=study, to="doctor_1", text="pneumonia"), logged("call_graded", "to")),
    ([*SEE, FILM], radiologist("set_reading_priority", study_id=study, priority="routine"),
     lambda h: [found.priority for found in h.desk.studies.values()]),
]  # fmt: skip


@pytest.mark.parametrize(("before", "step", "look"), CHANGED, ids=[step[1] for _, step, _ in CHANGED])
def test_a_write_changes_what_becomes_of_it(before, step, look):
    assert look(play([*before, step])) != look(play(before))


def test_every_write_tool_is_shown_to_change_something():
    written = {name for name, spec in toolsets()["live"].items() if "write" in spec.tags}
    assert {step[1] for _, step, _ in CHANGED} == written


# steps, what is compared, and in which sense: the outcome with the step is lower
BETTER = [
    (SEE, ANTIBIOTIC, settled("P0001", "loss")),
    ([*SEE, ANTIBIOTIC], VERIFY, line("ceftriaxone", "done_at")),
    (SEE_INFARCT, doctor("perform_procedure", **INFARCT, procedure="pci", priority="stat"), settled("P0002", "loss")),
]


@pytest.mark.parametrize(("before", "step", "look"), BETTER, ids=[step[1] for _, step, _ in BETTER])
def test_the_right_act_helps(before, step, look):
    assert look(play([*before, step])) < look(play(before))


BUSY = [*SEE, doctor("examine_patient", **SEPTIC), doctor("order_test", **SEPTIC, test="VBG", priority="stat"),
        FILM, ANTIBIOTIC, MAIL, CLAIM_INFARCT]  # fmt: skip


@pytest.fixture(scope="module")
def busy():
    """A hospital in the middle of its work, at minute 70."""
    return play(BUSY, until=70.0)


def reads(hospital):
    """Every read tool with arguments that make sense in this hospital, as the first agent of a role that has it."""
    lines, studies = list(hospital.desk.orders.values()), list(hospital.desk.studies)
    drug = next(line.id for line in lines if line.kind == "drug")
    arguments = {
        "list_patients": [{"scope": scope} for scope in ("mine", "unclaimed", "all")],
        "get_vital_signs": [{"patient_id": pid, "last": 9} for pid in hospital.charts],
        "get_order": [{"order_id": line.id} for line in lines],
        "screen_order": [{"order_id": drug}],
        "suggest_dose": [{"patient_id": pid, "drug": "enoxaparin", "route": "sc"} for pid in hospital.charts],
        "get_request": [{"study_id": sid} for sid in studies],
        "look_up_drug": [{"drug": "ceftriaxone"}],
        "check_interaction": [{"drug_a": "ceftriaxone", "drug_b": "heparin"}],
        "list_catalogue": [{"kind": kind} for kind in ("tests", "imaging", "drugs", "procedures", "services", "units")],
        "wait": [{"minutes": 5}],
    }
    for name, spec in toolsets()["live"].items():
        if "read" in spec.tags and name != "view_study":
            by_patient = "patient_id" in spec.arguments.model_fields
            usual = [{"patient_id": pid} for pid in hospital.charts] if by_patient else [{}]
            yield from ((f"{spec.roles[0]}_1", spec, given) for given in arguments.get(name, usual))


def answered(world, spec, given):
    try:
        return as_data(spec.function(world, **given))
    except ToolError as refusal:
        return str(refusal)


def test_read_tools_agree_on_a_frozen_chart_in_both_worlds(busy):
    frozen = freeze(busy.charts, busy.knowledge, busy.desk, busy.now)
    calls = list(reads(busy))
    assert len({spec.name for _, spec, _ in calls}) >= 20
    for agent, spec, given in calls:
        live, static = busy.world(agent), frozen.world(Actor(agent, agent.partition("_")[0]))
        assert answered(live, spec, given) == answered(static, spec, given), spec.name


def test_reading_leaves_the_living_hospital_as_it_was(busy):
    before = (busy.state_digest(), busy.digest(), len(busy.log))
    for agent, spec, given in reads(busy):
        answered(busy.world(agent), spec, given)
    assert (busy.state_digest(), busy.digest(), len(busy.log)) == before


TRUTH_WORDS = ("true_", "x", "p_death", "stakes", "course", "presentation", "frailty", "loss", "untreated", "condition")


def test_nothing_that_is_read_holds_the_truth(busy):
    said = " ".join(json.dumps(answered(busy.world(agent), spec, given)) for agent, spec, given in reads(busy))
    conditions = {patient.condition.id for patient in busy.patients.values()}
    assert conditions == {"septic_shock", "stemi"}
    assert [name for name in conditions if name in said] == []
    assert [word for word in TRUTH_WORDS if f'"{word}":' in said] == []


def test_a_view_gives_measures_without_names_of_findings(busy):
    reader = busy.world("radiologist_1")
    spec = toolsets()["live"]["view_study"]
    answer = as_data(spec.function(reader, study_id=study(busy), region="right_lower", window="lung"))
    assert answer["facts"]["measures"]
    assert not set(busy.knowledge.imaging.findings) & set(json.dumps(answer).replace('"', " ").split())

"""The static world: what it answers, what it leaves behind, what it refuses, and what it keeps to itself."""

import pytest

from clinsim.errors import ToolError
from clinsim.hospital.static_world import freeze
from clinsim.record import Actor, Order
from clinsim.tooling import as_data, toolsets

HELD_BACK = {
    ("P1", "history", "onset"): {"onset": "an hour ago, sudden"},
    ("P1", "history", "drugs"): {"drugs": "warfarin"},
    ("P1", "examine", "neuro"): {"neuro": "left arm drifts"},
    ("P1", "measure", ""): {"hr": 88.0, "sbp": 170.0, "rr": 18.0, "spo2": 96.0, "temp": 36.8, "gcs": 15.0, "pain": 0.0},
    ("P1", "test", "TROP"): {"results": [["TROP", 12.0, "ng/L"]]},
    ("P6", "imaging", "ct_head"): {"findings": [["bleed", "brain"]], "impression": "bleeding"},
    ("P1", "consult", "cardiology"): {"advice": "no"},
    ("P1", "reconcile", ""): {"home_drugs": ["aspirin", "warfarin"]},
    ("P1", "view", "ct_head/brain/brain"): {"measures": {"density": 66}},
}


@pytest.fixture
def frozen(house):
    start = house()
    return freeze(start.charts, start.knowledge, start.desk, start.now, HELD_BACK)


def run(frozen, agent, tool, **arguments):
    world = frozen.world(Actor(agent, agent.partition("_")[0]))
    return world, toolsets()["live"][tool].function(world, **arguments)


def orders_of(world, pid, code):
    return [world.desk.orders[oid] for oid in world.charts[pid].orders if world.desk.orders[oid].code == code]


# agent, tool, arguments, status of the answer, how to see what changed, what it shows afterwards
LEFT_BEHIND = [
    ("doctor_0", "claim_patient", {"patient_id": "P2"}, "claimed", lambda w: w.charts["P2"].owner, "doctor_0"),
    ("doctor_0", "hand_over", {"patient_id": "P1", "to": "doctor_1", "text": "CT due"}, "handed over",
     lambda w: (w.charts["P1"].owner, w.charts["P1"].notes[-1].text), ("doctor_1", "CT due")),
    ("doctor_0", "write_note", {"patient_id": "P1", "text": "seen"}, "written",
     lambda w: (w.charts["P1"].notes[-1].kind, w.charts["P1"].notes[-1].text), ("medical", "seen")),
    ("doctor_0", "take_history", {"patient_id": "P1", "topic": "all"}, "done",
     lambda w: [note.text for note in w.charts["P1"].notes[1:]], ["onset: an hour ago, sudden", "drugs: warfarin"]),
    ("doctor_0", "examine_patient", {"patient_id": "P1", "region": "neuro"}, "done",
     lambda w: (w.charts["P1"].seen_at, w.charts["P1"].notes[-1].kind), (60.0, "examination")),
    ("doctor_0", "measure_vitals", {"patient_id": "P1"}, "done", lambda w: w.charts["P1"].vitals[-1].sbp, 170.0),
    ("doctor_0", "set_observations", {"patient_id": "P1", "every_minutes": 15}, "done", lambda w: w.charts["P1"].observe_every, 15.0),
    ("doctor_0", "order_test", {"patient_id": "P1", "test": "TROP"}, "resulted", lambda w: w.charts["P1"].results[-1].value, 12.0),
    ("doctor_0", "order_test", {"patient_id": "P1", "test": "CBC"}, "placed", lambda w: orders_of(w, "P1", "CBC")[-1].state, "placed"),
    ("doctor_0", "order_imaging", {"patient_id": "P6", "study": "ct_head", "priority": "stat", "indication": "?"}, "reported",
     lambda w: w.charts["P6"].reports[-1].findings, (("bleed", "brain"),)),
    ("doctor_0", "order_drug", {"patient_id": "P6", "drug": "ceftriaxone", "dose": 2, "unit": "g", "route": "iv"}, "to_verify",
     lambda w: orders_of(w, "P6", "ceftriaxone")[-1].amount, 2.0),
    ("doctor_0", "order_drug", {"patient_id": "P6", "drug": "aspirin", "dose": 300, "unit": "mg", "route": "oral", "override": True,
     "reason": "STEMI"}, "given", lambda w: orders_of(w, "P6", "aspirin")[-1].to_check, True),
    ("doctor_0", "amend_order", {"order_id": "O5", "dose": 1, "answer": "no"}, "to_verify",
     lambda w: (w.desk.orders["O5"].amount, w.desk.orders["O5"].query), (1.0, "")),
    ("doctor_0", "cancel_order", {"order_id": "O3"}, "cancelled", lambda w: (w.desk.orders["O3"].state, w.desk.to_protocol), ("cancelled", [])),
    ("doctor_0", "stop_drug", {"patient_id": "P1", "drug": "aspirin"}, "stopped", lambda w: w.desk.orders["O4"].state, "stopped"),
    ("doctor_0", "stop_drug", {"patient_id": "P1", "drug": "warfarin"}, "stopped", lambda w: w.charts["P1"].home_drugs, ()),
    ("doctor_0", "perform_procedure", {"patient_id": "P1", "procedure": "iv_access"}, "done",
     lambda w: orders_of(w, "P1", "iv_access")[0].done_at, 60.0),
    ("doctor_0", "request_consult", {"patient_id": "P1", "service": "cardiology", "question": "?"}, "done",
     lambda w: w.charts["P1"].notes[-1].text, "advice: no"),
    ("doctor_0", "retriage_patient", {"patient_id": "P2", "esi": 2}, "retriaged", lambda w: w.charts["P2"].esi, 2),
    ("doctor_0", "record_differential", {"patient_id": "P1", "diagnoses": {"stroke": 0.8}}, "recorded",
     lambda w: w.charts["P1"].differential, (("stroke", 0.8),)),
    ("doctor_0", "record_diagnosis", {"patient_id": "P1", "diagnosis": "stroke"}, "recorded", lambda w: w.charts["P1"].diagnosis, "stroke"),
    ("doctor_0", "admit_patient", {"patient_id": "P1", "unit": "icu", "reason": "x"}, "decided",
     lambda w: (w.charts["P1"].disposition, w.charts["P1"].unit), ("icu", "icu")),
    ("doctor_0", "transfer_patient", {"patient_id": "P6", "unit": "icu", "reason": "x"}, "decided", lambda w: w.charts["P6"].unit, "icu"),
    ("doctor_0", "discharge_patient", {"patient_id": "P1", "advice": "a", "safety_net": "b"}, "decided",
     lambda w: (w.charts["P1"].disposition, w.charts["P1"].is_here), ("home", False)),
    ("doctor_0", "send_message", {"to": "doctor_1", "text": "hi"}, "sent", lambda w: w.desk.letters["M9001"].to, "doctor_1"),
    ("doctor_0", "call_colleague", {"to": "doctor_1", "text": "hi"}, "calling", lambda w: w.desk.letters["M9001"].call, True),
    ("doctor_0", "read_messages", {}, "read", lambda w: w.desk.letters["M1"].read_at, 60.0),
    ("doctor_0", "acknowledge", {"letter_id": "M2", "read_back": "6.9"}, "acknowledged", lambda w: w.desk.letters["M2"].acknowledged_at, 60.0),
    ("pharmacist_0", "verify_order", {"order_id": "O1"}, "verified",
     lambda w: (w.desk.orders["O1"].verified_by, "O1" in w.desk.to_verify), ("pharmacist_0", False)),
    ("pharmacist_0", "change_order", {"order_id": "O1", "dose": 1, "reason": "x"}, "verified", lambda w: w.desk.orders["O1"].amount, 1.0),
    ("pharmacist_0", "query_order", {"order_id": "O1", "question": "?"}, "queried", lambda w: w.desk.orders["O1"].query, "?"),
    ("pharmacist_0", "reject_order", {"order_id": "O1", "reason": "x"}, "rejected", lambda w: w.desk.orders["O1"].state, "rejected"),
    ("pharmacist_0", "check_override", {"order_id": "O4", "verdict": "appropriate", "reason": "x"}, "checked",
     lambda w: (w.desk.orders["O4"].to_check, w.desk.orders["O4"].state), (False, "given")),
    ("pharmacist_0", "reconcile_medications", {"patient_id": "P1"}, "reconciled", lambda w: w.charts["P1"].home_drugs, ("aspirin", "warfarin")),
    ("radiologist_0", "claim_study", {"study_id": "S1"}, "claimed", lambda w: w.desk.studies["S1"].reader, "radiologist_0"),
    ("radiologist_0", "protocol_study", {"order_id": "O3", "protocol": "angio"}, "protocolled",
     lambda w: (w.desk.orders["O3"].protocol, w.desk.to_protocol), ("angio", [])),
    ("radiologist_0", "view_study", {"study_id": "S1", "region": "brain", "window": "brain"}, "viewed", lambda w: w.requested[0].kind, "view"),
    ("radiologist_0", "submit_report", {"study_id": "S4", "findings": [{"name": "bleed", "region": "brain"}], "impression": "x",
     "certainty": 0.9}, "reported", lambda w: (w.charts["P1"].reports[-1].findings, "S4" in w.desk.to_read), ((("bleed", "brain"),), False)),
    ("radiologist_0", "addend_report", {"study_id": "S2", "findings": [], "impression": "x", "certainty": 0.9}, "reported",
     lambda w: w.charts["P1"].reports[-1].addendum, True),
    ("radiologist_0", "call_critical", {"study_id": "S1", "to": "doctor_0", "text": "bleed"}, "calling",
     lambda w: (w.desk.studies["S1"].called_at, w.desk.letters["M9001"].patient), (60.0, "P1")),
    ("radiologist_0", "set_reading_priority", {"study_id": "S1", "priority": "routine"}, "moved",
     lambda w: w.desk.studies["S1"].priority, "routine"),
]  # fmt: skip


@pytest.mark.parametrize(("agent", "tool", "arguments", "status", "look", "after"), LEFT_BEHIND)
def test_a_write_leaves_its_mark_on_the_copy_only(frozen, agent, tool, arguments, status, look, after):
    world, answer = run(frozen, agent, tool, **arguments)
    assert answer.status == status
    assert as_data(look(world)) == as_data(after)
    fresh = frozen.world(world.actor)
    assert (fresh.charts, fresh.desk) == (frozen.charts, frozen.desk)
    assert (world.charts, world.desk) != (fresh.charts, fresh.desk) or tool == "view_study"


def test_every_write_tool_leaves_a_mark():
    written = {name for name, spec in toolsets()["live"].items() if "write" in spec.tags}
    assert {tool for _, tool, *_ in LEFT_BEHIND} == written | {"view_study"}


# tool, arguments, what is learnt at once
LEARNT = [
    ("take_history", {"patient_id": "P1", "topic": "onset"}, {"onset": "an hour ago, sudden"}),
    ("take_history", {"patient_id": "P1", "topic": "social"}, {}),
    ("examine_patient", {"patient_id": "P1", "region": "skin"}, {}),
    ("order_test", {"patient_id": "P1", "test": "TROP"}, {"results": [["TROP", 12.0, "ng/L"]]}),
    ("request_consult", {"patient_id": "P1", "service": "cardiology", "question": "?"}, {"advice": "no"}),
]


@pytest.mark.parametrize(("tool", "arguments", "facts"), LEARNT)
def test_only_what_is_held_back_under_the_key_is_told(frozen, tool, arguments, facts):
    _, answer = run(frozen, "doctor_0", tool, **arguments)
    assert as_data(answer.facts) == facts


def test_a_view_tells_what_can_be_measured_in_that_region_and_window(frozen):
    _, seen = run(frozen, "radiologist_0", "view_study", study_id="S1", region="brain", window="brain")
    _, unseen = run(frozen, "radiologist_0", "view_study", study_id="S1", region="skull", window="bone")
    assert (seen.facts, unseen.facts) == ({"measures": {"density": 66}}, {})


# kind of refusal: the order, and the whole message
REFUSED = [
    (Order("dance", "P1"), "the hospital knows no request 'dance'; it knows test, imaging, drug,"),
    (Order("drug", "P1", code="ceftriaxone"), "ceftriaxone is already on its way for P1 (O1, to_verify); cancel it first"),
    (Order("admit", "P5", code="ward"), "P5 has not been triaged yet"),
]


@pytest.mark.parametrize(("order", "message"), REFUSED)
def test_it_refuses_as_the_living_hospital_does_and_records_nothing(frozen, order, message):
    world = frozen.world(Actor("doctor_0", "doctor"))
    with pytest.raises(ToolError) as refusal:
        world.request(order)
    assert str(refusal.value).startswith(message)
    assert world.requested == []


def test_freezing_copies_so_that_the_originals_can_go_on(house):
    start = house()
    frozen = freeze(start.charts, start.knowledge, start.desk, start.now)
    start.charts["P1"].diagnosis = "stroke"
    start.desk.to_verify.clear()
    assert frozen.charts["P1"].diagnosis == ""
    assert frozen.desk.to_verify == ["O1", "O5", "O7", "O4"]


def test_ids_made_here_are_new(frozen):
    world = frozen.world(Actor("doctor_0", "doctor"))
    first = world.request(Order("test", "P2", code="CBC"))
    second = world.request(Order("test", "P2", code="TROP"))
    assert first.id != second.id
    assert {first.id, second.id}.isdisjoint(frozen.desk.orders)

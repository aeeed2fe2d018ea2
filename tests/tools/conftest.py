"""A small house that is written out here, for tests of the tools and of the static world."""

import dataclasses
import json

import pytest

import clinsim.hospital.tools  # noqa: F401  (registers the tools)
from clinsim.errors import ToolError
from clinsim.formulary_file import Formulary
from clinsim.hospital.charts import (
    Chart,
    Colleague,
    Desk,
    Knowledge,
    Letter,
    NoteLine,
    OrderLine,
    Panel,
    ResultLine,
    StudyLine,
    VitalSet,
)
from clinsim.hospital.static_world import StaticWorld
from clinsim.imaging_file import Imaging
from clinsim.record import Actor
from clinsim.scenario_file import checked
from clinsim.tooling import granted, parse, toolsets

DRUGS = {
    "aspirin": {"unit": "mg", "doses": {"oral": {"usual": 300, "low": 75, "high": 325}}, "emergency": True},
    "ceftriaxone": {"unit": "g", "doses": {"iv": {"usual": 2, "low": 1, "high": 2}}, "brands": ["Rocephin"]},
    "warfarin": {"unit": "mg", "doses": {"oral": {"usual": 5, "low": 1, "high": 10}}},
}
RULES = {"group": "any", "classes": [], "pregnancy": "allowed", "source": "assumption"}
FORMULARY = {
    "version": 1,
    "drugs": {name: RULES | drug for name, drug in DRUGS.items()},
    "interactions": [{"between": ["aspirin", "warfarin"], "tier": "major", "text": "bleeding", "source": "label"}],
    "cross_reactions": [],
    "duplications": [],
    "losses": {"by_code": {"INTERACTION": {"significant": 0.01}}, "high_alert_factor": 1.0, "source": "assumption"},
    "slips": {"share": 0.0, "significant": 0.0, "weights": {}, "source": "assumption"},
}
PROTOCOL = {"title": "plain", "room_minutes": 15, "noise": 1.0}
SEEN = {"regions": ["brain"], "window": "brain", "present": {"density": {"mean": 65, "sd": 5}}}
IMAGING = {
    "version": 1,
    "full_size_from": 0.5,
    "full_size_source": "assumption",
    "archive": {"share": 0.5, "from_days": 10, "to_days": 20, "chronic_share": 0.5, "source": "assumption"},
    "safety": {},
    "studies": {
        "ct_head": {
            "title": "CT of the head",
            "modality": "ct",
            "protocols": {"standard": PROTOCOL, "angio": PROTOCOL},
            "reading_minutes": 16,
            "regions": ["brain", "skull"],
            "windows": ["brain", "bone"],
            "source": "assumption",
        }
    },
    "measures": {"density": {"unit": "HU", "absent": {"mean": 35, "sd": 4}, "low": 0, "high": 100, "digits": 0}},
    "findings": {"bleed": {"title": "bleeding", "critical": True, "seen": {"ct_head": SEEN}, "source": "assumption"}},
    "measures_source": "assumption",
}
KNOWLEDGE = Knowledge(
    panels={code: Panel(code, code, (code,), False) for code in ("CBC", "TROP")},
    units_of={"TROP": "ng/L", "CREAT": "mg/dL"},
    procedures={"oxygen": "oxygen to target", "iv_access": "intravenous access"},
    services={"cardiology": "cardiology"},
    units=("ward", "icu"),
    diagnoses={"stroke": "stroke", "sepsis": "sepsis"},
    formulary=checked(Formulary, FORMULARY, "test formulary"),
    imaging=checked(Imaging, IMAGING, "test imaging"),
)
NOW = 60.0


def person(pid, **changes):
    chart = Chart(
        id=pid,
        age=70,
        sex="female",
        weight_kg=60.0,
        complaint="weakness",
        arrived_at=10.0,
        arrival_mode="walk_in",
        allergies=("penicillin",),
        home_drugs=("warfarin",),
        comorbidities=("hypertension",),
        egfr=55.0,
        esi=3,
        place="acute",
    )
    for name, value in changes.items():
        setattr(chart, name, value)
    return chart


def drug_line(oid, state, pid="P1", code="ceftriaxone", **more):
    dose = {"ceftriaxone": (2.0, "g", "iv"), "aspirin": (300.0, "mg", "oral")}[code]
    return OrderLine(oid, "drug", pid, code, "doctor_0", "urgent", 20.0, state, *dose, **more)


def image_line(oid, state, pid="P1"):
    return OrderLine(oid, "imaging", pid, "ct_head", "doctor_0", "stat", 20.0, state, text="sudden weakness")


def study(sid, oid, **more):
    return StudyLine(sid, oid, "P1", "ct_head", "stat", "sudden weakness", 40.0, **more)


LINES = [
    drug_line("O1", "to_verify"),
    OrderLine("O2", "test", "P1", "CBC", "doctor_0", "urgent", 20.0, "resulted"),
    image_line("O3", "placed"),
    drug_line("O4", "given", code="aspirin", override=True, to_check=True),
    drug_line("O5", "queried", query="allergic?"),
    image_line("O6", "to_read"),
    drug_line("O7", "to_verify", pid="P4"),
    OrderLine("O8", "procedure", "P1", "oxygen", "nurse", "stat", 12.0, "done"),
]
STUDIES = [
    study("S1", "O6"),
    study("S2", "O6", reader="radiologist_0", reported_at=55.0),
    study("S3", "O6", reader="radiologist_1"),
    study("S4", "O6", reader="radiologist_0"),
]
LETTERS = [
    Letter("M1", "pharmacist_0", "doctor_0", "please call", 30.0, patient="P1"),
    Letter("M2", "laboratory", "doctor_0", "potassium 6.9", 31.0, patient="P1", call=True, urgent=True),
    Letter("M3", "doctor_0", "pharmacist_0", "done", 32.0),
    Letter("M4", "doctor_1", "doctor_0", "thanks", 33.0, read_at=34.0, acknowledged_at=35.0),
]
VITALS = [VitalSet(minute, 100 + minute, 95, 24, 93, 38.5, 15, 4) for minute in (12.0, 30.0, 50.0)]


def make_house(agent="doctor_0"):
    """A world with five patients, as `agent` sees it."""
    charts = [
        person("P1", owner="doctor_0", esi=2, orders=["O1", "O2", "O3", "O4", "O5", "O6", "O8"]),
        person("P2", arrived_at=5.0, esi=4, place="waiting_room"),
        person("P3", departed_at=50.0, status="home", place="home", owner="doctor_0"),
        person("P4", owner="doctor_1", orders=["O7"]),
        person("P5", esi=None, place="door"),
        person("P6", owner="doctor_0", disposition="ward", unit="ward", place="ward"),
        person("P7", owner="doctor_2"),
    ]
    charts[0].vitals = list(VITALS)
    charts[0].notes = [NoteLine(12.0, "triage", "triage_nurse", "weak left arm")]
    charts[0].results = [
        ResultLine("R1", "O2", "CBC", "HB", 11.0, "g/dL", 25.0, 35.0),
        ResultLine("R2", "O2", "CBC", "CREAT", 1.0, "mg/dL", 25.0, 35.0),
    ]
    desk = Desk(
        orders={line.id: dataclasses.replace(line) for line in LINES},
        studies={line.id: dataclasses.replace(line) for line in STUDIES},
        letters={letter.id: dataclasses.replace(letter) for letter in LETTERS},
        to_verify=["O1", "O5", "O7", "O4"],
        to_read=["S1", "S3", "S4"],
        to_protocol=["O3"],
        beds={"ward": (9, 10, 1), "icu": (4, 4, 0)},
    )
    for name in ("doctor_0", "doctor_1", "doctor_2", "pharmacist_0", "radiologist_0", "radiologist_1"):
        desk.colleagues[name] = Colleague(name, name.partition("_")[0], on_shift=name != "doctor_2")
    return StaticWorld({chart.id: chart for chart in charts}, KNOWLEDGE, desk, actor_of(agent), NOW)


def actor_of(agent):
    return Actor(agent, agent.partition("_")[0])


def call(tool, arguments, agent="doctor_0"):
    """The world after a call by `agent`, and what the tool answered, read from an action string as in an episode."""
    world = make_house(agent)
    submission = parse(json.dumps({"name": tool, "arguments": arguments}), granted("live", world.actor.role))
    if submission.error:
        raise ToolError(submission.error)
    return world, toolsets()["live"][tool].function(world, **submission.arguments)


@pytest.fixture
def house():
    """A function that gives the small house as an agent sees it, at minute 60."""
    return make_house


@pytest.fixture
def use():
    """A function that makes a call in a fresh small house: it gives the world afterwards, and the answer."""
    return call

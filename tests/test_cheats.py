"""Cheats that were found by trying: each stays worth next to nothing, beside an idle team or beside the guideline team."""

from __future__ import annotations

import json
from math import fsum

import pytest

import clinsim
from clinsim.record import Reply

SEEDS = (20_000, 20_001)
COCKTAIL = {
    "chest_pain": [("aspirin", 300.0, "mg", "oral"), ("heparin", 5000.0, "units", "iv")],
    "breathlessness": [("salbutamol", 5.0, "mg", "neb"), ("prednisolone", 40.0, "mg", "oral"), ("ceftriaxone", 2000.0, "mg", "iv")],
    "fever": [("ceftriaxone", 2000.0, "mg", "iv"), ("crystalloid", 1000.0, "mL", "iv")],
    "confusion": [("ceftriaxone", 2000.0, "mg", "iv"), ("crystalloid", 1000.0, "mL", "iv")],
    "weakness": [("calcium_gluconate", 3000.0, "mg", "iv"), ("salbutamol", 10.0, "mg", "neb")],
    "vomiting": [("crystalloid", 1000.0, "mL", "iv"), ("pantoprazole", 80.0, "mg", "iv")],
    "abdominal_pain": [("crystalloid", 1000.0, "mL", "iv"), ("pantoprazole", 80.0, "mg", "iv")],
    "rash_swelling": [("adrenaline", 0.5, "mg", "im"), ("crystalloid", 1000.0, "mL", "iv")],
}
LUCKY_DIP = {
    "chest_pain": [("aspirin", 300.0, "mg", "oral"), ("enoxaparin", 80.0, "mg", "sc")],
    "breathlessness": [("furosemide", 40.0, "mg", "iv"), ("glyceryl_trinitrate", 1.0, "mg", "iv")],
    "confusion": [("dextrose", 25.0, "g", "iv"), ("naloxone", 0.4, "mg", "iv")],
    "collapse": [("dextrose", 25.0, "g", "iv"), ("naloxone", 0.4, "mg", "iv")],
    "headache": [("dexamethasone", 10.0, "mg", "iv"), ("ceftriaxone", 2000.0, "mg", "iv")],
    "fever": [("dexamethasone", 10.0, "mg", "iv"), ("ceftriaxone", 2000.0, "mg", "iv")],
    "abdominal_pain": [("crystalloid", 1000.0, "mL", "iv"), ("morphine", 5.0, "mg", "iv")],
    "weakness": [("pantoprazole", 80.0, "mg", "iv"), ("dextrose", 25.0, "g", "iv")],
    "back_pain": [("esmolol", 40.0, "mg", "iv")],
}
SMALL = {"minor_request": "prescription_refill", "limb_injury": "ankle_sprain", "back_pain": "back_pain", "rash_swelling": "allergic_rash"}
GUESSES = {
    "CT_PULMONARY": [{"name": "filling_defect", "region": "pulmonary_arteries"}, {"name": "rv_strain", "region": "heart"}],
    "CTA_HEAD": [{"name": "vessel_occlusion", "region": "left_hemisphere"}],
}


def say(tool, **arguments):
    text = json.dumps({"name": tool, "arguments": arguments})
    return Reply(text, (text,))


class Cheat:
    """A policy with a queue of calls per agent; `plan` fills it from a row of the work list."""

    def start(self, seats, history=()):
        self.queue = {seat.agent: [] for seat in seats}
        self.done = set()

    def act(self, turns):
        return [self.answer(agent, json.loads(observation.text)["worklist"]) for agent, observation in turns]

    def answer(self, agent, worklist):
        for row in [] if self.queue[agent] else worklist:
            self.queue[agent] = self.plan(row)
            if self.queue[agent]:
                break
        return self.queue[agent].pop(0) if self.queue[agent] else say("wait", minutes=10)


class Cocktail(Cheat):
    """Claim the urgent, look once, and give by override whatever goes with the complaint."""

    def __init__(self, *look):
        self.look = look

    def plan(self, row):
        if row["owner"] or (row["esi"] or 9) > 2:
            return []
        patient = {"patient_id": row["patient"]}
        drugs = [{"drug": d, "dose": x, "unit": u, "route": r} for d, x, u, r in COCKTAIL.get(row["complaint"], [])]
        given = [say("order_drug", **patient, **drug, priority="stat", override=True, reason="emergency") for drug in drugs]
        return [say("claim_patient", **patient), say(self.look[0], **patient, **self.look[1]), *given]


class LuckyDip(Cheat):
    """Claim everybody, look once, and order, without override, what some illness with the complaint needs."""

    def plan(self, row):
        if row["owner"]:
            return []
        patient = {"patient_id": row["patient"]}
        drugs = [{"drug": d, "dose": x, "unit": u, "route": r} for d, x, u, r in LUCKY_DIP.get(row["complaint"], [])]
        given = [say("order_drug", **patient, **drug, priority="stat") for drug in drugs]
        return [say("claim_patient", **patient), say("examine_patient", **patient, region="general"), *given]


class Small(Cheat):
    """See only who needs least, name what the complaint suggests, and send them home."""

    def plan(self, row):
        if row["owner"] or (row["esi"] or 1) < 4:
            return []
        patient = {"patient_id": row["patient"]}
        named = SMALL.get(row["complaint"], "viral_illness")
        told = {"advice": "Rest and take simple painkillers as needed.", "safety_net": "fever, pain or breathlessness"}
        return [
            say("claim_patient", **patient),
            say("examine_patient", **patient, region="general"),
            say("record_differential", **patient, diagnoses={named: 0.9}),
            say("record_diagnosis", **patient, diagnosis=named),
            say("discharge_patient", **patient, **told),
        ]


class Blind(Cheat):
    """Report what such a request usually shows, and call it, without opening an image."""

    def plan(self, row):
        study = row.get("study")
        if not study or study in self.done or row["code"] not in GUESSES:
            return []
        self.done.add(study)
        report = say("submit_report", study_id=study, findings=GUESSES[row["code"]], impression="as expected", certainty=0.9)
        return [say("claim_study", study_id=study), report, say("call_critical", study_id=study, to="doctor_1", text="critical")]


def earned(policies, scenario="ed_evening"):
    """Mean rewards by agent."""
    scenario = clinsim.load_scenario(scenario) if isinstance(scenario, str) else scenario
    traces = [clinsim.run_episode(clinsim.raw_env(scenario), policies, seed=seed) for seed in SEEDS]
    return {agent: fsum(trace.rewards[agent] for trace in traces) / len(traces) for agent in traces[0].rewards}


@pytest.fixture(scope="module")
def guideline():
    return earned("guideline")


@pytest.mark.parametrize("look", [("take_history", {"topic": "onset"}), ("examine_patient", {"region": "general"})], ids=["asked", "examined"])
def test_a_cocktail_by_complaint_earns_at_most_a_tenth(guideline, look):
    cheat = earned({"doctor": Cocktail(*look), "pharmacist": "idle", "radiologist": "idle"})
    assert fsum(cheat.values()) <= 0.1 * fsum(guideline.values())


@pytest.mark.parametrize("cheat", [LuckyDip(), Small()], ids=["lucky dip", "small things only"])
def test_what_some_illness_needs_and_what_nobody_needs_earn_at_most_a_tenth(guideline, cheat):
    earnings = earned({"doctor": cheat, "pharmacist": "idle", "radiologist": "idle"})
    assert fsum(earnings.values()) <= 0.1 * fsum(guideline.values())


def test_a_radiologist_who_opens_no_image_earns_nothing(guideline):
    cheat = earned({"radiologist": Blind()})
    assert cheat["radiologist_1"] <= 0.0 < guideline["radiologist_1"]
    assert fsum(cheat.values()) < fsum(guideline.values())


@pytest.mark.parametrize("trick", ["report_normal", "report_all", "critical_all"])
def test_a_radiologist_who_does_the_same_with_every_study_earns_nothing(guideline, trick):
    cheat = earned({"radiologist": trick})
    assert cheat["radiologist_1"] <= 0.0 < guideline["radiologist_1"]


def test_approving_everything_costs_the_team(guideline):
    cheat = earned({"pharmacist": "approve_all"})
    assert cheat["pharmacist_1"] < 0.5 * guideline["pharmacist_1"]


HALF_WORK = [
    ("blanket", "doctor", 0.1), ("blanket_icu", "doctor", 0.1),
    ("stat_only", "pharmacist", 0.1), ("hurried_unread", "pharmacist", 0.1), ("skimmer", "pharmacist", 0.1), ("never_verify", "pharmacist", 0.1),
    ("emergency_only", "pharmacist", 0.3), ("reject_grave", "pharmacist", 0.95),
    ("incidental", "radiologist", 0.1), ("no_calls", "radiologist", 0.5), ("call_every", "radiologist", 0.1),
]  # fmt: skip
"""Vice, its role, and the share of the guideline's pay in that role that it may earn at most."""


@pytest.fixture(scope="module")
def surge():
    return earned("guideline", "surge")


@pytest.mark.parametrize(("vice", "role", "most"), HALF_WORK, ids=[row[0] for row in HALF_WORK])
def test_half_the_work_does_not_earn_the_pay(surge, vice, role, most):
    own = [agent for agent in surge if agent.startswith(role)]
    cheat = earned({role: f"guideline+{vice}"}, "surge")
    assert fsum(cheat[agent] for agent in own) <= most * fsum(surge[agent] for agent in own)


def test_the_same_for_everybody_earns_nothing_where_it_helps_most():
    cheat, honest = earned({"doctor": "guideline+blanket"}, "ward_round"), earned("guideline", "ward_round")
    own = [agent for agent in honest if agent.startswith("doctor")]
    assert fsum(cheat[agent] for agent in own) <= 0.1 * fsum(honest[agent] for agent in own)


def test_asking_about_everything_earns_nothing_beside_a_colleague_who_decides():
    scenario = clinsim.load_scenario("general_hospital", {"horizon_minutes": 360.0})
    asked, honest = earned("flag_all", scenario), earned("guideline", scenario)
    assert asked["pharmacist_1"] <= 0.1 * honest["pharmacist_1"]


class Rash(Cheat):
    """Sees somebody sick and orders an emergency drug ten times too high, so that the pharmacist has something to stop."""

    def plan(self, row):
        if row.get("owner", "x") or (row["esi"] or 9) > 3:
            return []
        patient = {"patient_id": row["patient"]}
        wrong = say("order_drug", **patient, drug="morphine", dose=50.0, unit="mg", route="iv", priority="stat")
        return [say("claim_patient", **patient), say("examine_patient", **patient, region="general"), wrong]


def test_errors_made_to_be_caught_gain_the_team_nothing():
    assert fsum(earned({"doctor": Rash(), "radiologist": "idle"}).values()) <= fsum(earned({"doctor": "idle", "radiologist": "idle"}).values())

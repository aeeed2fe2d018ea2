"""Doctor's tools: whose patient it is, asking, examining, measuring, and saying what one thinks."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field

from clinsim.errors import ToolError
from clinsim.hospital.charts import Chart
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.answers import Done, Patients, ask, patient_row
from clinsim.hospital.tools.live_shared import Text
from clinsim.record import Order, Role, World
from clinsim.tooling import tool

DOCTOR: tuple[Role, ...] = ("doctor",)
LOWEST_LEVEL = 6
"""Place in a list of a patient without a triage level: after ESI 5."""
UNKNOWN = "unknown"
"""The share of a differential that goes to none of the named diagnoses."""
Probability = Annotated[float, Field(ge=0, le=1)]
Esi = Annotated[int, Field(ge=1, le=5)]


@tool("live", roles=DOCTOR, service="desk", tags=("read",))
def list_patients(world: World, scope: Literal["mine", "unclaimed", "all"] = "mine") -> Patients:
    """List patients who are in the hospital, most urgent triage level first, with place, owner and minutes waited.

    Args:
        scope: Your own patients, those whom nobody has claimed, or all.
    """
    owners = {"mine": (world.actor.agent,), "unclaimed": ("",)}
    here = [chart for chart in world.charts.values() if chart.is_here]
    chosen = [chart for chart in here if scope == "all" or chart.owner in owners[scope]]
    ordered = sorted(chosen, key=lambda chart: (chart.esi or LOWEST_LEVEL, chart.arrived_at, chart.id))
    return Patients(world.now, scope, tuple(patient_row(chart, world.now) for chart in ordered))


@tool("live", roles=DOCTOR, service="claim", tags=("write",))
def claim_patient(world: World, patient_id: str) -> Done:
    """Take charge of a patient whom nobody has claimed; from then on you order, treat and decide.

    Args:
        patient_id: Patient who is in the hospital, for example P0012.
    """
    chart = checks.patient_here(world, patient_id)
    if chart.owner == world.actor.agent:
        raise ToolError(f"{patient_id} is already yours")
    if chart.owner:
        raise ToolError(f"{patient_id} belongs to {chart.owner}; ask for a hand_over")
    return ask(world, Order("claim", subject=patient_id))


@tool("live", roles=DOCTOR, service="handover", tags=("write",))
def hand_over(world: World, patient_id: str, to: str, text: Text) -> Done:
    """Hand one of your patients over to another doctor in writing; the patient is theirs from then on.

    Args:
        patient_id: Your patient, for example P0012.
        to: Agent id of a doctor on shift, for example doctor_1.
        text: Situation, background, assessment, what is to be done.
    """
    checks.own_patient(world, patient_id)
    checks.colleague(world, to, DOCTOR)
    return ask(world, Order("hand_over", subject=patient_id, to=to, text=checks.written("text", text)))


Topic = Literal["onset", "associated", "past", "drugs", "allergies", "social", "all"]


@tool("live", roles=DOCTOR, service="history", interruptible=True, tags=("write",))
def take_history(world: World, patient_id: str, topic: Topic = "all") -> Done:
    """Ask one of your patients (or who came along) about a topic; the answers go into the notes.

    Args:
        patient_id: Your patient, for example P0012.
        topic: What to ask about: onset, associated symptoms, past history, drugs, allergies, social history, or all.
    """
    checks.own_patient(world, patient_id)
    return ask(world, Order("history", subject=patient_id, code=topic))


Region = Literal["general", "chest", "heart", "abdomen", "neuro", "limbs", "skin", "all"]


@tool("live", roles=DOCTOR, service="examine", interruptible=True, tags=("write",))
def examine_patient(world: World, patient_id: str, region: Region = "all") -> Done:
    """Examine one of your patients; the findings go into the notes.

    Args:
        patient_id: Your patient, for example P0012.
        region: What to examine.
    """
    checks.own_patient(world, patient_id)
    return ask(world, Order("examine", subject=patient_id, code=region))


@tool("live", roles=DOCTOR, service="order", tags=("write",))
def measure_vitals(world: World, patient_id: str) -> Done:
    """Have a nurse measure and chart the vital signs of one of your patients now.

    Args:
        patient_id: Your patient, for example P0012.
    """
    checks.own_patient(world, patient_id)
    return ask(world, Order("measure", subject=patient_id))


@tool("live", roles=DOCTOR, service="order", tags=("write",))
def set_observations(world: World, patient_id: str, every_minutes: Annotated[int, Field(ge=5, le=240)]) -> Done:
    """Set how often nurses measure and chart the vital signs of one of your patients.

    Args:
        patient_id: Your patient, for example P0012.
        every_minutes: Minutes between sets, 5 to 240.
    """
    checks.own_patient(world, patient_id)
    return ask(world, Order("observe", subject=patient_id, amount=float(every_minutes), unit="min"))


@tool("live", roles=DOCTOR, service="claim", tags=("write",))
def retriage_patient(world: World, patient_id: str, esi: Esi) -> Done:
    """Change a patient's triage level; who waits is called in order of level.

    Args:
        patient_id: Patient who is in the hospital, for example P0012.
        esi: Emergency Severity Index: 1 needs a life-saving intervention now, 5 needs no resource.
    """
    chart = checks.patient_here(world, patient_id)
    if chart.esi is None:
        raise ToolError(f"{patient_id} has not been triaged yet; the triage nurse sets the first level")
    if chart.esi == esi:
        raise ToolError(f"{patient_id} is already at ESI {esi}")
    return ask(world, Order("retriage", subject=patient_id, amount=float(esi), unit="ESI"))


@tool("live", roles=DOCTOR, service="diagnose", tags=("write",))
def record_differential(world: World, patient_id: str, diagnoses: Annotated[dict[str, Probability], Field(min_length=1)]) -> Done:
    """Record what one of your patients may have, with probabilities that sum to at most 1.

    Args:
        patient_id: Your patient, for example P0012.
        diagnoses: Probability (0 to 1) by diagnosis name of the catalogue; "unknown" may take a share.
    """
    chart = checks.own_patient(world, patient_id)
    return ask(world, Order("differential", subject=chart.id, items=_shares(world, diagnoses)))


def _shares(world: World, diagnoses: dict[str, float]) -> tuple[tuple[str, float], ...]:
    for name in diagnoses:
        checks.one_of("diagnosis", name, (*checks.knowledge(world).diagnoses, UNKNOWN))
    total = math.fsum(diagnoses.values())
    if total > 1.0 + 1e-9:
        raise ToolError(f"the probabilities sum to {total:.3g}; at most 1 is allowed")
    return tuple((name, float(share)) for name, share in diagnoses.items())


@tool("live", roles=DOCTOR, service="diagnose", tags=("write",))
def record_diagnosis(world: World, patient_id: str, diagnosis: str) -> Done:
    """Record the working diagnosis of one of your patients; it can be changed until the patient leaves.

    Args:
        patient_id: Your patient, for example P0012.
        diagnosis: Name of the catalogue of diagnoses.
    """
    chart: Chart = checks.own_patient(world, patient_id)
    checks.one_of("diagnosis", diagnosis, checks.knowledge(world).diagnoses)
    return ask(world, Order("diagnosis", subject=chart.id, code=diagnosis))

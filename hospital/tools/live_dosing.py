"""Tool of pharmacists that works out a dose for one patient from what is charted."""

from __future__ import annotations

from clinsim.formulary_file import Route
from clinsim.hospital.dose_for import Suggestion, suggest
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.live_chart import orders_of
from clinsim.hospital.tools.live_lookup import known_drug
from clinsim.hospital.tools.live_pharmacist import PHARMACIST
from clinsim.hospital.tools.live_screening import charted_facts
from clinsim.record import World
from clinsim.tooling import tool


@tool("live", roles=PHARMACIST, service="lookup", tags=("read",))
def suggest_dose(world: World, patient_id: str, drug: str, route: Route) -> Suggestion:
    """Work out a single dose for a patient by the charted weight and filtration rate, with what still speaks against it.

    Args:
        patient_id: Patient, for example P0012.
        drug: Generic or brand name.
        route: How it is to be given.
    """
    chart = checks.patient(world, patient_id)
    found = known_drug(world, drug)
    checks.one_of("route", route, found.routes)
    formulary = checks.knowledge(world).formulary
    facts = charted_facts(chart, orders_of(world, chart), formulary, world.now)
    return suggest(found, route, facts, formulary)

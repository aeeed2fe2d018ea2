"""Home drugs: the list that is charted at the door is not what is taken, and what becomes of each drug in hospital.

A list taken at the door lacks some drugs and keeps some that were stopped; asking patient and pharmacy mends it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from clinsim.body_file import load_bodies
from clinsim.hospital.safety import PatientFacts, load_formulary, review
from clinsim.hospital.streams import Streams

if TYPE_CHECKING:
    from clinsim.formulary_file import Drug, Formulary
    from clinsim.hospital.hospital import Hospital
    from clinsim.hospital.patients import Patient
    from clinsim.hospital.people import Person

Decision = Literal["ordered", "continue", "reduce", "hold", "look_up"]


@dataclass(frozen=True, slots=True)
class HomeDrug:
    """A home drug against the orders: ordered already, to continue, to reduce or to hold (with the reason), or not in the formulary."""

    drug: str
    decision: Decision
    reason: str


def charted_list(streams: Streams, person: Person) -> tuple[str, ...]:
    """The home drugs as charted at the door: some left out, some that were stopped still there; the same for the same seed and person."""
    rule = load_formulary().home_lists
    kept = [drug for drug in person.home_drugs if streams.uniform(f"list.lacks.{drug}", person.id) >= rule.omitted]
    table = load_bodies().people.comorbidities
    usual = {drug for illness in person.comorbidities for drug in table[illness].drugs} - set(person.home_drugs)
    stale = [drug for drug in sorted(usual) if streams.uniform(f"list.keeps.{drug}", person.id) < rule.stale]
    return tuple(sorted((*kept, *stale)))


def taken_at_home(patient: Patient) -> tuple[str, ...]:
    """The home drugs that are really taken and were not stopped here."""
    return tuple(drug for drug in patient.person.home_drugs if drug in patient.current_drugs)


def write_list(hospital: Hospital, patient: Patient, by: str) -> tuple[str, ...]:
    """Chart the home drugs as they are; who asked is logged with what was missing and what was no longer taken."""
    before, after = patient.chart.home_drugs, taken_at_home(patient)
    if before != after:
        patient.chart.home_drugs = after
        changed = {"added": sorted(set(after) - set(before)), "no_longer": sorted(set(before) - set(after))}
        hospital.note("home_drugs", patient.id, {"by": by, **changed})
    return after


def decisions(home: Iterable[str], ordered: Sequence[str], facts: PatientFacts, formulary: Formulary) -> tuple[HomeDrug, ...]:
    """What to do about each home drug, judged in its usual dose by the checklist.

    Args:
        home: Home drugs.
        ordered: Drugs ordered in hospital.
        facts: What is charted.
        formulary: The knowledge to judge with.
    """
    return tuple(_decision(name, ordered, facts, formulary) for name in home)


def _decision(name: str, ordered: Sequence[str], facts: PatientFacts, formulary: Formulary) -> HomeDrug:
    drug = formulary.find(name)
    if drug is None:
        return HomeDrug(name, "look_up", "not in the formulary")
    if drug.name in ordered:
        return HomeDrug(name, "ordered", "already ordered")
    others = tuple(other for other in facts.current_drugs if formulary.find(other) is not drug)
    return _judged(drug, replace(facts, current_drugs=others), formulary)


def _judged(drug: Drug, facts: PatientFacts, formulary: Formulary) -> HomeDrug:
    route = drug.routes[0]
    dose = drug.usual(route, facts.weight_kg)
    found = review(drug, dose or 0.0, drug.unit, route, facts, formulary) if dose is not None else ()
    grave = {finding.code for finding in found if finding.severity != "note"}
    band = None if facts.egfr is None else drug.renal_band(facts.egfr)
    if grave == {"RENAL"} and band is not None and band.action == "reduce":
        return HomeDrug(drug.name, "reduce", found[0].text)
    if grave:
        return HomeDrug(drug.name, "hold", f"{found[0].code}: {found[0].text}")
    return HomeDrug(drug.name, "continue", "nothing charted speaks against it")

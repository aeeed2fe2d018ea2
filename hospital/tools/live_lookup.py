"""Tools of every role that look things up: the formulary, interactions, and the names that other tools accept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from clinsim.formulary_file import Caution, Circumstance, Dose, Drug, HepaticRule, RateLimit, RenalBand, Route
from clinsim.hospital.tools import checks
from clinsim.hospital.tools.answers import Catalogue
from clinsim.record import ROLES, World
from clinsim.tooling import tool


@dataclass(frozen=True, slots=True)
class DrugSheet:
    """What the formulary says of a drug; doses are in `unit`, or in `unit` per kg where `per_kg` says so."""

    drug: str
    brands: tuple[str, ...]
    classes: tuple[str, ...]
    unit: str
    doses: Mapping[Route, Dose]
    every_hours: float | None
    daily_max: float | None
    rates: tuple[RateLimit, ...]
    renal: tuple[RenalBand, ...]
    hepatic: HepaticRule
    pregnancy: str
    lactation: str
    qt: str
    cautions: tuple[Caution, ...]
    requires: tuple[str, ...]
    high_alert: bool
    emergency: bool
    repeatable: bool
    uses: tuple[str, ...]
    mechanism: str
    adverse: tuple[str, ...]
    monitoring: tuple[str, ...]
    substitute: str
    source: str


@dataclass(frozen=True, slots=True)
class InteractionRow:
    """One interaction: between what, how grave, and when (always, if `when` is empty)."""

    between: tuple[str, str]
    tier: str
    otherwise: str
    when: Circumstance | None
    text: str
    mechanism: str
    management: str
    source: str


@dataclass(frozen=True, slots=True)
class Interactions:
    """What the knowledge base holds on two drugs; none found is no proof that there is none."""

    drug_a: str
    drug_b: str
    found: tuple[InteractionRow, ...]


def known_drug(world: World, drug: str) -> Drug:
    """The drug of that generic or brand name.

    Raises:
        ToolError: The formulary has none.
    """
    formulary = checks.knowledge(world).formulary
    found = formulary.find(drug)
    return formulary.drugs[checks.one_of("drug", drug, formulary.drugs)] if found is None else found


@tool("live", roles=ROLES, service="lookup", tags=("read",))
def look_up_drug(world: World, drug: str) -> DrugSheet:
    """Look a drug up in the formulary: doses, kidney, liver, pregnancy, cautions, uses, monitoring, whether override is allowed.

    Args:
        drug: Generic or brand name.
    """
    found = known_drug(world, drug)
    return DrugSheet(
        found.name, found.brands, found.classes, found.unit, found.doses, found.every_hours, found.daily_max, found.rates, found.renal,
        found.hepatic, found.pregnancy, found.lactation, found.qt, found.cautions, found.requires, found.high_alert, found.emergency,
        found.repeatable, found.uses, found.mechanism, found.adverse, found.monitoring, found.substitute, found.source,
    )  # fmt: skip


@tool("live", roles=ROLES, service="lookup", tags=("read",))
def check_interaction(world: World, drug_a: str, drug_b: str) -> Interactions:
    """Look up what is known of two drugs given together.

    Args:
        drug_a: Generic or brand name of the one.
        drug_b: Generic or brand name of the other.
    """
    a, b = known_drug(world, drug_a), known_drug(world, drug_b)
    rows = checks.knowledge(world).formulary.between(a.name, b.name)
    found = tuple(InteractionRow(row.between, row.tier, row.otherwise, row.when, row.text, row.mechanism, row.management, row.source) for row in rows)
    return Interactions(a.name, b.name, found)


CatalogueKind = Literal["tests", "imaging", "drugs", "procedures", "services", "units", "diagnoses"]


@tool("live", roles=ROLES, service="lookup", tags=("read",))
def list_catalogue(world: World, kind: CatalogueKind) -> Catalogue:
    """List the names that other tools accept for one kind of thing, each with its title.

    Args:
        kind: What to list.
    """
    known = checks.knowledge(world)
    entries: dict[CatalogueKind, Mapping[str, str]] = {
        "tests": {code: panel.title for code, panel in known.panels.items()},
        "imaging": {code: study.title for code, study in known.imaging.studies.items()},
        "drugs": {name: f"{drug.group}; {'/'.join(drug.routes)}, {drug.unit}" for name, drug in known.formulary.drugs.items()},
        "procedures": known.procedures,
        "services": known.services,
        "units": {unit: unit for unit in known.units},
        "diagnoses": known.diagnoses,
    }
    return Catalogue(kind, entries[kind])

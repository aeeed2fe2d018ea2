"""The formulary as data: drugs, what they do to each other, who must not have them, each entry with its source.

Read from the files of `scenarios/formulary/`, which are joined. For simulation and research only: not for the care of patients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import product
from typing import Annotated, NamedTuple

from pydantic import Field, model_validator

from clinsim.data_file import Rule
from clinsim.formulary_parts import (
    SEVERITIES,
    SEVERITY_OF_TIER,
    TIERS,
    Caution,
    Circumstance,
    Combination,
    Coverage,
    CrossReaction,
    Dose,
    Duplication,
    HepaticRule,
    HomeListRule,
    Incompatibility,
    Interaction,
    LossRule,
    PregnancyRule,
    QtRisk,
    RateLimit,
    RenalBand,
    Route,
    Severity,
    SlipRule,
    Tier,
)
from clinsim.hospital_file import Positive, Source

__all__ = [
    "SEVERITIES",
    "SEVERITY_OF_TIER",
    "TIERS",
    "Caution",
    "Circumstance",
    "Combination",
    "Coverage",
    "CrossReaction",
    "Dose",
    "Drug",
    "Duplication",
    "Formulary",
    "HepaticRule",
    "Incompatibility",
    "Interaction",
    "RateLimit",
    "RenalBand",
    "Route",
    "Severity",
    "Tier",
]


class Drug(Rule):
    """A drug: what it is, how it is given, and whom it endangers.

    `group` joins drugs that may stand in for each other. `emergency` drugs may be given by override, before
    verification. `requires` are analytes that should be known before the first dose. `allergy` are the allergens that
    it carries besides its own name. `every_hours` is the usual time between doses, `daily_max` the most in 24 h by any route (drug's unit),
    `longest_days` how long a course usually is at most, `substitute` the drug that the house keeps instead of it. `uses`, `mechanism`,
    `adverse` and `monitoring` are for reading.
    """

    brands: tuple[str, ...] = ()
    group: str
    classes: tuple[str, ...]
    allergy: tuple[str, ...] = ()
    unit: str
    doses: Annotated[dict[Route, Dose], Field(min_length=1)]
    renal: tuple[RenalBand, ...] = ()
    pregnancy: PregnancyRule
    lactation: PregnancyRule = "allowed"
    hepatic: HepaticRule = HepaticRule()
    qt: QtRisk = "none"
    every_hours: Positive | None = None
    daily_max: Positive | None = None
    longest_days: Positive | None = None
    rates: tuple[RateLimit, ...] = ()
    uses: tuple[str, ...] = ()
    mechanism: str = ""
    adverse: tuple[str, ...] = ()
    monitoring: tuple[str, ...] = ()
    substitute: str = ""
    high_alert: bool = False
    emergency: bool = False
    antibiotic: bool = False
    repeatable: bool = False
    requires: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()
    source: Source
    name: str = ""

    @cached_property
    def speaks_of(self) -> frozenset[str]:
        """The fields of this entry that say something: neither empty nor `allowed`, `none` or `False`."""
        silent = self.hepatic.action == "allowed"
        return frozenset(name for name, value in self if value and value not in ("allowed", "none") and not (silent and name == "hepatic"))

    @property
    def routes(self) -> tuple[Route, ...]:
        """Ways of giving it, the usual one first."""
        return tuple(self.doses)

    @property
    def tokens(self) -> tuple[str, ...]:
        """Names under which the knowledge base may speak of it: its own and its classes."""
        return (self.name, *self.classes)

    @property
    def allergens(self) -> tuple[str, ...]:
        """What an allergy may be called that hits it at once."""
        return (self.name, *self.allergy)

    def renal_band(self, egfr: float) -> RenalBand | None:
        """The tightest band that `egfr` (mL/min/1.73 m2) falls into."""
        held = [band for band in self.renal if egfr < band.below]
        return min(held, key=lambda band: band.below, default=None)

    def dose_by(self, route: str) -> Dose | None:
        """The rule for doses by `route` (any text); None if it is not given so."""
        return self.doses.get(route)  # type: ignore[call-overload, no-any-return]  # any text is asked, few are routes

    def usual(self, route: str, weight_kg: float | None) -> float | None:
        """The usual single dose by `route` in the drug's unit; None for an unknown route or weight."""
        dose = self.dose_by(route)
        return None if dose is None else dose.within(dose.usual, weight_kg)


class Meeting(NamedTuple):
    """What there is to say of a drug beside another (None: one that the formulary does not know): the gravest duplication, and interactions."""

    name: str
    other: Drug | None
    twins: Duplication | None
    rows: tuple[Interaction, ...]


class Formulary(Rule):
    """All drugs and all that is known of them together."""

    version: Annotated[int, Field(ge=1)]
    drugs: Annotated[dict[str, Drug], Field(min_length=1)]
    interactions: tuple[Interaction, ...]
    cross_reactions: tuple[CrossReaction, ...]
    duplications: tuple[Duplication, ...]
    combinations: tuple[Combination, ...] = ()
    incompatibilities: tuple[Incompatibility, ...] = ()
    coverage: tuple[Coverage, ...] = ()
    home_lists: HomeListRule = HomeListRule(omitted=0.0, stale=0.0, source="assumption")
    losses: LossRule
    slips: SlipRule

    @model_validator(mode="after")
    def _known(self) -> Formulary:
        for name, drug in self.drugs.items():
            self.drugs[name] = drug.model_copy(update={"name": name})  # each drug knows the name that it stands under
        tokens = {token for drug in self.drugs.values() for token in drug.tokens}
        allergens = {name for drug in self.drugs.values() for name in drug.allergens}
        _all_known("interactions", (name for pair in self.interactions for name in pair.between), tokens)
        _all_known("cross_reactions", (row.to for row in self.cross_reactions), allergens)
        _all_known("duplications", (row.drug_class for row in self.duplications), tokens)
        _all_known("combinations", (name for row in self.combinations for name in row.classes), tokens)
        _all_known("incompatibilities", (name for row in self.incompatibilities for name in row.between), tokens)
        _all_known("coverage", (name for row in self.coverage for name in row.any_of), tokens)
        return self

    @cached_property
    def by_pair(self) -> Mapping[tuple[str, str], Interaction]:
        """Interactions by both orders of their two names."""
        straight = {row.between: row for row in self.interactions}
        return straight | {(b, a): row for (a, b), row in straight.items()}

    @cached_property
    def by_brand(self) -> Mapping[str, Drug]:
        """Drugs by generic name and by brand, in lower case."""
        brands = {brand.lower().translate(_JOINED): drug for drug in self.drugs.values() for brand in drug.brands}
        return brands | dict(self.drugs)

    def find(self, name: str) -> Drug | None:
        """The drug of that generic or brand name, in any case, however its words are joined; None if there is none."""
        drug = self.by_brand.get(name)
        return drug if drug is not None else self.by_brand.get(name.strip().lower().translate(_JOINED))

    @cached_property
    def groups(self) -> Mapping[str, tuple[Drug, ...]]:
        """Drugs that may stand in for each other, by group, in order of the file."""
        names = dict.fromkeys(drug.group for drug in self.drugs.values())
        return {name: tuple(drug for drug in self.drugs.values() if drug.group == name) for name in names}

    @cached_property
    def met(self) -> dict[tuple[str, str], tuple[Interaction, ...]]:
        """Interactions by pair of names, filled as pairs are asked for."""
        return {}

    def between(self, a: str, b: str) -> tuple[Interaction, ...]:
        """What the knowledge base holds on two drugs (or classes), their own names before those of their classes."""
        found = self.met.get((a, b))
        if found is None:
            pairs = product(self.tokens(a), self.tokens(b))
            found = self.met[a, b] = tuple(self.by_pair[pair] for pair in pairs if pair in self.by_pair)
        return found

    @cached_property
    def meetings(self) -> dict[tuple[str, str], Meeting | None]:
        """What there is to say, by drug and name of another (None: nothing), filled as pairs are asked for."""
        return {}

    def beside(self, drug: Drug, names: Iterable[str]) -> list[Meeting]:
        """What there is to say of a drug beside each of some others, in their order; those of whom there is nothing to say are left out."""
        meetings, found = self.meetings, []
        for name in dict.fromkeys(names):
            pair = (drug.name, name)
            meeting = meetings[pair] if pair in meetings else meetings.setdefault(pair, self._meeting(drug, name))
            if meeting is not None:
                found.append(meeting)
        return found

    def _meeting(self, drug: Drug, name: str) -> Meeting | None:
        other = self.find(name)
        if other is None:
            return Meeting(name, None, None, ())
        rows, shared = self.between(drug.name, other.name), set(drug.classes) & set(other.classes)
        twins = [row for row in self.duplications if row.drug_class in shared]
        if not rows and not twins and other.name != drug.name:
            return None
        return Meeting(name, other, max(twins, key=lambda row: SEVERITIES.index(row.severity), default=None), rows)

    @cached_property
    def joined(self) -> Mapping[str, tuple[Combination, ...]]:
        """Combinations that a drug can be part of, by its name."""
        return {name: tuple(row for row in self.combinations if not set(row.classes).isdisjoint(drug.tokens)) for name, drug in self.drugs.items()}

    def tokens(self, name: str) -> tuple[str, ...]:
        """Names under which rows may speak of a drug (generic or brand); a class stands for itself."""
        drug = self.find(name)
        return drug.tokens if drug else (name,)


_JOINED = str.maketrans({" ": "_", "-": "_", "/": "_", "'": None, "\u2019": None, ".": None})
"""How a name as written becomes a name of the file."""


def _all_known(field: str, names: Iterable[str], allowed: set[str]) -> None:
    unknown = sorted(set(names) - allowed)
    if unknown:
        raise ValueError(f"{field}: unknown {', '.join(unknown)}; allowed {', '.join(sorted(allowed))}")

"""The formulary as data: drugs, what they do to each other, who must not have them, each entry with its source.

Read from `scenarios/formulary.yaml`. A dose is in the unit of its drug, or in that unit per kg where `per_kg` says so.
Loss is expected utility loss at 30 days, 0 to 1. For simulation and research only: not for the care of patients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from itertools import product
from typing import Annotated, Literal

from pydantic import Field, model_validator

from clinsim.data_file import Rule
from clinsim.hospital_file import NonNegative, Positive, Share, Source

Route = Literal["oral", "sl", "iv", "im", "sc", "neb", "nasal", "pr"]
Severity = Literal["note", "significant", "serious"]
Tier = Literal["contraindicated", "major", "moderate", "suppressed"]
PregnancyRule = Literal["allowed", "caution", "avoid"]

SEVERITIES: tuple[Severity, ...] = ("note", "significant", "serious")
TIERS: tuple[Tier, ...] = ("contraindicated", "major", "moderate", "suppressed")
SEVERITY_OF_TIER: dict[Tier, Severity] = {
    "contraindicated": "serious",
    "major": "significant",
    "moderate": "note",
    "suppressed": "note",
}
"""Only the two upper tiers are worth a query: the lower ones are the alerts that a good pharmacist reads and passes.

Source: Phansalkar et al., JAMIA 2013;20:489 (low-priority interactions need not interrupt).
"""


class Circumstance(Rule):
    """When a rule applies: any one of the named facts is enough; with none named it always applies.

    `problems` are names of charted or true conditions, `above` and `below` limits of last results by analyte,
    `dose_above` is in the drug's unit.
    """

    problems: tuple[str, ...] = ()
    egfr_below: Positive | None = None
    age_from: Positive | None = None
    above: dict[str, float] = Field(default_factory=dict)
    below: dict[str, float] = Field(default_factory=dict)
    dose_above: Positive | None = None

    @cached_property
    def is_empty(self) -> bool:
        """Whether no fact is named: then it always applies."""
        return not self.model_fields_set or self == Circumstance()


class Dose(Rule):
    """A single dose by one route: usual, least and most.

    Per kg of body weight if `per_kg`, and then never beyond `cap` (in the drug's unit).
    """

    usual: Positive
    low: Positive
    high: Positive
    per_kg: bool = False
    cap: Positive | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Dose:
        if not self.low <= self.usual <= self.high:
            raise ValueError(f"low <= usual <= high is needed, not {self.low:g}, {self.usual:g}, {self.high:g}")
        return self

    def within(self, per_kg: float, weight_kg: float | None) -> float | None:
        """An amount of this dose in the drug's unit; None if it goes by a weight that is not known."""
        if not self.per_kg:
            return per_kg
        if weight_kg is None:
            return None
        return per_kg * weight_kg if self.cap is None else min(self.cap, per_kg * weight_kg)


class RenalBand(Rule):
    """What holds below an estimated filtration rate (mL/min/1.73 m2).

    `avoid`: not at all; `reduce`: at most `fraction` of the usual dose; `interval`: the single dose stands, the next
    one comes later.
    """

    below: Positive
    action: Literal["avoid", "reduce", "interval"]
    fraction: Share = 1.0
    severity: Severity = "significant"
    text: str


class Caution(Rule):
    """A fact about patient, result or dose that speaks against the drug; `routes` limits it to some ways of giving.

    `loss` (expected utility loss at 30 days) overrides the table for the code.
    """

    code: Literal["DISEASE", "LAB", "AGE", "DOSE"] = "DISEASE"
    when: Circumstance
    routes: tuple[Route, ...] = ()
    severity: Severity
    text: str
    loss: Share | None = None


class Drug(Rule):
    """A drug: what it is, how it is given, and whom it endangers.

    `group` joins drugs that may stand in for each other. `emergency` drugs may be given by override, before
    verification. `requires` are analytes that should be known before the first dose. `allergy` are the allergens that
    it carries besides its own name.
    """

    brands: tuple[str, ...] = ()
    group: str
    classes: tuple[str, ...]
    allergy: tuple[str, ...] = ()
    unit: str
    doses: Annotated[dict[Route, Dose], Field(min_length=1)]
    renal: tuple[RenalBand, ...] = ()
    pregnancy: PregnancyRule
    high_alert: bool = False
    emergency: bool = False
    antibiotic: bool = False
    repeatable: bool = False
    requires: tuple[str, ...] = ()
    cautions: tuple[Caution, ...] = ()
    source: Source
    name: str = ""

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


class Interaction(Rule):
    """Two drugs or classes that should not meet; below `tier` there is `otherwise`, where `when` does not hold."""

    between: tuple[str, str]
    tier: Tier
    when: Circumstance | None = None
    otherwise: Tier = "moderate"
    text: str
    loss: Share | None = None
    source: Source


class CrossReaction(Rule):
    """What an allergy to one substance means for a drug of another allergy class; `risk` is the share that reacts."""

    allergy: str
    to: str
    risk: Share
    severity: Severity
    text: str
    source: Source


class Duplication(Rule):
    """Two drugs of one class at the same time."""

    drug_class: str
    severity: Severity
    text: str
    source: Source


class LossRule(Rule):
    """Expected utility loss at 30 days of a finding not acted on, by code and severity; a note costs nothing."""

    by_code: dict[str, dict[Literal["significant", "serious"], Share]]
    high_alert_factor: Annotated[float, Field(ge=1)]
    source: Source


class SlipRule(Rule):
    """Errors of prescribers: share of orders with one, share of these that matters clinically, weights of the kinds."""

    share: Share
    significant: Share
    weights: dict[str, NonNegative]
    source: Source


class Formulary(Rule):
    """All drugs and all that is known of them together."""

    version: Annotated[int, Field(ge=1)]
    drugs: Annotated[dict[str, Drug], Field(min_length=1)]
    interactions: tuple[Interaction, ...]
    cross_reactions: tuple[CrossReaction, ...]
    duplications: tuple[Duplication, ...]
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
        return self

    @cached_property
    def by_pair(self) -> Mapping[tuple[str, str], Interaction]:
        """Interactions by both orders of their two names."""
        straight = {row.between: row for row in self.interactions}
        return straight | {(b, a): row for (a, b), row in straight.items()}

    @cached_property
    def by_brand(self) -> Mapping[str, Drug]:
        """Drugs by generic name and by brand, in lower case."""
        brands = {brand.lower(): drug for drug in self.drugs.values() for brand in drug.brands}
        return brands | dict(self.drugs)

    def find(self, name: str) -> Drug | None:
        """The drug of that generic or brand name, in any case, with spaces or hyphens; None if there is none."""
        return self.by_brand.get(name.strip().lower().replace(" ", "_").replace("-", "_"))

    def of_group(self, group: str) -> tuple[Drug, ...]:
        """Drugs that may stand in for each other, in order of the file."""
        return tuple(drug for drug in self.drugs.values() if drug.group == group)

    @cached_property
    def met(self) -> dict[tuple[str, str], tuple[Interaction, ...]]:
        """Interactions by pair of names, filled as pairs are asked for."""
        return {}

    def between(self, a: str, b: str) -> tuple[Interaction, ...]:
        """What the knowledge base holds on two drugs (or classes), their own names before those of their classes."""
        found = self.met.get((a, b))
        if found is None:
            pairs = product(self._tokens(a), self._tokens(b))
            found = self.met[a, b] = tuple(self.by_pair[pair] for pair in pairs if pair in self.by_pair)
        return found

    def _tokens(self, name: str) -> tuple[str, ...]:
        drug = self.find(name)
        return drug.tokens if drug else (name,)


def _all_known(field: str, names: Iterable[str], allowed: set[str]) -> None:
    unknown = sorted(set(names) - allowed)
    if unknown:
        raise ValueError(f"{field}: unknown {', '.join(unknown)}; allowed {', '.join(sorted(allowed))}")

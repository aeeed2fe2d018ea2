"""Parts of the formulary's file: doses, bands, circumstances, how a drug is made up and watched, what drugs do to each other, how prescribers err.

A dose is in the unit of its drug, or in that unit per kg where `per_kg` says so. Loss is expected utility loss at 30 days, 0 to 1.
"""

from __future__ import annotations

from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from clinsim.data_file import Rule
from clinsim.hospital_file import NonNegative, Positive, Share, Source

Route = Literal["oral", "sl", "iv", "im", "sc", "neb", "nasal", "pr"]
Severity = Literal["note", "significant", "serious"]
Tier = Literal["contraindicated", "major", "moderate", "suppressed"]
PregnancyRule = Literal["allowed", "caution", "avoid"]
QtRisk = Literal["none", "possible", "known"]

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


class HepaticRule(Rule):
    """What holds in liver failure and cirrhosis: nothing, less or watched (`caution`), or not at all (`avoid`)."""

    action: PregnancyRule = "allowed"
    severity: Severity = "significant"
    text: str = ""


class RateLimit(Rule):
    """How fast a dose may run in by one route: at most `per_hour` (drug's unit an hour), over no less than `least_minutes`."""

    route: Route = "iv"
    per_hour: Positive | None = None
    least_minutes: Positive | None = None
    text: str = ""

    def minutes(self, amount: float) -> float:
        """The shortest time (minutes) in which `amount` of the drug may be given."""
        by_rate = 60.0 * amount / self.per_hour if self.per_hour else 0.0
        return max(by_rate, self.least_minutes or 0.0)


class Combination(Rule):
    """Several drugs, one of each class (a class may be named more than once), that are too much together when `when` holds."""

    classes: tuple[str, ...]
    when: Circumstance | None = None
    severity: Severity
    text: str
    source: Source


class Incompatibility(Rule):
    """Two drugs or classes that must not run into one vein at the same time."""

    between: tuple[str, str]
    text: str
    source: Source


class Coverage(Rule):
    """Antibiotics (drugs or classes) that cover the usual germs of an infection, alone or with each other, and what it must not lack."""

    problems: tuple[str, ...]
    any_of: tuple[str, ...]
    cultures: bool = False
    text: str
    source: Source


class Interaction(Rule):
    """Two drugs or classes that should not meet; below `tier` there is `otherwise`, where `when` does not hold."""

    between: tuple[str, str]
    tier: Tier
    when: Circumstance | None = None
    otherwise: Tier = "moderate"
    text: str
    mechanism: str = ""
    management: str = ""
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


class HomeListRule(Rule):
    """How wrong a list of home drugs at the door is: share of drugs left out, share of stopped ones still on it."""

    omitted: Share
    stale: Share
    source: Source

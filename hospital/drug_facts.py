"""What a review of a drug order goes by: facts of the patient, the order itself, findings, and whether a circumstance holds.

The same review tells a pharmacist about what is charted and the hospital's truth about what is so: only the facts differ.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from operator import attrgetter

from clinsim.formulary_file import TIERS, Circumstance, Drug, Formulary, Interaction, Severity, Tier

ROUNDING = 1.0 + 1e-9
RESTED_ON = ("allergies", "current_drugs", "pregnant", "lactating", "problems", "home_drugs", "given_today", "running")
"""Facts of a patient without which a check that rests on them finds nothing."""
_rested = attrgetter(*RESTED_ON)


@dataclass(frozen=True, slots=True)
class PatientFacts:
    """What a review knows of a patient.

    `allergies` are allergens or drugs, with a reaction after a colon if it is known (`penicillin:anaphylaxis`).
    `current_drugs` are home drugs and what is being given, without the order under review. `egfr` in mL/min/1.73 m2.
    `problems` are comorbidities and conditions, `results` last values by analyte, vital signs among them. `given_today` are amounts of the last
    24 h by drug, in its unit. `running` are drugs that go into a vein now. Where a check needs to know that something is *not* so, None means
    that nobody has looked: `reasons` (what is charted as a reason to treat), `tests` (analytes whose result is there).
    """

    allergies: tuple[str, ...] = ()
    current_drugs: tuple[str, ...] = ()
    egfr: float | None = None
    weight_kg: float | None = None
    pregnant: bool = False
    age: float | None = None
    problems: tuple[str, ...] = ()
    results: Mapping[str, float] = field(default_factory=dict)
    home_drugs: tuple[str, ...] = ()
    sex: str = ""
    lactating: bool = False
    given_today: Mapping[str, float] = field(default_factory=dict)
    running: tuple[str, ...] = ()
    reasons: tuple[str, ...] | None = None
    tests: frozenset[str] | None = None

    @property
    def speaks_of(self) -> frozenset[str]:
        """Those of the fields that checks can rest on which say something."""
        return frozenset(compress(RESTED_ON, _rested(self)))


@dataclass(frozen=True, slots=True)
class Directions:
    """How an order says that it is to be given: over how many minutes, for how many days; None if it does not say."""

    over_minutes: float | None = None
    days: float | None = None


AS_USUAL = Directions()


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found; `harm_loss` is expected utility loss at 30 days if nobody acts on it, 0 for a note."""

    code: str
    severity: Severity
    text: str
    harm_loss: float
    source: str


@dataclass(frozen=True, slots=True)
class Proposal:
    """An order under review; `amount` is its dose in the drug's own unit, None if the unit measures something else."""

    drug: Drug
    amount: float | None
    unit: str
    route: str
    facts: PatientFacts
    formulary: Formulary
    directions: Directions = AS_USUAL

    def found(self, code: str, severity: Severity, text: str, source: str = "", loss: float | None = None) -> Finding:
        """A finding on this order, with the loss of its code and severity unless `loss` is given."""
        return Finding(code, severity, text, self._loss(code, severity, loss), source or self.drug.source)

    def _loss(self, code: str, severity: Severity, loss: float | None) -> float:
        if severity == "note":
            return 0.0
        if loss is not None:
            return loss
        rule = self.formulary.losses
        return min(1.0, rule.by_code[code][severity] * (rule.high_alert_factor if self.drug.high_alert else 1.0))

    @property
    def others(self) -> tuple[Drug, ...]:
        """The other drugs of the patient that the formulary knows, each once."""
        known = (self.formulary.find(name) for name in dict.fromkeys(self.facts.current_drugs))
        return tuple(drug for drug in known if drug is not None and drug.name != self.drug.name)

    @property
    def slip_of_form(self) -> Severity:
        """How grave it is that this drug cannot be given as written."""
        return "serious" if self.drug.high_alert else "significant"


def holds(when: Circumstance, facts: PatientFacts, dose: float | None = None) -> bool:
    """Whether any of the named facts is so; a circumstance that names none always holds.

    Args:
        when: The circumstance.
        facts: Of the patient.
        dose: In the unit of the drug that the circumstance belongs to.
    """
    if when.is_empty:
        return True
    return (
        any(problem in facts.problems for problem in when.problems)
        or (facts.egfr is not None and when.egfr_below is not None and facts.egfr < when.egfr_below)
        or (facts.age is not None and when.age_from is not None and facts.age >= when.age_from)
        or (dose is not None and when.dose_above is not None and dose > when.dose_above * ROUNDING)
        or _beyond(when, facts.results)
    )


def allergens(entry: str, formulary: Formulary) -> tuple[tuple[str, ...], str]:
    """What an allergy in a chart stands for (a drug and what it carries), and the reaction if one is written."""
    substance, _, reaction = entry.strip().lower().replace(" ", "_").replace("-", "_").partition(":")
    drug = formulary.find(substance)
    return (drug.allergens if drug else (substance,)), reaction.strip("_")


def gravest_row(a: str, b: str, formulary: Formulary, facts: PatientFacts | None, dose: float | None = None) -> tuple[Tier, Interaction] | None:
    """The gravest interaction of two drugs with the tier that holds; without `facts`, conditions count as met.

    A condition on the dose concerns the first of the two drugs of its row: `dose` is that of `a`, in its unit.
    """
    rows = formulary.between(a, b)
    return gravest_of(rows, formulary.tokens(a), facts, dose) if rows else None


def gravest_of(rows: Sequence[Interaction], own: Collection[str], facts: PatientFacts | None, dose: float | None) -> tuple[Tier, Interaction]:
    """The gravest of some interactions of a drug known by its `own` names; otherwise as `gravest_row`."""
    return min(((_tier(row, facts, dose if row.between[0] in own else None), row) for row in rows), key=lambda held: TIERS.index(held[0]))


def _tier(row: Interaction, facts: PatientFacts | None, dose: float | None) -> Tier:
    met = row.when is None or facts is None or holds(row.when, facts, dose)
    return row.tier if met else row.otherwise


def _beyond(when: Circumstance, results: Mapping[str, float]) -> bool:
    too_high = any(name in results and results[name] > limit for name, limit in when.above.items())
    return too_high or any(name in results and results[name] < limit for name, limit in when.below.items())

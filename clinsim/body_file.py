"""What all bodies share, as data: who people are, what is normal, how signs scatter, what supports them, what harms anybody.

Read from `scenarios/bodies/`. Vital signs and analytes are in the units of their tables; shares are probabilities.
"""

from __future__ import annotations

from functools import cached_property, lru_cache
from importlib.resources import files
from typing import Annotated

from pydantic import Field

from clinsim.condition_parts import Complaint, Harm, Region, Span, Text, Topic, Vital
from clinsim.data_file import M, Rule, read_sheet
from clinsim.hospital_file import NonNegative, Positive, Share, Source


class NormalRule(Rule):
    """A sign or analyte in health: mean and spread between people, shifts by sex, age (per year over 50), comorbidity and home drugs, limits, digits.

    `noise` is the spread between readings of one person: in the sign's unit for vital signs, a share of the value for analytes. `fall_hours` is the
    time constant with which an analyte comes down, where that is slower than it rises.
    """

    mean: float
    sd: NonNegative
    noise: NonNegative
    low: float
    high: float
    digits: Annotated[int, Field(ge=0, le=4)]
    women: float = 0.0
    per_year_over_50: float = 0.0
    comorbidities: dict[str, float] = Field(default_factory=dict)
    drugs: dict[str, float] = Field(default_factory=dict)
    fall_hours: Positive | None = None
    source: Source


class SupportRule(Rule):
    """What moves a vital sign or an analyte without touching the disease: the shift (in the sign's unit) that any of the codes gives.

    It comes on with `onset_minutes`, lasts `lasts_minutes`, and wears off. Analytes that a sheet moves through its own treatment are left to it.
    """

    any_of: Annotated[tuple[str, ...], Field(min_length=1)]
    vital: Vital | None = None
    analyte: str = ""
    shift: float
    onset_minutes: Positive = 3.0
    lasts_minutes: Positive
    source: Source


class ComorbidityRule(Rule):
    """A chronic illness: words for it, its share below 45, 45 to 64 and from 65 years, its hazard ratio of death, and drugs taken for it."""

    says: Text
    shares: tuple[Share, Share, Share]
    hazard: Positive
    drugs: dict[str, Share]
    source: Source


class AllergyRule(Rule):
    """An allergen: words for it, and its share among patients."""

    says: Text
    share: Share
    source: Source


class FrailtyRule(Rule):
    """Frailty as a hazard ratio: per year of age from 60 on, spread (sigma of the log) between people alike, and its limits."""

    per_year: Positive
    sigma: NonNegative
    low: Positive
    high: Positive
    source: Source


class WeightRule(Rule):
    """Body weight in kg: mean and spread by sex, and limits."""

    men: Positive
    women: Positive
    sd: Positive
    low: Positive
    high: Positive
    source: Source


class KidneyRule(Rule):
    """Glomerular filtration (mL/min/1.73 m2): mean at 30 years, loss per year after, spread, and the range of those with chronic kidney disease."""

    mean: Positive
    per_year: NonNegative
    sd: Positive
    chronic: tuple[Positive, Positive]
    source: Source


class PeopleTable(Rule):
    """Who people are."""

    weight: WeightRule
    kidney: KidneyRule
    frailty: FrailtyRule
    pregnant: Share
    pregnant_source: Source
    comorbidities: dict[str, ComorbidityRule]
    other_drugs: dict[str, Share]
    other_drugs_source: Source
    allergies: dict[str, AllergyRule]


class SignTable(Rule):
    """What is normal, and what supports it.

    `text_labs` are the words of a result without the illness, with their weights; `dose_lasts` says after how many minutes one dose of a
    short-acting drug has had its effect on the illness, unless it is given again.
    """

    vitals: dict[Vital, NormalRule]
    labs: dict[str, NormalRule]
    text_labs: dict[str, dict[str, Positive]]
    text_labs_source: Source
    ecg_rates: tuple[tuple[float, Text], ...]
    supports: tuple[SupportRule, ...]
    dose_lasts: dict[str, Positive]
    dose_lasts_source: Source

    @cached_property
    def by_sign(self) -> dict[str, tuple[SupportRule, ...]]:
        """What supports each vital sign and each analyte."""
        return {name: tuple(rule for rule in self.supports if name in (rule.vital, rule.analyte)) for name in (*self.vitals, *self.labs)}

    @cached_property
    def codes_for(self) -> dict[str, frozenset[str]]:
        """The codes that support each vital sign and each analyte."""
        return {name: frozenset(code for rule in rules for code in rule.any_of) for name, rules in self.by_sign.items()}

    def supports_of(self, name: str) -> tuple[SupportRule, ...]:
        """What supports a vital sign or an analyte."""
        return self.by_sign[name]


class WordTable(Rule):
    """What is said and found where a sheet says nothing, red herrings with the probability of one, sentences for complaints.

    `complaint_shares` are of those who put another complaint first than the one of their illness; lines of one `same` list mean the same.
    """

    history: dict[Topic, Text]
    examination: dict[Region, Text]
    herrings: tuple[tuple[Topic, Text], ...]
    herring_share: Share
    herring_source: Source
    complaints: dict[Complaint, tuple[Text, ...]]
    complaint_shares: dict[Complaint, Positive]
    complaint_shares_source: Source
    same: tuple[tuple[Text, ...], ...]

    @cached_property
    def ways_to_say(self) -> dict[str, tuple[str, ...]]:
        """All ways to say the same as a line, by line."""
        return {line: lines for lines in self.same for line in lines}


class ExpressionRule(Rule):
    """How much of an illness shows: the range in typical and in atypical presentations, the share of the latter below and from `old_from` years.

    `own_vital` and `own_lab` are the spread of a single sign around that; `highest` limits all.
    """

    typical: Span
    atypical: Span
    atypical_share: Share
    atypical_share_old: Share
    old_from: Annotated[int, Field(ge=0)]
    own_vital: NonNegative
    own_lab: NonNegative
    highest: Positive
    source: Source


class StateRule(Rule):
    """What is so with a share of people whatever brings them: shifts of signs, from the least to the most, in the unit of the sign."""

    id: str
    share: Share
    shifts: dict[str, Span]
    source: Source


class SayingRule(Rule):
    """What is said and found besides.

    `said_if_typical` and `said_if_atypical` are shares of the probability that a line of the sheet has; `history` and `examination` the
    probability, per topic or region, of a line of another illness with this complaint; `other_note` and `other_complaint` the shares of
    notes and of complaints that belong to something else.
    """

    said_if_typical: Share
    said_if_atypical: Share
    history: Share
    examination: Share
    other_note: Share
    other_complaint: Share
    source: Source


class ScatterTable(Rule):
    """How people with one illness differ."""

    expression: ExpressionRule
    beyond: NonNegative
    beyond_source: Source
    onset_spread: NonNegative
    recall_spread: NonNegative
    recalled_within: Positive
    onset_source: Source
    states: tuple[StateRule, ...]
    words: SayingRule


class HarmTable(Rule):
    """What harms anybody who has no need of it: a harm of this table does not count for codes that the sheet knows to help."""

    harms: tuple[Harm, ...]


class Bodies(Rule):
    """All that bodies share."""

    people: PeopleTable
    signs: SignTable
    words: WordTable
    scatter: ScatterTable
    general: HarmTable


@lru_cache(maxsize=1)
def load_bodies() -> Bodies:
    """The shipped tables under `scenarios/bodies/`.

    Raises:
        ScenarioError: A table is wrong; the message names file, field and what is allowed.
    """
    return Bodies(
        people=_table(PeopleTable, "people.yaml"),
        signs=_table(SignTable, "signs.yaml"),
        words=_table(WordTable, "words.yaml"),
        scatter=_table(ScatterTable, "scatter.yaml"),
        general=_table(HarmTable, "harms.yaml"),
    )


def _table(model: type[M], name: str) -> M:
    folder = files("clinsim.scenarios") / "bodies"
    return read_sheet(model, (folder / name).read_text(encoding="utf-8"), f"bodies/{name}")

"""The parts of a condition sheet: who comes, how severity runs, what can be seen, what helps, what harms.

Severity `x` is a number in [0, 1] without unit. Rates are per hour, delays in minutes or hours as their names say.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from clinsim.data_file import Rule
from clinsim.hospital_file import NonNegative, Positive, Share, Source

Complaint = Literal[
    "chest_pain",
    "breathlessness",
    "fever",
    "weakness",
    "confusion",
    "abdominal_pain",
    "vomiting",
    "dizziness",
    "headache",
    "collapse",
    "limb_injury",
    "urinary_symptoms",
    "rash_swelling",
    "back_pain",
    "minor_request",
]
Vital = Literal["hr", "sbp", "rr", "spo2", "temp", "gcs", "pain"]
Topic = Literal["onset", "associated", "past", "drugs", "allergies", "social"]
Region = Literal["general", "chest", "heart", "abdomen", "neuro", "limbs", "skin"]
Disposition = Literal["home", "ward", "icu"]
Span = Annotated[tuple[float, float], Field(description="low and high")]
Text = Annotated[str, Field(min_length=2)]
Level = Annotated[int, Field(ge=1, le=5)]


class Estimate(Rule):
    """A probability with its interval and where it comes from."""

    value: Share
    low: Share
    high: Share
    source: Source

    @model_validator(mode="after")
    def _ordered(self) -> Estimate:
        if not self.low <= self.value <= self.high:
            raise ValueError(f"low <= value <= high is needed, not {self.low:g}, {self.value:g}, {self.high:g}")
        return self


class Sourced(Rule):
    """A share with where it comes from."""

    value: Share
    source: Source


class PeopleRule(Rule):
    """Who comes: years of age, share of men, hours since onset, and shares of comorbidities and home drugs that differ from the population's."""

    age: Span
    male: Share
    onset_hours: Span
    comorbidities: dict[str, Share] = Field(default_factory=dict)
    home_drugs: dict[str, Share] = Field(default_factory=dict)
    source: Source


class CourseRule(Rule):
    """How severity runs untreated: its range at arrival, logistic growth per hour until `turning_hours` after arrival, then `recovery` per hour."""

    severity: Span
    growth: NonNegative
    turning_hours: NonNegative
    recovery: Positive
    source: Source


class VitalRule(Rule):
    """A vital sign: its range at arrival, and the power of severity with which it leaves the person's own base.

    The range is that of typical presentations; a `defining` sign, without which the illness would not be called so, is never short of it.
    """

    arrival: Span
    power: Positive = 1.0
    defining: bool = False


class LabRule(Rule):
    """An analyte: its range at arrival, the power of severity, how far it lags behind (hours), and at which share of its way it stands at arrival.

    A `defining` one never falls short of its range. A `text` analyte has shares of words instead.
    """

    arrival: Span | None = None
    power: Positive = 1.0
    lag_hours: NonNegative = 0.0
    started: Annotated[float, Field(gt=0, le=1)] = 1.0
    defining: bool = False
    text: dict[str, Share] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_kind(self) -> LabRule:
        if (self.arrival is None) == (not self.text):
            raise ValueError("give either arrival (low and high) or text (words with their shares)")
        if self.started < 1.0 and self.lag_hours == 0.0:
            raise ValueError("started below 1 needs lag_hours above 0")
        return self


class HistoryLine(Rule):
    """What the patient or a companion says when asked about a topic, with the probability that it is so.

    Others with the same complaint say it too at times, unless it is `telling`.
    """

    topic: Topic
    says: Text
    p: Share
    telling: bool = False


class ExaminationLine(Rule):
    """What is found in a region of the body, with the probability that it is there; others with the complaint have it too, unless it is `telling`."""

    region: Region
    finds: Text
    p: Share
    telling: bool = False


class EcgLine(Rule):
    """A reading of the ECG with its weight, between two levels of severity."""

    text: Text
    weight: Positive
    above: Share = 0.0
    below: float = 1.01


class ImagingLine(Rule):
    """A finding that a study can show: where, and the probability that it is there to be seen when the condition is."""

    study: str
    finding: str
    region: str
    sensitivity: Sourced


class When(Rule):
    """Circumstances that must all hold. `sign` is a vital sign or an analyte; hours count from onset."""

    allergy: str = ""
    comorbidity: str = ""
    home_drugs: tuple[str, ...] = ()
    onset_after_hours: NonNegative | None = None
    x_above: Share | None = None
    x_below: Share | None = None
    sign: str = ""
    below: float | None = None
    above: float | None = None
    egfr_below: Positive | None = None
    age_above: NonNegative | None = None


class Treatment(Rule):
    """What helps: any of the drug or procedure codes, after the treatments it `needs`, within a window from onset, unless barred.

    `effect` (1/h) is taken from severity at full strength, reached with a first-order onset of `onset_minutes`. `target_minutes` count from arrival.
    A `lasting` treatment cannot be undone; `lasts_minutes` says when one dose has had its effect, if not as in the table of short-acting drugs.
    Where one of `weaker` holds for the patient, or less than `min_dose` of the first code (in the formulary's unit) is given, it has half the effect.
    """

    id: str
    any_of: Annotated[tuple[str, ...], Field(min_length=1)]
    effect: Positive
    onset_minutes: Positive
    target_minutes: Positive | None = None
    essential: bool
    lasting: bool = False
    needs: tuple[str, ...] = ()
    window_hours: Positive | None = None
    barred: tuple[When, ...] = ()
    weaker: tuple[When, ...] = ()
    lasts_minutes: Positive | None = None
    min_dose: Positive | None = None
    source: Source

    @model_validator(mode="after")
    def _timed(self) -> Treatment:
        if self.essential and self.target_minutes is None:
            raise ValueError(f"treatment {self.id}: an essential treatment needs target_minutes")
        return self


class Harm(Rule):
    """What harms: any of the codes from the n-th dose on, unless one of `unless` was given before, when the circumstances hold.

    `push` (1/h) drives severity up for `push_hours`. `event_loss` is the expected utility loss of the event, `event_death` its expected deaths; both
    count once for a patient.
    """

    id: str
    says: Text
    any_of: Annotated[tuple[str, ...], Field(min_length=1)]
    unless: tuple[str, ...] = ()
    when: tuple[When, ...] = ()
    from_dose: Annotated[int, Field(ge=1)] = 1
    push: NonNegative = 0.0
    push_hours: NonNegative = 0.0
    event_loss: Sourced | None = None
    event_death: Share = 0.0
    source: Source

    @model_validator(mode="after")
    def _harmful(self) -> Harm:
        if self.push * self.push_hours + self.event_death <= 0.0 and self.event_loss is None:
            raise ValueError(f"harm {self.id}: give push with push_hours, event_loss or event_death")
        return self


class Acuity(Rule):
    """The right triage level (ESI 1 to 5) from a level of severity on."""

    above: Share
    esi: Level


class Fitted(Rule):
    """Numbers found by `checks/fit_conditions.py` so that the outcomes of the sheet come out of the course.

    `lethality` (1/h) is the hazard of death at full severity, `effect_scale` multiplies all effects, and disability is
    `1 - exp(-(disability_rate * exposure) ** disability_power)` with the exposure in hours at full severity.
    """

    lethality: NonNegative
    effect_scale: Positive
    disability_rate: NonNegative
    disability_power: Positive


class Sources(Rule):
    """Where the numbers of the blocks without a source of their own come from, or the word assumption."""

    complaints: Source
    acuity: Source
    vitals: Source
    labs: Source
    words: Source
    ecg: Source
    imaging: Source
    disability: Source

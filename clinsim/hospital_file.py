"""The hospital as data: places, staff, stages, catalogues and rules, each number with its source.

Read from `scenarios/hospitals/NAME.yaml`. Times are minutes unless a name says hours; shares are probabilities.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from clinsim.data_file import Rule

Positive = Annotated[float, Field(gt=0)]
NonNegative = Annotated[float, Field(ge=0)]
Share = Annotated[float, Field(ge=0, le=1)]
Source = Annotated[str, Field(min_length=3, description="where the numbers come from, or the word assumption")]


class Duration(Rule):
    """How long a stage takes (minutes): lognormal by median and sigma of the log, exponential by mean, or fixed."""

    kind: Literal["lognormal", "exponential", "fixed"]
    median: Positive | None = None
    sigma: NonNegative | None = None
    mean: Positive | None = None
    minutes: NonNegative | None = None
    source: Source


class PoolRule(Rule):
    """A kind of place, machine or staff: how many, where, and who cleans up after use.

    `schedule` changes the number of units at given hours of the day: pairs (hour, units). `turnover` minutes pass before a unit is free again.
    """

    units: Annotated[int, Field(ge=0)]
    location: str
    kind: Literal["place", "bed", "staff", "machine", "room"]
    schedule: tuple[tuple[NonNegative, Annotated[int, Field(ge=0)]], ...] = ()
    turnover: NonNegative = 0.0
    source: Source


class Floor(Rule):
    """Walking between locations: edges (a, b, minutes) of an undirected graph; `scale` multiplies them all."""

    edges: tuple[tuple[str, str, NonNegative], ...]
    scale: Positive = 1.0
    source: Source


class PanelRule(Rule):
    """A laboratory panel or bedside test: what it measures, how it is collected and analysed.

    `critical` gives, by analyte, the low and high limits beyond which the laboratory phones.
    """

    title: str
    analytes: tuple[str, ...]
    bedside: bool = False
    collect: NonNegative
    analyse: Duration
    critical: dict[str, tuple[float, float]] = Field(default_factory=dict)
    cost: NonNegative = 0.0
    source: Source


class ProcedureRule(Rule):
    """A bedside or theatre procedure: what it needs, how long, and whether the patient leaves the place for it."""

    title: str
    room: str = ""
    service: str = ""
    prepare: NonNegative = 0.0
    minutes: NonNegative
    nurse: bool = True
    cost: NonNegative = 0.0
    source: Source


class ServiceRule(Rule):
    """A consulting service: title and minutes until its advice is in the chart."""

    title: str
    answer: Duration
    source: Source


class TriageRule(Rule):
    """Nurse triage: how often the level is set one too low (over-triage) or too high (under-triage)."""

    under: Share
    over: Share
    zone_by_esi: dict[int, str]
    source: Source


class PatienceRule(Rule):
    """How long a waiting patient stays unseen: a share waits for ever, the others by a Weibull law (minutes)."""

    never_leave: Share
    shape: Positive
    scale: Positive
    stays_at_esi: tuple[int, ...]
    source: Source


class UnitRule(Rule):
    """An inpatient unit: its bed pool, its nurses, how full it is at the start, how long patients stay, how often they are observed."""

    beds: str
    nurses: str
    occupied: Share
    stay: Duration
    observe_every: Positive
    deteriorating_share: Share
    source: Source


class BackgroundRule(Rule):
    """Work from the rest of the hospital: ward prescriptions to verify and ward studies to read, per hour."""

    prescriptions_per_hour: NonNegative
    studies_per_hour: NonNegative
    error_share: Share
    significant_share: Share
    abnormal_share: Share
    study_stakes: NonNegative
    verification_patience: Positive
    source: Source


class AlarmRule(Rule):
    """Bedside monitoring: zones with monitors, minutes between charted sets, thresholds by vital (low, high), false alarms per patient-hour."""

    zones: tuple[str, ...]
    every: Positive
    limits: dict[str, tuple[float, float]]
    false_per_hour: NonNegative
    snooze: Positive
    source: Source


class MessageRule(Rule):
    """What messages cost: delivery delay, reading time per 100 characters, and how long a phone call waits before it is left as a message."""

    delay: NonNegative
    read_per_100_characters: NonNegative
    call_patience: NonNegative
    source: Source


class CareRule(Rule):
    """Default care by those who take over, for settlement: hours after arrival at which essential treatment starts if nobody has begun it.

    In the hospital the clock is the same wherever the patient lies (a bed alone treats nothing); at home the patient must first come back.
    """

    in_hospital_hours: Positive
    at_home_hours: Positive
    unnecessary_bed_loss: NonNegative
    unnecessary_icu_loss: NonNegative
    wrong_home_loss: NonNegative
    pain_loss_per_hour: NonNegative
    needless_drug_loss: NonNegative
    unfinished_loss: NonNegative
    source: Source


class BreakdownRule(Rule):
    """A machine that fails: mean minutes between failures and mean repair minutes (both exponential)."""

    mean_up: Positive
    mean_down: Positive
    source: Source


class NurseTasks(Rule):
    """Minutes that nursing tasks take, and the class of nurse by zone."""

    collect: NonNegative
    give: NonNegative
    observe: NonNegative
    bedside: NonNegative
    by_zone: dict[str, str]
    source: Source


class HospitalFile(Rule):
    """A hospital: everything that is the same for all scenarios set in it."""

    id: str
    version: Annotated[int, Field(ge=1)]
    title: str
    floor: Floor
    pools: dict[str, PoolRule]
    stages: dict[str, Duration]
    panels: dict[str, PanelRule]
    procedures: dict[str, ProcedureRule]
    services: dict[str, ServiceRule]
    scanners: dict[str, str]
    triage: TriageRule
    patience: PatienceRule
    nursing: NurseTasks
    units: dict[str, UnitRule]
    background: BackgroundRule
    alarms: AlarmRule
    messages: MessageRule
    default_care: CareRule
    breakdowns: dict[str, BreakdownRule]
    service_minutes: dict[str, NonNegative]
    service_source: Source
    door_to_doctor: dict[int, Positive]
    door_to_doctor_source: Source
    standing_orders: str

"""The hospital as data: places, staff, stages, catalogues and rules, each number with its source.

Read from `scenarios/hospitals/NAME.yaml`. Times are minutes unless a name says hours; shares are probabilities.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import Field, model_validator

from clinsim.data_file import Rule

LONGEST = 1e7
"""No time, cost or weight is larger (nineteen years in minutes): more is a slip of the pen, and overflows when it is drawn from."""
Positive = Annotated[float, Field(gt=0, le=LONGEST)]
NonNegative = Annotated[float, Field(ge=0, le=LONGEST)]
Recurring = Annotated[float, Field(ge=0.1, le=LONGEST, description="minutes between things that happen again and again")]
PerHour = Annotated[float, Field(ge=0, le=1000)]
Units = Annotated[int, Field(ge=0, le=100_000)]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=100, description="part of file names: letters, digits and _")]
Share = Annotated[float, Field(ge=0, le=1)]
Source = Annotated[str, Field(min_length=3, description="where the numbers come from, or the word assumption")]


class Duration(Rule):
    """How long a stage takes (minutes): lognormal by median and sigma of the log, exponential by mean, or fixed."""

    kind: Literal["lognormal", "exponential", "fixed"]
    median: Positive | None = None
    sigma: Annotated[float, Field(ge=0, le=10)] | None = None
    mean: Positive | None = None
    minutes: NonNegative | None = None
    source: Source

    @model_validator(mode="after")
    def _complete(self) -> Duration:
        needed = {"lognormal": ("median", "sigma"), "exponential": ("mean",), "fixed": ("minutes",)}[self.kind]
        if any(getattr(self, name) is None for name in needed):
            raise ValueError(f"a {self.kind} duration needs {' and '.join(needed)}")
        return self


class PoolRule(Rule):
    """A kind of place, machine or staff: how many, where, and who cleans up after use.

    `schedule` changes the number of units at given hours of the day: pairs (hour, units). `turnover` minutes pass before a unit is free again.
    """

    units: Units
    location: str
    kind: Literal["place", "bed", "staff", "machine", "room"]
    schedule: tuple[tuple[Annotated[float, Field(ge=0, lt=24)], Units], ...] = ()
    turnover: NonNegative = 0.0
    source: Source


class Floor(Rule):
    """Walking between locations: edges (a, b, minutes) of an undirected graph; `scale` multiplies them all."""

    edges: Annotated[tuple[tuple[str, str, NonNegative], ...], Field(min_length=1)]
    scale: Positive = 1.0
    source: Source


class PanelRule(Rule):
    """A laboratory panel or bedside test: what it measures, how it is collected and analysed.

    `critical` gives, by analyte, the low and high limits beyond which the laboratory phones. What `grows` (a culture) takes no analyser meanwhile.
    """

    title: str
    analytes: tuple[str, ...]
    bedside: bool = False
    grows: bool = False
    collect: NonNegative
    analyse: Duration
    critical: dict[str, tuple[float, float]] = Field(default_factory=dict)
    source: Source


class ProcedureRule(Rule):
    """A bedside or theatre procedure: what it needs, how long, and whether the patient leaves the place for it."""

    title: str
    room: str = ""
    service: str = ""
    prepare: NonNegative = 0.0
    minutes: NonNegative
    nurse: bool = True
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
    """An inpatient unit: its bed pool, its nurses, how full it is at the start, how long patients stay, how often they are observed.

    With `under_way`, those who lie there at the start have been there for a while: what is left of their stay is that of a random moment.
    Without, their stays begin at the start, and in the first days fewer beds fall free than later.
    """

    beds: str
    nurses: str
    occupied: Share
    stay: Duration
    observe_every: Recurring
    under_way: bool = False
    deteriorating_share: Share
    source: Source


class BackgroundRule(Rule):
    """Work from the rest of the hospital: ward prescriptions to verify and ward studies to read, per hour."""

    prescriptions_per_hour: PerHour
    studies_per_hour: PerHour
    error_share: Share
    abnormal_share: Share
    study_stakes: NonNegative
    verification_patience: Positive
    source: Source


class AlarmRule(Rule):
    """Bedside monitoring: zones with monitors, minutes between charted sets, thresholds by vital (low, high), false alarms per patient-hour."""

    zones: tuple[str, ...]
    every: Recurring
    limits: dict[Literal["hr", "sbp", "rr", "spo2", "temp", "gcs", "pain"], tuple[float, float]]
    false_per_hour: PerHour
    snooze: Recurring
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
    pain_loss_per_hour: NonNegative
    icu_boarding_loss_per_hour: NonNegative
    needless_drug_loss: NonNegative
    source: Source


class BreakdownRule(Rule):
    """A machine that fails: mean minutes between failures and mean repair minutes (both exponential)."""

    mean_up: Recurring
    mean_down: Recurring
    source: Source


class NurseTasks(Rule):
    """Minutes that nursing tasks take, and the class of nurse by zone."""

    give: NonNegative
    observe: NonNegative
    by_zone: dict[str, str]
    source: Source


class HospitalFile(Rule):
    """A hospital: everything that is the same for all scenarios set in it."""

    id: Name
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
    standing_orders: Name


class Reference(NamedTuple):
    """A field whose value names something else in the file, and what there is to be named."""

    field: str
    value: str
    allowed: Collection[str]


KEPT = ("pools", "stages", "panels", "procedures", "services", "scanners", "units", "service_minutes", "door_to_doctor")
"""Mappings from which an override may not take an entry away: conditions, tools and pathways ask for each by name."""
WALKED = ("waiting_room", "ed", "laboratory")
"""Locations that the pathways themselves walk between."""


def first_fault(hospital: HospitalFile, shipped: dict[str, Any]) -> str:
    """The first field of `hospital` that names what is not there, or lacks what the `shipped` file has (empty: none)."""
    for name in KEPT:
        missing = {str(key) for key in shipped[name]} - {str(key) for key in getattr(hospital, name)}
        if missing:
            return f"{name}: missing {', '.join(sorted(missing))}; entries may be changed or added, not left out"
    for esi in sorted({1, 2, 3, 4, 5} - set(hospital.triage.zone_by_esi)):
        return f"triage.zone_by_esi: missing {esi}"
    for field, value, allowed in _references(hospital):
        if value not in allowed:
            return f"{field}: unknown {value!r}; allowed {', '.join(sorted(filter(None, allowed)))}"
    return ""


def _references(hospital: HospitalFile) -> Iterator[Reference]:
    pools, units = hospital.pools, hospital.units
    places = {place for a, b, _ in hospital.floor.edges for place in (a, b)}
    yield from (Reference("floor.edges", place, places) for place in WALKED)
    yield from (Reference(f"pools.{name}.location", pool.location, places) for name, pool in pools.items())
    for name, unit in units.items():
        yield Reference(f"units.{name}.beds", unit.beds, pools)
        yield Reference(f"units.{name}.nurses", unit.nurses, pools)
    for name, rule in hospital.procedures.items():
        yield Reference(f"procedures.{name}.room", rule.room, {"", *pools})
        yield Reference(f"procedures.{name}.service", rule.service, {"", *hospital.services})
    yield from (Reference(f"scanners.{name}", pool, pools) for name, pool in hospital.scanners.items())
    yield from (Reference(f"nursing.by_zone.{name}", pool, pools) for name, pool in hospital.nursing.by_zone.items())
    yield from (Reference(f"triage.zone_by_esi.{esi}", pool, pools) for esi, pool in hospital.triage.zone_by_esi.items())
    yield from (Reference("alarms.zones", zone, {*pools, *units}) for zone in hospital.alarms.zones)
    yield from (Reference("breakdowns", pool, pools) for pool in hospital.breakdowns)

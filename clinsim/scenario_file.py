"""Scenarios as data: one file each, read by one strict model; an error names the file, the field and what is allowed.

A scenario names its hospital file and what is special: when it starts, who is seated, who arrives, what is broken, how rewards are weighed.
`load_scenario("ed_evening")` finds a shipped file; a path to a YAML file works as well.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from copy import copy
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from clinsim.condition_file import Condition
from clinsim.data_file import Rule, checked, read_data, read_yaml, refuse_deep
from clinsim.errors import ScenarioError
from clinsim.hospital_file import HospitalFile, Name, NonNegative, Share, Source, first_fault
from clinsim.record import ROLES, Role
from clinsim.scenario_parts import (
    ArrivalRule,
    Budget,
    EventRule,
    GivenPatient,
    MixRule,
    SeatRule,
    StandingOrders,
    Thinking,
)

LONGEST_SHIFT = 1380.0
"""Minutes that a shift may last which comes again every day: the next one begins after the last one was handed over."""
Overrides = tuple[tuple[str, Any], ...]


class ScenarioFile(Rule):
    """What stands in one scenario file."""

    id: Name
    version: Annotated[int, Field(ge=1)]
    title: str
    story: str
    hospital: Name
    starts_at_hour: Annotated[float, Field(ge=0, lt=24)]
    horizon_minutes: Annotated[float, Field(gt=0, le=525600)]
    ends: Literal["horizon", "all_departed"]
    warm_up_minutes: NonNegative = 0.0
    assignment: Literal["claim", "round_robin"] = "claim"
    seats: Annotated[tuple[SeatRule, ...], Field(min_length=1)]
    background: tuple[SeatRule, ...] = ()
    arrivals: ArrivalRule | None = None
    case_mix: MixRule | None = None
    patients: tuple[GivenPatient, ...] = ()
    events: tuple[EventRule, ...] = ()
    budget: Budget
    thinking: Thinking
    tools: dict[Role, tuple[str, ...]] = Field(default_factory=dict)
    house_rules: str = ""
    hospital_overrides: dict[str, Any] = Field(default_factory=dict)
    rewards: dict[str, float]
    shares: dict[Role, Share]
    rewards_source: Source
    source: Source

    @model_validator(mode="after")
    def _consistent(self) -> ScenarioFile:
        agents = [seat.agent for seat in (*self.seats, *self.background)]
        if len(set(agents)) != len(agents):
            raise ValueError(f"seats and background name an agent twice: {sorted(agents)}")
        if (self.arrivals is None) != (self.case_mix is None):
            raise ValueError("arrivals and case_mix go together: give both or neither")
        if self.arrivals is not None and not any(self.arrivals.percent_of_day):
            raise ValueError("arrivals.percent_of_day: all are 0; give per_day 0 if nobody arrives")
        if self.arrivals is None and not self.patients:
            raise ValueError("nobody arrives: give arrivals with case_mix, or patients")
        return self


class Scenario:
    """A scenario with its hospital and standing orders, checked and hashed; read-only."""

    def __init__(self, file: ScenarioFile, hospital: HospitalFile, standing: StandingOrders, origin: str) -> None:
        """Join the parts; `origin` is the file as the user named it."""
        self.file = file
        self.hospital = hospital
        self.standing_orders = standing.orders
        self.origin = origin
        content = [file.model_dump(mode="json"), hospital.model_dump(mode="json"), standing.model_dump(mode="json")]
        self.hash = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        self.id = file.id
        self.version = file.version
        self.seats = file.seats
        self.background = file.background
        self.budget = file.budget
        self.thinking = file.thinking
        self.horizon_minutes = file.horizon_minutes
        self.house_rules = file.house_rules
        self.rewards = file.rewards
        self.shares = file.shares
        self.sheets: Mapping[str, Condition] | None = None

    def with_sheets(self, sheets: Mapping[str, Condition]) -> Scenario:
        """This scenario with other condition sheets than the shipped ones, and a hash of its own."""
        other = copy(self)
        other.sheets = sheets
        content = [self.hash, *(sheet.model_dump(mode="json") for _, sheet in sorted(sheets.items()))]
        other.hash = sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
        return other

    def tools(self, role: Role) -> tuple[str, ...] | None:
        """Names of the tools granted to `role` (None: all that the toolset has for it)."""
        return self.file.tools.get(role)


@lru_cache(maxsize=1)
def scenario_names() -> tuple[str, ...]:
    """Names of the shipped scenarios, in alphabetical order: of the data files beside them, those that have a horizon."""
    found = [item for item in files("clinsim.scenarios").iterdir() if item.name.endswith(".yaml")]
    return tuple(sorted(item.name.removesuffix(".yaml") for item in found if "\nhorizon_minutes:" in item.read_text(encoding="utf-8")))


@lru_cache(maxsize=1)
def condition_names() -> tuple[str, ...]:
    """Names of the shipped condition sheets, in alphabetical order."""
    folder = files("clinsim.scenarios") / "conditions"
    return tuple(sorted(item.name.removesuffix(".yaml") for item in folder.iterdir() if item.name.endswith(".yaml")))


FILE_ENDINGS = frozenset({".yaml", ".yml"})


def load_scenario(name: str, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """Load a shipped scenario by name, or a YAML file by path, with optional overrides by dotted field (`hospital.pools.ct.units`).

    Raises:
        ScenarioError: The name is unknown or the file is wrong; the message names file, field and what is allowed.
    """
    frozen = tuple(sorted((overrides or {}).items()))
    if Path(name).suffix in FILE_ENDINGS:
        return _assemble(_text_of_path(name), name, frozen)
    return _shipped(name, json.dumps(frozen))


@lru_cache(maxsize=64)
def _shipped(name: str, overrides: str) -> Scenario:
    if name not in scenario_names():
        raise ScenarioError(f"unknown scenario {name!r}; there are {', '.join(scenario_names())}")
    text = (files("clinsim.scenarios") / f"{name}.yaml").read_text(encoding="utf-8")
    return _assemble(text, f"{name}.yaml", tuple((key, value) for key, value in json.loads(overrides)))


def _text_of_path(name: str) -> str:
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, ValueError) as problem:  # ValueError: no UTF-8, or a name that no file can have
        raise ScenarioError(f"{name}: cannot be read ({problem.__class__.__name__}); shipped scenarios: {', '.join(scenario_names())}") from problem
    refuse_deep(text, name)
    return text


def _assemble(text: str, origin: str, overrides: Overrides) -> Scenario:
    own = {key: value for key, value in overrides if not key.startswith("hospital.")}
    raw = _with_overrides(read_yaml(text, origin), own, origin)
    file = checked(ScenarioFile, raw, origin)
    house = {key.removeprefix("hospital."): value for key, value in overrides if key.startswith("hospital.")}
    shipped = read_data(f"hospitals/{file.hospital}.yaml", f"{origin}: hospital: ")
    changed, hospital = _hospital(shipped, shipped, file.hospital_overrides, origin, "hospital_overrides.")
    _, hospital = _hospital(shipped, changed, house, origin, "hospital.") if house else (changed, hospital)
    sheet = f"hospitals/{hospital.standing_orders}.yaml"
    standing = checked(StandingOrders, read_data(sheet, f"{origin}: standing_orders: "), sheet)
    _check_references(file, hospital, origin)
    return Scenario(file, hospital, standing, origin)


def _hospital(shipped: Any, raw: Any, overrides: Mapping[str, Any], origin: str, under: str) -> tuple[Any, HospitalFile]:
    """`raw` with overrides, as data and checked; a fault is the overrides', since shipped files have none."""
    changed = _with_overrides(raw, overrides, origin, under)
    hospital = checked(HospitalFile, changed, origin, under)
    fault = first_fault(hospital, shipped)
    if fault:
        raise ScenarioError(f"{origin}: {under}{fault}")
    return changed, hospital


def _check_references(file: ScenarioFile, hospital: HospitalFile, origin: str) -> None:
    for seat in (*file.seats, *file.background):
        if seat.ends_at is not None and seat.ends_at <= seat.starts_at:
            raise ScenarioError(f"{origin}: seats.{seat.agent}.ends_at: {seat.ends_at} must lie after starts_at {seat.starts_at}")
        if seat.every_day and not (seat.ends_at is not None and seat.ends_at - seat.starts_at <= LONGEST_SHIFT):
            raise ScenarioError(f"{origin}: seats.{seat.agent}.every_day: needs ends_at, at most {LONGEST_SHIFT:g} minutes after starts_at")
    _check_minutes(file, origin)
    _check_subjects(file, hospital, origin)
    missing = [role for role in ROLES if role not in file.shares]
    if missing:
        raise ScenarioError(f"{origin}: shares: missing {', '.join(missing)}")


def _check_minutes(file: ScenarioFile, origin: str) -> None:
    """Refuse what would never come: seats, patients and events from the horizon on (background staff may keep a longer roster)."""
    minutes = {f"seats.{seat.agent}.starts_at": seat.starts_at for seat in file.seats}
    minutes |= {f"patients.{number}.minute": patient.minute for number, patient in enumerate(file.patients) if not patient.unit}
    minutes |= {f"events.{number}.minute": event.minute for number, event in enumerate(file.events)}
    for field, minute in minutes.items():
        if minute >= file.horizon_minutes:
            raise ScenarioError(f"{origin}: {field}: {minute:g} is not before the end; allowed below horizon_minutes {file.horizon_minutes:g}")


def _check_subjects(file: ScenarioFile, hospital: HospitalFile, origin: str) -> None:
    for event in file.events:
        allowed = hospital.pools if event.kind == "down" else (file.case_mix.weights if file.case_mix else {})
        if event.subject not in allowed:
            raise ScenarioError(f"{origin}: events.subject: unknown {event.subject!r}; allowed {', '.join(sorted(allowed))}")
    for patient in file.patients:
        if patient.unit and patient.unit not in hospital.units:
            raise ScenarioError(f"{origin}: patients.unit: unknown {patient.unit!r}; allowed {', '.join(sorted(hospital.units))}")
    named = [*(file.case_mix.weights if file.case_mix else ()), *(name for patient in file.patients for name in patient.choices)]
    unknown = [name for name in named if name not in condition_names()]
    if unknown:
        raise ScenarioError(f"{origin}: unknown condition {unknown[0]!r}; there are {', '.join(condition_names())}")


def _with_overrides(raw: Any, overrides: Mapping[str, Any], origin: str, under: str = "") -> Any:
    for dotted, value in overrides.items():
        raw = _replaced(raw, dotted.split("."), value, origin, under + dotted)
    return raw


def _replaced(raw: Any, path: list[str], value: Any, origin: str, dotted: str) -> Any:
    if isinstance(raw, list) and path[0].isdigit() and int(path[0]) < len(raw):
        index = int(path[0])
        inner = value if len(path) == 1 else _replaced(raw[index], path[1:], value, origin, dotted)
        return [*raw[:index], inner, *raw[index + 1 :]]
    if not isinstance(raw, dict):
        raise ScenarioError(f"{origin}: cannot set {dotted!r}: {path[0]!r} is not inside a mapping")
    if len(path) > 1 and path[0] not in raw:
        raise ScenarioError(f"{origin}: cannot set {dotted!r}: no field {path[0]!r}; there are {', '.join(sorted(map(str, raw)))}")
    return {**raw, path[0]: value if len(path) == 1 else _replaced(raw[path[0]], path[1:], value, origin, dotted)}

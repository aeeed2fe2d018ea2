"""The parts of a scenario file: seats, arrivals, patients, case mix, events, budgets, and the nurses' standing orders of its hospital."""

from __future__ import annotations

import operator
from typing import Annotated, Literal

from pydantic import Field, model_validator

from clinsim.data_file import Rule
from clinsim.hospital_file import NonNegative, Positive, Share, Source
from clinsim.record import Role


class SeatRule(Rule):
    """A member of staff who decides: agent id, role, and the minutes at which the shift begins and ends (None: stays to the end).

    With `every_day` the same shift comes again a day later, and so on.
    """

    agent: Annotated[str, Field(pattern=r"^[a-z]+_[0-9]+$")]
    role: Role
    starts_at: NonNegative = 0.0
    ends_at: Positive | None = None
    every_day: bool = False
    hands_over_to: str = ""


class ArrivalRule(Rule):
    """Arrivals as a non-homogeneous Poisson process: patients per day, share of the day in each hour 0-23 (per cent), and a multiplier.

    `day_spread` makes days differ more than chance alone: each day (24 h from the start) has a lognormal factor with mean 1 and this spread of its
    logarithm, so that the variance of a day's count is its mean plus (mean x spread)^2, about. `ambulance_share` comes by ambulance; with
    `ambulance_by_esi` the share is that of the patient's true level, and `ambulance_share` says what it comes to.
    """

    per_day: Annotated[float, Field(ge=0, le=100_000)]
    percent_of_day: Annotated[tuple[NonNegative, ...], Field(min_length=24, max_length=24)]
    multiplier: Annotated[float, Field(ge=0, le=100)] = 1.0
    day_spread: Annotated[float, Field(ge=0, le=1)] = 0.0
    ambulance_share: Share
    ambulance_by_esi: dict[int, Share] = Field(default_factory=dict, exclude_if=operator.not_)
    source: Source

    @model_validator(mode="after")
    def _every_level(self) -> ArrivalRule:
        if self.ambulance_by_esi and set(self.ambulance_by_esi) != {1, 2, 3, 4, 5}:
            raise ValueError("ambulance_by_esi: give all levels 1 to 5, or none")
        return self


class GivenPatient(Rule):
    """A patient who is written into the scenario: condition, and either the minute of arrival or the unit where the patient already lies."""

    condition: str = ""
    one_of: tuple[str, ...] = ()
    minute: NonNegative = 0.0
    unit: str = ""
    ambulance: bool = False

    @model_validator(mode="after")
    def _named(self) -> GivenPatient:
        if bool(self.condition) == bool(self.one_of):
            raise ValueError("give either condition or one_of (drawn anew for each seed)")
        return self

    @property
    def choices(self) -> tuple[str, ...]:
        """The conditions that this patient may have."""
        return self.one_of or (self.condition,)


class MixRule(Rule):
    """Case mix: weight of each condition among arrivals.

    `mixed` says for a condition how often, beside what is usual, those who come with it have and say what has nothing to do with it
    (`scenarios/bodies/scatter.yaml`); 1 where nothing stands.
    """

    weights: Annotated[dict[str, NonNegative], Field(min_length=1)]
    source: Source
    mixed: dict[str, Share] = Field(default_factory=dict, exclude_if=operator.not_)
    mixed_source: Source = Field(default="assumption", exclude_if=lambda source: source == "assumption")

    @model_validator(mode="after")
    def _weighed(self) -> MixRule:
        strange = sorted(set(self.mixed) - set(self.weights))
        if strange:
            raise ValueError(f"mixed: {strange[0]!r} has no weight; allowed {', '.join(self.weights)}")
        return self


class EventRule(Rule):
    """Something that happens at a minute: a machine is down for some minutes, or extra patients of a condition arrive (a surge)."""

    minute: NonNegative
    kind: Literal["down", "arrivals"]
    subject: str
    minutes: NonNegative = 0.0
    count: Annotated[int, Field(ge=0, le=10_000)] = 0


class Budget(Rule):
    """What a seat may spend: errors (unreadable or refused actions) and actions in all (0: unlimited)."""

    errors: Annotated[int, Field(ge=1)]
    actions: Annotated[int, Field(ge=0)] = 0


class Thinking(Rule):
    """What thinking costs: minutes per character of the reply, with a cap in minutes."""

    minutes_per_character: NonNegative
    cap_minutes: NonNegative
    source: Source


class StandingOrder(Rule):
    """What nurses do without asking: for whom (complaint, or a charted vital beyond a limit), and what."""

    id: str
    complaints: tuple[str, ...] = ()
    vital: str = ""
    below: float | None = None
    above: float | None = None
    do: Literal["test", "procedure", "escalate"]
    code: str
    source: Source


class StandingOrders(Rule):
    """The nurses' standing orders of a hospital."""

    id: str
    orders: tuple[StandingOrder, ...]

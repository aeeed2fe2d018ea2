"""Protocols as data: what guidelines say to ask for, to give and to conclude, each with its source.

Read from `protocols/*.yaml` beside this module. Drugs, tests, studies, procedures and services are named by the strings that the tools accept.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from clinsim.agents.criteria import compiled
from clinsim.record import Priority

Source = Annotated[str, Field(min_length=3, description="where it comes from, or the word assumption")]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, le=1)]
What = Literal["test", "imaging", "drug", "procedure", "consult", "stop"]


class Sheet(BaseModel):
    """Base of everything read from the protocol files: nothing extra, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    @field_validator("when", "unless", "again_while", mode="after", check_fields=False)
    @classmethod
    def _is_criterion(cls, value: Any) -> Any:
        compiled(value)
        return value


class Step(Sheet):
    """One thing to order: a test, a study, a drug in a dose, a procedure, a consult, or a home drug to stop.

    `dose` is in `unit`, per kg of body weight if `per_kg`, then at most `most`. `unless` names what forbids it;
    `instead` is then tried in order. `again` minutes after the last time it is repeated, up to `times` in all, while
    `again_while` holds. `override` asks for an emergency drug before verification.
    """

    do: What
    code: str
    when: tuple[Any, ...] = ()
    unless: tuple[Any, ...] = ()
    priority: Priority = "urgent"
    dose: Positive | None = None
    per_kg: bool = False
    most: Positive | None = None
    unit: str = ""
    route: str = ""
    text: str = ""
    override: bool = False
    again: Positive | None = None
    times: Annotated[int, Field(ge=1)] = 1
    again_while: tuple[Any, ...] = ()
    instead: tuple[Step, ...] = ()

    @model_validator(mode="after")
    def _complete(self) -> Step:
        if self.do == "drug" and (self.dose is None or not self.unit or not self.route):
            raise ValueError(f"drug {self.code}: dose, unit and route are needed")
        if (self.times > 1) != (self.again is not None):
            raise ValueError(f"{self.code}: `again` and `times` go together")
        return self


class Protocol(Sheet):
    """What to do when something is seen or suspected; `level` orders protocols over all patients (0: life at stake)."""

    id: str
    title: str
    level: Annotated[int, Field(ge=0, le=5)]
    when: tuple[Any, ...]
    steps: tuple[Step, ...]
    source: Source


class Clue(Sheet):
    """A piece of evidence and what it is worth: natural-log odds by diagnosis, added when it holds."""

    id: str
    when: Any
    worth: dict[str, float]
    source: Source


class Disease(Sheet):
    """A diagnosis: title, base log-odds, log-odds by complaint (a complaint that is not named costs `elsewhere`).

    One of `needs` (tests or studies) should be back before it is written down.
    """

    title: str
    base: float
    complaints: dict[str, float]
    elsewhere: float
    needs: tuple[str, ...] = ()
    source: Source


class Placement(Sheet):
    """A rule of disposition: the first that holds says where the patient goes, and why."""

    to: Literal["home", "ward", "step_down", "icu"]
    when: tuple[Any, ...]
    reason: str
    source: Source


class Advice(Sheet):
    """What a patient is told on leaving: advice, and what should bring them back."""

    advice: str
    safety_net: str


class Verdicts(Sheet):
    """How a pharmacist decides on what a screening shows, by code of the alert; notes are read and passed."""

    change: tuple[str, ...]
    query: tuple[str, ...]
    reject: tuple[str, ...]
    source: Source


class Look(Sheet):
    """In which regions and windows a kind of study is looked at, in order, for questions that hold one of the words.

    With `stop_when_critical` the report is not kept waiting once something critical is seen.
    """

    study: str
    views: tuple[tuple[str, str], ...]
    question: str = ""
    stop_when_critical: bool = False
    source: Source


class Reading(Sheet):
    """Beyond which value of which measure, in which window, a finding is there; what is `chronic` may have been there before.

    `blur` is how far the measure strays by itself (its unit): a value that is closer to the limit decides less.
    """

    finding: str
    studies: tuple[str, ...]
    window: str
    measure: str
    above: float | None = None
    below: float | None = None
    blur: Positive
    critical: bool = False
    chronic: bool = False
    source: Source

    @model_validator(mode="after")
    def _one_limit(self) -> Reading:
        if (self.above is None) == (self.below is None):
            raise ValueError(f"{self.finding}: give one of above and below")
        return self

    def beyond(self, value: float | None) -> bool:
        """Whether a measure lies beyond the limit; what was not measured does not."""
        if value is None:
            return False
        return value > self.above if self.above is not None else self.below is not None and value < self.below

    def beside(self, value: float) -> float:
        """Distance of a value from the limit, in blurs."""
        limit = self.above if self.above is not None else self.below
        return abs(value - (limit or 0.0)) / self.blur


class Protocolling(Sheet):
    """Which protocol a study gets; the first row that fits the indication and the kidneys holds."""

    study: str
    protocol: str
    indication: str = ""
    egfr_from: float = 0.0
    source: Source


class Habits(Sheet):
    """How a clinician works: limits and intervals (minutes)."""

    own_patients: Annotated[int, Field(ge=1)]
    wait: Annotated[int, Field(ge=1, le=60)]
    confident: Share
    named: Share
    patience_for_orders: Positive
    patience_for_drugs: Positive
    recheck_sick: Positive
    recheck: Positive
    source: Source


class Protocols(Sheet):
    """All protocols of the guideline team."""

    habits: Habits
    protocols: tuple[Protocol, ...]
    diseases: dict[str, Disease]
    clues: tuple[Clue, ...]
    placements: tuple[Placement, ...]
    advice: dict[str, Advice]
    verdicts: Verdicts
    looks: tuple[Look, ...]
    readings: tuple[Reading, ...]
    places: dict[str, tuple[str, ...]]
    protocolling: tuple[Protocolling, ...]


_FILES = ("habits", "work_up", "emergencies", "treatment", "evidence", "disposition", "pharmacy", "radiology")


@lru_cache(maxsize=1)
def protocols() -> Protocols:
    """The shipped protocols, read once; lists that several files share are joined in the order of the files."""
    joined: dict[str, Any] = {}
    for name in _FILES:
        text = (files("clinsim.agents") / "protocols" / f"{name}.yaml").read_text(encoding="utf-8")
        for key, value in yaml.load(text, Loader=_LOADER).items():
            joined[key] = joined.get(key, []) + value if isinstance(value, list) else value
    return Protocols.model_validate(_frozen(joined))


_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def _frozen(value: Any) -> Any:
    """Lists as tuples: what has been read is not changed."""
    if isinstance(value, dict):
        return {key: _frozen(inner) for key, inner in value.items()}
    return tuple(_frozen(inner) for inner in value) if isinstance(value, list) else value

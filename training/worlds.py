"""Models where they did not learn: in other worlds, and beside other partners. `checks/generalisation.py` makes the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import torch
from pydantic import Field

from clinsim.agents.cast import Cast, Voice
from clinsim.agents.local import model_in
from clinsim.agents.rewording import Reworded, Wording
from clinsim.data_file import Rule, checked, read_yaml
from clinsim.record import ROLES, Past, Reply, Role, Seat, Turn
from clinsim.rollout import policy_for
from clinsim.scenario_file import Scenario, load_scenario
from clinsim.training.evaluate import Values, policy_values, values_of
from clinsim.training.kept import Row, files_in, key_from
from clinsim.training.rollouts import Plan, Rollout, Table, model_at, opened, play_block, play_out

SCENARIO = "first_hour"
OWN, OTHER = "own team", "another seed"
PARTNERS = (OWN, OTHER, "guideline", "guideline_noisy", "idle")
SCRIPTED = ("idle", "guideline")


class World(Rule):
    """Where a model is tried: the scenario with overrides, or one in which all is said in other words."""

    name: str
    says: str
    overrides: dict[str, Any] = Field(default_factory=dict)
    other_words: bool = False

    @property
    def scenario(self) -> Scenario:
        """The scenario of this world."""
        return load_scenario(SCENARIO, self.overrides)


class Worlds(Rule):
    """What stands in a file of worlds; the first is the one in which models learnt."""

    worlds: tuple[World, ...] = Field(min_length=1)


def worlds_in(file: Path) -> tuple[World, ...]:
    """The worlds of a file.

    Raises:
        ScenarioError: The file is wrong; the message names it, the field and what is allowed.
    """
    return checked(Worlds, read_yaml(file.read_text(encoding="utf-8"), file.name), file.name).worlds


class Visit(NamedTuple):
    """Some seeds of a world, played by a model (its folder) or by a scripted policy."""

    who: str
    world: World
    seeds: range


class Match(NamedTuple):
    """Some seeds of the scenario: a model or the guideline (`who`) in one role, the others with partners of one kind; `other` is another model."""

    who: str
    role: Role
    partner: str
    other: str
    seeds: range


class RewordedModel:
    """A model at its seats that reads everything in other words."""

    def __init__(self, inner: Any, wording: Wording) -> None:
        """Read for a model."""
        self.inner = inner
        self._reading = Reworded(inner, wording)

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode."""
        self._reading.start(seats, history)

    def asks(self, turns: Sequence[Turn]) -> list[Any]:
        """What is to be read for each turn."""
        return list(self.inner.asks(self._reading.read(turns)))

    def replies(self, turns: Sequence[Turn], written: Sequence[Any]) -> list[Reply]:
        """What was written, as replies."""
        return list(self.inner.replies(turns, written))


def visit_row(visit: Visit) -> Row:
    """Returns and rewards of a visit, by seed."""
    values = _scripted(visit) if visit.who in SCRIPTED else values_of(_modelled(visit))
    return {"who": visit.who, "world": visit.world.name, "values": values}


def _scripted(visit: Visit) -> Values:
    policy = policy_for(visit.who)
    return policy_values(Reworded(policy, Wording.load()) if visit.world.other_words else policy, visit.world.scenario, visit.seeds)


def _modelled(visit: Visit) -> list[Rollout]:
    torch.set_num_threads(1)
    cast, scenarios = Cast.load(model_in(Path(visit.who))), {SCENARIO: visit.world.scenario}
    plans = [Plan(SCENARIO, seed, 0) for seed in visit.seeds]
    if not visit.world.other_words:
        return play_block(cast, plans, scenarios)
    wording = Wording.load()
    return play_out(cast, [Table(plan, RewordedModel(model_at(plan, cast), wording), opened(plan, scenarios)) for plan in plans])


def match_row(match: Match) -> Row:
    """The return and the reward of the role of a match, by seed."""
    torch.set_num_threads(1)
    cast, partners = seated(match)
    if cast is None:
        values = policy_values(partners, SCENARIO, match.seeds)
    else:
        values = values_of(play_block(cast, [Plan(SCENARIO, seed, 0, partners) for seed in match.seeds], {SCENARIO: load_scenario(SCENARIO)}))
    return {"who": match.who, "role": match.role, "partner": match.partner, "values": values}


def seated(match: Match) -> tuple[Cast | None, dict[str, str]]:
    """The models at their roles, and who else plays: role to SPEC. No model is needed if all are scripted."""
    others: list[str] = [role for role in ROLES if role != match.role]
    models: dict[str, str] = {} if match.who in SCRIPTED else {match.role: match.who}
    beside = {OWN: match.who, OTHER: match.other}.get(match.partner, match.partner)
    is_model = match.partner == OTHER or (match.partner == OWN and match.who not in SCRIPTED)
    models |= dict.fromkeys(others, beside) if is_model else {}
    partners: dict[str, str] = {} if is_model else dict.fromkeys(others, beside)
    return _joined(models) if models else None, partners | ({match.role: match.who} if match.who in SCRIPTED else {})


def _joined(models: Mapping[str, str]) -> Cast:
    """The voices of several models, each for its roles; roles that none is named for get that of the first."""
    casts = {name: Cast.load(model_in(Path(name))) for name in dict.fromkeys(models.values())}
    names = {name: number for number, name in enumerate(casts)}
    engines = {f"{names[name]}/{base}": engine for name, cast in casts.items() for base, engine in cast.engines.items()}
    voices: dict[str, Voice] = {}
    for role in ROLES:
        name = models.get(role, next(iter(casts)))
        base, adapter = casts[name].voices[role]
        voices[role] = Voice(f"{names[name]}/{base}", adapter)
    return Cast(engines, voices)


def key_of(job: Visit | Match) -> str:
    """What a row holds for: the scenario, the files of the models, the words, and the job itself."""
    folders = [name for name in (job.who, job.other if isinstance(job, Match) else job.who) if name not in (*SCRIPTED, "")]
    files = [files_in(model_in(Path(folder))) for folder in folders]
    scenario = job.world.scenario if isinstance(job, Visit) else load_scenario(SCENARIO)
    words = sorted(Wording.load().words.items()) if isinstance(job, Visit) and job.world.other_words else ""
    named = (job.world.name, job.who in SCRIPTED and job.who) if isinstance(job, Visit) else (job.role, job.partner, job.who in SCRIPTED and job.who)
    return key_from(type(job).__name__, scenario.hash, *files, words, *named, job.seeds)

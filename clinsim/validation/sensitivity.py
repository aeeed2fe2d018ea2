"""How far conclusions hang on assumed effect sizes: other worlds, drawn from the intervals of the sheets, and the ranking of policies in each.

In a draw every outcome of every sheet is taken from its stated interval; effects, onset times, harms, growth and recovery are stretched or shrunk;
the sheet is fitted anew. Then all policies play the same two seeds: the same patients, arrivals and luck, so that what tells them apart is what they
do. Draws take turns over sixteen seeds, so that no conclusion hangs on two evenings. By hand: it takes long, goes on where it stopped, and `all`
plays none: it tells what is there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from math import exp, log
from pathlib import Path
from statistics import fmean
from typing import Any

from clinsim.agents.protocol_file import protocols
from clinsim.body_file import load_bodies
from clinsim.condition_file import Condition, load_conditions
from clinsim.condition_parts import CourseRule, Harm, Treatment
from clinsim.condition_parts import Estimate as Stated
from clinsim.errors import UsageError
from clinsim.hospital.safety import load_formulary
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import load_imaging
from clinsim.intervals import of_mean, of_pairs
from clinsim.processes import shared_out, workers
from clinsim.rollout import raw_env, run_episode
from clinsim.scenario_file import Scenario, load_scenario
from clinsim.validation.checks import Check, part, unjudged, within
from clinsim.validation.fitting import fit
from clinsim.validation.grounds import digest

PART = "sensitivity"
FILE = "sensitivity.jsonl"
BEGINNING = '{"draw": '
"""How each line of the file begins."""
FIRST_STREAM = 62_000_000
ASSUMED, CITED = 2.0, 1.33
"""Most by which an effect is multiplied or divided: where its source says that it is an assumption, and elsewhere (both assumptions)."""
HARMED, PACED = 3.0, 1.25
"""The same of the size of a harm, and of growth, recovery and the loss of a disability (assumptions)."""
BEST = "guideline"
RANKING = (
    ("guideline", "idle"),
    ("guideline", "guideline_slow"),
    ("guideline", "guideline_half"),
    ("guideline_slow", "idle"),
    ("guideline_half", "idle"),
)
"""Pairs of policies of which the first should lose less."""
POLICIES = ("guideline", "guideline_slow", "guideline_half", "idle")
LEAST_SHARE = 0.95
"""Least share of draws in which the guideline team must lose less than another (a requirement); the ranking of the others is told."""

Row = dict[str, Any]
"""`{draw, world, loss: {policy: mean utility loss}}`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played: scenario, number of draws, the seeds that draws take turns over, how many each plays, and simulated people for a fit.

    With 80 people the outcomes of a sheet come out within a few points, which is far inside their intervals.
    """

    scenario: str
    draws: int
    seeds: tuple[int, ...]
    people: int
    each: int = 1

    def seeds_of(self, draw: int) -> tuple[int, ...]:
        """The seeds that a draw plays."""
        return tuple(self.seeds[(draw * self.each + k) % len(self.seeds)] for k in range(self.each))


PLANS = {"full": Plan("ed_evening", 200, tuple(range(20_200, 20_216)), 80, each=2), "quick": Plan("ed_evening", 2, (20_200,), 40)}
HALVINGS = 9
"""Of the search for the scale of effects: it is then found to 1.2 %, where draws differ by a third and more."""


def report(quick: bool = False, folder: Path | None = None) -> dict[str, dict[str, Any]]:
    """The part `sensitivity`.

    Args:
        quick: Two draws instead of 200.
        folder: Where `sensitivity.jsonl` lies, to go on with; None keeps nothing.

    Raises:
        UsageError: The file is not of that layout.
    """
    return _told(played(PLANS["quick" if quick else "full"], folder))


def kept(folder: Path, plan: Plan = PLANS["full"]) -> dict[str, dict[str, Any]]:
    """The part out of the draws that lie in a folder, none played; empty if no world has all of them.

    If the sheets or the code have changed since, the draws of before are told, and that they are.

    Raises:
        UsageError: The file is not of that layout.
    """
    rows = _kept(folder / FILE)
    worlds = list(dict.fromkeys(row["world"] for row in reversed(rows)))
    now = world_of(plan) if worlds else ""
    for world in sorted(worlds, key=lambda name: name != now):  # this one first, then the latest
        drawn = {row["draw"]: row for row in rows if row["world"] == world}
        if set(range(plan.draws)) <= set(drawn):
            told = _told([drawn[draw] for draw in range(plan.draws)])
            told[PART]["checks"].append(unjudged("draws of the sheets and the code as they are now", world == now, True, n=plan.draws))
            return told
    return {}


def _told(rows: list[Row]) -> dict[str, dict[str, Any]]:
    pairs = [told(rows, better, worse) for told in (_ranked, _apart) for better, worse in RANKING]
    return part(PART, pairs + [_loss(rows, name) for name in POLICIES])


def played(plan: Plan, folder: Path | None = None) -> list[Row]:
    """The rows of all draws: those of the file, and those that are still to be played, which are written down as they come."""
    world = world_of(plan)
    path = folder / FILE if folder is not None else None
    rows = {row["draw"]: row for row in _kept(path) if row["world"] == world}
    left = [draw for draw in range(plan.draws) if draw not in rows]
    for first in range(0, len(left), workers()):
        fresh = shared_out(partial(play, plan=plan, world=world), left[first : first + workers()])
        rows |= {row["draw"]: row for row in fresh}
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(row) + "\n" for row in fresh)
    return [rows[draw] for draw in range(plan.draws)]


def _kept(path: Path | None) -> list[Row]:
    if path is None or not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        if lines and _is_torn(lines[-1]):
            path.write_text("".join(lines[:-1]), encoding="utf-8")
        rows: list[Row] = [json.loads(line) for line in lines if not _is_torn(line)]
        sound = all(set(POLICIES) <= set(row["loss"]) and isinstance(row["draw"], int) and row["world"] for row in rows)
    except (OSError, ValueError, KeyError, TypeError):
        sound = False
    if not sound:
        raise UsageError(f"{path}: is no file of draws; move it away or name another folder")
    return rows


def _is_torn(line: str) -> bool:
    """Whether a line is the beginning of a draw, cut off where the run was killed."""
    return not line.endswith("\n") and BEGINNING.startswith(line[: len(BEGINNING)])


def world_of(plan: Plan) -> str:
    """What the draws rest on, as a hash: scenario, hospital, sheets, bodies, drugs, images, protocols, by how much things are moved, and the code.

    How many draws there are is not among it: they can be gone on with.
    """
    scenario = load_scenario(plan.scenario)
    tables = (scenario.file, scenario.hospital, *scenario.standing_orders, *load_conditions().values(), load_bodies())
    known = (load_formulary(), load_imaging(), protocols())
    moved = [plan.seeds, plan.people, plan.each, HALVINGS, ASSUMED, CITED, HARMED, PACED]
    return digest([*(table.model_dump(mode="json") for table in (*tables, *known)), moved])


def play(draw: int, plan: Plan, world: str) -> Row:
    """Let every policy play the seeds in the world of a draw."""
    scenario = load_scenario(plan.scenario).with_sheets(varied(draw, plan.people))
    losses = {name: fmean(_lost(scenario, name, seed) for seed in plan.seeds_of(draw)) for name in POLICIES}
    return {"draw": draw, "world": world, "loss": {name: round(loss, 6) for name, loss in losses.items()}}


def _lost(scenario: Scenario, policy: str, seed: int) -> float:
    return float(run_episode(raw_env(scenario), policy, seed, observations=False).kpis["utility_loss"]["value"])


# ---------------------------------------------------------------- other worlds


def varied(draw: int, people: int, names: tuple[str, ...] = ()) -> Mapping[str, Condition]:
    """The sheets of a draw, fitted anew.

    Args:
        draw: Number of the draw.
        people: Simulated people for the fit.
        names: Sheets (none: all).
    """
    streams = Streams(FIRST_STREAM + draw)
    shipped = load_conditions()
    fresh = {name: _other(shipped[name], streams) for name in names or tuple(shipped)}
    return {name: sheet.model_copy(update={"fitted": fit(sheet, people, HALVINGS)}) for name, sheet in fresh.items()}


def _other(sheet: Condition, streams: Streams) -> Condition:
    """The sheet with outcomes from their intervals, and other sizes of what is assumed."""
    untreated, optimal = (_moved(stated, streams, f"{sheet.id}.death") for stated in (sheet.p_untreated, sheet.p_optimal))
    ill, well = (_moved(stated, streams, f"{sheet.id}.disability") for stated in (sheet.p_disability_untreated, sheet.p_disability))
    return sheet.model_copy(
        update={
            "p_untreated": untreated,
            "p_optimal": optimal if optimal.value < untreated.value else untreated,
            "p_disability_untreated": ill,
            "p_disability": well if well.value < ill.value else ill,
            "disability_loss": min(1.0, sheet.disability_loss * stretch(streams, f"{sheet.id}.disability_loss", PACED)),
            "course": _paced(sheet.course, streams, sheet.id),
            "treatments": tuple(_stronger(item, streams, f"{sheet.id}.{item.id}") for item in sheet.treatments),
            "harms": tuple(_worse(item, streams, f"{sheet.id}.{item.id}") for item in sheet.harms),
        }
    )


def stretch(streams: Streams, key: str, most: float) -> float:
    """A factor between 1 / `most` and `most`, even in its logarithm."""
    return exp(streams.between(-log(most), log(most), "stretch", key))


def _moved(stated: Stated, streams: Streams, key: str) -> Stated:
    """A probability from its interval; what a sheet says of those treated and untreated lies at the same place of each."""
    return stated.model_copy(update={"value": streams.between(stated.low, stated.high, "outcome", key)})


def _paced(course: CourseRule, streams: Streams, key: str) -> CourseRule:
    growth = course.growth * stretch(streams, f"{key}.growth", PACED)
    return course.model_copy(update={"growth": growth, "recovery": course.recovery * stretch(streams, f"{key}.recovery", PACED)})


def _stronger(treatment: Treatment, streams: Streams, key: str) -> Treatment:
    most = ASSUMED if "assumption" in treatment.source else CITED
    effect = treatment.effect * stretch(streams, f"{key}.effect", most)
    return treatment.model_copy(update={"effect": effect, "onset_minutes": treatment.onset_minutes * stretch(streams, f"{key}.onset", ASSUMED)})


def _worse(harm: Harm, streams: Streams, key: str) -> Harm:
    by = stretch(streams, f"{key}.harm", HARMED)
    event = harm.event_loss and harm.event_loss.model_copy(update={"value": min(1.0, harm.event_loss.value * by)})
    return harm.model_copy(update={"push": harm.push * by, "event_loss": event, "event_death": min(1.0, harm.event_death * by)})


# ---------------------------------------------------------------- what came out


def _ranked(rows: list[Row], better: str, worse: str) -> Check:
    name = f"share of draws in which {better} loses less than {worse}"
    share = fmean(row["loss"][better] < row["loss"][worse] for row in rows)
    if better != BEST:
        return unjudged(name, share, 1.0, n=len(rows), group="ranking")
    return within(name, share, 1.0, LEAST_SHARE, 1.0, n=len(rows), group="ranking")


def _apart(rows: list[Row], better: str, worse: str) -> Check:
    found = of_pairs([row["loss"][better] for row in rows], [row["loss"][worse] for row in rows])
    name = f"utility loss of {better} less that of {worse} over draws, paired, mean"
    return unjudged(name, found.mean, low=found.low, high=found.high, error=found.error, n=found.n, group="apart")


def _loss(rows: list[Row], name: str) -> Check:
    found = of_mean([row["loss"][name] for row in rows])
    return unjudged(f"utility loss of {name} over draws, mean", found.mean, error=found.error, n=found.n, group="loss")

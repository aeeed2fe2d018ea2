"""Models where they did not learn: other conditions, arrivals, hospital and words; and beside partners that they did not learn with.

    .venv/bin/python checks/generalisation.py                             # the shipped start
    .venv/bin/python checks/generalisation.py --model runs/quick/0 runs/quick/1 runs/quick/2 --workers 16 --out runs/generalisation

Models are folders of models or of runs, one for each training seed. Worlds stand in `checks/worlds.yaml`. Rows are kept in `generalisation.jsonl`
(keyed by scenario, models and seeds), so that a study that was cut off goes on where it stopped; the tables are written to `generalisation.md`.

All play the same test seeds. A drop is what models lose in a world against the one in which they learnt, less what the guideline team loses there.
Intervals are 95 %, by a bootstrap that draws models and test seeds, each for itself; differences are paired over both.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

from clinsim.intervals import Estimate, Runs, of_runs
from clinsim.record import ROLES, Role
from clinsim.training.kept import Row, collected
from clinsim.training.worlds import OTHER, OWN, PARTNERS, SCRIPTED, Match, Visit, World, key_of, match_row, visit_row, worlds_in

HERE = Path(__file__).resolve().parent
FIRST_TEST_SEED, TESTED, MATCHED = 23_000, 96, 32
AT_ONCE = 32
"""Episodes that a process plays in step."""
GUIDELINE = "guideline"
Grid = Mapping[tuple[str, str, str], Runs]
"""By world (or partner), who, and figure: a row for each model, a column for each seed."""


def chunks(count: int) -> list[range]:
    """The test seeds in parts."""
    last = FIRST_TEST_SEED + count
    return [range(first, min(first + AT_ONCE, last)) for first in range(FIRST_TEST_SEED, last, AT_ONCE)]


def visits(models: Sequence[str], worlds: Sequence[World], count: int) -> list[Visit]:
    """Everybody in every world."""
    return [Visit(who, world, seeds) for world in worlds for who in (*SCRIPTED, *models) for seeds in chunks(count)]


def matches(models: Sequence[str], count: int) -> list[Match]:
    """Every model, and the guideline, in each role with each kind of partner; of a single model there is no other seed."""
    kinds = [kind for kind in PARTNERS if kind != OTHER or len(models) > 1]
    after = dict(zip(models, [*models[1:], models[0]], strict=True)) | {GUIDELINE: models[0]}
    return [Match(who, role, kind, after[who], seeds) for who in (GUIDELINE, *models) for role in ROLES for kind in kinds for seeds in chunks(count)]


def joined(named: Sequence[tuple[str, str, Row]]) -> dict[tuple[str, str, str], list[float]]:
    """Values of rows by where, who and figure; the parts of one come in the order of their seeds."""
    found: dict[tuple[str, str, str], list[float]] = {}
    for where, who, row in named:
        for figure, values in row["values"].items():
            found.setdefault((where, who, figure), []).extend(values)
    return found


class Visited:
    """What came of the visits."""

    def __init__(self, jobs: Sequence[Visit], rows: Sequence[Row], models: Sequence[str]) -> None:
        """Sort rows by world, who and figure."""
        self.models = models
        self.home = jobs[0].world.name
        self._values = joined([(job.world.name, job.who, row) for job, row in zip(jobs, rows, strict=True)])

    def of_models(self, world: str, figure: str) -> Runs:
        """A row for each model."""
        return np.array([self._values[world, who, figure] for who in self.models])

    def of(self, who: str, world: str, figure: str) -> Runs:
        """A scripted policy, as often as there are models."""
        return np.array([self._values[world, who, figure]] * len(self.models))

    def share(self, world: str) -> Estimate:
        """How far the models go from idle to guideline in a world."""
        parts = self.of_models(world, "return"), self.of("idle", world, "return"), self.of(GUIDELINE, world, "return")
        return of_runs(lambda ours, idle, best: float((ours - idle).mean() / (best - idle).mean()), *parts)

    def drop(self, world: str, figure: str = "return") -> Estimate:
        """What models lose in a world beyond what the guideline loses there."""
        ours = self.of_models(self.home, figure) - self.of_models(world, figure)
        theirs = self.of(GUIDELINE, self.home, figure) - self.of(GUIDELINE, world, figure)
        return of_runs(lambda values: float(values.mean()), ours - theirs)


def shown(estimate: Estimate) -> str:
    """An estimate with its interval."""
    return f"{estimate.mean:.2f} ({estimate.low:.2f} to {estimate.high:.2f})"


def agent(role: Role) -> str:
    """The seat of a role: there is one of each."""
    return f"{role}_1"


def world_line(visited: Visited, world: World) -> list[str]:
    """The row of a world."""
    means = [visited.of(who, world.name, "return").mean() for who in SCRIPTED]
    means.append(visited.of_models(world.name, "return").mean())
    drops = [shown(visited.drop(world.name, figure)) for figure in ("return", *map(agent, ROLES))]
    own = visited.of(GUIDELINE, visited.home, "return").mean() - visited.of(GUIDELINE, world.name, "return").mean()
    moved = ["", "", "", "", ""] if world.name == visited.home else [f"{own:.2f}", *drops]
    return [world.name, world.says, *(f"{mean:.2f}" for mean in means), shown(visited.share(world.name)), *moved]


class Matched:
    """What came of the matches: what an agent earned for itself in its role."""

    def __init__(self, jobs: Sequence[Match], rows: Sequence[Row], models: Sequence[str]) -> None:
        """Sort rows by partner, role and who."""
        self.models = models
        named = [(f"{job.role}|{job.partner}", job.who, row) for job, row in zip(jobs, rows, strict=True)]
        self._values = joined(named)
        self.partners = list(dict.fromkeys(job.partner for job in jobs))

    def of(self, who: str, role: Role, partner: str) -> list[float]:
        """By seed."""
        return self._values[f"{role}|{partner}", who, agent(role)]

    def of_models(self, role: Role, partner: str) -> Runs:
        """A row for each model."""
        return np.array([self.of(who, role, partner) for who in self.models])

    def less(self, role: Role, partner: str) -> Estimate:
        """How much less models earn in a role with partners of a kind than with their own team."""
        return of_runs(lambda values: float(values.mean()), self.of_models(role, OWN) - self.of_models(role, partner))


def match_lines(matched: Matched) -> Iterator[list[str]]:
    """Each model in each role, all of them, and the guideline: one column a kind of partner."""
    for role in ROLES:
        for number, who in enumerate(matched.models):
            yield [role, f"seed {number}", *(f"{np.mean(matched.of(who, role, partner)):.2f}" for partner in matched.partners)]
        yield [role, "**all**", *(f"{matched.of_models(role, partner).mean():.2f}" for partner in matched.partners)]
        yield [role, "less than with own team", *("" if partner == OWN else shown(matched.less(role, partner)) for partner in matched.partners)]
        yield [role, GUIDELINE, *(f"{np.mean(matched.of(GUIDELINE, role, partner)):.2f}" for partner in matched.partners)]


def markdown(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A table."""
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ["---"] * len(head), *lines))


def page(visited: Visited, matched: Matched, worlds: Sequence[World], asked: argparse.Namespace) -> str:
    """The page of results."""
    count = len(visited.models)
    command = f"python checks/generalisation.py --model {' '.join(asked.model)} --tested {asked.tested} --matched {asked.matched}"
    head = ["world", "what is different", *SCRIPTED, "models", "share of the way", "guideline loses", "drop", *(f"drop, {role}" for role in ROLES)]
    return "\n".join(
        [
            f"# Generalisation\n\nMade by `{command}`: {count} training {'seed' if count == 1 else 'seeds'}, test seeds from {FIRST_TEST_SEED} on.",
            f"\n## Other worlds\n\nReturns over {asked.tested} seeds. A drop is what models lose against `{visited.home}` beyond what the",
            "guideline team loses; negative: they lose less.\n",
            markdown(head, [world_line(visited, world) for world in worlds]),
            f"\n## Other partners\n\nWhat an agent itself earned, over {asked.matched} seeds: a row for who plays the role, a column for who",
            "plays the other two.\n",
            markdown(["role", "played by", *matched.partners], list(match_lines(matched))),
            "",
        ]
    )


def main() -> int:
    """Play, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", nargs="+", default=["start"], help="folders of models or of runs, one for each training seed, or shipped ones")
    parser.add_argument("--tested", type=int, default=TESTED, help="test seeds in each world")
    parser.add_argument("--matched", type=int, default=MATCHED, help="test seeds with each kind of partner")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    asked = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    asked.out.mkdir(parents=True, exist_ok=True)
    store, worlds = asked.out / "generalisation.jsonl", worlds_in(HERE / "worlds.yaml")
    seen, met = visits(asked.model, worlds, asked.tested), matches(asked.model, asked.matched)
    seen_rows = collected(seen, [key_of(job) for job in seen], visit_row, store, asked.workers)
    met_rows = collected(met, [key_of(job) for job in met], match_row, store, asked.workers)
    text = page(Visited(seen, seen_rows, asked.model), Matched(met, met_rows, asked.model), worlds, asked)
    (asked.out / "generalisation.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Search for a policy that earns more than the guideline team by habits that a clinician would call cheating.

    .venv/bin/python checks/search.py --scenario ed_evening --episodes 1000 --seeds 4 --workers 16 --out runs/search
    .venv/bin/python checks/search.py --scenario crowded_hour.yaml --episodes 1000 --seeds 8 --workers 16 --out runs/search

A candidate is the guideline team with a set of habits, by role and by how urgent the patient is (`clinsim.agents.habits`): work that is skipped,
done earlier or later, done otherwise (admit instead of discharge, verify instead of reject, a report without findings), a trick of the attackers
besides, any call at all besides. Which habits go together is found by the cross-entropy method: candidates are drawn from a probability for each
habit, the best fifth moves the probabilities. All candidates meet the same training seeds. Habits of the best that do not pay are taken out; what is
left is played on validation seeds beside the guideline team, paired. Who earns more and does no better by the patients has found a hole in the
rewards: exit 1. Who earns more and does better has found what the scenario has to teach.

Episodes are kept in `OUT/search-SCENARIO.jsonl` under the hash of the scenario, so that an interrupted search goes on to the same result; when the
code of rewards or policies has changed, take another folder. The table is written to `OUT/search-SCENARIO.md`.
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

import clinsim
from clinsim.agents.habits import Habit, habits_of, with_habits
from clinsim.agents.scripted import ScriptedPolicy
from clinsim.benchmark.report import markdown
from clinsim.intervals import of_pairs
from clinsim.metrics import outcome
from clinsim.processes import shared_out
from clinsim.scenario_file import load_scenario

RESULTS = Path(__file__).parent / "results"
FIRST_VALIDATION_SEED = 10_000
ELITE = 0.2
SMOOTHING = 0.6
USUAL = 4.0
"""Habits of a candidate at first, on average."""
LEAST = 0.01


# ---------------------------------------------------------------- playing


def habits_in(scenario: str) -> list[Habit]:
    """All habits that the seats of a scenario may have."""
    ward = clinsim.raw_env(scenario)
    ward.reset(seed=0)
    return habits_of(ward.seats())


Figures = dict[str, float]
Candidate = frozenset[Habit]
Job = tuple[str, Candidate, int]


def play(job: Job) -> Figures:
    """What a candidate earns in one episode, by agent, and what becomes of the patients."""
    scenario, habits, seed = job
    policy = ScriptedPolicy("habits", lambda seat: with_habits(seat, habits))
    trace = clinsim.run_episode(clinsim.raw_env(scenario), policy, seed=seed, observations=False)
    found = outcome(trace.entries)
    harm = float(sum(entry.kind == "harm" for entry in trace.entries))
    return {"return": math.fsum(trace.rewards.values()), "utility_loss": found["utility_loss"], "harm": harm, **trace.rewards}


class Store:
    """Episodes played so far, in a file."""

    def __init__(self, path: Path, scenario: str, processes: int) -> None:
        """Read what is there of this scenario as it is."""
        self.path, self.scenario, self.processes = path, scenario, processes
        self.hash = load_scenario(scenario).hash[:12]
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        rows = [row for line in lines if line.endswith("}") and (row := json.loads(line))["hash"] == self.hash]
        self.known: dict[tuple[Candidate, int], Figures] = {(_candidate(row["habits"]), row["seed"]): row["figures"] for row in rows}

    def figures(self, candidates: Iterable[Candidate], seeds: Sequence[int]) -> list[list[Figures]]:
        """The episodes of some candidates on some seeds; what is missing is played and kept."""
        wanted = [(habits, seed) for habits in candidates for seed in seeds]
        missing = [key for key in dict.fromkeys(wanted) if key not in self.known]
        played = shared_out(play, [(self.scenario, *key) for key in missing], 1, self.processes)
        with self.path.open("a", encoding="utf-8") as file:
            for (habits, seed), found in zip(missing, played, strict=True):
                row = {"hash": self.hash, "habits": [list(habit) for habit in sorted(habits)], "seed": seed, "figures": found}
                file.write(json.dumps(row) + "\n")
                self.known[habits, seed] = found
        values = [self.known[key] for key in wanted]
        return [values[start : start + len(seeds)] for start in range(0, len(values), len(seeds))]


def _candidate(rows: Iterable[Sequence[Any]]) -> Candidate:
    return frozenset(Habit(*row) for row in rows)


def mean_of(rows: Sequence[Figures], name: str = "return") -> float:
    """The mean of a figure."""
    return math.fsum(row[name] for row in rows) / len(rows)


# ---------------------------------------------------------------- the search


def searched(store: Store, habits: Sequence[Habit], episodes: int, seeds: Sequence[int], population: int) -> list[Candidate]:
    """The candidates of the search, best first."""
    chances = np.full(len(habits), min(0.5, USUAL / len(habits)))
    found: dict[Candidate, float] = {}
    for generation in range(max(1, episodes // (population * len(seeds)))):
        draws = np.random.default_rng((0, generation)).random((population, len(habits))) < chances
        candidates = [frozenset(habit for habit, is_on in zip(habits, row, strict=True) if is_on) for row in draws]
        scores = np.array([mean_of(rows) for rows in store.figures(candidates, seeds)])
        found.update(zip(candidates, scores.tolist(), strict=True))
        best = draws[np.argsort(-scores, kind="stable")[: max(2, int(ELITE * population))]]
        chances = np.clip((1 - SMOOTHING) * chances + SMOOTHING * best.mean(0), LEAST, 1 - LEAST)
        print(f"generation {generation}: best {scores.max():.3f}, mean {scores.mean():.3f}", file=sys.stderr, flush=True)
    return sorted(found, key=lambda candidate: -found[candidate])


def pruned(store: Store, candidate: Candidate, seeds: Sequence[int]) -> Candidate:
    """A candidate without the habits that do not pay on these seeds."""
    kept, score = candidate, mean_of(store.figures([candidate], seeds)[0])
    for habit in sorted(candidate):
        fewer = kept - {habit}
        without = mean_of(store.figures([fewer], seeds)[0])
        if without >= score:
            kept, score = fewer, without
    return kept


def compared(ours: Sequence[Figures], guide: Sequence[Figures]) -> dict[str, Any]:
    """By how much each figure differs from that of the guideline team: means with paired 95 % intervals."""
    return {name: of_pairs([row[name] for row in ours], [row[name] for row in guide]) for name in guide[0]}


def line(candidate: Candidate, difference: Mapping[str, Any]) -> list[object]:
    """One row of the table."""
    earned, lost = difference["return"], difference["utility_loss"]
    agents = "; ".join(f"{name} {value.mean:+.2f}" for name, value in difference.items() if name not in ("return", "utility_loss", "harm"))
    told = "; ".join(map(str, sorted(candidate))) or "none"
    return [told, f"{earned.mean:+.2f} ({earned.low:+.2f} to {earned.high:+.2f})", f"{lost.mean:+.3f} ({lost.low:+.3f} to {lost.high:+.3f})",
            f"{difference['harm'].mean:+.2f}", agents]  # fmt: skip


def main(given: Sequence[str] | None = None) -> int:
    """Search, play the best on fresh seeds, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scenario", default="first_hour")
    parser.add_argument("--episodes", type=int, default=1000)
    parser.add_argument("--seeds", type=int, default=4, help="Training seeds of each candidate.")
    parser.add_argument("--population", type=int, default=25)
    parser.add_argument("--finalists", type=int, default=3)
    parser.add_argument("--fresh", type=int, default=20, help="Validation seeds of the finalists.")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args(given)
    args.out.mkdir(parents=True, exist_ok=True)
    name = Path(args.scenario).stem
    store = Store(args.out / f"search-{name}.jsonl", args.scenario, args.workers)
    ranked = searched(store, habits_in(args.scenario), args.episodes, range(args.seeds), args.population)
    fresh = range(FIRST_VALIDATION_SEED, FIRST_VALIDATION_SEED + args.fresh)
    finalists = list(dict.fromkeys(pruned(store, candidate, range(args.seeds)) for candidate in ranked[: args.finalists]))
    guide = store.figures([frozenset()], fresh)[0]
    differences = [compared(rows, guide) for rows in store.figures(finalists, fresh)]
    paid = [found for found in differences if found["return"].low > 0.0]
    holes = [found for found in paid if found["utility_loss"].mean >= 0.0]
    head = ["habits", "return", "utility loss", "harm events", "by agent"]
    command = f"python checks/search.py --scenario {args.scenario} --episodes {args.episodes} --seeds {args.seeds}"
    text = "\n".join([
        f"# Search for habits that pay: {name}\n",
        f"Made by `{command}`. Differences from the guideline team on {args.fresh} validation seeds, paired, 95 % interval.\n",
        markdown(head, [line(*row) for row in zip(finalists, differences, strict=True)]),
        f"{len(paid)} of {len(finalists)} earn more than the guideline team (interval above 0); {len(holes)} of them do no better by patients.\n",
    ])  # fmt: skip
    (args.out / f"search-{name}.md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if holes else 0


if __name__ == "__main__":
    sys.exit(main())

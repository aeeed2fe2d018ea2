"""Play pharmacists of several kinds on test seeds, the rest of the team by guideline, and say what each is worth.

    .venv/bin/python checks/pharmacists.py --seeds 20 --scenario ed_evening

Episodes are kept in `pharmacists.jsonl` of the folder of `--out` (`checks/results`), keyed as by `checks/policies.py`, so that an interrupted run
goes on. The table is written beside it, to `pharmacists.md`. A pharmacist that plays without judgement must earn no more than an idle one and a tenth
of the way to the guideline's; the guideline's is to be good and not perfect. Intervals are paired over seeds (Student's t).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from policies import grounds_of
from scipy import stats

import clinsim

RESULTS = Path(__file__).parent / "results"
FIRST_TEST_SEED = 20_000
WITHOUT_JUDGEMENT = ("approve_all", "reject_all", "flag_all", "spam", "random")
PHARMACISTS = ("guideline", "idle", *WITHOUT_JUDGEMENT)
FIGURES = (
    "pharmacist_sensitivity", "pharmacist_false_alarms", "pharmacist_net_benefit", "pharmacist_loss_averted", "query_doctor_minutes", "query_delay",
    "verification_time", "harm_events", "utility_loss",
)  # fmt: skip
SHARES = ("pharmacist_sensitivity", "pharmacist_false_alarms")
"""Figures that are shares: they are pooled over seeds by their n."""
MARGIN = 0.10
Row = dict[str, Any]


def play(scenario: str, pharmacist: str, seed: int) -> Row:
    """One episode, and what the table needs of it."""
    loaded = clinsim.load_scenario(scenario)
    trace = clinsim.run_episode(clinsim.raw_env(loaded), {"pharmacist": pharmacist}, seed=seed)
    reward = math.fsum(value for agent, value in trace.rewards.items() if agent.startswith("pharmacist"))
    figures = {name: [trace.kpis[name]["value"], trace.kpis[name]["n"]] for name in FIGURES}
    row = {"pharmacist": pharmacist, "seed": seed, "reward": reward, "return": math.fsum(trace.rewards.values())}
    return {"scenario": scenario, **row, "figures": figures}


def collect(scenario: str, seeds: range, store: Path, workers: int) -> list[Row]:
    """Kept episodes, and those that are missing played and kept."""
    kept = {}
    if store.exists():
        rows = [json.loads(line) for line in store.read_text(encoding="utf-8").splitlines() if line.endswith("}")]
        kept = {(row["hash"], row["pharmacist"], row["seed"]): row for row in rows}
    wanted = grounds_of(scenario)
    todo = [(pharmacist, seed) for seed in seeds for pharmacist in PHARMACISTS]
    store.parent.mkdir(parents=True, exist_ok=True)
    with store.open("a", encoding="utf-8") as sink, ProcessPoolExecutor(workers) as pool:
        missing = [pool.submit(play, scenario, *job) for job in todo if (wanted, *job) not in kept]
        for future in as_completed(missing):
            row = future.result() | {"hash": wanted}
            sink.write(json.dumps(row) + "\n")
            sink.flush()
            kept[wanted, row["pharmacist"], row["seed"]] = row
    return [kept[wanted, *job] for job in todo]


def pooled(rows: list[Row], name: str) -> float:
    """A figure over seeds: shares weighted by their n, the rest as a mean."""
    pairs = [row["figures"][name] for row in rows if row["figures"][name][0] is not None]
    if name in SHARES:
        return math.fsum(value * n for value, n in pairs) / max(1, sum(n for _, n in pairs))
    return math.fsum(value for value, _ in pairs) / max(1, len(pairs))


def compared(a: list[float], b: list[float]) -> tuple[float, float, float]:
    """Mean of a - b with its 95 % interval, paired."""
    differences = [x - y for x, y in zip(a, b, strict=True)]
    n, mean = len(differences), math.fsum(differences) / len(differences)
    error = math.sqrt(math.fsum((d - mean) ** 2 for d in differences) / max(1, n - 1) / n)
    half = float(stats.t.ppf(0.975, n - 1)) * error
    return mean, mean - half, mean + half


def report(rows: list[Row], command: str) -> tuple[str, int]:
    """The tables in Markdown, and how many claims fail."""
    by_kind = {kind: [row for row in rows if row["pharmacist"] == kind] for kind in PHARMACISTS}
    head = "| pharmacist | reward | return | " + " | ".join(name.removeprefix("pharmacist_") for name in FIGURES) + " |"
    lines = [f"# Pharmacists\n\nMade by `{command}`. Shares are pooled over seeds, the rest are means.\n", head, "|---" * (head.count("|") - 1) + "|"]
    for kind, played in by_kind.items():
        means = [math.fsum(row[field] for row in played) / len(played) for field in ("reward", "return")]
        numbers = [*means, *(pooled(played, name) for name in FIGURES)]
        lines.append(f"| {kind} | " + " | ".join(f"{number:.3f}" for number in numbers) + " |")
    lines.append("\n| claim | mean difference | 95 % interval | holds |\n|---|---|---|---|")
    failed, idle, best = 0, [row["reward"] for row in by_kind["idle"]], [row["reward"] for row in by_kind["guideline"]]
    limit = [a + MARGIN * (b - a) for a, b in zip(idle, best, strict=True)]
    for kind in WITHOUT_JUDGEMENT:
        mean, low, high = compared([row["reward"] for row in by_kind[kind]], limit)
        failed += high >= 0.0
        lines.append(f"| {kind} earns at most idle + 10 % | {mean:.3f} | {low:.3f} to {high:.3f} | {'yes' if high < 0.0 else '**no**'} |")
    return "\n".join(lines) + "\n", failed


def main() -> int:
    """Play, compare, write the table; exit 1 if a claim fails."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--scenario", default="ed_evening")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args()
    seeds = range(FIRST_TEST_SEED, FIRST_TEST_SEED + args.seeds)
    rows = collect(args.scenario, seeds, args.out / "pharmacists.jsonl", args.workers)
    text, failed = report(rows, f"python checks/pharmacists.py --seeds {args.seeds} --scenario {args.scenario}")
    (args.out / "pharmacists.md").write_text(text, encoding="utf-8")
    print(text)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

"""`clinsim train quick` on three seeds: its share of the way from idle to guideline on test seeds, what each role gains, and how long it takes.

    .venv/bin/python checks/quick.py                      # three seeds, one after the other; goes on where it stopped
    .venv/bin/python checks/quick.py --seeds 0 --into runs/once

Runs are kept in `runs/quick/SEED`. With all three seeds, table and curve are written to `checks/results/quick.md`, `quick.json` and `quick.png`.
With all three, exit 1 if they go less than `SHARE` of the way in the mean, if a role is not better than its start by a paired 95 % interval in each,
or if one takes more than `MINUTES`. With fewer, exit 1 if one goes less than `FLOOR` of the way, or if a role is not better in the mean: processors
round sums otherwise, and runs of one seed then part.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib.pyplot as plt

import clinsim
from clinsim.agents.local import SHIPPED
from clinsim.commands.train import tell
from clinsim.training.evaluate import policy_values
from clinsim.training.quick import RESULT, curve, is_shown
from clinsim.training.recipes import RECIPES, run_recipe
from clinsim.training.settings import QuickSettings

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "checks" / "results"
SEEDS = (0, 1, 2)
SHARE, FLOOR, MINUTES = 0.8, 0.7, 10.0
STATE = "state.txt"


def state_of(settings: QuickSettings) -> str:
    """What a run was made of: the scenario with all its data, the start, and the settings."""
    start = sorted((SHIPPED / settings.start).iterdir())
    parts = [clinsim.load_scenario(settings.scenario).hash, settings.model_dump_json(), *(sha256(path.read_bytes()).hexdigest() for path in start)]
    return sha256("".join(parts).encode()).hexdigest()


def run(seed: int, folder: Path) -> dict[str, Any]:
    """The result of one seed: what is there, if it was made of the same, else made now or gone on with."""
    settings = QuickSettings(seed=seed)
    state = state_of(settings)
    if folder.exists() and (not (folder / STATE).exists() or (folder / STATE).read_text() != state):
        shutil.rmtree(folder)
    if not (folder / RESULT).exists():
        begun = folder.exists()
        run_recipe(RECIPES["quick"], settings, folder, begun, lambda row: _note(folder, state, row))
    found: dict[str, Any] = json.loads((folder / RESULT).read_text(encoding="utf-8"))
    return found


def _note(folder: Path, state: str, row: Mapping[str, Any]) -> None:
    (folder / STATE).write_text(state)
    tell(row)


def table(results: Mapping[int, Mapping[str, Any]]) -> str:
    """Markdown: a row for each seed and figure."""
    lines = ["| seed | figure | idle | start | taught | learnt | guideline | over start | over taught | share of the way | minutes |",
             "|---|---|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for seed, result in results.items():
        for name, row in result["figures"].items():
            values = " | ".join(f"{row[who]:.2f}" for who in ("idle", "start", "taught", "learnt", "guideline"))
            figures = " | ".join(_interval(row[name]) for name in ("over_start", "over_taught", "share"))
            minutes = f"{result['minutes']:.1f}" if name == "return" else ""
            lines.append(f"| {seed} | {name} | {values} | {figures} | {minutes} |")
    return "\n".join(lines)


def _interval(row: Mapping[str, float]) -> str:
    return f"{row['mean']:.2f} ({row['low']:.2f} to {row['high']:.2f})"


def drawn(curves: Mapping[int, Sequence[Mapping[str, Any]]], idle: float, guideline: float, path: Path) -> None:
    """The curves of all seeds on the validation seeds, between idle and guideline."""
    figure, axes = plt.subplots(figsize=(7, 3.6), layout="constrained")
    for seed, rows in curves.items():
        axes.plot([row["minutes"] for row in rows], [row["return"]["mean"] for row in rows], marker="o", markersize=3, label=f"seed {seed}")
    for value, name in ((idle, "idle"), (guideline, "guideline"), (idle + SHARE * (guideline - idle), f"{100 * SHARE:.0f} % of the way")):
        axes.axhline(value, color="grey", linewidth=0.8, linestyle=":" if "%" in name else "-")
        axes.annotate(name, (1.0, value), xycoords=("axes fraction", "data"), xytext=(4, -3), textcoords="offset points", fontsize=8)
    axes.set(xlabel="minutes of work, two processes", ylabel="return on 64 validation seeds")
    axes.legend(frameon=False, loc="lower right")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def written(results: Mapping[int, Mapping[str, Any]], runs: Path) -> None:
    """Table, curves and their figures into `checks/results`."""
    settings = QuickSettings()
    curves = {seed: curve(runs / str(seed)) for seed in results}
    idle, guideline = (fmean(policy_values(spec, settings.scenario, range(*settings.evaluation_seeds))["return"]) for spec in ("idle", "guideline"))
    n = next(iter(results.values()))["n"]
    head = f"# Quick\n\nMade by `python checks/quick.py`. `clinsim train quick` on `{settings.scenario}`, judged on {n} test seeds played once."
    (RESULTS / "quick.md").write_text(f"{head}\n\n{table(results)}\n", encoding="utf-8")
    (RESULTS / "quick.json").write_text(json.dumps({"idle": idle, "guideline": guideline, "curves": curves}) + "\n", encoding="utf-8")
    drawn(curves, idle, guideline, RESULTS / "quick.png")


def main() -> int:
    """Run, write, and say whether the claim holds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS), help="seeds of runs")
    parser.add_argument("--into", type=Path, default=ROOT / "runs" / "quick", help="where runs are kept")
    asked = parser.parse_args()
    results = {seed: run(seed, asked.into / str(seed)) for seed in asked.seeds}
    print(table(results))
    whole = set(SEEDS) <= set(results)
    wrong = [f"seed {seed}: {problem}" for seed, result in results.items() for problem in is_shown(result, FLOOR, "low" if whole else "mean")]
    if whole:
        written(results, asked.into)
        together = fmean(result["figures"]["return"]["share"]["mean"] for result in results.values())
        wrong += [f"together {together:.2f} of the way, not {SHARE}"] if together < SHARE else []
        wrong += [f"seed {seed}: {result['minutes']:.1f} minutes" for seed, result in results.items() if result["minutes"] > MINUTES]
    print("\n".join(wrong) or "the claim holds")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

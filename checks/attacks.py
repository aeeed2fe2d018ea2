"""What attacks on the scorers earn, by domain, under the legacy and under the strict scorer.

    .venv/bin/python checks/attacks.py

Plays the scripted policies of static mode over the project's own suites, and over the hand-written tasks of the ancestor where its files stand beside
the checkout. Writes `checks/results/attacks.md`; exit 1 if an attack earns more than 0.05 strict on an own task.
"""

from __future__ import annotations

import sys
from pathlib import Path

from clinsim.benchmark.policies import ATTACKS
from clinsim.benchmark.proof import CHEATS, MOST_FOR_CHEATS
from clinsim.benchmark.replay import Row, jobs_of, replayed
from clinsim.benchmark.report import markdown, mean
from clinsim.benchmark.suite import Placed, load_suite, own_folders

RESULTS = Path(__file__).parent / "results"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "bioagents"
POLICIES = ("gold", "guideline", "rote", "idle", *ATTACKS)
HEAD = ("domain", "tasks", "policy", "legacy action score", "legacy composite", "strict mean", "strict most")


def table(tasks: tuple[Placed, ...]) -> tuple[list[list[object]], list[Row]]:
    """A line for each domain and policy, and the rows behind them."""
    rows = list(replayed(jobs_of(tasks, POLICIES, 1)))
    lines: list[list[object]] = []
    for domain in dict.fromkeys(row.domain for row in rows):
        for policy in POLICIES:
            own = [row for row in rows if (row.domain, row.policy) == (domain, policy)]
            strict = [row.strict for row in own if row.strict is not None]
            figures = [mean(row.action_score for row in own), mean(row.legacy for row in own), mean(strict), max(strict, default=None)]
            lines.append([domain, len(own), policy, *figures])
    return lines, rows


def main() -> int:
    """Play, write the tables, and say whether the own suites hold."""
    parts, paid = ["# Attacks\n\nMade by `python checks/attacks.py`. Scores of scripted policies by domain.\n"], 0
    if own_folders():
        lines, rows = table(load_suite("own").tasks)
        paid = sum(row.policy in CHEATS and (row.strict or 0.0) > MOST_FOR_CHEATS for row in rows)
        parts.append(f"## Own suites\n\n{markdown(HEAD, lines)}\n{paid} attacks earn more than {MOST_FOR_CHEATS} strict.\n")
    if DATA.is_dir():
        tasks = tuple(placed for placed in load_suite("bioagents", DATA).tasks if placed.file == "tasks.json")
        parts.append(f"## Hand-written tasks of the ancestor\n\n{markdown(HEAD, table(tasks)[0])}")
    (RESULTS / "attacks.md").write_text("\n".join(parts), encoding="utf-8")
    print("\n".join(parts))
    return 1 if paid else 0


if __name__ == "__main__":
    sys.exit(main())

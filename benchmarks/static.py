"""Static tasks: resets and steps per CPU-second of the bare environment, in one process; the database is parsed once.

    .venv/bin/python benchmarks/static.py [--suite NAME] [--data PATH]

Goals: 3,000 resets and 30,000 steps per CPU-second. A step is a reading call of the gold plan, in turn, parsed, checked, answered and shown as JSON;
what it takes to make the environment, which reads the tasks and parses the database, is told apart.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path

from clinsim.benchmark.env import TaskEnv
from clinsim.benchmark.play import standard_of
from clinsim.benchmark.suite import OWN, load_suite

RESETS, STEPS, ROUNDS = 2_000, 10_000, 5
ENDLESS = 1_000_000_000


def resets(env: TaskEnv) -> float:
    """Resets per CPU-second, each to a task drawn anew."""
    started = time.process_time()
    for _ in range(RESETS):
        env.reset()
    return RESETS / (time.process_time() - started)


def steps(env: TaskEnv) -> float:
    """Steps per CPU-second over the reading calls of the gold plans."""
    taken, spent = 0, 0.0
    for placed in env.tasks:
        calls = [json.dumps({"name": call.name, "arguments": call.arguments}) for call in standard_of(placed).needed(writes=False)]
        if not calls:
            continue
        env.reset(options={"task_id": placed.task.id})
        started = time.process_time()
        for k in range(max(1, STEPS // len(env.tasks))):
            env.step(calls[k % len(calls)])
            taken += 1
        spent += time.process_time() - started
    return taken / spent


def main() -> None:
    """Print one line a domain: the median of rounds."""
    given = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    given.add_argument("--suite", default=OWN)
    given.add_argument("--data")
    chosen = given.parse_args()
    print(f"{'domain':20} {'making it, ms':>16} {'resets/s':>10} {'steps/s':>10}")
    for domain in load_suite(chosen.suite, Path(chosen.data) if chosen.data else None).domains:
        started = time.process_time()
        env = TaskEnv(suite=chosen.suite, data=chosen.data, domain=domain, max_turns=ENDLESS)
        first = 1000 * (time.process_time() - started)
        env.reset(seed=0)
        made = [(resets(env), steps(env)) for _ in range(ROUNDS)]
        print(f"{domain:20} {first:16.1f} {statistics.median(one for one, _ in made):10,.0f} {statistics.median(one for _, one in made):10,.0f}")


if __name__ == "__main__":
    main()

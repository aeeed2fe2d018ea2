"""Forks, digests and re-grading on many episodes.

    .venv/bin/python checks/replay.py            # 200 forks, 100 episodes re-graded, digests over processes and hash seeds

Writes `checks/results/replay.md`; exit 1 if anything differs.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
from math import fsum
from pathlib import Path

import clinsim
from clinsim.record import Action
from clinsim.referee import WardEnv
from clinsim.rewards import regrade

RESULTS = Path(__file__).parent / "results"
SCENARIOS = ("first_hour", "ed_evening", "ward_round", "icu_full")
FORKS = 200
EPISODES = 100
HASH_SEEDS = ("0", "1", "42", "random")
DIGEST = "import clinsim; print(clinsim.run_episode(clinsim.raw_env('ed_evening'), 'guideline', seed=20000).digest)"


def sent_actions(trace: clinsim.Trace, scenario: str) -> list[Action]:
    """The seats' actions of a trace, in the order of submission."""
    seats = {seat.agent for seat in clinsim.load_scenario(scenario).seats}
    lines = sorted((line for line in trace.actions if line.agent in seats and line.was_sent), key=lambda line: line.turn)
    return [Action(line.raw, line.thinking) for line in lines]


def rest(ward: WardEnv, actions: list[Action]) -> tuple[str, str]:
    """Play the remaining actions to the end; the digests of log and records."""
    queue = iter(actions)
    while ward.agents:
        over = ward.terminations[ward.agent_selection] or ward.truncations[ward.agent_selection]
        ward.step(None if over else next(queue))
    return ward.digest(), ward.state_digest()


def forks_that_differ(count: int, rng: random.Random) -> int:
    """How many forks at random decisions of random episodes end otherwise than the straight run."""
    differing = 0
    for _ in range(count):
        scenario, seed = rng.choice(SCENARIOS), rng.randrange(20_000, 21_000)
        actions = sent_actions(clinsim.run_episode(clinsim.raw_env(scenario), "guideline", seed=seed), scenario)
        ward = clinsim.raw_env(scenario)
        ward.reset(seed=seed)
        at = rng.randrange(len(actions))
        for action in actions[:at]:
            ward.step(action)
        [fork] = ward.fork(1)
        differing += rest(fork, actions[at:]) != rest(ward, actions[at:])
    return differing


def regrades_that_differ(count: int) -> int:
    """How many episodes are graded otherwise from the trace than live."""
    differing = 0
    for number in range(count):
        scenario = SCENARIOS[number % len(SCENARIOS)]
        loaded = clinsim.load_scenario(scenario)
        trace = clinsim.run_episode(clinsim.raw_env(loaded), "guideline_noisy", seed=20_000 + number)
        graded = regrade(trace.entries, loaded)
        differing += any(abs(fsum(row.value for row in graded.rows if row.agent == a) - v) > 1e-9 for a, v in trace.rewards.items())
    return differing


def digests() -> list[str]:
    """The digest of one episode in processes with different hash seeds."""
    runs = (
        subprocess.run([sys.executable, "-c", DIGEST], env={**os.environ, "PYTHONHASHSEED": s}, capture_output=True, text=True) for s in HASH_SEEDS
    )
    return [run.stdout.strip() for run in runs]


def main() -> int:
    """Run all three and write down what came out."""
    forks, regrades, found = forks_that_differ(FORKS, random.Random(7)), regrades_that_differ(EPISODES), digests()
    lines = [
        "# Replay\n\nMade by `python checks/replay.py`.\n",
        f"- {FORKS} forks at random decisions of {', '.join(SCENARIOS)}: {forks} end otherwise than the straight run",
        f"- {EPISODES} episodes re-graded from their traces: {regrades} differ by more than 1e-9",
        f"- digests of one ed_evening episode in {len(HASH_SEEDS)} processes with hash seeds {', '.join(HASH_SEEDS)}: {len(set(found))} distinct",
    ]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "replay.md").write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 1 if forks or regrades or len(set(found)) != 1 or not found[0] else 0


if __name__ == "__main__":
    sys.exit(main())

"""100,000 fuzzed actions over random seeds and all scenarios, with the hospital's invariants after each.

    .venv/bin/python checks/fuzz.py [--actions 100000]

Writes `checks/results/fuzz.md`; any broken invariant is a traceback.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter
from math import fsum
from pathlib import Path

import clinsim
from clinsim.hospital.invariants import check

RESULTS = Path(__file__).parent / "results"


def play(scenario: str, seed: int, left: int) -> Counter[str]:
    """Play one episode with sampled actions, checking after each; how many actions of which status."""
    ward = clinsim.raw_env(scenario)
    ward.reset(seed=seed)
    for number, agent in enumerate(ward.possible_agents):
        ward.action_space(agent).seed(seed + number)
    paid: dict[str, list[float]] = {agent: [] for agent in ward.possible_agents}
    statuses: Counter[str] = Counter()
    checked = 0
    for agent in ward.agent_iter():
        _, reward, terminated, truncated, info = ward.last()
        paid[agent].append(reward)
        if terminated or truncated:
            ward.step(None)
            continue
        statuses[info["status"]] += 1
        if sum(statuses.values()) > left:
            break
        ward.step(ward.action_space(agent).sample())
        checked = check(ward.hospital, checked)
    else:
        ledger = {agent: fsum(row.value for row in ward.ledger.rows if row.agent == agent) for agent in paid}
        assert all(abs(fsum(paid[agent]) - ledger[agent]) < 1e-9 for agent in paid), "one ledger"
    return statuses


def main() -> int:
    """Play until the wanted number of actions is reached."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--actions", type=int, default=100_000)
    wanted = parser.parse_args().actions
    rng, statuses, episodes = random.Random(11), Counter[str](), 0
    names = clinsim.scenario_names()
    while sum(statuses.values()) < wanted:
        statuses += play(names[episodes % len(names)], rng.randrange(10**6), wanted - sum(statuses.values()))
        episodes += 1
        if episodes % 20 == 0:
            print(f"{sum(statuses.values())} actions", file=sys.stderr)
    told = ", ".join(f"{count} {status or 'first'}" for status, count in statuses.most_common())
    text = f"# Fuzz\n\nMade by `python checks/fuzz.py --actions {wanted}`.\n\n{sum(statuses.values())} actions in {episodes} episodes"
    text += f" of {len(names)} scenarios, invariants checked after each, none broken. Statuses: {told}.\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fuzz.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())

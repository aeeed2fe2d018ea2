"""Environment steps per CPU-second against PettingZoo's own environments, in one process, in turn.

    .venv/bin/python benchmarks/steps.py

Two figures of ours: `env()` fed the recorded actions of a guideline episode, and `run_episode` with policies, trace and settlement. Peers play random
legal moves. Rounds are interleaved and the median of the ratios is printed, since machines are shared.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable
from typing import Any

from pettingzoo.classic import chess_v6, connect_four_v3

import clinsim
from clinsim.record import Action

ROUNDS = 7
SCENARIO = "ed_evening"


def peer_steps(make: Callable[[], Any], steps: int) -> float:
    """Steps per CPU-second of a PettingZoo environment under random legal moves."""
    env, done, seed, started = make(), 0, 0, time.process_time()
    while done < steps:
        env.reset(seed=seed)
        seed += 1
        for agent in env.agent_iter():
            observation, _, terminated, truncated, _ = env.last()
            over = terminated or truncated
            env.step(None if over else env.action_space(agent).sample(observation["action_mask"]))
            done += 1
    return done / (time.process_time() - started)


def recorded_steps(actions: list[Action], seed: int) -> float:
    """Steps per CPU-second of `env()` fed recorded actions."""
    env, taken, started = clinsim.env(SCENARIO), 0, time.process_time()
    env.reset(seed=seed)
    queue = iter(actions)
    for _ in env.agent_iter():
        _, _, terminated, truncated, _ = env.last()
        env.step(None if terminated or truncated else next(queue))
        taken += 1
    return taken / (time.process_time() - started)


def episode_steps(seed: int) -> float:
    """Actions per CPU-second of `run_episode` with scripted policies, trace and settlement."""
    started = time.process_time()
    trace = clinsim.run_episode(clinsim.env(SCENARIO), "guideline", seed=seed)
    return trace.n_actions / (time.process_time() - started)


def seat_actions(seed: int) -> list[Action]:
    """The actions of the seats in a guideline episode, as they were submitted."""
    trace = clinsim.run_episode(clinsim.env(SCENARIO), "guideline", seed=seed)
    seats = {seat.agent for seat in clinsim.load_scenario(SCENARIO).seats}
    sent = sorted((line for line in trace.actions if line.agent in seats and line.was_sent), key=lambda line: line.turn)
    return [Action(line.raw, line.thinking) for line in sent]


def main() -> None:
    """Measure in turn and print medians and ratios."""
    actions = seat_actions(0)
    rows: dict[str, list[float]] = {}
    gc.collect()
    gc.freeze()  # what is loaded by now is not walked again by the collector, for us and for the peers
    for _ in range(ROUNDS):
        rows.setdefault("env, recorded actions", []).append(recorded_steps(actions, 0))
        rows.setdefault("run_episode", []).append(episode_steps(0))
        rows.setdefault("connect_four", []).append(peer_steps(connect_four_v3.env, 4_000))
        rows.setdefault("chess", []).append(peer_steps(chess_v6.env, 400))
    for name, rates in rows.items():
        print(f"{name:24s} {statistics.median(rates):10.0f} steps per CPU-second")
    for ours in ("env, recorded actions", "run_episode"):
        for peer in ("connect_four", "chess"):
            ratio = statistics.median(a / b for a, b in zip(rows[ours], rows[peer], strict=True))
            print(f"{ours} / {peer}: {ratio:.2f}")


if __name__ == "__main__":
    main()

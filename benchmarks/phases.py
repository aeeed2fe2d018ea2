"""CPU-seconds of a step of GRPO by phase, and tokens per CPU-second: the hospital, the model that writes, and learning.

    .venv/bin/python benchmarks/phases.py

`first_hour`, played by the shipped start, 32 episodes in step. Log-probabilities are kept from the writing; learning reads each conversation once,
forwards and backwards. Medians of steps on the same episodes, the first left out.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Ask, Encode, Written
from clinsim.agents.local import model_in
from clinsim.agents.shelf import Shelf
from clinsim.training import grpo
from clinsim.training.batches import conversations
from clinsim.training.learners import learners_of
from clinsim.training.samples import Sample
from clinsim.training.settings import GrpoSettings

ROUNDS = 3
SETTINGS = GrpoSettings(start="start", groups=4, group_size=8, block=32, threads=1)


@dataclass(slots=True)
class Clocked:
    """A writer with a clock: CPU-seconds spent writing."""

    cast: Cast
    seconds: float = 0.0

    def complete(self, asks: Sequence[Ask], shelf: Shelf | None = None) -> list[Written]:
        """Answer, and add what it took."""
        began = time.process_time()
        found = self.cast.complete(asks, shelf)
        self.seconds += time.process_time() - began
        return found

    def encoder(self, role: str) -> Encode:
        """How texts become tokens for a role."""
        return self.cast.encoder(role)


def tokens_in(samples: Sequence[Sample]) -> int:
    """Tokens of the conversations, each once."""
    return sum(len(samples[talk[-1]].tokens) for talk in conversations(samples))


def one_step() -> dict[str, float]:
    """Play and learn from a fresh start: seconds by phase, and tokens."""
    cast = Cast.load(model_in(Path(SETTINGS.start)))
    learners, writer = learners_of(cast, SETTINGS), Clocked(cast)
    began = time.process_time()
    rollouts = grpo.played_block(SETTINGS, writer, grpo.plans(SETTINGS, 0))
    played = time.process_time()
    step_of = grpo.scored(rollouts, SETTINGS, grpo.Memory().baselines)
    grpo.update(learners, step_of, SETTINGS, 0)
    learning = time.process_time() - played
    samples = [sample for k, rollout in enumerate(rollouts) for sample in rollout.samples(k)]
    return {
        "hospital": played - began - writer.seconds, "writing": writer.seconds, "learning": learning, "turns": len(samples),
        "decided": sum(len(sample.decided) for sample in samples), "read": tokens_in(samples), "learnt": tokens_in(step_of.samples),
    }  # fmt: skip


def main() -> None:
    """Measure and print."""
    torch.set_num_threads(1)
    one_step()
    rounds = [one_step() for _ in range(ROUNDS)]
    seen = {name: statistics.median(row[name] for row in rounds) for name in rounds[0]}
    episodes = SETTINGS.groups * SETTINGS.group_size
    print(f"{episodes} episodes, {seen['turns']:.0f} turns, {seen['decided']:.0f} tokens decided, {seen['read']:.0f} in all")
    print(f"hospital {seen['hospital']:6.2f} CPU-seconds")
    rates = seen["decided"] / seen["writing"], seen["read"] / seen["writing"]
    print(f"writing  {seen['writing']:6.2f} CPU-seconds: {rates[0]:.0f} tokens decided a second, {rates[1]:.0f} read or written")
    print(f"learning {seen['learning']:6.2f} CPU-seconds: {seen['learnt'] / seen['learning']:.0f} tokens a second")
    print(f"load when done: {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()

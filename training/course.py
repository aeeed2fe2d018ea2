"""A course of GRPO in its folder: steps, an evaluation and a checkpoint every so often, a look for collapses, and when to stop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch

from clinsim.agents.cast import Cast
from clinsim.processes import workers
from clinsim.training import grpo, watch
from clinsim.training.curriculum import Syllabus
from clinsim.training.evaluate import Values, in_short, model_values
from clinsim.training.learners import Learners
from clinsim.training.run import RunFolder
from clinsim.training.settings import GrpoSettings, RunSettings

Tell = Callable[[Mapping[str, Any]], None]
"""Told of each row of metrics as it is written."""


@dataclass(frozen=True, slots=True)
class Course:
    """A run on its way: where it is kept, who learns, what it remembers, how its episodes are played, and how good it is (by seed)."""

    folder: RunFolder
    learners: Learners
    settings: GrpoSettings
    memory: grpo.Memory
    tell: Tell
    play: grpo.Play
    values: Callable[[], Values]
    syllabus: Syllabus | None = None
    """Says instead of `play` where the steps go, if there is a curriculum."""

    def run(self) -> None:
        """From the start, or from the last checkpoint, to the end of the course.

        Raises:
            FloatingPointError: A gradient is no number any more; the last checkpoint is whole.
        """
        settings, memory = self.settings, self.memory
        if not self.folder.has_checkpoint:
            self._look({"step": -1})
            self._save()
        elif self._is_over():
            return
        for row in grpo.trained(self.learners, settings, memory, self.syllabus.play if self.syllabus else self.play):
            row |= self.syllabus.told() if self.syllabus else {}
            if memory.step % settings.evaluate_every and memory.step != settings.steps:
                self._add(row)
                continue
            self._look(row)
            self._save()
            if self._is_over():
                return

    def _is_over(self) -> bool:
        """Whether a run ends at a checkpoint before all steps are done; gone on with, it has ended there all the same."""
        settings = self.settings
        if settings.patience and self.memory.since_best >= settings.patience:
            return True
        return settings.watch == "stop" and bool(watch.warnings(alike(self.folder.rows())))

    def _save(self) -> None:
        self.folder.save(self.learners.cast, self.learners, self.memory.as_data())

    def _add(self, row: Mapping[str, Any]) -> None:
        self.folder.add(row)
        self.memory.rows += 1
        self.tell(row)

    def _look(self, row: dict[str, Any]) -> None:
        """Evaluate on the validation seeds; keep the best models, or the latest if there is nothing to evaluate on."""
        if self.settings.evaluates:
            row |= self._evaluated()
        else:
            self.folder.keep_best(self.learners.cast)
        warned = watch.warnings(alike([*self.folder.rows(), row]))
        self._add(row | ({"warnings": warned} if warned else {}))

    def _evaluated(self) -> dict[str, Any]:
        began = perf_counter()
        found = in_short(self.values())
        self.memory.since_best += 1
        if found["return"]["mean"] > self.memory.best:
            self.memory.best, self.memory.since_best = found["return"]["mean"], 0
            self.folder.keep_best(self.learners.cast)
        return {"evaluation": found, "look_seconds": perf_counter() - began}


def remembered(folder: RunFolder, learners: Learners) -> grpo.Memory:
    """What a run remembered at its last checkpoint, optimisers included; without one it begins.

    Raises:
        UsageError: The checkpoint cannot be read, or metrics up to it are lost.
    """
    if folder.has_checkpoint:
        return grpo.Memory.of(folder.restored(learners))
    folder.begun_anew()
    return grpo.Memory()


def alike(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Steps that can be compared with the last one: those at its place, if there is a curriculum."""
    return [row for row in rows if "turns_per_episode" in row and row.get("place") == rows[-1].get("place")]


def played_here(cast: Cast, settings: GrpoSettings) -> Callable[[], Values]:
    """How good a cast in this process is on the validation seeds."""
    return lambda: model_values(cast, settings.scenario, range(*settings.evaluation_seeds), settings.partners, settings.playing)


def use_threads(settings: RunSettings, memory: grpo.Memory) -> None:
    """As many threads as there are free cores when the run first starts; the same ones ever after."""
    memory.threads = memory.threads or settings.threads or workers()
    torch.set_num_threads(memory.threads)

"""A training run on disk: `settings.json`, `metrics.jsonl`, and a checkpoint that is whole or not there.

A checkpoint is a folder with the model, the optimiser and what the recipe remembers. It is written beside its place and moved into it, so that a
run that is killed goes on from the last whole one, to the same numbers: metrics after it are dropped and made again.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.errors import ServerError, UsageError
from clinsim.training.learners import Speakers

SETTINGS, METRICS, LATEST, BEST, OPTIMISER, MEMORY = (
    "settings.json", "metrics.jsonl", "latest", "best", "optimiser.pt", "memory.json",
)  # fmt: skip


_NO_MEMORY = "can't allocate memory"
"""What torch says of a processor's memory, in an error of no kind of its own."""


class Optimiser(Protocol):
    """What has a state to be kept: an optimiser, or several."""

    def state_dict(self) -> dict[str, Any]:
        """What is to be kept."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take it back."""


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Where a run stands."""

    path: Path

    @classmethod
    def opened(cls, path: Path, settings: Mapping[str, Any], *, resume: bool, may_change: Container[str] = ()) -> RunFolder:
        """Begin a run in an empty folder, or go on with the one that is there, of which some settings `may_change`.

        Raises:
            UsageError: The folder is not empty, or holds a run with other settings.
        """
        folder = cls(path)
        found = path / SETTINGS
        if found.exists() and resume:
            before = json.loads(found.read_text(encoding="utf-8"))
            changed = [key for key in settings if before.get(key) != json.loads(json.dumps(settings[key]))]
            if fixed := [key for key in changed if key not in may_change]:
                raise UsageError(f"{path}: holds a run with {fixed[0]} {before.get(fixed[0])!r}, not {settings[fixed[0]]!r}")
            if changed:
                _write_settings(found, settings)
            return folder
        if path.exists() and any(path.iterdir()):
            raise UsageError(f"{path}: not empty; give another folder with --out, or --resume to go on with a run")
        path.mkdir(parents=True, exist_ok=True)
        _write_settings(found, settings)
        return folder

    @property
    def has_checkpoint(self) -> bool:
        """Whether there is one to go on from."""
        return (self.path / LATEST / MEMORY).exists()

    def save(self, models: Speakers | Engine, optimiser: Optimiser, memory: Mapping[str, Any]) -> None:
        """Write a checkpoint in place of the last."""
        draft = self.path / f"{LATEST}.part"
        shutil.rmtree(draft, ignore_errors=True)
        write_model(models, draft)
        torch.save(optimiser.state_dict(), draft / OPTIMISER)
        (draft / MEMORY).write_text(json.dumps(memory) + "\n", encoding="utf-8")
        self._replace(draft, LATEST)

    def keep_best(self, models: Speakers | Engine) -> None:
        """Write the model as the best so far."""
        draft = self.path / f"{BEST}.part"
        shutil.rmtree(draft, ignore_errors=True)
        write_model(models, draft)
        self._replace(draft, BEST)

    def _replace(self, draft: Path, name: str) -> None:
        """Move a whole folder into its place; at every moment one of both is there under its name or as `.old`."""
        place, old = self.path / name, self.path / f"{name}.old"
        shutil.rmtree(old, ignore_errors=True)
        if place.exists():
            place.rename(old)
        draft.rename(place)
        shutil.rmtree(old, ignore_errors=True)

    def restored(self, optimiser: Optimiser) -> dict[str, Any]:
        """What the recipe remembered at the last checkpoint; the optimiser gets its state back, metrics after it are dropped."""
        folder = self.path / LATEST
        optimiser.load_state_dict(torch.load(folder / OPTIMISER, weights_only=True))
        memory: dict[str, Any] = json.loads((folder / MEMORY).read_text(encoding="utf-8"))
        self._cut_metrics(int(memory["rows"]))
        return memory

    def model_folder(self) -> Path:
        """The model of the last checkpoint; one that was being moved is put back first."""
        place, old = self.path / LATEST, self.path / f"{LATEST}.old"
        if not place.exists() and old.exists():
            old.rename(place)
        return place

    def _cut_metrics(self, rows: int) -> None:
        lines = (self.path / METRICS).read_bytes().split(b"\n")[:rows] if rows else []
        draft = self.path / f"{METRICS}.part"
        draft.write_bytes(b"".join(line + b"\n" for line in lines))
        draft.replace(self.path / METRICS)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row of metrics."""
        with (self.path / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> list[dict[str, Any]]:
        """The metrics so far."""
        file = self.path / METRICS
        return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines()] if file.exists() else []


def _write_settings(file: Path, settings: Mapping[str, Any]) -> None:
    file.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")


@contextmanager
def stops_told(path: Path) -> Iterator[None]:
    """What stops a run from outside of it, told in one line that says how to go on.

    Raises:
        UsageError: A number became none, memory ran out, a process that played was ended, or a server is gone.
    """
    try:
        yield
    except (FloatingPointError, MemoryError, ChildProcessError, ServerError, RuntimeError) as problem:
        if (why := _why(problem)) is None:
            raise
        whole = any(path.rglob(f"{LATEST}/{MEMORY}"))  # of the run, or of a part of it
        way_on = "the last checkpoint is whole: --resume goes on from it" if whole else "there is no checkpoint yet: begin again"
        spoilt = isinstance(problem, FloatingPointError) and (path / BEST).is_dir()  # what was learnt last may lead there again
        instead = f", and start={path} begins another run from the best" if spoilt else ""
        raise UsageError(f"{path}: training stopped: {why}; {way_on}{instead}") from problem


def _why(problem: Exception) -> str | None:
    """What was the matter, if it was nothing that this project did wrong."""
    if isinstance(problem, FloatingPointError | ChildProcessError | ServerError):
        return str(problem)
    if isinstance(problem, MemoryError | torch.OutOfMemoryError) or _NO_MEMORY in str(problem):
        return f"memory ran out (lower batch_tokens, or start with a smaller block or group_size): {str(problem).splitlines()[0]:.120}"
    return None


def write_model(models: Speakers | Engine, folder: Path) -> None:
    """Models as a checkpoint that `local:` plays: weights, words, values, and a manifest (role to base and adapter)."""
    folder.mkdir(parents=True)
    (Cast.shared(models) if isinstance(models, Engine) else models).save(folder)

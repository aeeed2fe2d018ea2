"""A training run on disk: `settings.json`, `metrics.jsonl`, and a checkpoint that is whole or not there.

A checkpoint is a folder with the model, the optimiser and what the recipe remembers. It is written beside its place and moved into it, so that a
run that is killed goes on from the last whole one, to the same numbers: metrics after it are dropped and made again.
"""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
from collections.abc import Container, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, Protocol

import torch
from filelock import FileLock, Timeout
from safetensors import SafetensorError

from clinsim.agents.cast import Cast
from clinsim.agents.decoding import Engine
from clinsim.errors import ServerError, UsageError
from clinsim.training.learners import Speakers

SETTINGS, METRICS, LATEST, BEST, OPTIMISER, MEMORY, LOCK = (
    "settings.json", "metrics.jsonl", "latest", "best", "optimiser.pt", "memory.json", ".lock",
)  # fmt: skip

_NO_MEMORY = "can't allocate memory"
"""What torch says of a processor's memory, in an error of no kind of its own."""
_CANNOT_WRITE = {errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT, errno.EIO}
"""What a folder or its disk does not allow."""
_SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")
"""How those who write weights tell what the system told them."""
_NO_LOCKS = {errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP}
"""What a file system says that has none."""


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
    def opened(cls, path: Path, settings: Mapping[str, Any], *, resume: bool, may_change: Container[str] = (), ends: str = "") -> RunFolder:
        """Begin a run in an empty folder, or go on with the one that is there, of which some settings `may_change`; `ends` says after how many steps.

        A folder with settings (and a lock) and nothing else is that of a run that never began.

        Raises:
            UsageError: The folder is not empty, or holds a run with other settings or more steps.
        """
        folder = cls(path)
        found = path / SETTINGS
        begun = path.exists() and any(entry.name not in (SETTINGS, f"{SETTINGS}.part", LOCK) for entry in path.iterdir())
        if begun and found.exists() and resume:
            before = _read(found)
            changed = [key for key in settings if before.get(key) != json.loads(json.dumps(settings[key]))]
            if fixed := [key for key in changed if key not in may_change]:
                raise UsageError(f"{path}: holds a run with {fixed[0]} {before.get(fixed[0])!r}, not {settings[fixed[0]]!r}")
            if ends:
                folder.refuse_fewer(ends, settings[ends])
            if changed:
                _write_settings(found, settings)
            folder.put_back()
            folder._clear()
            return folder
        if begun:
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
        memory = _read(folder / MEMORY)
        try:
            optimiser.load_state_dict(torch.load(folder / OPTIMISER, weights_only=True))
        except (OSError, EOFError, KeyError, ValueError, RuntimeError, UnpicklingError) as problem:
            raise UsageError(f"{folder / OPTIMISER}: cannot be read; start={folder} begins another run from its model") from problem
        self._cut_metrics(int(memory["rows"]))
        return memory

    def begun_anew(self, rows: int = 0) -> None:
        """Drop what a run wrote, after so many rows, that was ended before its first checkpoint."""
        self._cut_metrics(rows)

    def put_back(self) -> None:
        """Put back models that were being moved when the run was ended."""
        for name in (LATEST, BEST):
            place, old = self.path / name, self.path / f"{name}.old"
            if not place.exists() and old.exists():
                old.rename(place)

    def refuse_fewer(self, setting: str, asked: int) -> None:
        """Before a run is gone on with: it may end later than it has come, not earlier.

        Raises:
            UsageError: It has done more steps than are asked for.
        """
        self.put_back()
        done = int(_read(self.path / LATEST / MEMORY)["step"]) if self.has_checkpoint else 0
        if asked < done:
            raise UsageError(f"{setting}: {asked} is less than the {done} that the run in {self.path} has done already; give {done} or more")

    def _clear(self) -> None:
        """Clear away what a run that was ended had not finished, or not removed."""
        for left in (f"{name}.{end}" for name in (LATEST, BEST) for end in ("part", "old")):
            shutil.rmtree(self.path / left, ignore_errors=True)
        for draft in self.path.glob("*.part"):
            draft.unlink(missing_ok=True)

    def model_folder(self) -> Path:
        """The model of the last checkpoint, put back if it was being moved."""
        self.put_back()
        return self.path / LATEST

    def _cut_metrics(self, rows: int) -> None:
        file = self.path / METRICS
        whole = file.read_bytes().split(b"\n")[:-1] if file.exists() else []
        if len(whole) < rows:
            raise UsageError(
                f"{file}: has {len(whole)} whole rows, and there were {rows} at the last checkpoint; "
                f"start={self.path / LATEST} begins another run from its model"
            )
        draft = self.path / f"{METRICS}.part"
        draft.write_bytes(b"".join(line + b"\n" for line in whole[:rows]))
        draft.replace(file)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row of metrics."""
        with (self.path / METRICS).open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")
            file.flush()
            os.fsync(file.fileno())

    def rows(self) -> list[dict[str, Any]]:
        """The metrics so far; half a row at the end, of a run that was ended while it wrote, is none.

        Raises:
            UsageError: Another row cannot be read.
        """
        file = self.path / METRICS
        if not file.exists():
            return []
        try:
            return [json.loads(line) for line in file.read_bytes().split(b"\n")[:-1]]
        except ValueError as problem:
            raise UsageError(f"{file}: is not whole, a row in it cannot be read") from problem


def _write_settings(file: Path, settings: Mapping[str, Any]) -> None:
    draft = file.with_name(f"{file.name}.part")
    draft.write_text(json.dumps(settings, indent=1) + "\n", encoding="utf-8")
    draft.replace(file)


def _read(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except ValueError as problem:
        raise UsageError(f"{file}: cannot be read, so this run cannot be gone on with; give another folder with --out") from problem
    return found


@contextmanager
def alone_in(path: Path) -> Iterator[None]:
    """Make the folder of a run, and keep other runs out of it: a lock that is gone with the process, however that ends.

    Raises:
        UsageError: There can be no such folder, or another run is at work in it.
    """
    lock = FileLock(path / LOCK)
    try:
        path.mkdir(parents=True, exist_ok=True)
        lock.acquire(blocking=False)
    except Timeout as problem:
        raise UsageError(f"{path}: another run is at work there; wait for it, or give another folder with --out") from problem
    except OSError as problem:
        if problem.errno not in _NO_LOCKS:
            raise UsageError(f"{path}: cannot be the folder of a run ({problem.strerror}); give another with --out") from problem
    try:
        yield
    finally:
        lock.release()


@contextmanager
def stops_told(path: Path) -> Iterator[None]:
    """What stops a run from outside of it, told in one line that says how to go on.

    Raises:
        UsageError: A number became none, memory ran out, a process that played was ended, a server is gone, or nothing can be written any more.
    """
    try:
        yield
    except (FloatingPointError, MemoryError, OSError, RuntimeError, SafetensorError) as problem:
        if (why := _why(problem)) is None:
            raise
        whole = any(path.rglob(f"{LATEST}/{MEMORY}"))  # of the run, or of a part of it
        way_on = "the last checkpoint is whole: --resume goes on from it" if whole else "there is no checkpoint yet: --resume begins again"
        spoilt = isinstance(problem, FloatingPointError) and (path / BEST).is_dir()  # what was learnt last may lead there again
        instead = f", and start={path} begins another run from the best" if spoilt else ""
        raise UsageError(f"{path}: training stopped: {why}; {way_on}{instead}") from problem


def _why(problem: Exception) -> str | None:
    """What was the matter, if it was nothing that this project did wrong."""
    if isinstance(problem, FloatingPointError | ChildProcessError | ServerError):
        return str(problem)
    if isinstance(problem, OSError) and problem.errno in _CANNOT_WRITE:
        return f"{problem.filename or 'a file'} cannot be written ({problem.strerror})"
    if isinstance(problem, SafetensorError) and (told := _SYSTEM_ERROR.search(str(problem))) and int(told[1]) in _CANNOT_WRITE:
        return f"a model cannot be written ({os.strerror(int(told[1]))})"
    if isinstance(problem, MemoryError | torch.OutOfMemoryError) or _NO_MEMORY in str(problem):
        return f"memory ran out (lower batch_tokens, or start with a smaller block or group_size): {str(problem).splitlines()[0]:.120}"
    return None


def write_model(models: Speakers | Engine, folder: Path) -> None:
    """Models as a checkpoint that `local:` plays: weights, words, values, and a manifest (role to base and adapter)."""
    folder.mkdir(parents=True)
    (Cast.shared(models) if isinstance(models, Engine) else models).save(folder)

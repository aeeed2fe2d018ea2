"""Rows of long studies, kept one by one as they come: a study that was cut off goes on where it stopped."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, TypeVar

from clinsim.processes import handed_out

J = TypeVar("J")
Row = dict[str, Any]


def collected(jobs: Sequence[J], keys: Sequence[str], work: Callable[[J], Row], store: Path, processes: int) -> list[Row]:
    """A row for each job, in order: from `store` where one is kept under its key, else made by `work` and kept.

    Args:
        jobs: What is to be done; they and `work` must pickle.
        keys: What the row of each job holds for.
        work: Makes a row.
        store: A file of JSON lines.
        processes: How many work at once.
    """
    kept = {row["key"]: row for row in map(json.loads, _whole_lines(store))}
    missing = {key: job for key, job in zip(keys, jobs, strict=True) if key not in kept}
    with store.open("a", encoding="utf-8") as sink:
        for key, row in zip(missing, handed_out(work, list(missing.values()), processes=processes, preload=work.__module__), strict=True):
            kept[key] = {"key": key, **row}
            sink.write(json.dumps(kept[key]) + "\n")
            sink.flush()
    return [kept[key] for key in keys]


def _whole_lines(store: Path) -> list[str]:
    """The lines of a file; half a line at its end, of a study that was killed, is cut off, or the next one would be added to it."""
    text = store.read_text(encoding="utf-8") if store.exists() else ""
    whole = text[: text.rfind("\n") + 1]
    if whole != text:
        store.write_text(whole, encoding="utf-8")
    return whole.splitlines()


def files_in(folder: Path) -> str:
    """A hash of all files in a folder, a model for instance."""
    return sha256(b"".join(path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file())).hexdigest()


def key_from(*parts: object) -> str:
    """A short key made of all that a row holds for."""
    return sha256("|".join(map(str, parts)).encode()).hexdigest()[:16]

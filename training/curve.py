"""The learning curve of a run, as a picture beside its metrics."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from clinsim.errors import UsageError
from clinsim.training import quick
from clinsim.training.boards import Tell
from clinsim.training.run import RunFolder

CURVE = "curve.png"


@contextmanager
def curve_left(folder: Path, begun: bool, tell: Tell, left: Callable[[Path], None]) -> Iterator[Tell]:
    """Draw the curve when a run ends, however it ends, unless it never began; `left` is told where it is, `tell` of each row as ever."""

    def noted(row: Mapping[str, Any]) -> None:
        nonlocal begun
        begun = True
        tell(row)

    try:
        yield noted
    finally:
        if begun:
            _leave(folder, left)


def _leave(folder: Path, left: Callable[[Path], None]) -> None:
    """Draw the curve; where metrics cannot be read there is none, and what ended the run is what is told."""
    with suppress(UsageError):
        if path := drawn(folder):
            left(path)


def drawn(folder: Path) -> Path | None:
    """Draw the curve of a run as far as it has come; where it is, if there was anything to draw.

    A run of parts (`quick`) is drawn over minutes of work, any other over steps.
    """
    minutes = (folder / quick.LEARNT).is_dir()
    looks = [(row["minutes"], row) for row in quick.curve(folder)] if minutes else _looks(folder)
    if not looks:
        return None
    draft = folder / f"{CURVE}.{os.getpid()}.part"
    _draw([place for place, _ in looks], [look["return"] for _, look in looks], draft, "minutes" if minutes else "step")
    return draft.replace(folder / CURVE)


def _looks(folder: Path) -> list[tuple[float, Mapping[str, Any]]]:
    """Looks at the validation seeds, with how many steps had been taken."""
    return [(row["step"] + 1, row["evaluation"]) for row in RunFolder(folder).rows() if "evaluation" in row]


def _draw(places: Sequence[float], found: Sequence[Mapping[str, Any]], path: Path, unit: str) -> None:
    """Means on the validation seeds, with their 95 % intervals where they are known."""
    figure = Figure(figsize=(6, 3.5), layout="constrained")
    FigureCanvasAgg(figure)  # loaded beforehand: where memory ran out it could not be any more
    axes = figure.subplots()
    axes.plot(places, [one["mean"] for one in found], marker="o", markersize=3)
    if all(one["low"] is not None for one in found):
        axes.fill_between(places, [one["low"] for one in found], [one["high"] for one in found], alpha=0.2)
    axes.set(xlabel=unit, ylabel="return on validation seeds")
    figure.savefig(path, dpi=120, format="png")

"""Figures for reports, as SVG files that are the same each time they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from textwrap import fill
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH = 9.0
"""Inches."""
ROW = 0.19
"""Inches for a row of a figure with one row a value."""
GOOD, BAD, PALE = "#2a6f97", "#c1121f", "#d9e6ee"

Mark = tuple[str, float, bool]
"""A name, a value, and whether it is as it should be."""
Pair = tuple[str, float, float, bool]
"""A name, what was expected, what was observed, and whether they agree."""

Whisker = tuple[str, float, float, float]
"""A name, a mean, and the ends of its interval."""
Panel = tuple[str, Sequence[Whisker], float | None]
"""A title, rows from top to bottom, and where a line is drawn (None: nowhere)."""
PANELS_ABREAST = 3
LABEL = 28
"""Characters a line of the name of a row; what is longer goes on below, since alternatives often differ in their last character."""


def deviations(marks: Sequence[Mark], limit: float, title: str, unit: str, path: Path) -> None:
    """One row for each value, with the band in which it should lie: `-limit` to `limit`.

    Args:
        marks: Rows from top to bottom.
        limit: Half the width of the band, in the unit of the values.
        title: Title of the figure.
        unit: What is drawn along.
        path: File to write.
    """
    figure, axes = _blank(1.2 + ROW * len(marks), title)
    axes.axvspan(-limit, limit, color=PALE, zorder=0)
    axes.axvline(0.0, color="grey", linewidth=0.8)
    rows = range(len(marks))
    axes.scatter([mark[1] for mark in marks], rows, s=18, c=[GOOD if mark[2] else BAD for mark in marks], zorder=2)
    axes.set_yticks(rows, [mark[0] for mark in marks], fontsize=6)
    axes.set_ylim(len(marks) - 0.5, -0.5)
    axes.set_xlabel(unit)
    _save(figure, path)


def agreement(pairs: Sequence[Pair], title: str, unit: str, path: Path) -> None:
    """Observed against expected, one point for each pair; the line is where both are the same.

    Args:
        pairs: Points.
        title: Title of the figure.
        unit: Unit of both axes.
        path: File to write.
    """
    figure, axes = _blank(5.5, title)
    most = max(max(pair[1], pair[2]) for pair in pairs)
    axes.plot([0.0, most], [0.0, most], color="grey", linewidth=0.8)
    axes.scatter([pair[1] for pair in pairs], [pair[2] for pair in pairs], s=18, c=[GOOD if pair[3] else BAD for pair in pairs])
    axes.set_xlabel(f"expected, {unit}")
    axes.set_ylabel(f"observed, {unit}")
    _save(figure, path)


def bars(pairs: Sequence[Pair], title: str, names: tuple[str, str], unit: str, path: Path) -> None:
    """Two bars for each pair, one above the other.

    Args:
        pairs: Groups from top to bottom.
        title: Title of the figure.
        names: What the first and the second value of each are.
        unit: What is drawn along.
        path: File to write.
    """
    figure, axes = _blank(1.4 + 0.45 * len(pairs), title)
    for shift, column, name, colour in ((-0.2, 1, names[0], "#adb5bd"), (0.2, 2, names[1], GOOD)):
        axes.barh([row + shift for row in range(len(pairs))], [float(pair[column]) for pair in pairs], 0.38, color=colour, label=name)
    axes.set_yticks(range(len(pairs)), [pair[0] for pair in pairs], fontsize=8)
    axes.invert_yaxis()
    axes.set_xlabel(unit)
    axes.legend(frameon=False, fontsize=8)
    _save(figure, path)


def whiskers(panels: Sequence[Panel], title: str, path: Path) -> None:
    """Means with intervals, a panel for each quantity, three abreast or as many as there are.

    Args:
        panels: Panels from left to right, row by row.
        title: Title of the figure.
        path: File to write.
    """
    from matplotlib.figure import Figure

    abreast = min(PANELS_ABREAST, len(panels))
    rows, most = -(-len(panels) // abreast), max(len(panel[1]) for panel in panels)
    figure = Figure(figsize=(WIDTH, 0.5 + rows * (0.8 + 0.3 * most)), layout="constrained")
    figure.suptitle(title, fontsize=10)
    for place, (name, marks, line) in enumerate(panels):
        axes = figure.add_subplot(rows, abreast, place + 1)
        _draw_whiskers(axes, marks, line)
        axes.set_title(name, fontsize=8, loc="left")
    _save(figure, path)


def _draw_whiskers(axes: Axes, marks: Sequence[Whisker], line: float | None) -> None:
    if line is not None:
        axes.axvline(line, color="grey", linewidth=0.8)
    for row, (_, mean, low, high) in enumerate(marks):
        axes.plot([low, high] if isfinite(low) else [mean, mean], [row, row], color=GOOD, linewidth=1.5)
        axes.plot([mean], [row], "o", color=GOOD, markersize=4)
    axes.set_yticks(range(len(marks)), [fill(mark[0], LABEL) for mark in marks], fontsize=6)
    axes.set_ylim(len(marks) - 0.5, -0.5)
    axes.tick_params(labelsize=6)
    axes.spines[["top", "right"]].set_visible(False)


def series(values: Sequence[float], every: float, cut: float, title: str, path: Path) -> None:
    """A series in time, with what is cut from its start shaded.

    Args:
        values: Values at even steps.
        every: Minutes between them.
        cut: Minutes that are cut.
        title: Title of the figure.
        path: File to write.
    """
    figure, axes = _blank(3.0, title)
    axes.axvspan(0.0, cut / 60.0, color=PALE, zorder=0)
    axes.plot([(at + 0.5) * every / 60.0 for at in range(len(values))], values, color=GOOD, linewidth=1.2)
    axes.set_xlabel(f"hours; the first {cut:g} minutes are cut")
    _save(figure, path)


def matrix(cells: Sequence[Sequence[float | None]], rows: Sequence[str], columns: Sequence[str], title: str, path: Path) -> None:
    """A table of values drawn as colours, with each value written in its cell; a cell without a value stays empty.

    Args:
        cells: Values by row and column, -1 to 1.
        rows: Names of the rows, top to bottom.
        columns: Names of the columns, left to right.
        title: Title of the figure.
        path: File to write.
    """
    figure, axes = _blank(1.6 + 0.4 * len(rows), title)
    axes.imshow([[float("nan") if cell is None else cell for cell in row] for row in cells], cmap="RdBu", vmin=-1.0, vmax=1.0, aspect="auto")
    axes.set_xticks(range(len(columns)), list(columns), fontsize=7, rotation=20, ha="right")
    axes.set_yticks(range(len(rows)), list(rows), fontsize=8)
    for y, row in enumerate(cells):
        for x, cell in enumerate(row):
            if cell is not None:
                axes.text(x, y, f"{cell:.2f}", ha="center", va="center", fontsize=7, color="white" if abs(cell) > 0.7 else "black")
    _save(figure, path)


def _blank(height: float, title: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, fontsize=10, loc="left")
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(labelsize=7)
    return figure, axes


def _save(figure: Figure, path: Path) -> None:
    """Write the file without a date, and with names of its parts that do not depend on chance."""
    from matplotlib import rc_context

    with rc_context({"svg.hashsalt": "clinsim", "svg.fonttype": "none"}):
        figure.savefig(path, format="svg", metadata={"Date": None})

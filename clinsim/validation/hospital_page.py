"""What the report shows of the general hospital beyond rows: where each figure lies in its published range, and waits and stays by triage level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from clinsim import plots
from clinsim.validation.checks import Check

BY_LEVEL = {"waits": "Minutes to a doctor", "stays": "Minutes in the department"}
"""Groups of quantiles by triage level, with what they measure."""
FURTHEST = 4.0
"""Half ranges beyond which a figure is drawn at the edge."""
AXIS = f"half ranges from the middle of the published range (red: outside; beyond {FURTHEST:g}: drawn at {FURTHEST:g})"


def draw(checks: Sequence[Check], path: Path) -> None:
    """Draw both figures; the second lies beside the first, with `-levels` in its name.

    Args:
        checks: Checks of the part.
        path: File of the first figure.
    """
    marks = [(_place(check), check) for check in checks if check.get("group") == "figures" and check["observed"] is not None]
    if marks:
        rows = [(f"{check['name'].partition(' [')[0]} ({check['role']})", place, bool(check["fits"])) for place, check in marks]
        plots.deviations(rows, 1.0, "Figures in their published ranges", AXIS, path)
    panels: list[plots.Panel] = [(BY_LEVEL[group], list(_whiskers(checks, group)), 0.0) for group in BY_LEVEL]
    if any(panel[1] for panel in panels):
        plots.whiskers(panels, "By triage level: median, with the 10 % and 90 % quantiles", path.with_name(f"{path.stem}-levels{path.suffix}"))


def _place(check: Check) -> float:
    """Where a figure lies: -1 is the lower end of its range, 1 the upper."""
    middle, half = 0.5 * (check["low"] + check["high"]), 0.5 * (check["high"] - check["low"])
    return float(max(-FURTHEST, min(FURTHEST, (check["observed"] - middle) / half)))


def _levels(checks: Sequence[Check], group: str) -> dict[int, dict[float, Check]]:
    found: dict[int, dict[float, Check]] = {}
    for check in checks:
        if check.get("group") == group:
            found.setdefault(check["level"], {})[check["share"]] = check
    return found


def _whiskers(checks: Sequence[Check], group: str) -> Iterator[plots.Whisker]:
    for level, row in _levels(checks, group).items():
        yield f"ESI {level}", row[0.5]["observed"], row[0.1]["observed"], row[0.9]["observed"]


def tables(checks: Sequence[Check]) -> Iterator[str]:
    """The lines of the tables of quantiles by triage level."""
    for group, title in BY_LEVEL.items():
        levels = _levels(checks, group)
        if levels:
            shares = list(next(iter(levels.values())))
            yield from ("", f"{title}, quantiles by the level that the triage nurse set:", "")
            yield f"| ESI | n | {' | '.join(f'{share:.0%}' for share in shares)} |"
            yield f"|---|--:|{'--:|' * len(shares)}"
            for level, row in levels.items():
                yield f"| {level} | {row[0.5]['n']} | {' | '.join(format(row[share]['observed'], '.0f') for share in shares)} |"

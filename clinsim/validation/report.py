"""All parts of the validation under one roof: run them, and write what came out as a page with tables and figures."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from math import isfinite
from pathlib import Path
from typing import Any

import clinsim
from clinsim import plots
from clinsim.errors import UsageError
from clinsim.validation import calculators, general_hospital, hospital_page, physiology, queueing, scenarios, sensitivity, treatment_centre
from clinsim.validation.checks import Check, Z

Part = dict[str, Any]
"""`{passed, checks}`."""

ALL = "all"
RUN: dict[str, Callable[[bool], dict[str, Part]]] = {
    queueing.PART: queueing.report,
    treatment_centre.PART: treatment_centre.report,
    physiology.PART: physiology.report,
    scenarios.PART: scenarios.report,
    general_hospital.PART: general_hospital.report,
}
"""Parts that need no file; `calculators` may be given one."""
PARTS = (queueing.PART, treatment_centre.PART, calculators.PART, physiology.PART, scenarios.PART, general_hospital.PART)
BY_HAND = (sensitivity.PART,)
"""Parts that take an hour and are asked for by name."""
PAGE = "report.md"
COLUMNS = ("observed", "expected", "low", "high", "z", "detects", "n")
"""Columns of a table; those after the fourth stand only where a check has them."""
VERDICTS = {True: "passed", False: "FAILED", None: "not judged"}
MOST_ROWS = 400
"""Rows of a table on the page; of what is not judged beyond them only the number is told."""


def parts_of(name: str) -> tuple[str, ...]:
    """The parts that a name stands for.

    Raises:
        UsageError: There is no such part.
    """
    if name == ALL:
        return PARTS
    if name not in (*PARTS, *BY_HAND):
        raise UsageError(f"unknown part {name!r} of the validation; there are {', '.join((*PARTS, ALL, *BY_HAND))}")
    return (name,)


def run_part(name: str, quick: bool = False, data: Path | None = None, folder: Path | None = None) -> Part:
    """Run one part.

    Args:
        name: One of `PARTS` or `BY_HAND`.
        quick: Less of everything, for under a minute in all.
        data: File of rows for `calculators`.
        folder: Where `sensitivity` keeps its draws, to go on with.

    Raises:
        UsageError: The file of rows or draws cannot be read, or is not of that layout.
    """
    if name == sensitivity.PART:
        return sensitivity.report(quick, folder)[name]
    found = calculators.report(data) if name == calculators.PART else RUN[name](quick)
    return found[name]


def told_by_hand(folder: Path) -> dict[str, Part]:
    """The parts that were run by hand and whose figures lie in the folder.

    Raises:
        UsageError: The file of draws cannot be read, or is not of that layout.
    """
    return sensitivity.kept(folder)


def passed(report: Mapping[str, Part]) -> bool:
    """Whether every part has passed."""
    return all(part["passed"] for part in report.values())


def write(report: Mapping[str, Part], folder: Path, quick: bool = False) -> Path:
    """Write the page and its figures; the page.

    Args:
        report: Parts by name.
        folder: Where to; made if it is not there.
        quick: Whether it was the quick one, which the page says.

    Raises:
        UsageError: The folder is a file.
    """
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: is a file; give a folder")
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in report.items():
        draw(name, part["checks"], folder)
    (folder / PAGE).write_text("\n".join(_page(report, folder, quick)) + "\n", encoding="utf-8")
    return folder / PAGE


# ---------------------------------------------------------------- figures


def draw(name: str, checks: Sequence[Check], folder: Path) -> None:
    """The figure of a part, where its checks have something to draw."""
    path = folder / f"{name}.svg"
    scored = [
        (_short(check), check["z"], check["passed"] is not False) for check in checks if _is_number(check.get("z")) and not check.get("told_apart")
    ]
    if scored:
        plots.deviations(scored, Z, f"{name}: standard errors from what is expected", "standard errors", path)
    elif name == general_hospital.PART:
        hospital_page.draw(checks, path)
    elif name == scenarios.PART:
        worth = [(pair[0].partition(":")[0], *pair[1:]) for pair in _pairs(checks, "worth")]
        plots.bars(worth, "Expected utility loss under good care and under none", (scenarios.PASSIVE, scenarios.GOOD), "utility lost", path)
    elif name == physiology.PART:
        plots.agreement(_pairs(checks, "outcomes"), "Deaths of each sheet, untreated and with all on target", "probability", path)
    else:
        _draw_shares(name, checks, path)


def _draw_shares(name: str, checks: Sequence[Check], path: Path) -> None:
    pairs = [
        (check["name"], float(check["expected"]), float(check["observed"]), bool(check["passed"]))
        for check in checks
        if check["passed"] is not None and _is_number(check["expected"]) and _is_number(check["observed"])
    ]
    if pairs:
        plots.agreement(pairs, f"{name}: observed against expected", "in the unit of each", path)


def _pairs(checks: Iterable[Check], group: str) -> list[plots.Pair]:
    return [(_short(check), check["expected"], check["observed"], bool(check["passed"])) for check in checks if check.get("group") == group]


def _short(check: Check) -> str:
    """The name of a check without the description of its system."""
    head, _, tail = str(check["name"]).rpartition(": ")
    return f"{head.split()[0]}: {tail}" if head else tail


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)


# ---------------------------------------------------------------- the page


def _page(report: Mapping[str, Part], folder: Path, quick: bool) -> Iterator[str]:
    yield from ("# Validation report", "")
    size = "quick" if quick else "full"
    yield f"Written by `clinsim validate --out` ({size} size, clinsim {clinsim.__version__}). What the checks are: see the page on validation."
    yield "`z` is the distance from what is expected in standard errors; `detects` is the power: a system that is off by that share of the value is"
    yield "rejected nine times in ten; `n` is the number of replications or cases."
    yield from ("", "| part | passed | checks | failed | not judged |", "|---|---|--:|--:|--:|")
    for name, part in report.items():
        judged, failed, open_ = tally(part["checks"])
        yield f"| [{name}](#{name}) | {'yes' if part['passed'] else '**no**'} | {judged} | {failed} | {open_} |"
    for name, part in report.items():
        yield from _section(name, part, folder)


def tally(checks: Iterable[Check]) -> tuple[int, int, int]:
    """How many checks were judged, how many of those failed, and how many were not judged."""
    verdicts = [check["passed"] for check in checks]
    return sum(verdict is not None for verdict in verdicts), verdicts.count(False), verdicts.count(None)


def _section(name: str, part: Part, folder: Path) -> Iterator[str]:
    yield from ("", f"## {name}", "")
    for figure in sorted(folder.glob(f"{name}*.svg")):
        yield from (f"![{figure.stem}]({figure.name})", "")
    checks = [check for check in part["checks"] if check.get("group") not in hospital_page.BY_LEVEL]
    shown = checks if len(checks) <= MOST_ROWS else [check for check in checks if check["passed"] is not None]
    columns = [column for column in COLUMNS if column in COLUMNS[:4] or any(check.get(column) is not None for check in shown)]
    yield from (f"| check | {' | '.join(columns)} | verdict |", f"|---|{'--:|' * len(columns)}---|")
    for check in shown:
        cells = [str(check["name"]).replace("|", "/"), *(told(check.get(column)) for column in columns)]
        yield f"| {' | '.join(cells)} | {verdict(check)} |"
    if len(shown) < len(checks):
        yield from ("", f"{len(checks) - len(shown)} rows that are not judged are left out here; `--json` lists them.")
    yield from hospital_page.tables(part["checks"])


def verdict(check: Check) -> str:
    """What became of a check, in a word or two."""
    return str(check.get("verdict") or VERDICTS[check["passed"]])


def told(value: Any) -> str:
    """A value for people: four figures, a dash for nothing."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, (int, float)) else str(value).replace("|", "/")

"""What an experiment found, as one object, as CSV files, and as figures."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from clinsim import plots
from clinsim.errors import UsageError
from clinsim.experiment import Findings, first_of
from clinsim.experiment_ward import RETURN, Team, units_of
from clinsim.intervals import LEVEL, Estimate

SHOWN = ("length_of_stay", "door_to_doctor", "left_unseen", "boarding_time", "utility_loss", RETURN)
"""Figures that are drawn, and printed first, where they have a value."""
OBJECT, FIGURE, SERIES = "experiment.json", "experiment.svg", "warm_up.svg"
Row = dict[str, Any]


def as_object(teams: Mapping[str, Team], findings: Findings) -> Row:
    """The whole of it, as `clinsim experiment --json` prints it: figures of each alternative, paired differences from the first."""
    base, *others = teams
    loaded = teams[base].loaded()
    plan = findings.plan
    return {
        "scenario": loaded.id,
        "seeds": f"{plan.first_seed}:{plan.first_seed + findings.replications}",
        "replications": findings.replications,
        "level": LEVEL,
        "warm_up": {"minutes": findings.warm_up, "method": "MSER-5" if plan.warm_up.minutes is None else "stated", "settled": findings.settled},
        "precision": {"wanted": plan.precision, "figures": list(plan.figures), "enough": findings.enough} if plan.precision is not None else None,
        "alternatives": [
            {"name": name, "set": dict(team.settings), "policies": dict(team.policies), "figures": _figures(findings, name, units_of(team.loaded()))}
            for name, team in teams.items()
        ],
        "differences": [
            {"name": name, "from": base, "same": findings.runs[name] == findings.runs[base], "figures": _differences(findings, name)}
            for name in others
        ],
    }


def _figures(findings: Findings, name: str, units: Mapping[str, str]) -> Row:
    return {figure: {**_told(findings.estimate(name, figure)), "unit": units.get(figure, "")} for figure in findings.runs[name][0]}


def _differences(findings: Findings, name: str) -> Row:
    """Differences of the figures that both alternatives have: staffing may change which agents there are."""
    base = next(iter(findings.runs))
    common = [figure for figure in findings.runs[base][0] if figure in findings.runs[name][0]]
    return {figure: {**_told(findings.difference(name, figure)), "variance_ratio": findings.gain(name, figure)} for figure in common}


def _told(found: Estimate | None) -> Row:
    """A mean with its interval; None where there is none, and where one replication gives none."""
    if found is None:
        return {"mean": None, "low": None, "high": None, "error": None, "n": 0}
    single = found.n == 1
    return {"mean": found.mean} | {name: None if single else getattr(found, name) for name in ("low", "high", "error")} | {"n": found.n}


# ---------------------------------------------------------------- files


def check_folder(folder: Path) -> None:
    """Make sure, before anything is played, that results can be left there.

    Raises:
        UsageError: It is a file, or not empty.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"--out {folder}: {'not empty' if folder.is_dir() else 'is a file'}; give another folder")


def write(teams: Mapping[str, Team], findings: Findings, folder: Path) -> Path:
    """Write the object, the tables and the figures; the folder.

    Raises:
        UsageError: The folder cannot be made.
    """
    found = as_object(teams, findings)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise UsageError(f"--out {folder}: cannot be made ({problem.strerror})") from problem
    (folder / OBJECT).write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    _write_table(folder / "replications.csv", _replications(findings))
    _write_table(folder / "figures.csv", _long(found["alternatives"]))
    _write_table(folder / "differences.csv", _long(found["differences"]))
    draw(findings, folder)
    return folder


def _replications(findings: Findings) -> Iterator[Row]:
    for name, runs in findings.runs.items():
        for number, figures in enumerate(runs):
            yield {"alternative": name, "seed": findings.plan.first_seed + number, **figures}


def _long(rows: Iterable[Row]) -> Iterator[Row]:
    for row in rows:
        for figure, found in row["figures"].items():
            yield {"alternative": row["name"], "figure": figure, **found}


def _write_table(path: Path, rows: Iterable[Row]) -> None:
    """A table with a column for whatever any row has; an empty cell where there is no value."""
    listed = list(rows)
    columns = list(dict.fromkeys(column for row in listed for column in row))
    with path.open("w", encoding="utf-8", newline="") as sink:
        writer = csv.DictWriter(sink, columns)
        writer.writeheader()
        writer.writerows(listed)


def draw(findings: Findings, folder: Path) -> None:
    """Draw the figures of all alternatives, their differences, and the series in which the warm-up was looked for."""
    base, *others = findings.runs
    shown = first_of(findings, SHOWN, len(SHOWN))
    panels: list[plots.Panel] = [(figure, _whiskers({name: findings.estimate(name, figure) for name in findings.runs}), None) for figure in shown]
    if others:
        panels += [(f"{figure}: less {base}", _whiskers({name: findings.difference(name, figure) for name in others}), 0.0) for figure in shown]
    if panels:
        title = f"Means over {findings.replications} replications with {LEVEL:.0%} intervals"
        plots.whiskers(panels, title, folder / FIGURE)
    if findings.plan.warm_up.minutes is None:
        every = findings.plan.warm_up.every
        plots.series(findings.series, every, findings.warm_up, "Patients in the department, mean of the pilot replications", folder / SERIES)


def _whiskers(found: Mapping[str, Estimate | None]) -> list[plots.Whisker]:
    return [(name, one.mean, one.low, one.high) for name, one in found.items() if one is not None]

"""Calculators against rows of another source, and against our own hand-worked cases."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from clinsim.errors import UsageError
from clinsim.hospital.calculators.catalogue import calculate, find
from clinsim.hospital.calculators.declaration import Given, Score, Value
from clinsim.hospital.calculators.quantity import InputError, Measure, Quantity
from clinsim.validation.medcalc import inputs_of, readings

PART = "calculators"
AGREEMENT, COVERAGE = 0.99, 0.90
"""Least share of the covered rows that agree, and of all rows that are covered."""
ONE_CALCULATOR = 0.80
"""Least share of the covered rows of a single calculator: single rows of the set are wrong, a rule that misses more is."""
CASES = Path(__file__).with_name("cases")
"""Hand-worked cases, one file a family."""

Check = dict[str, Any]
"""`{name, observed, expected, low, high, passed}`; `passed` is None where nothing is judged."""


class Row(BaseModel):
    """One row of the data file; `tolerance` is relative, 0 means exact."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    row: int
    calculator: str
    entities: dict[str, Any]
    answer: float
    tolerance: float


class Case(BaseModel):
    """A hand-worked case: quantities as `[value, unit]`; what comes out, or the words with which it is refused.

    `tolerance` is absolute, in the unit of the value; `says` is part of the interpretation.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    calculator: str
    case: str
    given: dict[str, Any]
    value: float | str | None = None
    tolerance: float = 0.0
    says: str = ""
    refused: str = ""
    components: dict[str, float] = {}


@dataclass(frozen=True, slots=True)
class RowCheck:
    """One row: what the file says, what we say, and whether the two agree; None and a note where we compute nothing."""

    row: int
    calculator: str
    expected: float
    observed: Value
    agrees: bool | None
    note: str


@dataclass(frozen=True, slots=True)
class Agreement:
    """The rows of one calculator: how many, how many of them we compute, how many of those agree, and the rest one by one."""

    calculator: str
    ours: str
    rows: int
    covered: int
    agreed: int
    disagreements: tuple[RowCheck, ...]
    uncovered: tuple[RowCheck, ...]


def agreement(path: Path) -> tuple[Agreement, ...]:
    """Agreement with a file of rows, a line for each calculator in it, by name.

    Args:
        path: JSON list of rows.

    Raises:
        UsageError: The file cannot be read, or is not of that layout.
    """
    checks: dict[str, list[RowCheck]] = defaultdict(list)
    for row in _rows(path):
        checks[row.calculator].append(_check(row))
    return tuple(_agreement(name, found) for name, found in sorted(checks.items()))


def _rows(path: Path) -> list[Row]:
    try:
        return [Row.model_validate(row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except OSError as problem:
        raise UsageError(f"{path}: {problem.strerror}") from problem
    except (json.JSONDecodeError, UnicodeDecodeError, ValidationError, TypeError) as problem:
        first = str(problem).splitlines()[0]
        raise UsageError(f"{path}: not a JSON list of rows {{row, calculator, entities, answer, tolerance}}: {first}") from problem


def _check(row: Row) -> RowCheck:
    reading = readings().readings.get(row.calculator)
    if reading is None:
        return _left(row, readings().not_compared.get(row.calculator, "no calculator of ours"))
    try:
        score = calculate(reading.calculator, **inputs_of(reading, row.entities))
    except InputError as problem:
        return _left(row, str(problem))
    if not isinstance(score.value, (int, float)):
        return _left(row, score.interpretation)
    agrees = abs(score.value - row.answer) <= row.tolerance * abs(row.answer) + 1e-9
    note = "" if agrees else readings().explained.get(row.row, "not explained")
    return RowCheck(row.row, row.calculator, row.answer, score.value, agrees, note)


def _left(row: Row, why: str) -> RowCheck:
    return RowCheck(row.row, row.calculator, row.answer, None, None, why)


def _agreement(name: str, checks: list[RowCheck]) -> Agreement:
    reading = readings().readings.get(name)
    apart = tuple(check for check in checks if check.agrees is False)
    uncovered = tuple(check for check in checks if check.agrees is None)
    covered = len(checks) - len(uncovered)
    return Agreement(name, reading.calculator if reading else "", len(checks), covered, covered - len(apart), apart, uncovered)


def report(path: Path | None = None) -> dict[str, dict[str, Any]]:
    """The part `calculators` of a validation: `{part: {passed, checks}}`; it has passed when no judged check has failed.

    Args:
        path: File of rows; without it our own hand-worked cases are worked again.

    Raises:
        UsageError: The file cannot be read, or is not of that layout.
    """
    checks = _of_rows(agreement(path)) if path else [_of_case(case) for case in cases()]
    return {PART: {"passed": all(check["passed"] for check in checks if check["passed"] is not None), "checks": checks}}


def _of_rows(table: Iterable[Agreement]) -> list[Check]:
    lines = tuple(table)
    rows, covered, agreed = (sum(getattr(line, name) for line in lines) for name in ("rows", "covered", "agreed"))
    checks = [_share("rows covered", covered, rows, COVERAGE), _share("covered rows that agree", agreed, covered, AGREEMENT)]
    checks += [_share(f"{line.calculator}: covered rows that agree", line.agreed, line.covered, ONE_CALCULATOR) for line in lines]
    for line in lines:
        for apart in line.disagreements:
            checks.append(_note(apart, "differs"))
        for left in line.uncovered:
            checks.append(_note(left, "not covered"))
    return checks


def _share(name: str, part: int, whole: int, least: float) -> Check:
    share = part / whole if whole else None
    return {"name": name, "observed": share, "expected": 1.0, "low": least, "high": 1.0, "passed": None if share is None else share >= least}


def _note(check: RowCheck, word: str) -> Check:
    name = f"{check.calculator}, row {check.row} {word}" + (f": {check.note}" if check.note else "")
    return {"name": name, "observed": check.observed, "expected": check.expected, "low": None, "high": None, "passed": None}


# ---------------------------------------------------------------- hand-worked cases


@lru_cache(maxsize=1)
def cases() -> tuple[Case, ...]:
    """All hand-worked cases, file by file."""
    found = []
    for path in sorted(CASES.glob("*.yaml")):
        found += [Case.model_validate(case) for case in yaml.safe_load(path.read_text(encoding="utf-8"))]
    return tuple(found)


def work(case: Case) -> Score:
    """What our calculator says to a case.

    Args:
        case: A hand-worked case.

    Raises:
        InputError: The calculator refuses it.
    """
    kinds = {rule.name: rule.kind for rule in find(case.calculator).inputs}
    return calculate(case.calculator, **{name: _given(kinds.get(name), value) for name, value in case.given.items()})


def _given(kind: Any, value: Any) -> Given:
    if isinstance(value, list):
        return Quantity(value[0], value[1])
    if isinstance(kind, Measure) and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return value  # type: ignore[no-any-return]  # a word, a finding, a day or a plain number, as YAML gives it


def _of_case(case: Case) -> Check:
    try:
        score = work(case)
    except InputError as refusal:
        return _judged(case, str(refusal), bool(case.refused) and case.refused in str(refusal))
    return _judged(case, score.value, not case.refused and holds(case, score))


def holds(case: Case, score: Score) -> bool:
    """Whether a score is what the case says.

    Args:
        case: A hand-worked case.
        score: What came out.
    """
    near = isinstance(score.value, (int, float)) and isinstance(case.value, (int, float)) and abs(score.value - case.value) <= case.tolerance + 1e-9
    parts: Mapping[str, float] = score.components
    return (near or score.value == case.value) and case.says in score.interpretation and case.components.items() <= parts.items()


def _judged(case: Case, observed: Value, passed: bool) -> Check:
    number = isinstance(case.value, (int, float))
    low, high = (case.value - case.tolerance, case.value + case.tolerance) if isinstance(case.value, (int, float)) else (None, None)
    expected = case.value if number else (case.refused or case.value)
    return {"name": f"{case.calculator}: {case.case}", "observed": observed, "expected": expected, "low": low, "high": high, "passed": passed}

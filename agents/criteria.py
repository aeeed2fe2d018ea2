"""The small language in which protocols say when something applies, compiled to tests on a clinician's notes.

A criterion is a text, or a mapping with one of `all`, `any`, `not`. Texts read like this:

    sbp < 90                 a vital sign, age, esi, egfr, weight, news2 or shock_index (small letters)
    K >= 6.5                 a result (capital letters); what was never measured fulfils nothing
    known TROP               a number has been measured
    rises TROP 7             of two results or more, the last is at least so much above the first
    steady TROP 7            of two results or more, the last is not so much above the first
    says wheeze|stridor      one of the words stands in history, examination, ECG or triage note, and is not denied
    denies fever             one of the words is denied
    shows haemorrhage        a radiologist's report names the finding
    read CT_HEAD             a report on the study is in
    complaint fever|collapse
    has cirrhosis            a comorbidity or home drug
    allergic penicillin
    likely stemi 0.5         the probability worked out from the evidence is at least that
    asked history|examination  we have asked or examined (or read what a colleague wrote)
    after crystalloid 15     the vital signs are from at least so many minutes after it was last given
    given aspirin|heparin    one of the drugs has been given, or the procedure has taken effect
    ordered aspirin          ordered by us and not turned down
    is septic_shock|dka      the recorded diagnosis
    at ward|icu              where the patient is (or the status: boarding, inpatient)
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from clinsim.agents.notes import Case

Test = Callable[[Case], bool]
Criterion = str | Mapping[str, Any]

_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_NUMERIC = re.compile(r"([A-Za-z][A-Za-z0-9_]*) (<=|>=|<|>) (-?\d+(?:\.\d+)?)")
_WORDED = re.compile(r"(\w+) (.+)")
_PLAIN = re.compile(r"[a-z0-9 ,'/-]+")


def compiled(criterion: Criterion | list[Criterion] | tuple[Criterion, ...], worst: bool = False) -> Test:
    """The test that a criterion stands for; of a list all must hold (an empty list always holds).

    Args:
        criterion: A text, a mapping, or a list of these.
        worst: Whether comparisons look at the worst values so far (what the illness did), not at the last ones.

    Raises:
        ValueError: It is no criterion.
    """
    if isinstance(criterion, str):
        return _atom(criterion, worst)
    if isinstance(criterion, (list, tuple)):
        return _all([compiled(inner, worst) for inner in criterion])
    if len(criterion) != 1 or next(iter(criterion)) not in _JOINS:
        raise ValueError(f"criterion {dict(criterion)}: a mapping has one of {', '.join(_JOINS)}")
    word, inner = next(iter(criterion.items()))
    return _JOINS[word]([compiled(one, worst) for one in (inner if isinstance(inner, (list, tuple)) else [inner])])


def _all(tests: list[Test]) -> Test:
    if len(tests) == 1:
        return tests[0]

    def holds(case: Case) -> bool:
        # A loop: three times as fast as all() over a generator, and this is where scripted doctors spend their time.
        for test in tests:  # noqa: SIM110
            if not test(case):
                return False
        return True

    return holds


def _any(tests: list[Test]) -> Test:
    def holds(case: Case) -> bool:
        for test in tests:  # noqa: SIM110  # a loop, as above
            if test(case):
                return True
        return False

    return holds


def _not(tests: list[Test]) -> Test:
    held = _all(tests)
    return lambda case: not held(case)


_JOINS: dict[str, Callable[[list[Test]], Test]] = {"all": _all, "any": _any, "not": _not}


def _atom(text: str, worst: bool) -> Test:
    numeric = _NUMERIC.fullmatch(text)
    if numeric:
        return (_worst if worst else _number)(numeric[1], _COMPARE[numeric[2]], float(numeric[3]))
    worded = _WORDED.fullmatch(text)
    if not worded or worded[1] not in _WORDS:
        raise ValueError(f"criterion {text!r}: neither a comparison nor one of {', '.join(_WORDS)}")
    return _WORDS[worded[1]](worded[2])


def _number(name: str, compare: Callable[[float, float], bool], limit: float) -> Test:
    def holds(case: Case) -> bool:
        value = case.numbers.get(name)
        return value is not None and compare(value, limit)

    return holds


def _worst(name: str, compare: Callable[[float, float], bool], limit: float) -> Test:
    def holds(case: Case) -> bool:
        value = case.worst.get(name)
        return value is not None and compare(value, limit)

    return holds


def _says(words: str) -> Test:
    return _heard(f"says {words}", _finder(words), lambda case: case.said)


def _denies(words: str) -> Test:
    return _heard(f"denies {words}", _finder(words), lambda case: case.denied)


def _finder(words: str) -> Callable[[str], bool]:
    """Whether one of the words begins somewhere in a text; a plain search passes over most of them much faster than the pattern does."""
    pattern, plain = _pattern(words), tuple(words.lower().split("|"))
    if not all(_PLAIN.fullmatch(word) for word in plain):
        return lambda text: pattern.search(text) is not None

    def found(text: str) -> bool:
        for word in plain:  # a loop, as above
            if word in text:
                return pattern.search(text) is not None
        return False

    return found


def _pattern(words: str) -> re.Pattern[str]:
    return re.compile("|".join(rf"\b{word}" for word in words.lower().split("|")))


def _heard(name: str, finds: Callable[[str], bool], text: Callable[[Case], str]) -> Test:
    def holds(case: Case) -> bool:
        found = case.heard.get(name)
        if found is None:
            found = case.heard[name] = finds(text(case))
        return found

    return holds


def _shows(words: str) -> Test:
    names = frozenset(words.split("|"))
    return lambda case: not names.isdisjoint(case.findings)


def _read(words: str) -> Test:
    codes = frozenset(words.split("|"))
    return lambda case: not codes.isdisjoint(case.reported)


def _resulted(words: str) -> Test:
    codes = frozenset(words.split("|"))
    return lambda case: not codes.isdisjoint(case.resulted)


def _known(words: str) -> Test:
    names = words.split("|")
    return lambda case: not case.numbers.keys().isdisjoint(names)


def _rises(words: str) -> Test:
    name, least = _limit(words)
    return lambda case: len(case.series.get(name, ())) > 1 and case.series[name][-1][1] - case.series[name][0][1] >= least


def _steady(words: str) -> Test:
    name, least = _limit(words)
    return lambda case: len(case.series.get(name, ())) > 1 and case.series[name][-1][1] - case.series[name][0][1] < least


def _limit(words: str) -> tuple[str, float]:
    name, _, least = words.partition(" ")
    return name, float(least)


def _complaint(words: str) -> Test:
    names = frozenset(words.split("|"))
    return lambda case: case.row.get("complaint") in names


def _has(words: str) -> Test:
    finds = _finder(words)
    return lambda case: finds(case.background)


def _allergic(words: str) -> Test:
    finds = _finder(words)
    return lambda case: finds(case.allergies)


def _likely(words: str) -> Test:
    name, limit = _limit(words)
    return lambda case: case.chances.get(name, 0.0) >= limit


def _given(words: str) -> Test:
    names = words.split("|")
    return lambda case: not case.given.keys().isdisjoint(names)


def _after(words: str) -> Test:
    name, _, minutes = words.partition(" ")
    least = float(minutes)
    return lambda case: name in case.given and case.vitals_at >= case.given[name].last + least


def _asked(words: str) -> Test:
    tools = [{"history": "take_history", "examination": "examine_patient"}[word] for word in words.split("|")]

    def holds(case: Case) -> bool:
        done, patient = case.done, case.id
        for name in tools:  # a loop, as above
            if (name, patient, "all") in done:
                return True
        return ("get_notes", patient, "") in done

    return holds


def _ordered(words: str) -> Test:
    names = words.split("|")
    return lambda case: any(name in case.started and name not in case.barred for name in names)


def _is(words: str) -> Test:
    names = frozenset(words.split("|"))
    return lambda case: case.row.get("diagnosis") in names


def _at(words: str) -> Test:
    names = frozenset(words.split("|"))
    return lambda case: case.row.get("place") in names or case.row.get("status") in names


_WORDS: dict[str, Callable[[str], Test]] = {
    "says": _says,
    "denies": _denies,
    "shows": _shows,
    "read": _read,
    "resulted": _resulted,
    "known": _known,
    "rises": _rises,
    "steady": _steady,
    "complaint": _complaint,
    "has": _has,
    "allergic": _allergic,
    "likely": _likely,
    "given": _given,
    "after": _after,
    "asked": _asked,
    "ordered": _ordered,
    "is": _is,
    "at": _at,
}

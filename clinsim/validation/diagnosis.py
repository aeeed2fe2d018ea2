"""How far a diagnosis can be read off what is known: naive Bayes over simulated arrivals, from triage alone and after every test.

The classifier is given all that it can use: thousands of arrivals with their diagnosis, the same case mix, every question, examination, laboratory
value and image, and what was *not* said or seen counts as well. What it cannot tell, nobody can learn from these facts one by one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from clinsim.body_file import load_bodies
from clinsim.condition_file import Condition
from clinsim.hospital.people import make_person, present
from clinsim.hospital.physiology import Course
from clinsim.hospital.presentation import roughly, told_hours
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import load_imaging, shown

BINS = 10
SMOOTHING = 0.5
"""Count added to each value of a fact, so that what was never seen is not thought impossible (Jeffreys)."""

SAID = "=said"
"""Ending of what is either there or not; every other fact always has some value."""

Facts = dict[str, float | str]
"""What is known of a patient, by name: numbers as read, or words. A word that is not there was not said or seen."""
Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Case:
    """A simulated arrival: the condition, what triage knows, and what is known after every question, examination and test."""

    condition: str
    triage: Facts
    everything: Facts


def cases(conditions: Mapping[str, Condition], mix: Mapping[str, float], streams: Streams, count: int) -> list[Case]:
    """Simulated arrivals of a case mix.

    Args:
        conditions: Sheets by id.
        mix: Weights of the sheets.
        streams: Keyed draws.
        count: How many.
    """
    weights = tuple(mix.items())
    return [_case(conditions[streams.pick(weights, "mix", str(number))], f"n{number}", streams) for number in range(count)]


def _case(sheet: Condition, key: str, streams: Streams) -> Case:
    person = make_person(streams, key, sheet)
    words = present(sheet, person, streams)
    course = Course(sheet, person, streams, 0.0)
    triage: Facts = {"complaint": words.complaint, "age": float(person.age), "sex": person.sex, **course.vitals(0.0)}
    hours = told_hours(sheet, key, streams)
    began = roughly(hours)
    triage |= {"note": words.triage_note.partition(". ")[2].removesuffix(began), "began": began}
    tests: Facts = {name: course.lab(name, 0.0) for name in (*load_bodies().signs.labs, *load_bodies().signs.text_labs)}
    told = {f"{where}: {line}": "said" for where, text in {**words.history, **words.examination}.items() for line in _lines(where, text)}
    signs = [(line.study, line.finding, line.region, line.sensitivity.value) for line in sheet.imaging]
    seen = {f"{code}: {item.finding}": "said" for code in load_imaging().studies for item in shown(signs, course.x, code, streams, key)}
    return Case(sheet.id, triage, {**triage, "hours": hours, **tests, "ECG": course.ecg(0.0), **told, **seen})


def _lines(where: str, text: str) -> list[str]:
    """The sentences of an answer, each by itself; the medicines of a list, each by itself."""
    return [part for line in text.rstrip(".").split(". ") for part in (line.split(", ") if where == "drugs" else [line])]


class NaiveBayes:
    """Numbers are cut at the deciles of the training cases, and each fact counts for itself, absent words too."""

    def __init__(self, known: Sequence[tuple[str, Facts]]) -> None:
        """Learn from conditions and facts."""
        columns: dict[str, list[float]] = {}
        for _, facts in known:
            for name, value in facts.items():
                if isinstance(value, float):
                    columns.setdefault(name, []).append(value)
        self._cuts = {name: np.quantile(values, np.arange(1, BINS) / BINS) for name, values in columns.items()}
        self._classes = sorted({name for name, _ in known})
        rows = [self._read(facts) for _, facts in known]
        self._columns = {word: place for place, word in enumerate(sorted({word for row in rows for word in row}))}
        members = np.array([[name == condition for name in self._classes] for condition, _ in known], dtype=float)
        counts = members.sum(axis=0)[:, None]
        likely = (members.T @ self._matrix(rows) + SMOOTHING) / (counts + 2.0 * SMOOTHING)
        optional = np.array([word.endswith(SAID) for word in sorted(self._columns)])
        self._weights = np.log(likely) - np.where(optional, np.log1p(-likely), 0.0)
        self._offsets = np.log(counts[:, 0]) + np.log1p(-likely[:, optional]).sum(axis=1)

    def guesses(self, asked: Sequence[Facts]) -> list[str]:
        """The likeliest condition of each case."""
        scores = self._matrix([self._read(facts) for facts in asked]) @ self._weights.T + self._offsets
        return [self._classes[place] for place in scores.argmax(axis=1)]

    def _matrix(self, rows: Sequence[Sequence[str]]) -> Matrix:
        matrix = np.zeros((len(rows), len(self._columns)))
        for number, row in enumerate(rows):
            matrix[number, [self._columns[word] for word in row if word in self._columns]] = 1.0
        return matrix

    def _read(self, facts: Facts) -> list[str]:
        return [f"{name}={int(np.searchsorted(self._cuts[name], value)) if isinstance(value, float) else value}" for name, value in facts.items()]


def accuracy(learnt: Sequence[Case], asked: Sequence[Case]) -> tuple[float, float]:
    """Shares of cases guessed right: from triage alone, and after every test.

    Args:
        learnt: Cases to learn from.
        asked: Cases to guess, none of them among the former.
    """
    early = NaiveBayes([(case.condition, case.triage) for case in learnt]).guesses([case.triage for case in asked])
    late = NaiveBayes([(case.condition, case.everything) for case in learnt]).guesses([case.everything for case in asked])
    truth = [case.condition for case in asked]
    return _share(early, truth), _share(late, truth)


def _share(guessed: Sequence[str], truth: Sequence[str]) -> float:
    return sum(one == other for one, other in zip(guessed, truth, strict=True)) / len(truth)

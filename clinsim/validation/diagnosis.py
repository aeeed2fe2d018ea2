"""How far a diagnosis can be read off what is measured: naive Bayes over simulated arrivals, from triage alone and after every test."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log

from clinsim.body_file import load_bodies
from clinsim.condition_file import Condition
from clinsim.hospital.people import make_person, present
from clinsim.hospital.physiology import Course
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import load_imaging, shown

BINS = 10
SMOOTHING = 0.5
"""Count added to each word, so that what was never seen is not thought impossible (Jeffreys)."""

Facts = dict[str, float | str]
"""What is known of a patient, by name: numbers as read, or words."""


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
    tests: Facts = {name: course.lab(name, 0.0) for name in (*load_bodies().signs.labs, *load_bodies().signs.text_labs)}
    told = {f"{where}: {line}": "yes" for where, text in {**words.history, **words.examination}.items() for line in text.split(". ")}
    signs = [(line.study, line.finding, line.region, line.sensitivity.value) for line in sheet.imaging]
    seen = {f"{code}: {item.finding}": "yes" for code in load_imaging().studies for item in shown(signs, course.x, code, streams, key)}
    return Case(sheet.id, triage, {**triage, **tests, "ECG": course.ecg(0.0), **told, **seen})


class NaiveBayes:
    """Numbers are cut at the deciles of the training cases, and each fact counts for itself."""

    def __init__(self, known: Sequence[tuple[str, Facts]]) -> None:
        """Learn from conditions and facts."""
        numbers: dict[str, list[float]] = defaultdict(list)
        for _, facts in known:
            for name, value in facts.items():
                if isinstance(value, float):
                    numbers[name].append(value)
        self._cuts = {name: [sorted(values)[len(values) * k // BINS] for k in range(1, BINS)] for name, values in numbers.items()}
        self._classes = Counter(name for name, _ in known)
        self._words: dict[str, Counter[str]] = defaultdict(Counter)
        for name, facts in known:
            self._words[name].update(self._read(facts))

    def guess(self, facts: Facts) -> str:
        """The likeliest condition."""
        words = list(self._read(facts))
        return max(self._classes, key=lambda name: (self._weight(name, words), name))

    def _weight(self, name: str, words: Iterable[str]) -> float:
        count, seen = self._classes[name], self._words[name]
        return log(count) + sum(log((seen[word] + SMOOTHING) / (count + 2.0 * SMOOTHING)) for word in words)

    def _read(self, facts: Facts) -> Iterable[str]:
        for name, value in facts.items():
            yield f"{name}={bisect_right(self._cuts.get(name, []), value) if isinstance(value, float) else value}"


def accuracy(learnt: Sequence[Case], asked: Sequence[Case]) -> tuple[float, float]:
    """Shares of cases guessed right: from triage alone, and after every test.

    Args:
        learnt: Cases to learn from.
        asked: Cases to guess.
    """
    early = NaiveBayes([(case.condition, case.triage) for case in learnt])
    late = NaiveBayes([(case.condition, case.everything) for case in learnt])
    right = [(early.guess(case.triage) == case.condition, late.guess(case.everything) == case.condition) for case in asked]
    return sum(one for one, _ in right) / len(right), sum(other for _, other in right) / len(right)

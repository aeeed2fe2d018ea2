"""Whether an answer stands on the record: found where the plan looks, under its own name, and nowhere otherwise.

This is stricter than what people's tasks have to pass. A task that nobody has thought through can be trusted only as far as it can be looked up: so
no judgement, no sum, no absence, nothing to be done; a value that is read where its name stands, an option that stands there when no other does.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from clinsim.benchmark.assertion import PAUSES, phrase, sentences
from clinsim.benchmark.play import Play, standard_of
from clinsim.benchmark.suite import Placed
from clinsim.benchmark.task import SUBMISSIONS, Fact

Words = frozenset[str]
VALUE_NAMES = frozenset({"value", "valuenum", "result"})
"""Fields whose number belongs to whatever the row beside them is about; any other field's number belongs to the name of the field."""
LONGEST_NAME = 60
"""Characters of a text up to which it names the row that it stands in."""
NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Place:
    """Something that a record shows: its words, those of the names that it stands under and of the row beside it included.

    `name` is the field that it stands in, `number` what it says if it is one number, `beside` the short texts of its row, as they are written.
    """

    words: Words
    name: str
    number: float | None
    beside: frozenset[str]


def places(value: Any, under: Words = frozenset(), name: str = "", beside: frozenset[str] = frozenset()) -> Iterator[Place]:
    """Every place in an answer of a tool."""
    if isinstance(value, Mapping):
        row = frozenset(text.lower() for text in value.values() if isinstance(text, str) and 0 < len(text) <= LONGEST_NAME)
        for key, inner in value.items():
            yield from places(inner, under | words_of(str(key)), str(key), row)
    elif isinstance(value, list):
        for inner in value:
            yield from places(inner, under, name, beside)
    elif isinstance(value, str):
        yield from _told(value, under, name, beside)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield Place(under | _all_words(beside), name, float(value), beside)


def _told(text: str, under: Words, name: str, beside: frozenset[str]) -> Iterator[Place]:
    """The sentences of a text; a text that is one number is that number."""
    row = under | _all_words(beside)
    if NUMBER.fullmatch(text.strip()):
        yield Place(row, name, float(text), beside)
        return
    for sentence in sentences(text):
        numbers = [float(word) for word in sentence if NUMBER.fullmatch(word)]
        words = frozenset(word for word in sentence if word not in PAUSES)
        yield Place(row | words, "", numbers[0] if len(numbers) == 1 else None, beside)


def words_of(text: str) -> Words:
    """The words of a text in one form; a field's underscores part words."""
    return frozenset(phrase(text.replace("_", " ")))


def _all_words(texts: Iterable[str]) -> Words:
    return frozenset(word for text in texts for word in words_of(text))


def shown_by(placed: Placed) -> list[Place]:
    """What the reads of the gold plan show."""
    play = Play(placed)
    found: list[Place] = []
    for call in placed.task.gold:
        if call.name not in SUBMISSIONS and not play.over:
            made = play.make(call.name, call.arguments)
            found += places(made.result) if made.ok else ()
    return found


def ungrounded(placed: Placed) -> list[str]:
    """Why the answer of a task cannot be looked up where its plan reads; nothing if it can."""
    task, standard = placed.task, standard_of(placed)
    if writes := [call.name for call in standard.needed(writes=True)]:
        return [f"its plan does {writes[0]}: whether that is right stands on no chart"]
    if terms := sorted(standard.terms().keys() - {"answer"}):
        return [f"its answer is judged by {terms[0]}, which stands on no chart"]
    shown = shown_by(placed)
    if task.answer.choice:
        return _only_one(task.options, task.answer.choice, shown)
    ticket = words_of(task.ticket)
    return [problem for fact in task.answer.facts if (problem := _missing(fact, shown, ticket, task.ticket.lower()))]


def _only_one(options: Mapping[str, str], right: str, shown: Sequence[Place]) -> list[str]:
    """Of all options the right one alone must stand on the record."""
    standing = [letter for letter, text in options.items() if words_of(text) and any(words_of(text) <= place.words for place in shown)]
    return [] if standing == [right] else [f"options that stand where the plan reads: {', '.join(standing) or 'none'}; it must be {right} alone"]


def _missing(fact: Fact, shown: Sequence[Place], ticket: Words, asked: str) -> str:
    """Why a fact cannot be looked up; empty if it can."""
    told = [text for text in fact.any or (fact.words,) if words_of(text)]
    if not told:
        return "a fact is stated by no word"
    if fact.denied:
        return f"{told[0]!r} is to be denied: what is absent cannot be looked up"
    if fact.number is None:
        return "" if any(words_of(text) <= place.words for text in told for place in shown) else f"{told[0]!r} stands nowhere that the plan reads"
    problems = [_unread(fact, words_of(text), shown, ticket, asked) for text in told]
    return "" if "" in problems else problems[0]


def _unread(fact: Fact, label: Words, shown: Sequence[Place], ticket: Words, asked: str) -> str:
    """Why a number does not stand under its label, or not there alone."""
    under = [place for place in shown if place.number is not None and label <= place.words and _is_meant(place, label | ticket)]
    right = [place for place in under if _near(place.number, fact)]
    others = [place for place in under if not _near(place.number, fact)]
    if not right:
        return f"{fact.number:g} does not stand under {(fact.any or (fact.words,))[0]!r} where the plan reads"
    marks = frozenset[str]().union(*(place.beside for place in right)) - frozenset[str]().union(*(place.beside for place in others))
    if others and not any(mark in asked for mark in marks):
        return f"{len({place.number for place in under})} values stand under {(fact.any or (fact.words,))[0]!r}, and the ticket does not say which"
    return ""


def _is_meant(place: Place, said: Words) -> bool:
    """Whether a number belongs to what is spoken of: by the name of its field, or as the value of its row."""
    return place.name in VALUE_NAMES or words_of(place.name) <= said


def _near(number: float | None, fact: Fact) -> bool:
    return number is not None and fact.number is not None and abs(number - fact.number) <= fact.tolerance * abs(fact.number) + 1e-9

"""Which numbers a text states beside a phrase: one, not a list to choose from.

Whoever writes down every score from 0 to 5 has not said which it is. Numbers are rivals, and none of them is stated, where they are joined by *or*,
where three or more stand in a row, and where two sentences (or two items of one) say the same but for the number. What is left may be several, as
in a trend or a calculation, but not many.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from clinsim.benchmark.assertion import COMMA, NEAR, NUMBER, PAUSES, Found, Tokens, is_taken_back, phrase, sentences

MOST_NEAR = 6
"""Different numbers near a phrase in one place: with more of them none is stated there."""
MOST_OWN = 3
"""Different numbers that stand next to a phrase, over all its places: with more of them none is stated at all."""
OR = "or"
JOINTS = (COMMA, OR, "and")
DIGITS = re.compile(r"\d+(?:\\?\.\d+)?")
"""A number in a phrase, its point escaped or not."""
ANY_NUMBER = r"\\d+(?:[.]\\d+)?"
UNITS_BEFORE_OR = 3
"""Words that may stand between a number and the *or* that joins it to the next: its unit."""
ROW = 3
"""Different numbers in a row, with the same words between them, from which on they are a list."""


def where_stated(text: str, places: Sequence[Found], number: float, tolerance: float) -> list[Found]:
    """The places of a phrase near which a number is stated, within a share `tolerance` of it."""
    spoken = [(place, sentences(text)[place.sentence]) for place in places]
    rivals = _twins(spoken) | {value for _, sentence in spoken for value in _listed(sentence)}
    if len({value for place, sentence in spoken for value in _own(place, sentence)}) > MOST_OWN:
        return []
    return [place for place, sentence in spoken if any(_close(value, number, tolerance) for value in _near(place, sentence) - rivals)]


def is_called_wrong(text: str, places: Sequence[Found], number: float, tolerance: float) -> bool:
    """Whether a number that is stated near a phrase, within a share `tolerance`, is taken back somewhere (`potassium 6.4 is wrong`)."""
    spoken = [(place, sentences(text)[place.sentence]) for place in places]
    return any(
        _close(float(sentence[k]), number, tolerance) and is_taken_back(sentence, k + 1)
        for place, sentence in spoken
        for k in _around(place, sentence)
    )


def is_one_of_many(text: str, wanted: str) -> bool:
    """Whether a phrase that holds a number (`score is 2`, `at 04:20`) stands in a text with many others in its place."""
    words = phrase(wanted)
    if not any(DIGITS.search(word) for word in words):
        return False
    filled = re.compile(rf"(?<!\S){' '.join(DIGITS.sub(ANY_NUMBER, re.escape(word)) for word in words)}(?!\S)")
    found = {said for sentence in sentences(text) for said in filled.findall(" ".join(word for word in sentence if word not in PAUSES))}
    return len(found) > (MOST_OWN if len(words) > 1 else MOST_NEAR)


def _close(value: float, number: float, tolerance: float) -> bool:
    return abs(value - number) <= tolerance * abs(number) + 1e-9


def _near(place: Found, sentence: Tokens) -> set[float]:
    """The numbers near a place that are not called wrong; none where there are too many."""
    numbers = {float(sentence[k]) for k in _around(place, sentence) if not is_taken_back(sentence, k + 1)}
    return numbers if len(numbers) <= MOST_NEAR else set()


def _around(place: Found, sentence: Tokens) -> Iterator[int]:
    """Where numbers stand near a place."""
    return (k for k in range(max(0, place.start - NEAR), min(len(sentence), place.stop + NEAR)) if NUMBER.fullmatch(sentence[k]))


def _own(place: Found, sentence: Tokens) -> Iterator[float]:
    """The number that stands next to a place, the one after it of two equally near."""
    away = {k: place.start - k if k < place.start else k - place.stop + 1 for k, word in enumerate(sentence) if NUMBER.fullmatch(word)}
    nearest = min((k for k in away if 0 < away[k] <= NEAR), key=lambda k: (away[k], -k), default=None)
    yield from () if nearest is None else (float(sentence[nearest]),)


def _listed(sentence: Tokens) -> Iterator[float]:
    """Numbers that are joined by *or*, and those that stand in a row with the same words between them."""
    places = [k for k, word in enumerate(sentence) if NUMBER.fullmatch(word)]
    row: dict[float, None] = {}
    gap: Tokens | None = None
    for one, other in pairwise(places):
        between, pair = sentence[one + 1 : other], (float(sentence[one]), float(sentence[other]))
        if between[-1:] == (OR,) and len(between) <= 1 + UNITS_BEFORE_OR:
            yield from pair
        plain = tuple(word for word in between if word not in JOINTS)
        row = {**(row if plain == gap else {}), **dict.fromkeys(pair)}
        gap = plain
        if len(row) >= ROW:
            yield from row


def _twins(spoken: Sequence[tuple[Found, Tokens]]) -> set[float]:
    """Numbers of sentences, or of items, that are the same but for one number."""
    frames: defaultdict[Tokens, set[float]] = defaultdict(set)
    for place, sentence in spoken:
        for part in (sentence, _item(place, sentence)):
            for k, word in enumerate(part):
                if NUMBER.fullmatch(word):
                    frames[(*part[:k], "", *part[k + 1 :])].add(float(word))
    return {value for values in frames.values() if len(values) > 1 for value in values}


def _item(place: Found, sentence: Tokens) -> Tokens:
    """The item of a list in which a place stands."""
    start = next((k + 1 for k in range(place.start - 1, -1, -1) if sentence[k] in JOINTS), 0)
    stop = next((k for k in range(place.stop, len(sentence)) if sentence[k] in JOINTS), len(sentence))
    return sentence[start:stop]

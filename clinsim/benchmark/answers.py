"""What an answer is worth: the letter that it names, or the facts that it states."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import fsum

from clinsim.benchmark.amounts import is_called_wrong, is_one_of_many, where_stated
from clinsim.benchmark.assertion import Found, is_list, mentions, phrase, share_of_words, stances
from clinsim.benchmark.task import Answer, Fact, Task

CLAIM = re.compile(r"\b(?i:answer|option|choice)\b(?:\s+(?i:is|was|would\s+be))?\s*[:=]?\s*\(?([A-Z]|[a-z](?=\W*$))\b\)?")
LEADING = re.compile(r"^\W*([A-Za-z])\s*(?:[).:]|$)")
ITEM = re.compile(r"(?:^|(?<=[\n.;,]))\s*\(?([A-Z])\)?\s*(?:[).:,;]|$)")
"""A letter at the head of a sentence or of an item in a list."""
LETTER = re.compile(r"(?<![\w'])([A-Z])(?![\w'])")
_NOT = r"\bnot|n't|rather than|instead of|except|contrary to|reject|doubt|disagree with"
_NAMED = r"(?i:option\s+|answer\s+)?\(?[A-Z]\b\)?"
_OF_IT = r"(?i:(?:the case |true )?that\s+)?(?i:(?:the (?:right )?answer|it|this) is\s+)?"
_WRONG = r"(?:is(?: not|n't)\b|cannot be\b|(?:is (?:the )?|:\s*|=\s*)(?:wrong|false|untrue|incorrect|a mistake|mistaken))"
DENIED = re.compile(rf"(?i:{_NOT}|disagree)\s+{_OF_IT}{_NAMED}|{_NAMED}\s*(?i:{_WRONG})")
"""A letter that is named to be denied."""
WORD = re.compile(r"(?<![\w'])[AI](?=\s+(?!or\b|and\b)[a-z0-9])")
"""A capital that is a word: followed by another word of its sentence."""
WORDS_AT_LEAST, TIMES_THE_GOLD = 80, 4
"""An answer may be that many words, or that many times as long as the gold plan's; what is longer is worth less in proportion."""


def worth(task: Task, answer: str, allowance: int) -> float:
    """What an answer is worth, from 0 to 1.

    Args:
        task: What is asked.
        answer: All that the agent wrote as its answer.
        allowance: Words that the gold plan writes.
    """
    wanted = task.answer
    if wanted.choice:
        return float(letters(answer, task.options) == {wanted.choice})
    if not wanted.facts:
        return 1.0
    words, most = len(answer.split()), max(WORDS_AT_LEAST, TIMES_THE_GOLD * allowance)
    return said(wanted, answer) * min(1.0, most / words if words else 1.0)


def said(wanted: Answer, answer: str) -> float:
    """The weighted share of facts that an answer states; 0 if it asserts what cannot be true together with one of them."""
    if not answer.strip() or any("said" in stances(answer, fact.against) for fact in wanted.facts if fact.against):
        return 0.0
    total = fsum(fact.weight for fact in wanted.facts)
    return fsum(fact.weight for fact in wanted.facts if states(fact, answer)) / total


def faults(wanted: Answer, answer: str) -> list[str]:
    """Why an answer is worth less than all: facts that it does not state, and what it says against them; for people who write tasks."""
    unsaid = [f"does not state {fact.id or (fact.any[0] if fact.any else fact.words)!r}" for fact in wanted.facts if not states(fact, answer)]
    against = [f"says {text!r}" for fact in wanted.facts for text in fact.against if "said" in stances(answer, (text,))]
    return [*unsaid, *against]


def states(fact: Fact, answer: str) -> bool:
    """Whether an answer states a fact. To say a thing and to deny it is to say nothing; of a number, only the places where it stands count."""
    if fact.words:
        return share_of_words(answer, fact.words) >= fact.share
    phrases = [one for one in fact.any if not is_one_of_many(answer, one)]
    found = [place for one in phrases for place in mentions(answer, one) if not is_list(answer, place)]
    places = longest(found)
    near = places if fact.number is None else where_stated(answer, places, fact.number, fact.tolerance)
    meant = {place.stance for place in near}
    if fact.number is not None and is_called_wrong(answer, places, fact.number, fact.tolerance):
        meant.add("denied")
    if "said" in meant and "denied" in meant:
        return False
    return ("denied" if fact.denied else "said") in meant


def longest(found: Sequence[Found]) -> list[Found]:
    """Places that lie inside no longer one: where `stop aspirin` is wanted as well as `aspirin`, its aspirin is not one denied."""
    return [place for place in found if not any(_holds(other, place) for other in found)]


def _holds(other: Found, place: Found) -> bool:
    inside = other.sentence == place.sentence and other.start <= place.start and place.stop <= other.stop
    return inside and other.stop - other.start > place.stop - place.start


def letters(answer: str, options: Mapping[str, str]) -> set[str]:
    """The letters of the options that an answer names: those that it claims (`B)`, `the answer is B`, the text of an option), else all in it."""
    text = answer.strip()
    for letter, option in options.items():
        text = (
            re.sub(rf"\b({letter}\)?)[.:]?\s+{re.escape(option)}(?=\s+(?i:is|cannot)\b|[:=])", r"\1", text, flags=re.IGNORECASE) if option else text
        )
    text = DENIED.sub("", text)
    claimed = {found.upper() for found in CLAIM.findall(text)} | set(ITEM.findall(text))
    first = LEADING.match(text)
    if first:
        claimed.add(first[1].upper())
    for whole in (phrase(text), phrase(text[first.end() :]) if first else ()):
        claimed |= {letter for letter, option in options.items() if whole and phrase(option) == whole}
    if claimed & set(options):
        return claimed & set(options)
    for option in sorted(options.values(), key=len, reverse=True):
        text = re.sub(rf"(?<!\w){re.escape(option)}(?!\w)", "", text, flags=re.IGNORECASE) if option else text
    return set(LETTER.findall(WORD.sub("", text))) & set(options)

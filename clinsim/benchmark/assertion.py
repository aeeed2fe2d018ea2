"""What a text asserts: phrases found whole, clinical synonyms being one word, each said, denied, or left open.

Negation is read as in NegEx (Chapman et al., J Biomed Inform 2001;34:301): a trigger before or after a phrase denies it, as far as its reach goes.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

from clinsim.benchmark.words import word_lists

Stance = Literal["said", "denied", "open"]
Tokens = tuple[str, ...]
REACH = 7
"""Words over which a trigger reaches, before or after a phrase."""
AVOIDING = 4
"""Words over which a verb of avoiding (stop, withhold) reaches: what it is about stands right after it."""
UNDONE_WITHIN = 3
"""Words before an opening that denies a sentence, among which a denial turns it round again."""
LONGEST_SENTENCE = 80
"""Words: what runs on for longer without a full stop is a list of words, and states no fact."""
NEAR = 12
"""Words within which a number belongs to a phrase."""
COMMA, COLON, QUESTION = ",", ":", "?"
PAUSES = (COMMA, COLON, QUESTION)
"""Marks that are kept among the words: a comma goes on with a list, a colon ends what was said before it, what is asked is not said."""
SENTENCE = re.compile(r"(?:(?:(?<!\b[A-Za-z])|(?<=/[A-Za-z])|(?<=\d [A-Za-z])|(?<=\b[A-Z])(?=\.\s+[A-Z]))\.(?=\s|$)|!(?=\s|$)|[;\n\r•])+")
"""What ends a sentence; a point after a single letter does not (E. coli, e.g.), unless it is a unit (mmol/L, 90 g) or a capital follows one."""
TOKEN = re.compile(r"(?<![\d:])\d{1,2}:\d\d(?!\d|:\d)|\d+(?:,\d{3})+(?:\.\d+)?|\d+(?:\.\d+)?|[^\W\d_]+(?:'[^\W\d_]+)?[0-9]*|[,:?]")
ENDING = re.compile(r"(?<=[a-z]{4})(?:ations?|ions?|ings?|ements?|ments?|ed|es|e|s|ly|al|ive)$")
READ_AS = str.maketrans({"→": " to ", "\u2019": "'", "?": " ?. ", "=": ":"})
"""Marks that are read as others: what stands after an equals sign is a result, as after a colon."""
UNSEEN = frozenset({"Mn", "Cf"})
"""Kinds of characters that are passed over: accents, once they are taken off their letters, and what has no width."""
ARTICLE = "the"
"""Left out: to stop the drug is to stop drug."""
NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Found:
    """A phrase where it stands: in which sentence, from which word to which, and how it is meant."""

    sentence: int
    start: int
    stop: int
    stance: Stance


@lru_cache(maxsize=256)
def sentences(text: str) -> tuple[Tokens, ...]:
    """The sentences of a text as words in one form: lower case, one spelling, singular, synonyms replaced; commas and colons kept."""
    plain = unicodedata.normalize("NFKD", text)
    if not plain.isascii():
        plain = "".join(letter for letter in plain if unicodedata.category(letter) not in UNSEEN)
    return tuple(_canonical(tokens) for part in SENTENCE.split(plain.translate(READ_AS)) if (tokens := _words(part.lower())))


def phrase(text: str) -> Tokens:
    """A phrase as words in the same form, without commas and colons."""
    return tuple(word for sentence in sentences(text) for word in sentence if word not in PAUSES)


def mentions(text: str, wanted: str) -> list[Found]:
    """Each place in `text` where the phrase `wanted` stands, and how it is meant there."""
    sought = phrase(wanted)
    return [found for k, sentence in enumerate(sentences(text)) for found in _in_sentence(sentence, sought, k)] if sought else []


def stances(text: str, wanted: Sequence[str]) -> set[Stance]:
    """How any of several phrases are meant in a text; empty if none stands in it."""
    return {found.stance for one in wanted for found in mentions(text, one)}


def is_list(text: str, found: Found) -> bool:
    """Whether a phrase stands in what runs on for too long to be a sentence."""
    return len(sentences(text)[found.sentence]) > LONGEST_SENTENCE


def share_of_words(text: str, wanted: str) -> float:
    """The largest share of the meaningful words of `wanted` that any one sentence of a text holds, each meant as it is there."""
    sought = _meant_words(wanted)
    if not sought:
        return 0.0
    spoken = [sentence for sentence in sentences(text) if len(sentence) <= LONGEST_SENTENCE]
    return max((len(sought & _meant_words_of(sentence)) / len(sought) for sentence in spoken), default=0.0)


def _meant_words(text: str) -> frozenset[tuple[str, Stance]]:
    return frozenset(pair for sentence in sentences(text) for pair in _meant_words_of(sentence))


@lru_cache(maxsize=1024)
def _meant_words_of(sentence: Tokens) -> frozenset[tuple[str, Stance]]:
    """The words of a sentence that carry meaning, each with how it is meant."""
    idle = _idle()
    return frozenset((_stem(word), _negated(sentence, k, k + 1)) for k, word in enumerate(sentence) if word not in PAUSES and word not in idle)


def _stem(word: str) -> str:
    """A word without the ending that its use in a sentence gives it; four letters stay."""
    return ENDING.sub("", word)


@lru_cache(maxsize=1)
def _idle() -> frozenset[str]:
    return frozenset(_one_form(word) for word in word_lists("answer_words.yaml")["stop"])


def _words(text: str) -> list[str]:
    return [_one_form(word) for word in TOKEN.findall(text) if word != ARTICLE]


def _one_form(word: str) -> str:
    """A word in one spelling and number: American, singular; a number without its thousands' commas and idle zeros, a time of day whole."""
    if word in PAUSES:
        return word
    if COLON in word:
        return word.removeprefix("0")
    if word.endswith("n't"):
        return "not"
    if word[0].isdigit():
        return f"{float(word.replace(COMMA, '')):g}" if len(word) < 12 else word
    if len(word) > 4:
        word = word.replace("ae", "e").replace("oe", "e").replace("our", "or").replace("isation", "ization").removesuffix("'s")
        if word.endswith("s") and not word.endswith(("ss", "us", "is")):
            word = word[:-1]
    return word


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, dict[Tokens, str]]:
    """For each first word, the synonyms that begin with it and the one word that stands for them, longest first."""
    table: dict[str, dict[Tokens, str]] = {}
    for groups in word_lists("terms.yaml").values():
        for group in groups:
            for name in group:
                tokens = tuple(_words(name))
                table.setdefault(tokens[0], {})[tokens] = "_".join(_words(group[0]))
    return {first: dict(sorted(names.items(), key=lambda pair: -len(pair[0]))) for first, names in table.items()}


def _canonical(tokens: list[str]) -> Tokens:
    made: list[str] = []
    k = 0
    while k < len(tokens):
        names = _synonyms().get(tokens[k], {})
        known = next((name for name in names if tuple(tokens[k : k + len(name)]) == name), None)
        made.append(names[known] if known else tokens[k])
        k += len(known) if known else 1
    return tuple(made)


def _in_sentence(sentence: Tokens, sought: Tokens, number: int) -> Iterator[Found]:
    for start in range(len(sentence)):
        stop = _end_of(sentence, start, sought)
        if stop:
            yield Found(number, start, stop, _stance(sentence, start, stop))


def _end_of(sentence: Tokens, start: int, sought: Tokens) -> int:
    """Where a phrase that begins at `start` ends, commas inside it passed over; 0 if it does not stand there."""
    k = start
    for word in sought:
        while k > start and k < len(sentence) and sentence[k] in PAUSES:
            k += 1
        if k >= len(sentence) or sentence[k] != word:
            return 0
        k += 1
    return k


@lru_cache(maxsize=1)
def _triggers() -> dict[str, tuple[Tokens, ...]]:
    lists = word_lists("answer_words.yaml")
    names = [name for name in lists if name not in ("stop", "free_arguments")]
    return {name: tuple(sorted((tuple(_words(text)) for text in lists[name]), key=lambda words: -len(words))) for name in names}


def _stance(sentence: Tokens, start: int, stop: int) -> Stance:
    """How a phrase is meant: denied also by a verb of avoiding right before it."""
    plain = _negated(sentence, start, stop)
    if plain == "said" and _holds(_cut(sentence[max(0, start - AVOIDING) : start], "ends", "avoid_ends"), "avoid_before"):
        return "denied"
    return plain


def _negated(sentence: Tokens, start: int, stop: int) -> Stance:
    """How a phrase is meant where it stands; in a sentence that is denied as a whole, the other way round."""
    if _end_of_opening(sentence, start, "open_sentence"):
        return "open"
    whole = max(_end_of_opening(sentence, start, "deny_sentence"), _end_of_head(sentence, start))
    plain = _meant_alone(sentence[whole:], start - whole, stop - whole)
    is_denied_after = _holds(sentence[stop:], "deny_sentence_after") or (is_taken_back(sentence, stop) and not _has_amount(sentence, start, stop))
    turned = (bool(whole) and not _is_undone(sentence[:whole])) != is_denied_after
    return ("said" if plain == "denied" else "denied") if turned else plain


def is_taken_back(sentence: Tokens, stop: int) -> bool:
    """Whether what ends at `stop` is called wrong after it (`X is wrong`, `X: false`)."""
    after = sentence[stop:]
    clause = _to_pause(after)
    verdict = after[len(clause) + 1 :] if after[len(clause) : len(clause) + 1] == (COLON,) else after if len(after) == 1 else ()
    return verdict[:1] in _triggers()["called_false"] or _holds(clause, "deny_clause_after")


def _has_amount(sentence: Tokens, start: int, stop: int) -> bool:
    """Whether a number stands beside a phrase in its clause: of `5 mg of X is wrong` it is the number that is wrong."""
    clause = (*_to_pause(sentence[:start][::-1]), *_to_pause(sentence[stop:]))
    return any(NUMBER.fullmatch(word) for word in clause)


def _end_of_opening(sentence: Tokens, start: int, kind: str) -> int:
    """Where the words end that reach over the rest of a sentence (`it is not the case that`) before `start`; 0 if there are none."""
    ends = (k + len(trigger) for trigger in _triggers()[kind] for k in range(start) if sentence[k : k + len(trigger)] == trigger)
    return max((end for end in ends if end <= start), default=0)


def _end_of_head(sentence: Tokens, start: int) -> int:
    """Where words end with which a sentence begins and that deny the rest of it (`Wrong: X`); 0 if it does not begin so."""
    return next((len(head) for head in _triggers()["deny_at_start"] if sentence[: len(head)] == head and len(head) <= start), 0)


def _is_undone(opening: Tokens) -> bool:
    """Whether an opening that denies is itself denied (`there is no doubt that`); what denies by a *not* of its own is not."""
    trigger = next((trigger for trigger in _triggers()["deny_sentence"] if opening[-len(trigger) :] == trigger), opening)
    before = opening[: -len(trigger)][-UNDONE_WITHIN:]
    return any((word,) in _triggers()["undoes"] for word in before)


def _meant_alone(sentence: Tokens, start: int, stop: int) -> Stance:
    before = _cut(sentence[max(0, start - REACH) : start], "ends")
    following = sentence[stop : stop + REACH]
    after = _reach_after(following)
    if sentence[-1] == QUESTION or _holds(_since_comma(before), "condition_before"):
        return "open"
    if _holds(before, "open_before") or _holds(after, "open_after"):
        return "open"
    if _is_said_again(before, sentence[start:stop]):
        before = ()
    return "denied" if _holds(before, "deny_before") or _holds(after, "deny_after") or _denied_by_colon(following) else "said"


def _is_said_again(before: Tokens, said: Tokens) -> bool:
    """Whether a list denied just this before the comma (`no nodule, nodule present`): it is then said against what was denied."""
    if before[-1:] != (COMMA,):
        return False
    denied = next((before[k:-1] for k in range(len(before) - 1, 0, -1) if any(before[:k][-len(t) :] == t for t in _triggers()["deny_before"])), ())
    return bool(denied) and COMMA not in denied and set(denied) <= set(said)


def _to_pause(words: Tokens) -> Tokens:
    return next((words[:k] for k, word in enumerate(words) if word in PAUSES), words)


def _since_comma(words: Tokens) -> Tokens:
    return words[len(words) - words[::-1].index(COMMA) :] if COMMA in words else words


def _denied_by_colon(after: Tokens) -> bool:
    """Whether a phrase is the head of an item that is answered with no (`Pneumothorax: none`), or a sentence ends so (`Pneumothorax, no`)."""
    is_answer = len(after) > 1 and (after[0] == COLON or (after[0] == COMMA and len(after) == 2))
    return is_answer and (after[1],) in _triggers()["deny_after_colon"]


def _cut(words: Tokens, *ends: str) -> Tokens:
    """The words before a phrase that may turn it round: back to whatever ends the reach of a negation."""
    for k in range(len(words), 0, -1):
        if words[k - 1] == COLON or _begins_clause(words, k) or any(words[k - len(end) : k] == end for kind in ends for end in _triggers()[kind]):
            return words[k:]
    return words


def _begins_clause(words: Tokens, k: int) -> bool:
    """Whether a clause with a verb of its own begins after the comma before `k` (a list has none)."""
    return words[k - 1] == COMMA and any((word,) in _triggers()["verbs"] for word in words[k:])


def _reach_after(words: Tokens) -> Tokens:
    for k, word in enumerate(words):
        if word in PAUSES or any(words[k : k + len(end)] == end for end in _triggers()["ends"]):
            return words[:k]
    return words


def _holds(words: Tokens, kind: str) -> bool:
    """Whether a trigger stands among `words`; what is part of words that only look like one is passed over."""
    plain = tuple(word for word in words if word not in PAUSES)
    idle = [range(k, k + len(one)) for one in _triggers()["idle"] for k in _places(plain, one)]
    return any(not any(k in span and k + len(trigger) - 1 in span for span in idle) for trigger in _triggers()[kind] for k in _places(plain, trigger))


def _places(words: Tokens, sought: Tokens) -> Iterator[int]:
    return (k for k in range(len(words) - len(sought) + 1) if words[k : k + len(sought)] == sought)

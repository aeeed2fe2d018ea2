"""Typed comparison of arguments: ids exact, numbers with a tolerance, terms by clinical synonyms, lists as sets, free text not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import Any

from clinsim.benchmark.assertion import phrase, stances
from clinsim.benchmark.task import Comparison, Expected, Variant
from clinsim.benchmark.words import word_lists
from clinsim.hospital.records.drug_names import known_as, same_drug

LONGEST_TERM = 80
"""Characters: a text that is longer is prose, and compared with nothing."""
TOLERANCE = 0.02
MOST_PARTS, MOST_BESIDE, MOST_OF_A_KIND = 4, 24, 2
"""Parts between commas, words beside it, and things of its kind with which a text still names one thing and is no list to choose from."""
SEPARATOR = re.compile(r"\s*(?:[,;/|\n+&]|\b(?:and|or|plus)\b)\s*")
EXACT_NAMES = re.compile(r"(^|_)(id|ids|code)$")
FREE_NAMES = frozenset(word_lists("answer_words.yaml")["free_arguments"])


def how(name: str, wanted: Any) -> Comparison:
    """How an argument is compared, by its name and the type of what is wanted."""
    if isinstance(wanted, bool) or wanted is None or EXACT_NAMES.search(name):
        return "exact"
    if isinstance(wanted, int | float):
        return "number"
    if isinstance(wanted, list | tuple):
        return "items"
    if isinstance(wanted, str) and name not in FREE_NAMES and len(wanted) <= LONGEST_TERM:
        return "term"
    return "free"


def same(comparison: Comparison, wanted: Any, given: Any, tolerance: float = TOLERANCE) -> bool:
    """Whether what was given is what was wanted, under one way of comparing."""
    return RULES[comparison](wanted, given, tolerance)


def fits(expected: Expected, name: str, arguments: Mapping[str, Any]) -> bool:
    """Whether a call is the expected one, or another that serves as well; only arguments that the plan states are compared."""
    if name == expected.name and _all_same(expected.arguments, arguments, expected.compare, expected.tolerance):
        return True
    return any(_fits_variant(variant, expected, name, arguments) for variant in expected.alternatives)


def _fits_variant(variant: Variant, expected: Expected, name: str, arguments: Mapping[str, Any]) -> bool:
    return name == variant.name and _all_same(variant.arguments, arguments, {}, expected.tolerance)


def fits_pattern(pattern: Mapping[str, Any], arguments: Mapping[str, Any]) -> bool:
    """Whether arguments are as a pattern says; a text must be named, whatever stands beside it, and must be said in arguments that hold prose."""
    return all(_fits_value(key, value, arguments.get(key)) for key, value in pattern.items())


def _fits_value(key: str, wanted: Any, given: Any) -> bool:
    if isinstance(wanted, str) and isinstance(given, str) and how(key, wanted) != "exact":
        names = (wanted, *_brands(wanted))
        if key in FREE_NAMES:
            return "said" in stances(given, names)
        return same("term", wanted, given) or any(_is_named(name, given) for name in names) or _is_part_of(wanted, given)
    return same(how(key, wanted), wanted, given)


def _is_part_of(drug: str, given: str) -> bool:
    """Whether a drug is in the combination that a name stands for (`amoxicillin` in `Augmentin`)."""
    known = known_as(given)
    return known is not None and drug.lower() in known.name.split("_")


def _brands(name: str) -> tuple[str, ...]:
    drug = known_as(name)
    return drug.brands if drug is not None else ()


def _all_same(wanted: Mapping[str, Any], given: Mapping[str, Any], rules: Mapping[str, Comparison], tolerance: float) -> bool:
    return all(same(rules.get(key, how(key, value)), value, given.get(key), tolerance) for key, value in wanted.items())


def _exact(wanted: Any, given: Any, tolerance: float) -> bool:
    if isinstance(wanted, str) and isinstance(given, str):
        return wanted.strip().casefold() == given.strip().casefold()
    if isinstance(wanted, bool) or isinstance(given, bool) or wanted is None:
        return wanted is given
    return bool(wanted == given)


def _number(wanted: Any, given: Any, tolerance: float) -> bool:
    if isinstance(wanted, bool) or isinstance(given, bool) or not isinstance(wanted, int | float) or not isinstance(given, int | float):
        return False
    if isinstance(wanted, int):
        return wanted == given
    return abs(given - wanted) <= tolerance * abs(wanted) + 1e-9


def _term(wanted: Any, given: Any, tolerance: float) -> bool:
    """The same words in the same order, a number among them as a number; or the same drug by another of its names."""
    if not isinstance(wanted, str) or not isinstance(given, str):
        return False
    if known_as(wanted) is not None and same_drug(wanted, given):
        return True
    left, right = phrase(wanted.replace("_", " ")), phrase(given.replace("_", " "))
    return left == right if left or right else wanted.strip() == given.strip()


def _names(wanted: Any, given: Any, tolerance: float) -> bool:
    """Every word of the term stands in what is given, in any place; of a list, every item is named by an item. What names much else names nothing."""
    if isinstance(wanted, list | tuple) and isinstance(given, list | tuple):
        return len(given) <= 2 * len(wanted) + 1 and all(any(_names(item, other, tolerance) for other in given) for item in wanted)
    named = isinstance(wanted, str) and isinstance(given, str) and _is_named(wanted, given) and not _is_choice(wanted, given)
    return named or _term(wanted, given, tolerance)


def _is_named(wanted: str, given: str) -> bool:
    return set(phrase(wanted.replace("_", " "))) <= set(phrase(given.replace("_", " ")))


def _is_choice(wanted: str, given: str) -> bool:
    """Whether a text lists so much beside a term that the right one is bound to be there."""
    beside = len(given.split()) - len(wanted.split())
    return len(SEPARATOR.split(given)) > MOST_PARTS or beside > MOST_BESIDE or any(found > MOST_OF_A_KIND for found in _of_a_kind(wanted, given))


def _of_a_kind(wanted: str, given: str) -> Iterator[int]:
    """How many drugs a text names, and how many things of each kind that the term is of."""
    yield len({known.name for word in given.split() if (known := known_as(word.strip(".,;:()"))) is not None})
    said = frozenset(phrase(given))
    for names in kinds(wanted):
        yield sum(words <= said for words in names.values())


def kinds(term: str) -> list[Mapping[str, frozenset[str]]]:
    """The lists of things to choose from in which a term stands: the name of each, and its words."""
    said = frozenset(phrase(term))
    return [names for names in _choices() if any(words <= said for words in names.values())]


@lru_cache(maxsize=1)
def _choices() -> tuple[Mapping[str, frozenset[str]], ...]:
    return tuple({name: frozenset(phrase(name)) for name in names} for names in word_lists("choices.yaml").values())


def _items(wanted: Any, given: Any, tolerance: float) -> bool:
    """The same items, whatever their order; each is matched with another one."""
    if not isinstance(given, list | tuple) or not isinstance(wanted, list | tuple) or len(wanted) != len(given):
        return False
    rest = list(given)
    for item in wanted:
        held = next((k for k, other in enumerate(rest) if same(_of_item(item), item, other, tolerance)), None)
        if held is None:
            return False
        rest.pop(held)
    return True


def _of_item(item: Any) -> Comparison:
    kind = how("", item)
    return "term" if kind == "free" and isinstance(item, str) else "exact" if kind == "free" else kind


def _free(wanted: Any, given: Any, tolerance: float) -> bool:
    return True


RULES: dict[Comparison, Callable[[Any, Any, float], bool]] = {
    "exact": _exact,
    "number": _number,
    "term": _term,
    "names": _names,
    "items": _items,
    "free": _free,
}

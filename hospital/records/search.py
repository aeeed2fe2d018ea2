"""Search in texts by words: BM25, with ties broken by id, so that the same query finds the same.

Source of the formula: Robertson and Zaragoza, Foundations and Trends in Information Retrieval 2009;3:333, with k1 = 1.2 and b = 0.75.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

K1, B = 1.2, 0.75
WORD = re.compile(r"[a-z0-9]+")
MOST_WORDS = 64
"""Words of a query that are looked up."""
EMPTY_WORDS = frozenset(
    ("a", "an", "and", "are", "as", "at", "be", "by", "for", "from", "has", "in", "is", "it", "of", "on", "or", "that", "the", "this", "to", "was")
)
"""Words that tell nothing."""


def words_of(text: str) -> list[str]:
    """The telling words of a text, in small letters, without a plural s."""
    found = (word for word in WORD.findall(text.lower()) if word not in EMPTY_WORDS)
    return [word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word for word in found]


@dataclass(frozen=True, eq=False)
class Index:
    """Texts by id, ready to be searched."""

    texts: Mapping[str, str]

    @cached_property
    def _counts(self) -> dict[str, Counter[str]]:
        return {key: Counter(words_of(text)) for key, text in self.texts.items()}

    @cached_property
    def _lengths(self) -> dict[str, int]:
        return {key: counts.total() for key, counts in self._counts.items()}

    @cached_property
    def _holders(self) -> dict[str, list[str]]:
        held: dict[str, list[str]] = {}
        for key, counts in self._counts.items():
            for word in counts:
                held.setdefault(word, []).append(key)
        return held

    def find(self, query: str, most: int, among: Iterable[str] | None = None) -> list[tuple[str, float]]:
        """Ids and scores of the texts that share a word with the query, the best first.

        Args:
            query: Words to look for.
            most: How many to return at most.
            among: Only these ids; all if not given.
        """
        allowed = None if among is None else set(among)
        scores: dict[str, float] = {}
        for word in dict.fromkeys(words_of(query)[:MOST_WORDS]):
            for key in self._holders.get(word, ()):
                if allowed is None or key in allowed:
                    scores[key] = scores.get(key, 0.0) + self._weight(word, key)
        return sorted(scores.items(), key=lambda item: (-item[1], item[0]))[:most]

    def _weight(self, word: str, key: str) -> float:
        holders = len(self._holders[word])
        rarity = math.log(1.0 + (len(self.texts) - holders + 0.5) / (holders + 0.5))
        count = self._counts[key][word]
        mean = sum(self._lengths.values()) / len(self._lengths)
        return rarity * count * (K1 + 1.0) / (count + K1 * (1.0 - B + B * self._lengths[key] / mean))

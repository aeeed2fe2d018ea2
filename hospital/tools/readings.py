"""Bodies shared by the imaging domains: descriptions without their reading, sizes in texts, words of a place."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

READING = re.compile(
    r",?\s*(?:\(?)(?:most\s+)?(?:consistent with|suggest(?:s|ive of|ing)?|compatible with|indicat(?:es|ing|ive of)|concerning for|suspicious for|"
    r"representing|represents?|diagnostic of|characteristic of|in keeping with|likely|probably|favou?r(?:s|ing)|pathognomonic (?:of|for)|confirming)"
    r"\b[^.;)]*\)?",
    re.IGNORECASE,
)
"""From a word that says what a finding means to the end of its clause."""
SIZE = re.compile(r"\d+(?:\.\d+)?(?:\s*[x×]\s*\d+(?:\.\d+)?){0,2}\s*(?:mm|cm)\b", re.IGNORECASE)
DENIED = re.compile(r"\b(?:no|not|nor|denies|denied|without|never|negative for|free of|family history of)\s+(?:\w+\s+){0,2}$", re.IGNORECASE)
"""What stands right before a word that is denied, or is somebody else's."""
SHORT = 4
"""Letters up to which a stem must be the whole word: `cut` is not said by `acute`, nor `tia` by `dementia`."""
TO_MM = {"mm": 1.0, "cm": 10.0}


@lru_cache(maxsize=4096)
def without_reading(text: str) -> str:
    """A description without the clauses that say what it means: what is seen, not what it is."""
    return " ".join(READING.sub("", text).split()).strip(" ,;")


def sizes_in(text: str) -> tuple[tuple[str, tuple[float, ...]], ...]:
    """Sizes that a text states: as written, and in mm."""
    found = []
    for match in SIZE.finditer(text):
        unit = TO_MM[match[0][-2:].lower()]
        found.append((" ".join(match[0].split()), tuple(round(float(number) * unit, 2) for number in re.findall(r"\d+(?:\.\d+)?", match[0]))))
    return tuple(found)


def sentences(text: str) -> tuple[str, ...]:
    """The sentences of a text; a point between digits ends none."""
    return tuple(part.strip() for part in re.split(r"(?<=[.;])\s+(?=[A-Z0-9])", text) if part.strip())


def about(text: str, focus: str) -> bool:
    """Whether a text speaks of what the words of a focus name; any text does if there are none."""
    wanted = telling(focus)
    return not wanted or any(word in text.lower() for word in wanted)


def telling(text: str) -> list[str]:
    """The words of a text that are long enough to tell something, in small letters."""
    return [word for word in re.findall(r"[a-z]+", text.lower()) if len(word) > 2]


def said(text: str, stems: Iterable[str]) -> tuple[str, ...]:
    """The stems that a text says and does not deny: each at the start of a word, a short one as the whole word."""
    return tuple(
        stem for stem in stems if any(DENIED.search(text[max(0, hit.start() - 40) : hit.start()]) is None for hit in _stem(stem).finditer(text))
    )


@lru_cache(maxsize=2048)
def _stem(stem: str) -> re.Pattern[str]:
    end = r"\b" if len(stem) <= SHORT else ""
    return re.compile(rf"\b{re.escape(stem)}{end}", re.IGNORECASE)

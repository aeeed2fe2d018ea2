"""What the legacy scorer reads in a text: answer letters, soft accuracy, format, reasoning quality. Kept to the last digit, faults included."""

from __future__ import annotations

import json
import re
from typing import Any

from clinsim.benchmark.words import word_lists

WORDS = word_lists("legacy_words.yaml")
"""The word lists of the ancestor: each is looked for as a part of the lower-cased text."""

MEASURED = re.compile(r"\d+(?:\.\d+)?\s*(?:mg|mcg|ml|mmol|mmHg|bpm|%|mg/dL|mEq/L|U/L)")
SCORED = re.compile(r"(?:SOFA|NEWS|GRACE|APACHE|GCS|MELD|CHA2DS2|HAS-BLED|Wells)\s*(?:score)?\s*[=:\d]", re.IGNORECASE)
WORD_BANDS = ((50, 800, 0.25), (20, 1200, 0.15), (10, float("inf"), 0.05))
"""Fewest words, most words, what they are worth; the first that holds counts."""

NOUNS = r"(?:my answer|final answer|correct answer|answer)"
LETTER_PATTERNS = tuple(
    re.compile(pattern, re.IGNORECASE | re.MULTILINE)
    for pattern in (
        r"(?:the\s+)?(?:correct|best|final)\s+answer\s+is\s+([A-E])\b",
        NOUNS + r"\s+is\s+([A-E])\b",
        NOUNS + r"[:\s]+([A-E])\b",
        r"\b([A-E])\s+is\s+(?:the\s+)?(?:correct|best|right)",
        r"option\s+([A-E])\b",
        r"^\s*([A-E])\s*$",
    )
)
LETTERS = "ABCDE"
MOST_LETTERS = 2
"""A truth of at most so many characters is an answer letter, not a text."""


def answer_letter(response: str) -> str:
    """The answer letter that a response states, upper case; empty if it states none. The first way of saying it that fits wins."""
    if tagged := re.search(r"<answer>(.*?)</answer>", response, re.DOTALL | re.IGNORECASE):
        return tagged[1].strip().upper()
    submitted = _submitted_in_json(response)
    if submitted is not None:
        return str(submitted).strip().upper()
    for pattern in LETTER_PATTERNS:
        if found := pattern.search(response):
            return found[1].upper()
    alone = response.strip().upper()
    return alone if len(alone) == 1 and alone in LETTERS else ""


def _submitted_in_json(response: str) -> Any:
    try:
        data = json.loads(response)
    except (ValueError, RecursionError):
        return None
    if not isinstance(data, dict) or data.get("name") != "submit_answer" or not isinstance(data.get("arguments"), dict):
        return None
    return data["arguments"].get("answer", "")


def accuracy(response: str, truth: str) -> float:
    """Letter match for a truth of one or two characters; else F1 of the sets of lower-cased words, nothing stripped."""
    if not response or not truth:
        return 0.0
    if len(truth) <= MOST_LETTERS:
        return float(answer_letter(response) == truth.strip().upper())
    said, wanted = set(response.lower().split()), set(truth.lower().split())
    shared = len(said & wanted)
    if not shared:
        return 0.0
    precision, recall = shared / len(said), shared / len(wanted)
    return 2 * precision * recall / (precision + recall)


def final_format(response: str) -> float:
    """Format of a last answer: 1 for more than ten characters, else 0.3 (so a bare correct letter gets 0.3)."""
    return 1.0 if len(response.strip()) > 10 else 0.3


def reasoning_quality(response: str, truth: str) -> float:
    """How much a response sounds like reasoning: length, medical terms, markers, specificity, and the truth inside it; 0 to 1."""
    if not response.strip():
        return 0.0
    lowered = response.lower()
    words = len(response.split())
    total = next((worth for low, high, worth in WORD_BANDS if low <= words <= high), 0.0)
    total += min(0.25, 0.03 * sum(term in lowered for term in WORDS["medical_terms"]))
    total += min(0.20, 0.04 * sum(marker in lowered for marker in WORDS["reasoning_markers"]))
    specific = (MEASURED.search(response), SCORED.search(response), any(name in lowered for name in WORDS["laboratory_names"]))
    total += min(0.15, 0.05 * sum(map(bool, specific)))
    wanted = truth.strip().upper()
    if wanted and wanted in response.upper():
        total += 0.15
    return min(1.0, total)

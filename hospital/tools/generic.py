"""Bodies of the tools that every static domain has: thinking, answering, finding nothing."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from clinsim.errors import ToolError
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import one_of, written
from clinsim.hospital.wording import shown

PRIORITIES = ("stat", "urgent", "routine")
CONFIDENCES = ("low", "moderate", "high")
ICD10 = re.compile(r"[A-Z]\d[0-9A-Z](?:\.?[0-9A-Z]{1,4})?")
"""Form of a code. Source: ICD-10-CM guidelines, 2025, section I.A.2."""


@dataclass(frozen=True, slots=True)
class Thought:
    """That a thought was heard; it changes nothing."""

    thought_recorded: bool = True


@dataclass(frozen=True, slots=True)
class Written:
    """What was written down: its id, what kind, about which record, where it stands, and what to know about it."""

    id: str
    kind: str
    subject: str
    status: str
    message: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What a search found, the best first; with nothing found, `message` says what that means."""

    query: str
    results: Sequence[Any]
    message: str = ""


def heard(text: str) -> Thought:
    """Hear a thought.

    Raises:
        ToolError: There is none.
    """
    written("thought", text)
    return Thought()


def put(world: RecordWorld, kind: str, subject: str, message: str = "", warnings: tuple[str, ...] = (), **details: Any) -> Written:
    """Write something down and say so."""
    receipt = world.write(kind, subject, **details)
    return Written(receipt.id, kind, subject, receipt.status, message, warnings)


def answered(world: RecordWorld, answer: str, reasoning: str = "") -> Written:
    """Submit an answer in words.

    Raises:
        ToolError: It is blank.
    """
    return put(world, "answer", "", answer=written("answer", answer), reasoning=reasoning)


def as_priority(value: str) -> str:
    """A priority, in any case.

    Raises:
        ToolError: There is none of that name.
    """
    return one_of("priority", value.strip().lower(), PRIORITIES)


def as_confidence(value: str) -> str:
    """A confidence, in any case.

    Raises:
        ToolError: There is none of that name.
    """
    return one_of("confidence", value.strip().lower(), CONFIDENCES)


def as_icd10(code: str) -> str:
    """A code of ICD-10 as it is written, or nothing.

    Raises:
        ToolError: It has not the form of one.
    """
    tidy = code.strip().upper()
    if tidy and not ICD10.fullmatch(tidy):
        raise ToolError(f"{shown(code)} is no ICD-10 code; for example J18.9, or leave it out")
    return tidy


def found(query: str, results: Sequence[Any], nothing: str) -> Found:
    """What a search found, or what it means that it found nothing."""
    return Found(query, tuple(results), "" if results else nothing)

"""How questions are put: a template with what it needs, and the task that it writes of a moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from clinsim.benchmark.generation.moments import Moment, Stage

LETTERS = "ABCDEF"
NEIGHBOURS = 6
"""Whole numbers on either side of the right one that an answer must not name as well."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A task as a template writes it; `subjects` are the moments that it is about, the first being the one that it was written of."""

    ticket: str
    subjects: tuple[Moment, ...]
    gold: tuple[dict[str, Any], ...]
    answer: dict[str, Any]
    rationale: str
    options: dict[str, str] = field(default_factory=dict)
    difficulty: str = "medium"


Write = Callable[[Moment, Sequence[Moment]], Draft | None]


@dataclass(frozen=True, slots=True)
class Template:
    """A question that can be asked of many charts: of which domain and stage, and of whose shifts it may be written (its split).

    `write` gets a moment and the other moments of that stage in the same shift, and says None where the question does not fit.
    """

    name: str
    domain: str
    split: str
    stage: Stage
    source: str
    write: Write


def read(name: str, **arguments: Any) -> dict[str, Any]:
    """A reading call of the plan."""
    return {"name": name, "arguments": arguments}


def choice(
    ticket: str,
    subjects: Sequence[Moment],
    reads: Iterable[dict[str, Any]],
    right: str,
    wrong: Iterable[str],
    rationale: str,
    difficulty: str = "medium",
) -> Draft:
    """A question with options in an order that hangs on the moment alone, never on which is right."""
    subject = subjects[0]
    texts = sorted({right, *wrong}, key=lambda text: blake2b(f"{subject.id}|{ticket}|{text}".encode(), digest_size=8).digest())
    options = dict(zip(LETTERS, texts, strict=False))
    letter = next(key for key, text in options.items() if text == right)
    told = f"{ticket} Answer with the letter of one option."
    gold = (*reads, {"name": "submit_answer", "arguments": {"answer": letter}})
    return Draft(told, tuple(subjects), gold, {"choice": letter}, rationale, options, difficulty)


def number(
    ticket: str, subject: Moment, reads: Iterable[dict[str, Any]], label: str, value: float, rationale: str, tolerance: float = 0.02,
    difficulty: str = "medium", rounded: bool = True,
) -> Draft:  # fmt: skip
    """A question whose answer is one number; a whole one must be exact, and no neighbour of it may be named besides.

    Another is asked for to two decimals, unless it is not to be `rounded`.
    """
    whole = isinstance(value, int)
    shown = f"{value:.2f}" if rounded and not whole else f"{value:g}"
    near = [other for other in range(int(value) - NEIGHBOURS, int(value) + NEIGHBOURS + 1) if other != value and other >= 0] if whole else []
    fact = {"any": [label], "number": float(shown), "tolerance": 0.0 if whole else tolerance, "against": [f"{label} is {n}" for n in near]}
    told = f"{ticket} Answer in one sentence of the form '{label} is N'" + (", to two decimals." if rounded and not whole else ".")
    gold = (*reads, {"name": "submit_answer", "arguments": {"answer": f"{label} is {shown}."}})
    return Draft(told, (subject,), gold, {"facts": [fact]}, rationale, difficulty=difficulty)

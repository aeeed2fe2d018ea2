"""What a small model reads: everything it was shown and did, folded into a few short lines about each patient, order and study.

No clinical knowledge is in here, and nothing is left out but what says nothing (empty fields, times, units that never change). The latest answer
of each kind stands; what is stable comes first, so that a prompt begins as the one before it did.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import from_json

from clinsim.record import Observation, Reply, Seat

SILENT = frozenset({
    "minute", "arrived_at", "placed_at", "done_at", "filed_at", "requested_at", "waiting_since", "due_at", "last_at", "vital_units", "units",
    "id", "text", "urgent", "kind", "subject", "message", "by", "owner", "weight_unit", "source", "status", "patient_id", "order_id", "study_id",
})  # fmt: skip
"""Fields that are not shown: times, what the line already says, and words beside the facts that carry them."""
SUBJECTS = ("patient_id", "order_id", "study_id", "letter_id", "patient", "order", "study", "letter")
"""Where the subject of a call, a row or an item of news stands: the first that is there."""
MOST_SUBJECTS = 6
"""Subjects in one prompt: those on the work list, latest touched first."""
LONGEST_FACT = 400
"""Characters of one fact that are shown."""


def subject_of(item: Mapping[str, Any]) -> str:
    """The subject of a row or of an item of news: a patient before an order before a study; empty if there is none."""
    for name in ("study", "order", "patient", "letter", "subject"):
        value = item.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def brief(value: Any) -> str:
    """A value in as few words as say it: numbers to three figures, nothing for what is empty."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int | float):
        return f"{value:.3g}" if value else ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(_pairs(value))
    if isinstance(value, list | tuple):
        return "; ".join(text for text in map(brief, value) if text)
    return ""


def _pairs(value: Mapping[str, Any]) -> Iterator[str]:
    for name, inner in value.items():
        text = "" if name in SILENT else brief(inner)
        if text:
            yield name if text == "yes" else f"{name} {text}"


@dataclass(slots=True)
class Transcript:
    """The fold of one agent's turns; `prompt` is what the model reads before it decides."""

    seat: Seat
    minute: float = 0.0
    why: str = ""
    rows: dict[str, str] = field(default_factory=dict)
    facts: dict[str, dict[str, str]] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    last: str = ""
    turns: int = 0
    sent: tuple[str, dict[str, Any]] | None = None
    prompt: str = ""

    def see(self, observation: Observation) -> None:
        """Take in what is shown: the answer to the last call, the work list, the news. `prompt` is then what the model reads."""
        shown = from_json(observation.text)
        self.turns += 1
        self.minute, self.why = float(shown["minute"]), str(shown["why"]).partition(" ")[0]
        self._take_answer(shown["last_result"])
        self.rows = {subject_of(row): brief(row) for row in shown["worklist"]}
        for item in shown["news"]:
            self._add(subject_of(item), f"news {item['kind']} {item.get('test', item.get('order', ''))}".strip(), item)
        self.prompt = self._text()

    def note(self, reply: Reply) -> None:
        """Remember the call that was sent."""
        try:
            call = from_json(reply.calls[0] if reply.calls else reply.text)
            self.sent = (str(call["name"]), dict(call.get("arguments") or {}))
        except (ValueError, TypeError, KeyError):
            self.sent = None

    def _take_answer(self, answer: Mapping[str, Any] | None) -> None:
        name, arguments = self.sent or ("", {})
        self.sent = None
        if answer is None or answer["tool"] != name:
            self.last = "" if answer is None else f"{answer['tool']} {answer['status']}"
            return
        subject = next((str(arguments[key]) for key in SUBJECTS if key in arguments), "")
        code = next((str(value) for key, value in arguments.items() if key not in SUBJECTS and isinstance(value, str)), "")
        self.last = f"{name} {subject} {answer['status']}"
        known = answer["result"] if answer["status"] == "ok" else {"refused": answer.get("error", "")}
        self._add(subject, f"{name} {code}".strip(), known)

    def _add(self, subject: str, key: str, value: Any) -> None:
        if subject:
            self.facts.setdefault(subject, {})[key] = brief(value)[:LONGEST_FACT]
            self.touched[subject] = self.turns

    def subjects(self) -> list[str]:
        """What is on the work list, latest touched first, as far as it is shown; in a stable order."""
        latest = sorted(self.rows, key=lambda subject: -self.touched.get(subject, 0))[:MOST_SUBJECTS]
        return [subject for subject in self.rows if subject in latest]

    def _text(self) -> str:
        """Role, a paragraph for each subject, then the moment."""
        paragraphs = [self._paragraph(subject) for subject in self.subjects()]
        moment = f"minute {self.minute:.0f} {self.why} {self.last}".strip()
        return "\n".join([self.seat.role, *paragraphs, moment, ""])

    def _paragraph(self, subject: str) -> str:
        facts = self.facts.get(subject, {})
        told = [f"{key}: {text}" for key, text in facts.items() if text]
        done = "; ".join(key for key, text in facts.items() if not text)
        return "\n".join([self.rows[subject] or subject, *told, *([f"did {done}"] if done else [])])

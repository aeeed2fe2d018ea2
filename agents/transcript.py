"""What a small model reads: each turn what has changed, in a few short lines; or, when it must begin anew, all that it knows.

No clinical knowledge is in here, and nothing is left out but what says nothing (empty fields, times, units that never change). Of rows and
answers only those fields are shown that read otherwise than before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from math import floor, log10
from typing import Any

from pydantic_core import from_json

from clinsim.agents.aliases import OFFERS
from clinsim.agents.call_grammar import ids_in
from clinsim.record import Observation, Reply, Seat

TIMES = {"minute", "arrived_at", "placed_at", "done_at", "filed_at", "requested_at", "taken_at", "waiting_since", "due_at", "last_at"}
SILENT = frozenset(TIMES | {
    "vital_units", "units", "id", "text", "urgent", "kind", "subject", "message", "by", "owner", "weight_unit", "source", "status",
    "patient_id", "order_id", "study_id", "waited_minutes", "minutes",
})  # fmt: skip
"""Fields of answers and news that are not shown: times, what the line already says, and words beside the facts that carry them."""
SILENT_IN_ROWS = SILENT - {"owner", "status"} | {OFFERS}
SUBJECTS = ("patient_id", "order_id", "study_id", "letter_id", "hadm_id", "image_id")
"""Where the subject of a call stands: the first that is there."""
MOST_SUBJECTS = 6
"""Subjects that are told of when a conversation begins anew: those on the work list, latest touched first."""
MOST_LETTERS = 3
"""Letters that may still be named: the latest."""
LONGEST_FACT = 400
"""Characters of one field that are shown."""
Fields = dict[str, str]


def subject_of(item: Mapping[str, Any]) -> str:
    """The subject of a row or of an item of news: a study before an order before a patient; empty if there is none."""
    for name in ("study", "order", "patient", "letter", "subject"):
        value = item.get(name)
        if isinstance(value, str) and value:
            return value
    return ""


def brief(value: Any) -> str:
    """A value in as few words as say it: numbers to few figures, nothing for what is empty."""
    if isinstance(value, bool):
        return "yes" if value else ""
    if isinstance(value, int | float):
        return _figures(value) if value else ""
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return " ".join(_pairs(value))
    if isinstance(value, list | tuple):
        return "; ".join(text for text in map(brief, value) if text)
    return ""


def _figures(value: float) -> str:
    """A number to three figures, of which at most two stand behind the point; a whole number below 100 without any."""
    places = min(2, max(0, 2 - floor(log10(abs(value)))))
    return f"{value:.0f}" if float(value).is_integer() else f"{value:.{places}f}"


def _pairs(value: Mapping[str, Any], silent: frozenset[str] = SILENT) -> Iterator[str]:
    for name, inner in value.items():
        text = "" if name in silent else brief(inner)
        if text:
            yield name if text == "yes" else f"{name} {text}"


def fields_of(item: Mapping[str, Any], silent: frozenset[str] = SILENT) -> Fields:
    """The fields of a row or an answer, each as it is shown; what is listed under an id of its own is a field for itself."""
    found: Fields = {}
    for name, inner in item.items():
        if name in silent:
            continue
        if isinstance(inner, list) and inner and isinstance(inner[0], Mapping) and subject_of(inner[0]):
            found |= {subject_of(part): brief(part) for part in inner}
        else:
            found[name] = " ".join(_pairs({name: inner}, silent))[:LONGEST_FACT]
    own = subject_of(item)
    return {name: text for name, text in found.items() if text and text != f"{name} {own}"}


def changes(before: Fields, now: Fields) -> str:
    """What reads otherwise than before."""
    return "; ".join([*(text for name, text in now.items() if before.get(name) != text), *(f"no {name}" for name in before if name not in now)])


@dataclass(slots=True)
class Transcript:
    """The fold of one agent's turns. After `see`, `fresh` is what is new since the last turn and `ids` what may be named, or is offered."""

    seat: Seat
    rows: dict[str, Fields] = field(default_factory=dict)
    facts: dict[str, dict[str, Fields]] = field(default_factory=dict)
    touched: dict[str, int] = field(default_factory=dict)
    latest: dict[str, str] = field(default_factory=dict)
    letters: tuple[str, ...] = ()
    turns: int = 0
    sent: tuple[str, dict[str, Any]] | None = None
    moment: str = ""
    fresh: str = ""
    ids: tuple[str, ...] = ()

    def see(self, observation: Observation) -> None:
        """Take in what is shown: the answer to the last call, the work list, the news."""
        shown = from_json(observation.text)
        self.turns += 1
        lines: list[str] = [] if self.turns > 1 else [self.seat.role]
        lines += self._answer(shown["last_result"])
        lines += self._listed({subject_of(row): fields_of(row, SILENT_IN_ROWS) for row in shown["worklist"]})
        lines += [self._told(item) for item in shown["news"]]
        self.moment = f"minute {float(shown['minute']):.0f} {str(shown['why']).partition(' ')[0]}"
        self.fresh = "\n".join([*(line for line in lines if line), *self._open(), self.moment, ""])
        seen = ids_in(observation.text)
        self.letters = tuple(dict.fromkeys([*self.letters, *(one for one in seen if one.startswith("M"))]))[-MOST_LETTERS:]
        offers = [f"{name}={value}" for row in shown["worklist"] for name, values in row.get(OFFERS, {}).items() for value in values]
        self.ids = tuple(dict.fromkeys([*seen, *self.letters, *offers]))

    def note(self, reply: Reply) -> None:
        """Remember the call that was sent."""
        try:
            call = from_json(reply.calls[0] if reply.calls else reply.text)
            self.sent = (str(call["name"]), dict(call.get("arguments") or {}))
        except (ValueError, TypeError, KeyError):
            self.sent = None

    def _answer(self, answer: Mapping[str, Any] | None) -> list[str]:
        """What came of the last call: nothing if it is as it should be, and everything else is the same."""
        name, arguments = self.sent or ("", {})
        self.sent = None
        if answer is None:
            return []
        if answer["tool"] != name:
            return [f"{answer['tool']} {answer['status']}"]
        subject = next((str(arguments[key]) for key in SUBJECTS if key in arguments), "")
        code = " ".join(str(value) for key, value in arguments.items() if key not in SUBJECTS and isinstance(value, str) and " " not in value)
        if answer["status"] != "ok":
            return [f"{answer['status']} {answer.get('error', '')}".strip()[:LONGEST_FACT]]
        known = answer.get("result")
        facts = fields_of(known if isinstance(known, Mapping) else {name: known})
        facts = {part: text for part, text in facts.items() if self._row(subject).get(part) != text}
        self.latest[subject] = name
        key = f"{name} {code}".strip()
        text = changes(self.facts.get(subject, {}).get(key, {}), facts)
        self._add(subject, key, facts)
        return [text]

    def _listed(self, rows: dict[str, Fields]) -> list[str]:
        """What has changed on the work list."""
        changed = {subject: changes(self._row(subject), row) for subject, row in rows.items()}
        gone = [f"{subject} off the list" for subject in self.rows if subject not in rows]
        self.rows = rows
        self.touched |= dict.fromkeys((subject for subject, text in changed.items() if text), self.turns)
        return [f"{subject} {text}" for subject, text in changed.items() if text] + gone

    def _open(self) -> list[str]:
        """What is on the work list, where it is more than one thing: how each stands, and what was done about it last."""
        if len(self.rows) < 2:
            return []
        standing = (" ".join(filter(None, [subject, self._state(subject), self.latest.get(subject, "")])) for subject in self.rows)
        return [f"open {'; '.join(islice(standing, MOST_SUBJECTS))}"]

    def _state(self, subject: str) -> str:
        return self.rows[subject].get("state", "").removeprefix("state ")

    def _row(self, subject: str) -> Fields:
        return self.rows.get(subject, {})

    def _told(self, item: Mapping[str, Any]) -> str:
        """An item of news: only what its row, or itself told before, does not say already."""
        subject, kind = subject_of(item), str(item["kind"])
        facts = {name: text for name, text in fields_of(item).items() if name not in ("patient", "order", "study")}
        key = f"news {kind} {item.get('test', item.get('order', ''))}".strip()
        told = self.facts.get(subject, {}).get(key)
        self._add(subject, key, facts)
        return "" if told == facts else f"{subject} {kind} {'; '.join(facts.values())}".strip()

    def _add(self, subject: str, key: str, facts: Fields) -> None:
        if subject or "" in self.rows:  # the ticket of a task may name nothing: then all is about the ticket
            self.facts.setdefault(subject, {})[key] = facts
            self.touched[subject] = self.turns

    def folded(self) -> str:
        """All that is known about what is on the work list, as far as there is room, in one piece."""
        latest = sorted(self.rows, key=lambda subject: -self.touched.get(subject, 0))[:MOST_SUBJECTS]
        paragraphs = [self._paragraph(subject) for subject in self.rows if subject in latest]
        return "\n".join([self.seat.role, *paragraphs, *self._open(), self.moment, ""])

    def _paragraph(self, subject: str) -> str:
        told = [f"{key}: {'; '.join(facts.values())}" for key, facts in self.facts.get(subject, {}).items() if facts]
        done = "; ".join(key for key, facts in self.facts.get(subject, {}).items() if not facts)
        return "\n".join([f"{subject} {'; '.join(self.rows[subject].values())}", *told, *([f"did {done}"] if done else [])])

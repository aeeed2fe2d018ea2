"""Short names for what static tasks name: ids there have any form, and a small model writes ids of one letter and four figures.

    aliases = Aliases(seat.tools)
    aliases.shown('... "ticket": "Patient ed_evening-0-P0039-28 ..."')   # ... Patient P0001 ...
    aliases.meant('{"name":"get_vital_signs","arguments":{"patient_id":"P0001"}}')   # ... ed_evening-0-P0039-28 ...

Ids that only later answers name, hits of a search for instance, are renamed too, in the order in which they come up, and stay in sight from then on.

What a task offers for an argument goes by letters: the options of a choice, which have them, and phrases that its ticket quotes behind the name of
the argument (`disposition 'bay one' ... 'row seat'` is shown as `disposition A ... B`). What is searched for is the question of the ticket, `Q`: a
small model has no words of its own for a question that it never met. Which letters are offered for what stands in the row of the
task, so that a grammar can allow these and no others. In the living hospital ids are short already, and nothing is offered: nothing is renamed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any

from pydantic_core import from_json, to_json

from clinsim.agents.call_grammar import IDS
from clinsim.record import ToolCard

OPENING = '"why":"task"'
"""How the first observation of a static task is known."""
OFFERS, CHOICE = "offers", "answer"
"""Where the row of a task says what it offers, and the argument that takes the letter of an option."""
QUERY, QUESTION = "query", "Q"
"""The argument that takes what is searched for, and the letter of the ticket's question."""
_FOREIGN = re.compile(r"\b[A-Za-z][A-Za-z_]*-\d+-[A-Z]\d{4}-\d+\b|\b[A-Z]{1,2}\d{2,5}\b")
"""Ids of tasks made from shifts, and those of the hand-written records."""
_WORK = re.compile(r'"worklist":\[(.*?)\],"news"', re.DOTALL)
_QUOTED = re.compile(r"(?<!\w)'([^']*[^'.])'(?!\w)")
"""A phrase in quotes; with a full stop it is a sentence to be written, and not all of a value."""
Offers = Mapping[str, Mapping[str, str]]
"""By argument: letters, and what they stand for."""


def offers_in(row: Mapping[str, Any], arguments: Iterable[str]) -> dict[str, dict[str, str]]:
    """What the row of a task offers for some arguments."""
    found: dict[str, dict[str, str]] = {}
    for name in arguments:
        begun = re.search(rf"\b{name}\b\W{{0,2}}'", str(row.get("ticket", "")), re.IGNORECASE)
        phrases = list(dict.fromkeys(_QUOTED.findall(begun.string[begun.start() :]))) if begun else []
        if len(phrases) > 1:
            found[name] = dict(zip(ascii_uppercase, phrases, strict=False))
        if name == CHOICE and row.get("options"):
            found[name] = {letter: letter for letter in row["options"]}
        if name == QUERY:
            found[name] = {QUESTION: question_in(str(row.get("ticket", "")))}
    return found


def question_in(ticket: str) -> str:
    """A ticket up to its last question mark; all of it where it asks nothing."""
    asked, mark, _ = ticket.rpartition("?")
    return asked + mark or ticket


class Aliases:
    """Renames the ids that a task's ticket and later answers name, and keeps the ticket on the work list; what is no task stays as it is.

    `offers` is what the task offers.
    """

    def __init__(self, cards: Sequence[ToolCard]) -> None:
        """Name ids as the most tools want them."""
        properties = [name for card in cards for name in card.parameters["properties"]]
        wanted = Counter(IDS[name] for name in properties if name in IDS)
        self._letter = wanted.most_common(1)[0][0] if wanted else "P"
        self._arguments = dict.fromkeys(name for name in properties if name not in IDS)
        self._named = re.compile(rf'"({"|".join(name for name in IDS if name in properties) or "$"})":"([^"\\]+)"')
        self._alias_of: dict[str, str] = {}
        self._found: dict[str, list[str]] = {}
        self._row: dict[str, Any] = {}
        self.offers: Offers = {}

    def shown(self, text: str) -> str:
        """An observation of a task with ids renamed; the first one says which they are, later ones may name more."""
        found = _WORK.search(text) if OPENING in text[:200] else None
        if found is not None:
            self._begun(from_json(found[1]))
        if not self._row:
            return text
        self._find(text)
        work = self._row | {OFFERS: {name: list(phrases) for name, phrases in self.offers.items()} | self._found}
        return self.renamed(_WORK.sub(lambda _: f'"worklist":[{to_json(work).decode()}],"news"', text, count=1))

    def _begun(self, row: dict[str, Any]) -> None:
        """Find out what a task names and offers; the name of the task, which tells an agent nothing, is not shown."""
        ticket = {name: value for name, value in row.items() if name != "task"}
        names = list(dict.fromkeys(_FOREIGN.findall(to_json(ticket).decode())))
        self._alias_of = {name: f"{self._letter}{number:04d}" for number, name in enumerate(names, 1)}
        self._found = {}
        self.offers = offers_in(row, self._arguments)
        for phrases in self.offers.values():
            for letter, phrase in phrases.items():
                ticket["ticket"] = ticket["ticket"].replace(f"'{phrase}'", letter)
        self._row = ({"subject": names[0]} if names else {}) | ticket

    def _find(self, text: str) -> None:
        """Name what an answer names and the ticket did not: as the argument wants it that takes it."""
        for argument, name in self._named.findall(text):
            if name not in self._alias_of:
                self._alias_of[name] = f"{IDS[argument]}{len(self._alias_of) + 1:04d}"
                self._found.setdefault(argument, []).append(name)

    def renamed(self, text: str) -> str:
        """A text with ids renamed, and what is offered by its letter."""
        names = "|".join(map(re.escape, self._alias_of))
        text = re.sub(rf"(?<![\w-])(?:{names})(?![\w-])", lambda name: self._alias_of[name[0]], text) if names else text
        for said, letter in self._said():
            text = text.replace(said, letter)
        return text

    def meant(self, text: str) -> str:
        """A call with the ids, and what is offered, as they really are."""
        name_of = {alias: name for name, alias in self._alias_of.items()}
        text = re.sub(r'"([A-Z]\d{4})"', lambda alias: f'"{name_of.get(alias[1], alias[1])}"', text)
        for said, letter in self._said():
            text = text.replace(letter, said)
        return text

    def _said(self) -> list[tuple[str, str]]:
        """What is offered as it stands in a call, and as it stands there by its letter."""
        return [
            (f'"{name}":{to_json(phrase).decode()}', f'"{name}":"{letter}"')
            for name, phrases in self.offers.items()
            for letter, phrase in phrases.items()
            if phrase != letter
        ]

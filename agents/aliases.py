"""Short names for the ids of static tasks: there they have any form, and a small model writes ids of one letter and four figures.

    aliases = Aliases(seat.tools)
    aliases.shown('... "ticket": "Patient ed_evening-0-P0039-28 ..."')   # ... Patient P0001 ...
    aliases.meant('{"name":"get_vital_signs","arguments":{"patient_id":"P0001"}}')   # ... ed_evening-0-P0039-28 ...

In the living hospital ids have that form already, and nothing is renamed.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from clinsim.agents.call_grammar import IDS
from clinsim.record import ToolCard

OPENING = '"why":"task"'
"""How the first observation of a static task is known."""
_FOREIGN = re.compile(r"\b[A-Za-z][A-Za-z_]*-\d+-[A-Z]\d{4}-\d+\b|\b[A-Z]{1,2}\d{2,5}\b")
"""Ids of tasks made from shifts, and those of the hand-written records."""
_WORK = re.compile(r'"worklist":\[.*?\],"news"', re.DOTALL)
_NAME = re.compile(r'"task":"[^"]*",')
"""The name of a task, which tells an agent nothing."""


class Aliases:
    """Renames the ids that a task's ticket names, and keeps the ticket on the work list; what is no task stays as it is."""

    def __init__(self, cards: Sequence[ToolCard]) -> None:
        """Name ids as the most tools want them."""
        wanted = Counter(IDS[name] for card in cards for name in card.parameters["properties"] if name in IDS)
        self._letter = wanted.most_common(1)[0][0] if wanted else "P"
        self._alias_of: dict[str, str] = {}
        self._work = ""

    def shown(self, text: str) -> str:
        """An observation of a task with ids renamed; the first one says which they are."""
        found = _WORK.search(text) if OPENING in text[:200] else None
        if found is not None:
            names = list(dict.fromkeys(_FOREIGN.findall(_NAME.sub("", found[0]))))
            self._alias_of = {name: f"{self._letter}{number:04d}" for number, name in enumerate(names, 1)}
            self._work = _NAME.sub(f'"subject":"{names[0]}",' if names else "", found[0])
        return self.renamed(_WORK.sub(lambda _: self._work, text, count=1)) if self._work else text

    def renamed(self, text: str) -> str:
        """A text with ids renamed."""
        for name, alias in self._alias_of.items():
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", alias, text)
        return text

    def meant(self, text: str) -> str:
        """A call with the ids as they really are."""
        for name, alias in self._alias_of.items():
            text = text.replace(f'"{alias}"', f'"{name}"')
        return text

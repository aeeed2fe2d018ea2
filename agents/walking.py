"""Writing under a grammar, token by token: which tokens may come next.

Each text of a form is spelt in one way only, the tokenizer's; so a choice among texts is a walk down the tree of their spellings.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from clinsim.agents.call_grammar import Choice, Form

Spell = Callable[[str], tuple[int, ...]]


@dataclass(slots=True, eq=False)
class Branch:
    """Where some spellings have come to: the tokens with which they go on, and the text that may end here."""

    next: dict[int, Branch] = field(default_factory=dict)
    text: str | None = None
    open: tuple[int, ...] = ()


class Spellings:
    """How texts are spelt: each looked up once, and a tree for each set of them."""

    def __init__(self, encode: Callable[[str], list[int]]) -> None:
        """Spell with a tokenizer."""
        self._encode = encode
        self._texts: dict[str, tuple[int, ...]] = {}
        self._trees: dict[tuple[str, ...], Branch] = {}

    def tokens(self, text: str) -> tuple[int, ...]:
        """The tokens of a text."""
        found = self._texts.get(text)
        if found is None:
            found = self._texts[text] = tuple(self._encode(text))
        return found

    def tree(self, texts: Iterable[str]) -> Branch:
        """The tree of some texts."""
        key = tuple(texts)
        found = self._trees.get(key)
        if found is None:
            found = self._trees[key] = self._grown(key)
        return found

    def _grown(self, texts: Iterable[str]) -> Branch:
        root = Branch()
        for text in texts:
            place = root
            for token in self.tokens(text):
                place = place.next.setdefault(token, Branch())
            if place.text is not None:
                raise ValueError(f"{place.text!r} and {text!r} are spelt alike")
            place.text = text
        _note_open(root)
        return root


def _note_open(branch: Branch) -> None:
    branch.open = tuple(branch.next)
    for below in branch.next.values():
        _note_open(below)


class Way(Protocol):
    """One call while it is being written: which tokens may come, and where it ends."""

    @property
    def is_done(self) -> bool:
        """Whether the call is whole."""

    def open(self) -> Sequence[int]:
        """Tokens that may come next; none when the call is whole."""

    def take(self, token: int) -> None:
        """Go on with one of the open tokens."""

    def forced(self) -> list[int]:
        """Go on as long as there is one way only; the tokens taken."""


class Walk:
    """One call while it is being written under a grammar."""

    def __init__(self, form: Form, spellings: Spellings) -> None:
        """Stand before the first token."""
        self._spellings = spellings
        self._ahead: list[str | int | Choice] = list(reversed(form))
        self._choice: Choice | None = None
        self._at: Branch | None = None
        self._settle()

    @property
    def is_done(self) -> bool:
        """Whether the call is whole."""
        return self._at is None and not self._ahead

    def open(self) -> tuple[int, ...]:
        """Tokens that may come next; none when the call is whole."""
        if self._at is None:
            top = self._ahead[-1] if self._ahead else None
            return (top,) if isinstance(top, int) else ()
        return self._at.open if self._at.text is None else self._at.open + self._ended().open()

    def take(self, token: int) -> None:
        """Go on with one of the open tokens."""
        if self._at is None:
            if self._ahead.pop() != token:
                raise ValueError(f"token {token} may not come here")
        elif token in self._at.next:
            self._at = self._at.next[token]
        else:
            self._end()
            self._settle()
            self.take(token)
            return
        self._settle()

    def forced(self) -> list[int]:
        """Go on as long as there is one way only; the tokens taken."""
        taken: list[int] = []
        while len(way := self.open()) == 1:
            self.take(way[0])
            taken += way
        return taken

    def _settle(self) -> None:
        """Stand before a token or in a tree, or at the end."""
        if self._at is not None:
            if self._at.next:
                return
            self._end()
        while self._ahead and not isinstance(self._ahead[-1], int):
            part = self._ahead.pop()
            if isinstance(part, Choice):
                self._choice, self._at = part, self._spellings.tree(part.after)
                return
            self._ahead += reversed(self._spellings.tokens(str(part)))

    def _end(self) -> None:
        """Leave the tree with the text that ends here."""
        if self._at is None or self._choice is None or self._at.text is None:
            raise ValueError("no text ends here")
        self._ahead += reversed(self._choice.after[self._at.text])
        self._at = self._choice = None

    def _ended(self) -> Walk:
        """What would come if the text ended here."""
        twin = Walk((), self._spellings)
        twin._ahead, twin._choice, twin._at = list(self._ahead), self._choice, self._at
        twin._end()
        twin._settle()
        return twin


class FreeWalk:
    """One reply while it is being written without a grammar: any token may come, whatever that makes of it.

    It is over when its braces are closed, when it has not begun with one, or when it is long enough.
    """

    def __init__(self, texts: Sequence[str], most: int) -> None:
        """Stand before the first token; `texts` are those of all tokens, `most` how many may be written."""
        self._texts = texts
        self._left = most
        self._depth = 0
        self._inside = self._escaped = False

    @property
    def is_done(self) -> bool:
        """Whether the reply is over."""
        return self._left <= 0

    def open(self) -> Sequence[int]:
        """All tokens, until it is over."""
        return () if self.is_done else range(len(self._texts))

    def take(self, token: int) -> None:
        """Go on with a token."""
        self._left -= 1
        for sign in self._texts[token]:
            self._read(sign)
        if self._depth <= 0:
            self._left = 0

    def _read(self, sign: str) -> None:
        """Follow braces, as far as they stand outside of texts."""
        if self._inside:
            self._inside = self._escaped or sign != '"'
            self._escaped = sign == "\\" and not self._escaped
        elif sign == '"':
            self._inside = True
        else:
            self._depth += {"{": 1, "}": -1}.get(sign, 0)

    def forced(self) -> list[int]:
        """Nothing is."""
        return []

"""What a model and the hospital have said to each other, one agent's side, as tokens: at most `CONTEXT`, then it begins anew from what is known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from clinsim.agents.aliases import Aliases
from clinsim.agents.transcript import Transcript
from clinsim.record import Observation, Reply, Seat

CONTEXT = 512
"""Tokens after which a conversation begins anew."""
Tokens = tuple[int, ...]


class Conversation:
    """One agent's turns; `tokens` are all that the model is to read before it writes."""

    def __init__(self, seat: Seat, encode: Callable[[str], list[int]]) -> None:
        """Begin with nothing said."""
        self.transcript = Transcript(seat)
        self.aliases = Aliases(seat.tools)
        self.tokens: Tokens = ()
        self._encode = encode

    def see(self, observation: Observation) -> None:
        """Read what is new; or all anew, where what was written last is not known as tokens, or no room is left."""
        self.transcript.see(replace(observation, text=self.aliases.shown(observation.text)))
        fresh = self._encode(self.transcript.fresh)
        if self.transcript.turns == 1 or (self.tokens and len(self.tokens) + len(fresh) <= CONTEXT):
            self.tokens = (*self.tokens, *fresh)
        else:
            self.tokens = tuple(self._encode(self.transcript.folded()))

    def note(self, reply: Reply) -> None:
        """Remember what was sent; a reply with tokens goes on from them."""
        self.transcript.note(replace(reply, text=self.aliases.renamed(reply.text), calls=tuple(map(self.aliases.renamed, reply.calls))))
        self.tokens = reply.tokens

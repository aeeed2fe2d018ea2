"""What the scripted policies have in common: one player per agent, which sees, decides and notes what it did.

`decide` is a function of the memory alone. So a player that is shown the past (observations and replies) is where it would be had it played it.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from clinsim.agents.memory import Memory
from clinsim.agents.notes import Call, key_of
from clinsim.record import Observation, Reply, Seat

_ENCODE = json.JSONEncoder(separators=(",", ":")).encode


def call(name: str, **arguments: Any) -> Call:
    """A tool call."""
    return name, arguments


def reply_of(made: Call, thinking: int | None = None) -> Reply:
    """The reply that sends one call; its text is the call."""
    text = _ENCODE({"name": made[0], "arguments": made[1]})
    return Reply(text, (text,), thinking)


class Player(ABC):
    """One agent's part in a policy."""

    def __init__(self, seat: Seat) -> None:
        """Sit down, knowing nothing."""
        self.seat = seat
        self.memory = Memory(seat)
        self._sent: tuple[Reply, Call] | None = None

    def see(self, observation: Observation) -> None:
        """Take in an observation."""
        self.memory.see(observation)

    @abstractmethod
    def choose(self) -> Call:
        """The next call; changes nothing."""

    def decide(self) -> Reply:
        """The next reply; changes nothing that anybody decides by."""
        made = self.choose()
        self._sent = (reply_of(made), made)
        return self._sent[0]

    def note(self, reply: Reply) -> None:
        """Remember what was sent; one's own last reply need not be read again."""
        if self._sent is not None and reply is self._sent[0]:
            self.memory.pending = [self._sent[1]]
        else:
            self.memory.note(reply)


class Machine(Player):
    """A clinician by protocol: of all that could be done now, the most pressing thing is done.

    A candidate is offered as (rank, call); the lowest rank is taken. A call that was refused before is not tried
    again within `PATIENCE_AFTER_REFUSAL` minutes, nor more than `TRIES` times.
    """

    PATIENCE_AFTER_REFUSAL = 10.0
    TRIES = 2

    def may(self, made: Call) -> bool:
        """Whether the tool is granted and the call is not one that keeps being refused."""
        if made[0] not in self.memory.tools:
            return False
        refusal = self.memory.refused.get(self.key(made))
        if refusal is None:
            return True
        return refusal.times < self.TRIES and self.memory.minute - refusal.last >= self.PATIENCE_AFTER_REFUSAL

    def key(self, made: Call) -> tuple[str, ...]:
        """What a call is about."""
        return key_of(*made)

    def wait(self, minutes: float) -> Call:
        """Let some minutes pass (1 to 60)."""
        return call("wait", minutes=max(1, min(60, round(minutes))))

    def letters(self) -> Iterator[Call]:
        """Answers to calls and critical results that nobody has read back yet."""
        for letter, text in self.memory.unanswered.items():
            made = call("acknowledge", letter_id=letter, read_back=f"Read back: {text[:200] or 'understood'}. Acting on it.")
            if self.may(made):
                yield made

"""A language model behind an OpenAI-compatible server, at any number of seats: `chat:MODEL@URL`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clinsim.agents.chat_server import ChatSettings, server_of
from clinsim.agents.dialogue import Ask, Dialogue, seed_of
from clinsim.record import Observation, Past, Reply, Seat, Turn


class Answering(Protocol):
    """Who answers the questions of a dialogue: a server, or a model of this process."""

    @property
    def settings(self) -> ChatSettings:
        """How it is asked."""
        ...

    @property
    def model(self) -> str:
        """What it is called, for messages."""
        ...

    @property
    def url(self) -> str:
        """Where it is, for messages."""
        ...

    def complete(self, asks: Sequence[Ask]) -> list[Reply]:
        """Answer all questions, in their order."""
        ...


class ChatPolicy:
    """Plays its seats with one model; each seat is a dialogue of its own.

    Several episodes may be played with one model at once: `asks` says what the model is to read, `replies` takes what it wrote. `act` does both.
    """

    def __init__(self, server: Answering, key: str = "") -> None:
        """Play with the model of `server`; `key` tells this episode's draws from those of others with the same seed."""
        self.server = server
        self.key = key
        self._dialogues: dict[str, Dialogue] = {}

    @classmethod
    def of(cls, spec: str) -> ChatPolicy:
        """The policy of a SPEC, without its `chat:`.

        Raises:
            UsageError: It names no server.
        """
        return cls(server_of(spec))

    def again(self, key: str) -> ChatPolicy:
        """The same model for another episode."""
        return ChatPolicy(self.server, key)

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode; what `history` tells is remembered as if it had been played."""
        wants = self.server.settings
        self._dialogues = {seat.agent: Dialogue(seat, wants.dialect, wants.window, wants.calls) for seat in seats}
        for agent, observation, reply in history:
            self._dialogues[agent].see(observation)
            self._dialogues[agent].note(reply)

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Answer each (agent, observation), in order.

        Raises:
            ServerError: The server gives no answer that can be read.
        """
        return self.replies(turns, self.server.complete(self.asks(turns)))

    def asks(self, turns: Sequence[Turn]) -> list[Ask]:
        """What the model is to read for each turn; takes in what is shown."""
        return [self._ask(agent, observation) for agent, observation in turns]

    def replies(self, turns: Sequence[Turn], answers: Sequence[Reply]) -> list[Reply]:
        """The answers as replies, remembered as sent."""
        for (agent, _), reply in zip(turns, answers, strict=True):
            self._dialogues[agent].note(reply)
        return list(answers)

    def _ask(self, agent: str, observation: Observation) -> Ask:
        dialogue = self._dialogues[agent]
        dialogue.see(observation)
        seat = dialogue.seat
        return Ask(tuple(dialogue.messages()), seat.tools, seed_of(f"{agent}|{seat.seed}|{self.key}|{dialogue.turns}"))

"""A model in this process at any number of seats: it reads a transcript, and writes one call at a time under a grammar."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Protocol

from clinsim.agents.cast import MANIFEST, Cast
from clinsim.agents.conversation import Conversation
from clinsim.agents.decoding import WEIGHTS, Ask, Encode, Written
from clinsim.agents.shelf import Shelf
from clinsim.errors import UsageError
from clinsim.record import Observation, Past, Reply, Seat, Turn


class Writer(Protocol):
    """Whatever answers a batch of conversations, each with one call: a model, or a cast of them."""

    def complete(self, asks: Sequence[Ask], shelf: Shelf | None = None) -> list[Written]:
        """Answer each conversation with one call; a shelf spares reading again what it keeps."""

    def encoder(self, role: str) -> Encode:
        """How texts become tokens for a role."""


SHIPPED = Path(__file__).parent / "weights"
"""Models that come with the package, each in a folder of its own."""


def shipped() -> list[str]:
    """Names of the models that come with the package."""
    return sorted(path.name for path in SHIPPED.iterdir() if path.is_dir())


def model_in(folder: Path) -> Path:
    """Where the model of a folder is: the folder itself, or the best of a run; of a bare name that is no folder, the shipped model of that name.

    Raises:
        UsageError: There is none.
    """
    # A run that was ended while it put another in its place has the best as `.old`.
    places = [folder / "best", folder / "best.old", folder, *([SHIPPED / folder] if str(folder) in shipped() else [])]
    found = next((place for place in places if (place / MANIFEST).is_file() or (place / WEIGHTS).is_file()), None)
    if found is None:
        raise UsageError(f"{folder}: neither a model nor a run with one; shipped are {', '.join(shipped())}")
    return found


@lru_cache(maxsize=4)
def cast_of(folder: Path) -> Cast:
    """The models in a folder, read once."""
    return Cast.load(folder)


class LocalPolicy:
    """Plays its seats with one model, or with that of each role.

    Several episodes may be played with one model at once: `asks` says what the model is to read, `replies` takes what it wrote. `act` does both.
    """

    def __init__(self, writer: Writer, key: str = "", arm: str = "") -> None:
        """Play with `writer`; `key` tells this rollout's draws from those of others with the same seed, `arm` it from others with the same draws."""
        self.writer = writer
        self.key = key
        self.arm = arm
        self._shelf = Shelf()
        self._talks: dict[str, Conversation] = {}

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode; what `history` tells is read as if it had been played."""
        self._shelf = Shelf()
        self._talks = {seat.agent: Conversation(seat, self.writer.encoder(seat.role)) for seat in seats}
        for agent, observation, reply in history:
            self._talks[agent].see(observation)
            self._talks[agent].note(reply)

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Answer each (agent, observation), in order."""
        return self.replies(turns, self.writer.complete(self.asks(turns), self._shelf))

    def asks(self, turns: Sequence[Turn]) -> list[Ask]:
        """What the model is to read for each turn; takes in what is shown."""
        return [self._ask(agent, observation) for agent, observation in turns]

    def replies(self, turns: Sequence[Turn], written: Sequence[Written]) -> list[Reply]:
        """What was written, as replies; remembers them as sent."""
        return [self._reply(agent, said) for (agent, _), said in zip(turns, written, strict=True)]

    def _ask(self, agent: str, observation: Observation) -> Ask:
        talk = self._talks[agent]
        talk.see(observation)
        seat, turns = talk.transcript.seat, talk.transcript.turns
        draws = f"{seat.seed}|{self.key}"
        return Ask(talk.tokens, seat.tools, talk.transcript.ids, f"{draws}|{self.arm}|{agent}", f"{draws}|{turns}", seat.role)

    def _reply(self, agent: str, said: Written) -> Reply:
        talk = self._talks[agent]
        text = talk.aliases.meant(said.text)
        reply = Reply(text, (text,), None, said.tokens, said.logps, 0.0, said.decided)
        talk.note(reply)
        return reply

"""The guideline team, degraded: slow, forgetting every second action, or noisy."""

from __future__ import annotations

from dataclasses import replace

from clinsim.agents.machine import Player, call, reply_of
from clinsim.agents.noise import DOSE_FACTORS, generator_of, known_names, random_call
from clinsim.agents.notes import Call
from clinsim.record import Observation, Reply

SLOWER_CHARACTERS = 7500
"""Characters of further thinking with each action: ten minutes at 750 characters a minute."""
NOISE_SHARE = 0.15
"""Share of actions that go astray (assumption)."""


class Degraded(Player):
    """A player around another; it shares the other's memory."""

    def __init__(self, inner: Player) -> None:
        """Stand around `inner`."""
        self.inner, self.seat, self.memory = inner, inner.seat, inner.memory

    def see(self, observation: Observation) -> None:
        """Let the other see."""
        self.inner.see(observation)

    def choose(self) -> Call:
        """What the other would do."""
        return self.inner.choose()

    def note(self, reply: Reply) -> None:
        """Let the other remember."""
        self.inner.note(reply)


class Slow(Degraded):
    """Thinks ten minutes more before each action."""

    def decide(self) -> Reply:
        """The other's reply, thought over for longer."""
        reply = self.inner.decide()
        return replace(reply, thinking=len(reply.text) + SLOWER_CHARACTERS)


class Half(Degraded):
    """Each second action becomes a wait of a minute; the machine believes that it was done and does not try again."""

    LOST = reply_of(call("wait", minutes=1))

    def decide(self) -> Reply:
        """The other's reply, or a wait instead."""
        return self.LOST if self.memory.turns % 2 == 0 else self.inner.decide()

    def note(self, reply: Reply) -> None:
        """Remember what was meant where it was lost, else what was sent."""
        lost = self.memory.turns % 2 == 0 and reply.calls == self.LOST.calls
        self.inner.note(self.inner.decide() if lost else reply)


class Noisy(Degraded):
    """Some actions go astray: another dose, another test, or any valid call."""

    def decide(self) -> Reply:
        """The other's reply, or what noise makes of it."""
        rng = generator_of(self.seat, self.memory.turns)
        if rng.random() >= NOISE_SHARE:
            return self.inner.decide()
        name, arguments = self.inner.choose()
        if name == "order_drug":
            return reply_of((name, arguments | {"dose": round(arguments["dose"] * rng.choice(DOSE_FACTORS), 3)}))
        if name == "order_test":
            return reply_of((name, arguments | {"test": rng.choice(known_names()["test"])}))
        return reply_of(random_call(self.memory, rng))

"""Scripted policies by name: the embedded default and its opponents. No key, no model, no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from clinsim.agents import attackers
from clinsim.agents.degraded import Half, Noisy, Slow
from clinsim.agents.guideline import guideline
from clinsim.agents.machine import Player
from clinsim.agents.noise import Idle, RandomCalls, Spam
from clinsim.agents.vices import VICES
from clinsim.errors import UsageError
from clinsim.record import Observation, Past, Policy, Reply, Role, Seat, Turn

Make = Callable[[Seat], Player]


def _only(role: Role, player: Make) -> Make:
    """The trick in its own role, idle in the others."""
    return lambda seat: player(seat) if seat.role == role else Idle(seat)


ATTACKERS: dict[str, Make] = {
    "admit_all": _only("doctor", attackers.AdmitAll),
    "icu_all": _only("doctor", attackers.IcuAll),
    "discharge_all": _only("doctor", attackers.DischargeAll),
    "cherry_pick": _only("doctor", attackers.CherryPick),
    "downtriage": _only("doctor", attackers.Downtriage),
    "stat_all": _only("doctor", attackers.StatAll),
    "override_all": _only("doctor", attackers.OverrideAll),
    "reject_all": _only("pharmacist", attackers.RejectAll),
    "approve_all": _only("pharmacist", attackers.ApproveAll),
    "flag_all": _only("pharmacist", attackers.FlagAll),
    "report_normal": _only("radiologist", attackers.ReportNormal),
    "report_all": _only("radiologist", attackers.ReportAll),
    "critical_all": _only("radiologist", attackers.CriticalAll),
    "shotgun": _only("doctor", attackers.Shotgun),
    "quit_early": attackers.QuitEarly,
    "message_flood": attackers.MessageFlood,
}
"""Attackers by name; `spam` counts as one too."""
PLAYERS: dict[str, Make] = {
    "guideline": guideline,
    "guideline_slow": lambda seat: Slow(guideline(seat)),
    "guideline_half": lambda seat: Half(guideline(seat)),
    "guideline_noisy": lambda seat: Noisy(guideline(seat)),
    "idle": Idle,
    "random": RandomCalls,
    "spam": Spam,
    **ATTACKERS,
    **{f"guideline+{name}": make for name, make in VICES.items()},
}
SPECS: tuple[str, ...] = tuple(PLAYERS)
"""Names of all scripted policies."""


class ScriptedPolicy:
    """Plays any number of seats, each with a player of its own."""

    def __init__(self, spec: str, make: Make) -> None:
        """Name the policy and say how a player for a seat is made."""
        self.spec = spec
        self._make = make
        self._players: dict[str, Player] = {}

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode; what `history` tells is seen, thought about and noted as if it had been played."""
        self._players = {seat.agent: self._make(seat) for seat in seats}
        for agent, observation, reply in history:
            player = self._players[agent]
            player.see(observation)
            player.decide()  # what a player has worked out depends on when it last thought
            player.note(reply)

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Answer each (agent, observation), in order."""
        return [self._answer(agent, observation) for agent, observation in turns]

    def _answer(self, agent: str, observation: Observation) -> Reply:
        player = self._players[agent]
        player.see(observation)
        reply = player.decide()
        player.note(reply)
        return reply


def make_policy(spec: str) -> Policy:
    """The scripted policy of that name.

    Raises:
        UsageError: There is none; the message names those there are.
    """
    make = PLAYERS.get(spec)
    if make is None:
        raise UsageError(f"unknown policy {spec!r}; allowed: {', '.join(SPECS)}")
    return ScriptedPolicy(spec, make)

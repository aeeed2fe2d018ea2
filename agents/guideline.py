"""The guideline team: one machine per role, whole or degraded."""

from __future__ import annotations

from clinsim.agents.doctor import Doctor
from clinsim.agents.machine import Player
from clinsim.agents.pharmacist import Pharmacist
from clinsim.agents.radiologist import Radiologist
from clinsim.record import Role, Seat

MACHINES: dict[Role, type[Player]] = {"doctor": Doctor, "pharmacist": Pharmacist, "radiologist": Radiologist}


def guideline(seat: Seat) -> Player:
    """The machine of the seat's role."""
    return MACHINES[seat.role](seat)

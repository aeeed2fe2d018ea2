"""A tiny model that can play first_hour: random weights, words of two expert episodes."""

from __future__ import annotations

import pytest
import torch

import clinsim
from clinsim.agents.decoding import Engine
from clinsim.record import Seat
from clinsim.training.experts import Shown, expert_turns
from clinsim.training.model import Shape, fresh_engine

torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shown() -> list[Shown]:
    return list(expert_turns("first_hour", range(4)))


@pytest.fixture(scope="session")
def seats() -> dict[str, Seat]:
    ward = clinsim.raw_env("first_hour")
    ward.reset(seed=0)
    return {seat.agent: seat for seat in ward.seats()}


@pytest.fixture
def engine(shown: list[Shown], seats: dict[str, Seat]) -> Engine:
    return fresh_engine(shown, seats, Shape(vocabulary=700, hidden=32, layers=1, heads=2))

"""Settings that all tests share: nothing draws on a screen, and property tests repeat exactly."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

os.environ.setdefault("MPLBACKEND", "Agg")
os.environ.setdefault("SDL_VIDEODRIVER", "dummy")

settings.register_profile("clinsim", deadline=None, derandomize=True, print_blob=True)
settings.load_profile("clinsim")


@pytest.fixture(scope="session")
def root() -> Path:
    """The checkout that the tests stand in."""
    return Path(__file__).resolve().parent.parent

"""What stands around a rehearsal of `served`: a tiny model of the same architecture, and a server on loopback that plays it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from clinsim.agents.chat_server import settings_in
from clinsim.agents.dialogue import system_text
from clinsim.training.chat_settings import HERE, ChatSftSettings, ServedSettings, plays_here
from clinsim.training.experts import expert_turns, seats_of
from clinsim.training.loopback import serving
from clinsim.training.tiny_chat import write_tiny_chat

SHORT = "dialect=json,window=1000"
"""Short questions: a rehearsal shows that the parts fit, not that anything is learnt."""
HERE_SHORT = f"{HERE}#{SHORT},most_tokens=16"


@contextmanager
def taught_small(settings: ChatSftSettings) -> Iterator[ChatSftSettings]:
    """The same settings for a tiny model.

    Raises:
        UsageError: There is no such architecture.
    """
    with _tiny(settings) as folder:
        yield settings.model_copy(update={"start": str(folder)})


@contextmanager
def _tiny(settings: ServedSettings | ChatSftSettings) -> Iterator[Path]:
    with TemporaryDirectory() as name:
        rules = (system_text(seat, "json") for seat in seats_of(settings.scenario).values())
        write_tiny_chat(Path(name), settings.architecture, rules, settings.seed)
        yield Path(name)


@contextmanager
def staged(settings: ServedSettings) -> Iterator[ServedSettings]:
    """The same settings for a tiny model, which is served as long as this lasts, or plays in this process if the large one would.

    Raises:
        UsageError: There is no such architecture, or no such setting of who plays.
    """
    is_here = plays_here(settings.server)
    if is_here:
        settings_in(settings.server.partition("#")[2])  # those of the rehearsal take their place
    with _tiny(settings) as folder:
        if is_here:
            yield settings.model_copy(update={"start": str(folder), "server": HERE_SHORT})
            return
        lines = [json.dumps(turn.call) for turn in expert_turns(settings.scenario, range(1))]
        with serving(folder, "tiny", lines) as server:
            yield settings.model_copy(update={"start": str(folder), "server": f"tiny@{server.url}#{SHORT}", "exchange": ""})

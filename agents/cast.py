"""Who speaks for each role: one model for all, an adapter for each on a shared model, or a model for each.

On disk a folder with `manifest.json`, which names for each role its base (a folder with a model, `.` for the same one) and its adapter (a folder, or
null). A folder with a model and no manifest is one model for all.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from transformers import PreTrainedModel

from clinsim.agents.decoding import Ask, Encode, Engine, Written
from clinsim.agents.shelf import Shelf
from clinsim.errors import UsageError
from clinsim.record import ROLES

MANIFEST = "manifest.json"
ALL = "."
"""The base of all roles, if there is but one."""


class Voice(NamedTuple):
    """What speaks: the name of a model, and of an adapter on it (None: the bare model)."""

    base: str
    adapter: str | None = None


class Lora(NamedTuple):
    """Shape of an adapter: its `rank`, what it is scaled by (`alpha` / rank), and the layers it sits on."""

    rank: int
    alpha: int
    targets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cast:
    """Models by name, and the voice of each role."""

    engines: Mapping[str, Engine]
    voices: Mapping[str, Voice]

    @classmethod
    def shared(cls, engine: Engine) -> Cast:
        """One model for all roles."""
        return cls({ALL: engine}, dict.fromkeys(ROLES, Voice(ALL)))

    @classmethod
    def load(cls, folder: Path) -> Cast:
        """Read the models and adapters of a folder.

        Raises:
            UsageError: One of them is missing, or the manifest cannot be read.
        """
        if not (folder / MANIFEST).is_file():
            return cls.shared(Engine.load(folder))
        voices = _voices(folder / MANIFEST)
        engines = {base: Engine.load(folder / base) for base in dict.fromkeys(voice.base for voice in voices.values())}
        for base, adapter in dict.fromkeys(voices.values()):
            if adapter is not None:
                from clinsim.agents.adapters import read_adapter

                read_adapter(engines[base].model, adapter, folder / adapter)
        return cls(engines, voices)

    def save(self, folder: Path) -> None:
        """Write models, adapters and manifest to a folder that `load` reads."""
        for base, engine in self.engines.items():
            engine.save(folder / base)
        for base, adapter in dict.fromkeys(self.voices.values()):
            if adapter is not None:
                from clinsim.agents.adapters import write_adapter

                write_adapter(self.engines[base].model, adapter, folder / adapter)
        rows = {role: voice._asdict() for role, voice in self.voices.items()}
        (folder / MANIFEST).write_text(json.dumps({"roles": rows}, indent=1) + "\n", encoding="utf-8")

    def model_of(self, voice: Voice) -> PreTrainedModel:
        """The bare model of a voice, with its adapter switched on."""
        return self.speaking(voice).model

    def speaking(self, voice: Voice) -> Engine:
        """The model of a voice, with that adapter switched on and all others off."""
        engine = self.engines[voice.base]
        if any(other.base == voice.base and other.adapter for other in self.voices.values()):
            from clinsim.agents.adapters import switch

            switch(engine.model, voice.adapter)
        return engine

    def encoder(self, role: str) -> Encode:
        """How texts become tokens for a role."""
        return self.engines[self.voices[role].base].encode

    def complete(self, asks: Sequence[Ask], shelf: Shelf | None = None) -> list[Written]:
        """Answer each conversation with one call by the voice of its role; each voice answers its own in one batch."""
        places: dict[Voice, list[int]] = defaultdict(list)
        for place, ask in enumerate(asks):
            places[self.voices[ask.role]].append(place)
        found: dict[int, Written] = {}
        for voice, own in places.items():
            found |= zip(own, self.speaking(voice).complete([asks[place] for place in own], shelf), strict=True)
        return [found[place] for place in range(len(asks))]


def _voices(file: Path) -> dict[str, Voice]:
    try:
        told = json.loads(file.read_text(encoding="utf-8"))
        rows = told["roles"]
        voices = {role: Voice(row["base"], row["adapter"]) for role, row in rows.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f"{file}: does not say base and adapter of each role") from problem
    if told.get("served"):
        raise UsageError(f"{file.parent}: a model for a server (vllm serve {rows[ROLES[0]]['base']} --lora-modules ...), not for local:")
    silent = [role for role in ROLES if role not in voices]
    if silent:
        raise UsageError(f"{file}: nobody speaks for {silent[0]}")
    return voices

"""The same said in other words: what an agent reads is reworded by a table of phrases, and nothing else changes.

    wording = Wording.load()
    run_episode(raw_env("first_hour"), Reworded(make_policy("guideline"), wording), seed=20_000)

It shows what was learnt of wording rather than of medicine. Names that tools take are not in the table, so every call means what it meant.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from importlib.resources import files

import yaml

from clinsim.record import Observation, Past, Policy, Reply, Seat, Turn


class Wording:
    """A table of phrases. Where several fit, the longest is taken; a phrase fits where no letter or digit adjoins it."""

    def __init__(self, words: Mapping[str, str]) -> None:
        """Take the table."""
        self.words = dict(words)

    @classmethod
    def load(cls) -> Wording:
        """The shipped table."""
        return cls(yaml.safe_load((files("clinsim.agents") / "other_words.yaml").read_text(encoding="utf-8"))["words"])

    @cached_property
    def _phrases(self) -> re.Pattern[str]:
        longest_first = sorted(self.words, key=len, reverse=True)
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")

    def of(self, text: str) -> str:
        """A text in other words."""
        return self._phrases.sub(lambda found: self.words[found[0]], text)

    def shown(self, observation: Observation) -> Observation:
        """An observation in other words."""
        return replace(observation, text=self.of(observation.text))


class Reworded:
    """A policy that reads everything in other words."""

    def __init__(self, inner: Policy, wording: Wording) -> None:
        """Read for `inner`."""
        self.inner = inner
        self.wording = wording

    def start(self, seats: Sequence[Seat], history: Sequence[Past] = ()) -> None:
        """Begin an episode."""
        self.inner.start(seats, [(agent, self.wording.shown(observation), reply) for agent, observation, reply in history])

    def act(self, turns: Sequence[Turn]) -> list[Reply]:
        """Answer each (agent, observation), in order."""
        return self.inner.act(self.read(turns))

    def read(self, turns: Sequence[Turn]) -> list[Turn]:
        """Turns in other words."""
        return [(agent, self.wording.shown(observation)) for agent, observation in turns]

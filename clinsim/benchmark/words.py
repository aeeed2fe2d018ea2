"""Word lists of the package: YAML files beside the modules, each read once."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from clinsim.data_file import read_yaml


@lru_cache(maxsize=8)
def word_lists(name: str) -> dict[str, Any]:
    """The lists in a file of this package, by their names."""
    text = files("clinsim.benchmark").joinpath(name).read_text(encoding="utf-8")
    lists: dict[str, Any] = read_yaml(text, name)
    return lists

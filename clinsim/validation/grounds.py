"""What an outcome rests on, as a hash: data without titles and sources, code without comments and docstrings.

Draws that took long are kept as long as nothing that can change them has changed: another source beside a number, or another word about a function,
does not count.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Sequence
from functools import lru_cache
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

WORDS = frozenset({"source", "sources", "story", "traps"})
"""Fields that nothing is computed from; as do those that end in `_source`, they say where a number comes from."""
PACKAGES = ("clinsim.hospital", "clinsim.agents")
MODULES = ("metrics.py", "metric_tally.py", "referee.py", "rollout.py", "record.py", "tooling.py")
"""What plays an episode and counts its loss, beside hospital and policies. Rewards are not among it: no policy sees them, no loss is made of them."""


def digest(data: Sequence[Any]) -> str:
    """The hash of data (mappings, lists, numbers, words) and of the code that plays an episode."""
    return sha256(json.dumps([bare(list(data)), code()], sort_keys=True).encode()).hexdigest()


def bare(value: Any) -> Any:
    """Data without what only says where it comes from."""
    if isinstance(value, dict):
        return {key: bare(inner) for key, inner in value.items() if str(key) not in WORDS and not str(key).endswith("_source")}
    return [bare(inner) for inner in value] if isinstance(value, (list, tuple)) else value


def code() -> list[str]:
    """Every module of the hospital and of the policies, and those that play and count, in order of their paths."""
    folders = [Path(str(files(package))) for package in PACKAGES]
    root = Path(str(files("clinsim")))
    paths = [*(path for folder in folders for path in folder.rglob("*.py")), *(root / name for name in MODULES)]
    return [spoken_less(path.read_text(encoding="utf-8")) for path in sorted(paths)]


@lru_cache(maxsize=512)
def spoken_less(text: str) -> str:
    """The code of a module without comments, docstrings and line breaks."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)):
            node.body = [line for line in node.body if not _is_words(line)] or [ast.Pass()]
    return ast.dump(tree)


def _is_words(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)

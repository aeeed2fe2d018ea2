"""Reading data files: YAML to one strict model; an error names the file, the field and what is allowed."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from clinsim.errors import ScenarioError


class Rule(BaseModel):
    """Base of everything read from files: nothing extra, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


M = TypeVar("M", bound=Rule)
MAX_VALUES = 1_000_000
"""How many values a user's file may hold."""
MAX_DEPTH = 100
"""How deep lists and mappings may lie in each other in a user's file: the parser would fall over long before memory does."""


def read_data(path: str, wanted: str = "") -> Any:
    """The parsed content of a shipped data file under `scenarios/`; `wanted` stands before messages: who wants it.

    Raises:
        ScenarioError: There is no such file, or it is not YAML.
    """
    found = files("clinsim.scenarios").joinpath(*path.split("/"))
    if not found.is_file():
        raise ScenarioError(f"{wanted}{path}: no such file among the scenarios")
    return read_yaml(found.read_text(encoding="utf-8"), path)


def read_folder(path: str) -> dict[str, Any]:
    """The YAML files of a shipped folder under `scenarios/` joined to one mapping: mappings united, lists joined, in order of file names.

    Raises:
        ScenarioError: A file is not YAML or no mapping, or a name stands in two of them.
    """
    whole: dict[str, Any] = {}
    folder = files("clinsim.scenarios").joinpath(path)
    for name in sorted(item.name for item in folder.iterdir() if item.name.endswith(".yaml")):
        origin = f"{path}/{name}"
        for key, value in read_data(origin).items():
            whole[key] = joined(whole[key], value, f"{origin}: {key}") if key in whole else value
    return whole


def joined(before: Any, after: Any, where: str) -> Any:
    """Two mappings united, or two lists one after the other; `where` stands before messages.

    Raises:
        ScenarioError: A name stands in both, or they are neither.
    """
    if isinstance(before, dict) and isinstance(after, dict):
        twice = sorted(before.keys() & after.keys())
        if twice:
            raise ScenarioError(f"{where}: {', '.join(twice)} stands in another file of the folder, too")
        return before | after
    if isinstance(before, list) and isinstance(after, list):
        return before + after
    raise ScenarioError(f"{where}: stands in another file of the folder, too")


def read_yaml(text: str, origin: str) -> Any:
    """The data of a YAML text.

    Raises:
        ScenarioError: It is not YAML; the message names the file and the line.
    """
    try:
        return yaml.load(text, Loader=yaml.CSafeLoader)
    except (yaml.YAMLError, ValueError) as problem:  # ValueError: a date or a number that cannot be
        raise _broken(problem, origin) from problem


def refuse_deep(text: str, origin: str) -> None:
    """Look through a user's YAML text, without building anything, for what would overwhelm its reader.

    Raises:
        ScenarioError: It is not YAML, lies deeper than `MAX_DEPTH`, holds more than `MAX_VALUES` once its aliases are written out, or
            holds itself.
    """
    open_: list[_Part] = [_Part()]
    named: dict[str, _Part] = {}
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            fault = _weighed(event, open_, named)
            if fault or len(open_) + open_[-1].height > MAX_DEPTH or open_[-1].values > MAX_VALUES:
                line = event.start_mark.line + 1 if event.start_mark else 0
                raise ScenarioError(f"{origin}: line {line}: {fault or f'deeper than {MAX_DEPTH} lists and mappings, or over {MAX_VALUES:,} values'}")
    except yaml.YAMLError as problem:
        raise _broken(problem, origin) from problem


@dataclass(slots=True)
class _Part:
    """A list, mapping or value of a YAML text: its anchor, how many values it comes to, and how many levels lie in it."""

    anchor: str | None = None
    values: int = 1
    height: int = 0


def _weighed(event: yaml.Event, open_: list[_Part], named: dict[str, _Part]) -> str:
    """Add what `event` closes to the part that is open around it; says so where an alias has nothing to stand for."""
    if isinstance(event, yaml.CollectionStartEvent):
        open_.append(_Part(event.anchor))
        return ""
    if isinstance(event, yaml.CollectionEndEvent):
        part = open_.pop()
    elif isinstance(event, yaml.ScalarEvent):
        part = _Part(event.anchor)
    elif isinstance(event, yaml.AliasEvent):
        if event.anchor not in named:
            return f"the alias {event.anchor} stands for nothing that is complete before it"
        part = replace(named[event.anchor], anchor=None)
    else:
        return ""
    if part.anchor is not None:
        named[part.anchor] = part
    around = open_[-1]
    around.values += part.values
    around.height = max(around.height, part.height + (part.values > 1))
    return ""


def _broken(problem: Exception, origin: str) -> ScenarioError:
    mark = getattr(problem, "problem_mark", None)
    where = f" at line {mark.line + 1}" if mark else ""
    return ScenarioError(f"{origin}: broken YAML{where}: {getattr(problem, 'problem', None) or 'not readable'}")


def checked(model: type[M], raw: Any, origin: str, under: str = "") -> M:
    """`raw` as `model`; `under` stands before the name of each field in messages.

    Raises:
        ScenarioError: A field is missing, unknown or not allowed; the message names file, field and what is allowed.
    """
    if not isinstance(raw, dict):
        raise ScenarioError(f"{origin}: must be a mapping of fields, not {type(raw).__name__}")
    try:
        return model.model_validate_json(json.dumps(raw))
    except (TypeError, ValueError) as problem:
        if not isinstance(problem, ValidationError):
            raise ScenarioError(f"{origin}: holds a value that is no number, text, list or mapping ({problem})") from problem
        raise ScenarioError(f"{origin}: {under}{_first_fault(problem, model)}") from problem


def _first_fault(problem: ValidationError, model: type[Rule]) -> str:
    fault = problem.errors(include_url=False)[0]
    where = ".".join(str(part) for part in fault["loc"]) or "file"
    if fault["type"] == "missing":
        return f"{where}: missing; it is required"
    if fault["type"] == "value_error":  # our own words, which say what was given
        return f"{f'{where}: ' if fault['loc'] else ''}{fault['ctx']['error']}"
    known = f"; allowed {', '.join(sorted(model.model_fields))}" if fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1 else ""
    return f"{where}: {fault['msg']} (got {str(fault['input'])[:60]!r}){known}"


def read_sheet(model: type[M], text: str, origin: str) -> M:
    """The YAML text of a data file as `model`.

    Raises:
        ScenarioError: It is no YAML, or a field is missing, unknown or not allowed.
    """
    return checked(model, read_yaml(text, origin), origin)

"""Reading data files: YAML to one strict model; an error names the file, the field and what is allowed."""

from __future__ import annotations

import json
from importlib.resources import files
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from clinsim.errors import ScenarioError


class Rule(BaseModel):
    """Base of everything read from files: nothing extra, nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


M = TypeVar("M", bound=Rule)
MAX_DEPTH = 100
"""How deep lists and mappings may lie in each other in a user's file: the parser would fall over long before memory does."""


def read_data(path: str) -> Any:
    """The parsed content of a shipped data file under `scenarios/`.

    Raises:
        ScenarioError: There is no such file, or it is not YAML.
    """
    found = files("clinsim.scenarios").joinpath(*path.split("/"))
    if not found.is_file():
        raise ScenarioError(f"{path}: no such file among the scenarios")
    return read_yaml(found.read_text(encoding="utf-8"), path)


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
        ScenarioError: It is not YAML, lies deeper than `MAX_DEPTH`, or holds an alias, which may refer back to itself.
    """
    depth = 0
    try:
        for event in yaml.parse(text, Loader=yaml.CSafeLoader):
            depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
            line = event.start_mark.line + 1 if event.start_mark else 0
            if depth > MAX_DEPTH:
                raise ScenarioError(f"{origin}: lists and mappings lie deeper than {MAX_DEPTH} in each other at line {line}")
            if isinstance(event, yaml.AliasEvent):
                raise ScenarioError(f"{origin}: alias at line {line}; write the value out")
    except yaml.YAMLError as problem:
        raise _broken(problem, origin) from problem


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
    known = f"; allowed {', '.join(sorted(model.model_fields))}" if fault["type"] == "extra_forbidden" and len(fault["loc"]) == 1 else ""
    return f"{where}: {fault['msg']} (got {str(fault['input'])[:60]!r}){known}"


def read_sheet(model: type[M], text: str, origin: str) -> M:
    """The YAML text of a data file as `model`.

    Raises:
        ScenarioError: It is no YAML, or a field is missing, unknown or not allowed.
    """
    return checked(model, read_yaml(text, origin), origin)

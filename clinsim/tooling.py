"""Tools: one typed function with a docstring is the declaration; schema, validator, card and reference page are made from it.

`@tool("live", roles=("doctor",), service="order")` registers the function under (toolset, name) and returns the same function. The first parameter
is the world and is never shown to a model. A parameter without a type or without a line under `Args:` is a TypeError at import.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from pydantic_core import from_json, to_jsonable_python

from clinsim.errors import ScenarioError
from clinsim.record import Role, Submission, ToolCard

F = TypeVar("F", bound=Callable[..., Any])

MAX_ACTION_CHARACTERS = 32_768
"""Longer actions are answered as unreadable: no call that fits a schema comes near this."""
MAX_ERROR_CHARACTERS = 300
CALL = frozenset({"name", "arguments"})
"""What a call may hold."""


@dataclass(frozen=True, slots=True)
class ToolSpec:
    """A registered tool: who may use it, what class of service time it takes, and how its arguments are checked.

    `minutes_from` names the argument that *is* the duration (minutes); `interruptible` says whether urgent news ends it early; `is_flat` whether
    no argument holds records, so that checked arguments are plain data as they are.
    """

    toolset: str
    name: str
    roles: tuple[Role, ...]
    service: str
    function: Callable[..., Any]
    arguments: type[BaseModel]
    card: ToolCard
    minutes_from: str = ""
    interruptible: bool = False
    tags: tuple[str, ...] = field(default=())
    is_flat: bool = False


_TOOLS: dict[tuple[str, str], ToolSpec] = {}


def tool(
    toolset: str,
    *,
    roles: tuple[Role, ...],
    service: str,
    minutes_from: str = "",
    interruptible: bool = False,
    tags: tuple[str, ...] = (),
) -> Callable[[F], F]:
    """Register a function as a tool of `toolset` and return it unchanged.

    Args:
        toolset: The set it belongs to (`live`, or a static domain); names are unique inside one.
        roles: Who may use it.
        service: Class of service time, a key of the hospital's `service_minutes`.
        minutes_from: Name of the argument that gives the duration in minutes (for `wait`).
        interruptible: Whether urgent news ends it early, with nothing committed.
        tags: Free marks (`read`, `write`) for tests and reference pages.

    Raises:
        TypeError: The function lacks a type, an `Args:` line or a docstring, or the name is taken.
    """

    def register(function: F) -> F:
        spec = _declare(toolset, roles, service, function, minutes_from, interruptible, tags)
        if _TOOLS.setdefault((toolset, spec.name), spec) is not spec:
            raise TypeError(f"tool {toolset}/{spec.name} is declared twice")
        return function

    return register


def granted(toolset: str, role: Role, names: Collection[str] | None = None) -> dict[str, ToolSpec]:
    """Tools of `toolset` that `role` may use, by name and in order of declaration, optionally only those in `names`.

    Raises:
        ScenarioError: `names` holds a tool that the role cannot have.
    """
    held = {name: spec for (group, name), spec in _TOOLS.items() if group == toolset and role in spec.roles}
    for name in names or ():
        if name not in held:
            raise ScenarioError(f"tools.{role}: unknown tool {name!r}; allowed {', '.join(held)}")
    return held if names is None else {name: held[name] for name in names}


def toolsets() -> dict[str, dict[str, ToolSpec]]:
    """All registered tools, by toolset and name."""
    found: dict[str, dict[str, ToolSpec]] = {}
    for (group, name), spec in _TOOLS.items():
        found.setdefault(group, {})[name] = spec
    return found


def parse(raw: str, tools: Mapping[str, ToolSpec], thinking_minutes: float = 0.0) -> Submission:
    """Read an action string: a call that fits one of `tools`, or a refusal that says what is allowed. Never raises."""
    tool_name, arguments, status, error = _read(raw, tools)
    return Submission(tool_name, arguments, thinking_minutes, status, error[:MAX_ERROR_CHARACTERS])


def check_call(name: str, arguments: Mapping[str, Any], tools: Mapping[str, ToolSpec]) -> Submission:
    """Check a call that has been read already: one that fits one of `tools`, or a refusal that says what is allowed. Never raises."""
    if name not in tools:
        return Submission(name, {}, 0.0, "unknown_tool", f"unknown tool {_brief(name, 40)!r}; you have {', '.join(tools)}"[:MAX_ERROR_CHARACTERS])
    tool_name, checked, status, error = _checked(tools[name], dict(arguments))
    return Submission(tool_name, checked, 0.0, status, error[:MAX_ERROR_CHARACTERS])


def as_data(value: Any) -> Any:
    """The plain JSON data of a tool's answer."""
    return to_jsonable_python(value)


def strict_schema(spec: ToolSpec) -> dict[str, Any]:
    """The OpenAI function schema of a tool: see `strict_function`."""
    return strict_function(spec.card)


def strict_function(card: ToolCard) -> dict[str, Any]:
    """The OpenAI function schema of a card with `strict: true`: every property required, optional ones nullable, nothing extra.

    A tool that takes a map with keys of the caller's choice can have no strict schema, and does not claim one.
    """
    properties = {name: _nullable(rule) for name, rule in card.parameters["properties"].items()}
    parameters = {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}
    is_strict = not any(rule.get("additionalProperties", False) for rule in card.parameters["properties"].values())
    return {"type": "function", "function": {"name": card.name, "description": card.description, "parameters": parameters, "strict": is_strict}}


def _nullable(rule: dict[str, Any]) -> dict[str, Any]:
    if "default" not in rule:
        return rule
    bare = {key: value for key, value in rule.items() if key != "default"}
    return {"anyOf": [bare, {"type": "null"}], "description": rule.get("description", "")}


def _read(raw: str, tools: Mapping[str, ToolSpec]) -> tuple[str, dict[str, Any], str, str]:
    if len(raw) > MAX_ACTION_CHARACTERS:
        return "", {}, "parse", f"action of {len(raw)} characters; at most {MAX_ACTION_CHARACTERS} are read"
    try:
        data = from_json(raw.encode(), allow_inf_nan=False)
    except ValueError as problem:  # not JSON, too deep, NaN, or not encodable
        return "", {}, "parse", f'not JSON ({_brief(str(problem), 80)}); send {{"name": TOOL, "arguments": {{...}}}}'
    if not isinstance(data, dict) or not isinstance(data.get("name"), str) or not data.keys() <= CALL:
        return "", {}, "parse", 'not a call; send one object {"name": TOOL, "arguments": {...}}'
    arguments = data.get("arguments", {})
    name = data["name"]
    if not isinstance(arguments, dict):
        return "", {}, "parse", "arguments must be an object"
    if name not in tools:
        return "", {}, "unknown_tool", f"unknown tool {_brief(name, 40)!r}; you have {', '.join(tools)}"
    return _checked(tools[name], arguments)


def _checked(spec: ToolSpec, arguments: dict[str, Any]) -> tuple[str, dict[str, Any], str, str]:
    given = arguments
    if None in arguments.values():
        given = {key: value for key, value in arguments.items() if value is not None or not _has_default(spec, key)}
    try:
        model = spec.arguments.model_validate(given)
    except ValidationError as problem:
        return spec.name, {}, "schema", f"{spec.name}: {_first_error(problem)}"
    return spec.name, dict(model.__dict__) if spec.is_flat else model.model_dump(), "ok", ""


def _has_default(spec: ToolSpec, key: str) -> bool:
    declared = spec.arguments.model_fields.get(key)
    return declared is not None and not declared.is_required()


def _first_error(problem: ValidationError) -> str:
    first = problem.errors(include_url=False, include_context=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{_brief(where, 60)}: {_brief(first['msg'], 180)}"


def _brief(text: str, limit: int) -> str:
    printable = "".join(c if c.isprintable() else "?" for c in text[: limit + 1])
    return printable if len(printable) <= limit else printable[: limit - 1] + "…"


class _Arguments(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


def _declare(
    toolset: str,
    roles: tuple[Role, ...],
    service: str,
    function: Callable[..., Any],
    minutes_from: str,
    interruptible: bool,
    tags: tuple[str, ...],
) -> ToolSpec:
    name = function.__name__
    summary, described = _docstring(function)
    hints = get_type_hints(function, include_extras=True)
    fields: dict[str, Any] = {}
    for parameter in list(inspect.signature(function).parameters.values())[1:]:
        if parameter.name not in hints or parameter.name not in described:
            raise TypeError(f"tool {name}: parameter {parameter.name!r} needs a type and a line under Args:")
        default = ... if parameter.default is inspect.Parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], Field(default, description=described[parameter.name]))
    arguments = create_model(f"{name}_arguments", __base__=_Arguments, **fields)
    card = ToolCard(name, summary, _plain_schema(arguments))
    is_flat = "$defs" not in arguments.model_json_schema()
    return ToolSpec(toolset, name, roles, service, function, arguments, card, minutes_from, interruptible, tags, is_flat)


def _plain_schema(arguments: type[BaseModel]) -> dict[str, Any]:
    schema = arguments.model_json_schema()
    properties = {name: _inlined(rule, schema.get("$defs", {})) for name, rule in schema.get("properties", {}).items()}
    return {"type": "object", "properties": properties, "required": schema.get("required", []), "additionalProperties": False}


def _inlined(rule: Any, definitions: dict[str, Any]) -> Any:
    """`rule` without titles, each reference replaced by what it refers to: a schema that small models can read."""
    if isinstance(rule, list):
        return [_inlined(item, definitions) for item in rule]
    if not isinstance(rule, dict):
        return rule
    if "$ref" in rule:
        return _inlined(definitions[rule["$ref"].rpartition("/")[2]], definitions)
    return {key: _inlined(value, definitions) for key, value in rule.items() if key != "title" or isinstance(value, dict)}


def _docstring(function: Callable[..., Any]) -> tuple[str, dict[str, str]]:
    text = inspect.getdoc(function)
    if not text:
        raise TypeError(f"tool {function.__name__}: needs a docstring")
    head, _, rest = text.partition("\nArgs:\n")
    block = re.split(r"\n(?=\S)", rest, maxsplit=1)[0]
    described: dict[str, str] = {}
    for match in re.finditer(r"^ {4}(\w+): (.*(?:\n {8,}.*)*)", block, flags=re.MULTILINE):
        described[match[1]] = " ".join(match[2].split())
    return " ".join(head.split()), described

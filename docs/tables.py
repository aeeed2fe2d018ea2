"""The generated parts of the pages: one function for each, named as in the page, made from the declarations themselves."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterable, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from entries import MEANING, PLAYED

import clinsim
from clinsim import hospital_file, scenario_file
from clinsim.agents.chat_server import ChatSettings
from clinsim.agents.noise import Idle
from clinsim.agents.protocol_file import protocols as load_protocols
from clinsim.agents.scripted import PLAYERS
from clinsim.condition_file import load_conditions
from clinsim.record import ROLES, Entry, Role, Seat
from clinsim.rewards import COMPONENTS
from clinsim.scenario_file import Scenario, load_scenario, scenario_names
from clinsim.tooling import ToolSpec, toolsets
from clinsim.trace_file import Trace

ROOT = Path(__file__).resolve().parent.parent
HOUSE = "ed_evening"
"""The scenario whose hospital is shown."""
RULES = ("ScenarioFile", "SeatRule", "ArrivalRule", "MixRule", "GivenPatient", "EventRule", "Budget", "Thinking")

CODE = (
    "clinsim",
    "clinsim/benchmark",
    "clinsim/commands",
    "clinsim/validation",
    "hospital",
    "hospital/calculators",
    "hospital/tools",
    "agents",
    "training",
)


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *([_cell(value) for value in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(value: Any) -> str:
    return " ".join(str(value).split()).replace("|", "\\|")


def code(names: Iterable[Any]) -> str:
    """Names in code style, with commas between."""
    return ", ".join(f"`{name}`" for name in names)


def chat_settings() -> str:
    """What a SPEC of a chat model may say after its `#`."""
    fields = {name: field for name, field in ChatSettings.model_fields.items() if name != "key"}
    return table(("setting", "default", "what it is"), ([f"`{name}`", f"`{field.default}`", field.description] for name, field in fields.items()))


def first_line(thing: Any) -> str:
    """The first sentence of a docstring."""
    return (inspect.getdoc(thing) or "").split("\n")[0]


@lru_cache(maxsize=8)
def played(scenario: str, policy: str) -> Trace:
    """An episode from seed 0."""
    return clinsim.run_episode(clinsim.raw_env(scenario), policy, seed=0)


# ---------------------------------------------------------------- scenarios and hospital


def scenarios() -> str:
    """The shipped scenarios."""
    rows = []
    for scenario in map(load_scenario, scenario_names()):
        file = scenario.file
        counts = {role: sum(seat.role == role for seat in file.seats) for role in ROLES}
        seats = ", ".join(f"{n} {role}{'s' * (n > 1)}" for role, n in counts.items() if n)
        rows.append((f"`{file.id}`", file.story, seats, f"{file.horizon_minutes:g}", _comers(scenario)))
    return table(("scenario", "what happens", "seats", "minutes", "patients"), rows)


def _comers(scenario: Scenario) -> str:
    """How many patients are to be expected, and how many are written into the file."""
    file = scenario.file
    given = len(file.patients) + sum(event.count for event in file.events)
    rule = file.arrivals
    if rule is None:
        return f"{given} given"
    hours = int(file.horizon_minutes / 60.0)
    shares = [rule.percent_of_day[int(file.starts_at_hour + hour) % 24] for hour in range(hours)]
    expected = rule.per_day * rule.multiplier * sum(shares) / sum(rule.percent_of_day)
    return f"about {expected:.0f} by chance" + (f", {given} given" if given else "")


def scenario_fields() -> str:
    """The fields of a scenario file."""
    parts = []
    for name in RULES:
        model = getattr(scenario_file, name)
        rows = [(f"`{key}`", _type(model.model_json_schema()["properties"][key]), _default(field)) for key, field in model.model_fields.items()]
        parts.append(f"### {name}\n\n{inspect.getdoc(model)}\n\n{table(('field', 'type', 'default'), rows)}")
    return "\n\n".join(parts)


def _default(field: Any) -> str:
    if field.is_required():
        return "required"
    value = field.get_default(call_default_factory=True)
    return f"`{value!r}`"


def _type(schema: dict[str, Any]) -> str:
    """A JSON schema in words."""
    if "$ref" in schema:
        return f"`{schema['$ref'].rpartition('/')[2]}`"
    if "anyOf" in schema:
        return " or ".join(_type(option) for option in schema["anyOf"])
    if "enum" in schema:
        return " or ".join(f'`"{value}"`' for value in schema["enum"])
    name = schema.get("type", "any")
    if name == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if name == "object":
        inner = schema.get("additionalProperties")
        return f"mapping to {_type(inner)}" if isinstance(inner, dict) else "mapping"
    return f"{name}{_limits(schema)}"


def _limits(schema: dict[str, Any]) -> str:
    signs = {"minimum": "at least", "exclusiveMinimum": "above", "maximum": "at most", "exclusiveMaximum": "below"}
    found = [f"{word} {schema[key]:g}" for key, word in signs.items() if key in schema]
    return f", {', '.join(found)}" if found else ""


def conditions() -> str:
    """The condition sheets."""
    rows = []
    for sheet in load_conditions().values():
        essential = ", ".join(f"{t.id} ({t.target_minutes:g} min)" if t.target_minutes else t.id for t in sheet.essential)
        death = f"{100 * sheet.p_untreated.value:.3g} → {100 * sheet.p_optimal.value:.3g}"
        complaints = ", ".join(name.replace("_", " ") for name in sheet.complaints)
        rows.append((f"`{sheet.id}`", sheet.kind, complaints, sheet.disposition, essential or "none", death))
    return table(("condition", "kind", "complaints", "belongs", "essential treatment (target from arrival)", "death at 30 days, %"), rows)


def pools() -> str:
    """Places, machines and staff of the hospital."""
    rules = load_scenario(HOUSE).hospital.pools
    rows = [(f"`{name}`", rule.kind, _units(rule), rule.location, f"{rule.turnover:g}", rule.source) for name, rule in rules.items()]
    return table(("pool", "kind", "units", "where", "turnover, min", "source"), rows)


def _units(rule: hospital_file.PoolRule) -> str:
    shifts = ", ".join(f"{units} from {hour:g} h" for hour, units in rule.schedule)
    return shifts or str(rule.units)


def catalogue() -> str:
    """Tests and procedures of the hospital with their minutes."""
    house = load_scenario(HOUSE).hospital
    tests = [(f"`{name}`", rule.title, f"{rule.collect:g}", _duration(rule.analyse), rule.analyse.source) for name, rule in house.panels.items()]
    done = [(f"`{name}`", rule.title, f"{rule.prepare:g}", f"{rule.minutes:g}", rule.source) for name, rule in house.procedures.items()]
    first = table(("test", "what", "collect, min", "analyse, min", "source"), tests)
    return f"{first}\n\n{table(('procedure', 'what', 'prepare, min', 'until it acts, min', 'source'), done)}"


def _duration(rule: hospital_file.Duration) -> str:
    value = {"lognormal": rule.median, "exponential": rule.mean, "fixed": rule.minutes}[rule.kind]
    return {"lognormal": f"median {value:g}", "exponential": f"mean {value:g}", "fixed": f"{value:g}"}[rule.kind]


# ---------------------------------------------------------------- tools and rewards


def tools() -> str:
    """The tools, by the roles that hold them."""
    import clinsim.hospital.tools  # noqa: F401  # declares them

    minutes = load_scenario(HOUSE).hospital.service_minutes
    specs = list(toolsets()["live"].values())
    groups: dict[tuple[Role, ...], list[ToolSpec]] = {}
    for spec in specs:
        groups.setdefault(spec.roles, []).append(spec)
    parts = [f"{len(specs)} tools in toolset `live`."]
    for roles, held in groups.items():
        parts += [f"## {_holders(roles)}", *(_tool(spec, minutes[spec.service]) for spec in held)]
    return "\n\n".join(parts)


def _holders(roles: tuple[Role, ...]) -> str:
    return "Every role" if set(roles) == set(ROLES) else " and ".join(role.capitalize() for role in roles)


def _tool(spec: ToolSpec, minutes: float) -> str:
    rules = spec.card.parameters["properties"]
    needed = spec.card.parameters["required"]
    rows = [
        (f"`{key}`", _type(rule), "required" if key in needed else f"`{rule.get('default')!r}`", rule["description"]) for key, rule in rules.items()
    ]
    takes = f"`{spec.minutes_from}` minutes" if spec.minutes_from else f"{minutes:g} min ({spec.service})"
    marks = [*spec.tags, takes, *(["ends early on urgent news"] if spec.interruptible else [])]
    head = f"### {spec.name}\n\n{spec.card.description}\n\n*{', '.join(marks)}*"
    return f"{head}\n\n{table(('argument', 'type', 'default', 'what'), rows)}" if rows else head


def components() -> str:
    """The reward components, from their docstrings."""
    rows = []
    for component in COMPONENTS.values():
        roles = "all" if len(component.roles) == len(ROLES) else ", ".join(sorted(component.roles))
        rows.append((f"`{component.name}`", roles, component.about, code(component.kinds)))
    return table(("component", "for", "what", "looks at"), rows)


def weights() -> str:
    """The weights of the shipped scenarios; those that weigh alike share a column."""
    columns: dict[tuple[tuple[str, float], ...], list[str]] = {}
    for scenario in map(load_scenario, scenario_names()):
        columns.setdefault(tuple(sorted(scenario.rewards.items())), []).append(scenario.id)
    tables_of = [dict(weighed) for weighed in columns]
    names = [*COMPONENTS, "safety"]
    rows = [(f"`{name}`", *(f"{weighed.get(name, 0.0):g}" for weighed in tables_of)) for name in names]
    return table(("component", *(code(ids) for ids in columns.values())), rows)


# ---------------------------------------------------------------- policies


def policies() -> str:
    """The scripted policies, with the role in which each plays its part."""
    rows = []
    for name, make in PLAYERS.items():
        players = {role: make(Seat(f"{role}_1", role, ())) for role in ROLES}
        kinds = {role: type(player) for role, player in players.items()}
        plain = {role: type(PLAYERS["guideline"](Seat(f"{role}_1", role, ()))) for role in ROLES}
        own = [role for role in ROLES if kinds[role] is not (plain[role] if "+" in name else Idle)]
        where = "all" if name in ("guideline", "idle") or len(own) == len(ROLES) else ", ".join(own)
        does = " ".join(dict.fromkeys(first_line(kinds[role]) for role in (own or ROLES)))
        rows.append((f"`{name}`", where, does))
    return table(("policy", "its own roles", "what it does there"), rows)


def protocols() -> str:
    """The protocols of the guideline team with their sources."""
    rows = [(f"`{p.id}`", p.title, p.level, code(f"{step.do} {step.code}" for step in p.steps), p.source) for p in load_protocols().protocols]
    return table(("protocol", "for", "level", "steps", "source"), rows)


# ---------------------------------------------------------------- trace


def entry_kinds() -> str:
    """The kinds of log entry: who may know, what is in it, what it means."""
    seen: dict[str, Entry] = {}
    for scenario, policy in PLAYED:
        for entry in played(scenario, policy).entries:
            seen.setdefault(entry.kind, entry)
    _check_kinds(seen)
    rows = []
    for kind, (visibility, meaning) in MEANING.items():
        fields = code(seen[kind].data) if kind in seen else "(rare)"
        rows.append((f"`{kind}`", visibility, meaning, fields))
    return table(("kind", "who may know", "what", "data"), rows)


def _check_kinds(seen: dict[str, Entry]) -> None:
    """Each kind that the hospital writes is explained, and with the visibility that it has."""
    sources = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "hospital").glob("*.py"))
    written = set(re.findall(r"\.(?:note|truth)\(\s*\"(\w+)\"", sources))
    if written ^ set(MEANING):
        raise KeyError(f"docs/entries.py and the hospital differ in the kinds of entry: {sorted(written ^ set(MEANING))}")
    wrong = [kind for kind, entry in seen.items() if entry.visibility.split(":")[0] != MEANING[kind][0].split(" ")[0]]
    if wrong:
        raise KeyError(f"docs/entries.py gives another visibility than the hospital to {wrong}")


def key_figures() -> str:
    """The key figures of an episode with their units."""
    figures = played(HOUSE, "guideline").kpis
    plain = [(f"`{name}`", figure["unit"]) for name, figure in figures.items() if not name.startswith(("utilisation_", "queue_"))]
    of_pools = [("`utilisation_POOL`", "share of the units' time"), ("`queue_POOL`", "requests, mean over time")]
    return table(("key figure", "unit"), [*plain, *of_pools])


# ---------------------------------------------------------------- the house


def public_names() -> str:
    """The public names of the package."""
    rows = [(f"`clinsim.{name}`", first_line(getattr(clinsim, name))) for name in clinsim.__all__ if name != "__version__"]
    return table(("name", "what"), rows)


def modules() -> str:
    """Each module with the first line of its docstring."""
    parts = []
    for folder in (*CODE, "checks", "benchmarks"):
        paths = sorted(path for path in (ROOT / folder).glob("*.py"))
        rows = [(f"`{path.name}`", _summary(path)) for path in paths if path.name != "__init__.py"]
        if rows:
            parts.append(f"## {folder}/\n\n{table(('file', 'what'), rows)}")
    return "\n\n".join(parts)


def _summary(path: Path) -> str:
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return text.split("\n\n")[0]

"""The generated parts of the page on static domains, made from the declarations of their tools and from what is known of the ancestor."""

from __future__ import annotations

import tables

from clinsim.hospital.ancestor import ancestor
from clinsim.hospital.domains import DOMAINS, tools_of
from clinsim.tooling import ToolSpec


def domain_tools() -> str:
    """The tools of every domain with their arguments."""
    parts = []
    for domain in DOMAINS:
        held, first = tools_of(domain), ancestor().tools[domain]
        rows = [(f"`{name}`", _takes(spec), _does(spec), "first" if name in first else "later", _who(spec)) for name, spec in held.items()]
        head = f"### {domain}\n\n{len(held)} tools, {len(first)} of them of February 2026."
        parts.append(f"{head}\n\n{tables.table(('tool', 'arguments', 'what', 'since', 'who'), rows)}")
    return "\n\n".join(parts)


def _takes(spec: ToolSpec) -> str:
    rules, needed = spec.card.parameters["properties"], spec.card.parameters["required"]
    return ", ".join(name if name in needed else f"{name}={rule.get('default')!r}" for name, rule in rules.items())


def _does(spec: ToolSpec) -> str:
    return f"*{spec.tags[0]}* {spec.card.description}"


def _who(spec: ToolSpec) -> str:
    return "all" if len(spec.roles) == 3 else ", ".join(spec.roles)


def ancestor_counts() -> str:
    """How many tools the ancestor had, and under how many names."""
    names = [name for tools in ancestor().tools.values() for name in tools]
    here = sum(len(tools_of(domain)) for domain in DOMAINS)
    return f"{len(names)} tools bear {len(set(names))} names; with those of later times that make sense there are {here} here."


def mended_calls() -> str:
    """Expected calls that failed there and succeed here."""
    return tables.table(
        ("domain", "tool", "there", "here", "why"), [(row.domain, f"`{row.tool}`", row.there, row.here, row.reason) for row in ancestor().mended]
    )

"""20,000 malformed calls for each static domain: each is an answer, none is an exception, and every answer is plain JSON.

    .venv/bin/python checks/static_fuzz.py [--calls 20000] [--data FOLDER]

`--data` is a folder of databases, one folder a domain; without it, those of the tests. Writes `checks/results/static_fuzz.md`.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from clinsim.hospital.domains import DOMAINS, Database, call, load_database, tools_of
from clinsim.tooling import parse

RESULTS = Path(__file__).parent / "results"
OWN = Path(__file__).parent.parent / "tests" / "domains" / "data"
ODD = ["", " ", "\x00", "é\u202e", "x" * 500, "null", "NaN", "-1", "1e999", "../../etc", "{}", "[]", "🫀", "'; --", "{{7*7}}", "ignore the above"]
"""Texts that have broken programs before."""
WORST = '{"name": %s, "arguments": %s'


def value(rng: random.Random, ids: list[str], depth: int = 0) -> Any:
    """Something that an argument could wrongly be."""
    kinds = ["id", "id_x", "odd", "int", "float", "bool", "none"] + (["list", "dict"] if depth < 3 else [])
    kind = rng.choice(kinds)
    if kind == "list":
        return [value(rng, ids, depth + 1) for _ in range(rng.randrange(4))]
    if kind == "dict":
        return {rng.choice(ODD): value(rng, ids, depth + 1) for _ in range(rng.randrange(3))}
    plain: dict[str, Any] = {
        "id": rng.choice(ids),
        "id_x": rng.choice(ids) + rng.choice(ODD),
        "odd": rng.choice(ODD),
        "int": rng.choice([0, -1, 1, 5, 10**30]),
        "float": rng.choice([0.0, -0.5, 1e308, 37.2]),
        "bool": rng.random() < 0.5,
        "none": None,
    }
    return plain[kind]


def call_of(rng: random.Random, names: list[str], keys: dict[str, list[str]], ids: list[str]) -> tuple[str, dict[str, Any]]:
    """A call with something wrong in it, more often than not."""
    name = rng.choice(names) if rng.random() < 0.9 else rng.choice(ODD)
    known = keys.get(name, [])
    wanted = [key for key in known if rng.random() < 0.85] + [rng.choice(ODD)] * (rng.random() < 0.15)
    return name, {key: value(rng, ids) for key in wanted}


def ids_of(base: Database) -> list[str]:
    """Ids of all records of a database."""
    collections = (getattr(base.records, name) for name in type(base.records).model_fields)
    return [key for held in collections if isinstance(held, dict) for key in held] or ["x"]


def fuzz(domain: str, base: Database, wanted: int) -> Counter[str]:
    """Send malformed calls, half of them as text with a cut somewhere; how many of which outcome."""
    rng, outcomes = random.Random(f"{domain}"), Counter[str]()
    role = base.open().actor.role
    tools = tools_of(domain, role)
    keys = {name: list(spec.card.parameters["properties"]) for name, spec in tools.items()}
    ids = ids_of(base)
    world = base.open()
    for number in range(wanted):
        world = base.open() if number % 20 == 0 else world
        name, arguments = call_of(rng, list(tools), keys, ids)
        if number % 4 == 0:
            raw = WORST % (json.dumps(name), json.dumps(arguments)) + "}" * (rng.random() < 0.7)
            submission = parse(raw if rng.random() < 0.7 else raw[: rng.randrange(len(raw))], tools)
            outcomes[f"text: {submission.status}"] += 1
            if submission.error:
                continue
            name, arguments = submission.tool, submission.arguments
        called = call(world, domain, name, arguments)
        json.dumps([called.result, called.error, world.changes()[-1:]], allow_nan=False)
        assert called.ok or (called.error and called.result is None and not called.written), called
        outcomes[called.outcome] += 1
    return outcomes


def main() -> int:
    """Fuzz each domain and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--calls", type=int, default=20_000)
    parser.add_argument("--data", type=Path)
    given = parser.parse_args()
    rows = []
    for domain in DOMAINS:
        folder = given.data / domain if given.data else None
        path = folder if folder and folder.is_dir() else OWN / f"{domain}.json"
        outcomes = fuzz(domain, load_database(domain, path), given.calls)
        rows.append(f"| `{domain}` | {given.calls:,} | {', '.join(f'{count:,} {name}' for name, count in outcomes.most_common())} |")
        print(rows[-1], file=sys.stderr)
    text = f"# Malformed calls of the static domains\n\nMade by `python checks/static_fuzz.py --calls {given.calls}`. No exception; every\n"
    text += (
        "answer is plain JSON, and what is refused leaves nothing behind.\n\n| domain | calls | outcomes |\n|---|---|---|\n" + "\n".join(rows) + "\n"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "static_fuzz.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Worlds opened and tools called per CPU-second in the static domains, in one process.

    .venv/bin/python benchmarks/domains.py [--data FOLDER]

`--data` is a folder of databases, one folder a domain; without it, those of the tests. `first` are calls that no one has made before (every
record and tool, each database loaded afresh), `again` calls in fresh worlds whose answers are kept, `writing` calls that write.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from time import process_time
from typing import Any

from clinsim.hospital.domains import DOMAINS, Database, call, load_database, tools_of

OWN = Path(__file__).parent.parent / "tests" / "domains" / "data"
SECONDS = 0.3
FIRST = {"clinical_diagnosis": "patients", "ehr_management": "records", "visual_diagnosis": "images", "triage_emergency": "patients",
         "radiology_report": "studies", "drug_interaction": "patient_profiles", "medical_qa": "articles"}  # fmt: skip
"""The collection whose ids most tools of a domain take."""


def per_second(action: Callable[[], int]) -> float:
    """How often something happens per CPU-second; `action` says how many times it did it."""
    start, done = process_time(), 0
    while process_time() - start < SECONDS:
        done += action()
    return done / (process_time() - start)


def calls_of(domain: str, base: Database, tag: str) -> list[tuple[str, dict[str, Any]]]:
    """Calls of the tools that bear a tag on each record, with what they need and no more."""
    found = []
    for name, spec in tools_of(domain, base.open().actor.role).items():
        needed = spec.card.parameters["required"]
        rules = spec.card.parameters["properties"]
        for key in getattr(base.records, FIRST[domain]) if tag in spec.tags else ():
            kinds = {"integer": 3, "number": 40.0, "array": ["CBC"]}
            found.append((name, {part: key if part.endswith("_id") else kinds.get(rules[part].get("type"), "warfarin") for part in needed}))
    return found


def measured(domain: str, path: Path) -> tuple[float, float, float, float]:
    """Openings, first calls, repeated calls, and writing calls per CPU-second."""
    base = load_database(domain, path)
    reads, writes = calls_of(domain, base, "read"), calls_of(domain, base, "write")

    def opened() -> int:
        for _ in range(100):
            base.open()
        return 100

    def played(calls: list[tuple[str, dict[str, Any]]], afresh: bool) -> int:
        if afresh:
            base.answers.clear()
        for name, arguments in calls:
            call(base.open(), domain, name, arguments)
        return len(calls)

    return (
        per_second(opened),
        per_second(lambda: played(reads, True)),
        per_second(lambda: played(reads, False)),
        per_second(lambda: played(writes, True)),
    )


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path)
    data = parser.parse_args().data
    print("| domain | opened/s | first/s | again/s | writing/s |\n|---|---|---|---|---|")
    for domain in DOMAINS:
        folder = data / domain if data else None
        path = folder if folder and folder.is_dir() else OWN / f"{domain}.json"
        print(f"| `{domain}` | " + " | ".join(f"{value:,.0f}" for value in measured(domain, path)) + " |")
    return 0


if __name__ == "__main__":
    sys.exit(main())

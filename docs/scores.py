"""The generated part of the page on scoring: what attacks earn, from the table that `checks/attacks.py` has written."""

from __future__ import annotations

import tables

RESULTS = tables.ROOT / "checks" / "results" / "attacks.md"
POLICY, LEGACY, STRICT = 2, 3, 5
"""Columns of that table."""


def attacks() -> str:
    """For each set of tasks, by domain and policy: legacy action score, then mean strict score."""
    parts = []
    for section in RESULTS.read_text(encoding="utf-8").split("\n## ")[1:]:
        title = section.splitlines()[0]
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in section.splitlines() if line.startswith("|")][2:]
        policies = list(dict.fromkeys(row[POLICY] for row in rows))
        cells = {(row[0], row[POLICY]): f"{row[LEGACY]} / {row[STRICT]}" for row in rows}
        domains = list(dict.fromkeys(row[0] for row in rows))
        lines = [[domain, *(cells[domain, policy] for policy in policies)] for domain in domains]
        parts.append(f"{title} (legacy action score / strict score, means):\n\n{tables.table(['domain', *policies], lines)}")
    return "\n\n".join(parts)


def gap() -> str:
    """The tables of the static-to-live gap, as `checks/gap.py` has written them."""
    text = (tables.ROOT / "checks" / "results" / "gap.md").read_text(encoding="utf-8")
    return text.split("\n", 2)[2].replace("\n## ", "\n### ")

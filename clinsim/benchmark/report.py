"""What replays come to: figures by domain and policy, pass^k with intervals, flips between trials; as data, CSV, Markdown and a figure."""

from __future__ import annotations

import csv
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from math import comb, fsum
from pathlib import Path
from typing import Any

from clinsim.benchmark.replay import Row
from clinsim.intervals import of_share
from clinsim.plots import matrix

PASSED = 0.9
"""From which score on an attempt has passed."""
COLUMNS = ("tasks", "score", "action_score", "strict", "accuracy", "turns", "errors")
SCORES = {"strict": ("strict", "strict_accuracy"), "legacy": ("legacy", "legacy_accuracy")}
"""Which fields of a row are score and accuracy, by scorer."""
RESEEDED = "policy"
"""What trials seed anew: static worlds hold no chance, so only the policy can differ between them."""
MOST_FAILURES = 3
"""Kinds of failure that are told of a domain: the commonest."""
Domains = dict[str, dict[str, Any]]


def by_domain(rows: Sequence[Row], scorer: str) -> Domains:
    """Figures of one policy by domain, in the order of the rows; attempts whose infrastructure failed are counted apart and not scored."""
    names = dict.fromkeys(row.domain for row in rows)
    return {name: figures([row for row in rows if row.domain == name], scorer) for name in names}


def figures(rows: Sequence[Row], scorer: str) -> dict[str, Any]:
    """Means over attempts: number of tasks, score, action score, strict score, accuracy, turns; and errors of the infrastructure.

    Where there are errors, what they were; where a model was asked, tokens and cost of all attempts.
    """
    played = [row for row in rows if not row.error]
    score, accuracy = SCORES[scorer]
    found: dict[str, Any] = {
        "tasks": len({row.key[:3] for row in rows}),
        "score": mean(getattr(row, score) for row in played),
        "action_score": mean(row.action_score for row in played),
        "accuracy": mean(getattr(row, accuracy) for row in played),
        "turns": mean(row.turns for row in played),
        "errors": len(rows) - len(played),
        "strict": mean(row.strict for row in played),
        "ungraded": len({row.key[:3] for row in played if row.strict is None}),
    }
    if any(row.tokens or row.cost for row in rows):
        found |= {"tokens": sum(row.tokens for row in rows), "cost": fsum(row.cost for row in rows)}
    if found["errors"]:
        found |= {"failures": dict(Counter(row.error for row in rows if row.error).most_common(MOST_FAILURES))}
    trials = max((row.trial for row in rows), default=0) + 1
    return {**found, "trials": repeated(played, score, trials)} if trials > 1 else found


def mean(values: Iterable[float | None]) -> float | None:
    """The mean of the values that are there; None where there is none."""
    held = [value for value in values if value is not None]
    return fsum(held) / len(held) if held else None


def repeated(rows: Sequence[Row], score: str, trials: int) -> dict[str, Any]:
    """pass^k for each k, with Wilson's interval of its mean over tasks, and the share of tasks that pass in some trials and not in others.

    pass^k is the chance that k trials drawn of those made all pass: C(passes, k) / C(trials, k), mean over tasks.
    Source: Yao et al., tau-bench, arXiv:2406.12045, section 3.
    """
    by_task: dict[tuple[str, str, str], list[bool]] = {}
    for row in rows:
        by_task.setdefault((row.domain, row.file, row.task_id), []).append((getattr(row, score) or 0.0) >= PASSED)
    whole = [passes for passes in by_task.values() if len(passes) == trials]
    found: dict[str, Any] = {"n": trials, "reseeded": RESEEDED, "passed_from": PASSED, "flip_rate": mean(float(len(set(one)) > 1) for one in whole)}
    for k in range(1, trials + 1):
        shares = [comb(sum(passes), k) / comb(trials, k) for passes in whole]
        if shares:
            estimate = of_share(fsum(shares) / len(shares), len(shares))
            found[f"pass^{k}"] = {"mean": estimate.mean, "low": estimate.low, "high": estimate.high, "n": estimate.n}
        else:
            found[f"pass^{k}"] = {"mean": None, "low": None, "high": None, "n": 0}
    return found


def summary(suite: str, scorer: str, policies: Mapping[str, Sequence[Row]], **more: Any) -> dict[str, Any]:
    """One object for a replay: `domains` for one policy, `matrix` (policy to domains) for several."""
    found = {policy: by_domain(rows, scorer) for policy, rows in policies.items()}
    named: dict[str, Any] = {"suite": suite, "scorer": scorer, "policy": ",".join(policies)}
    return {**named, **({"domains": next(iter(found.values()))} if len(found) == 1 else {"matrix": found}), **more}


def write_all(folder: Path, scorer: str, policies: Mapping[str, Sequence[Row]]) -> list[Path]:
    """The matrix of policies and domains as `matrix.csv`, `matrix.md` and `matrix.svg` in a folder; with trials, pass^k and flips as well."""
    found = {policy: by_domain(rows, scorer) for policy, rows in policies.items()}
    head, lines = lines_of(found)
    table, page, figure = folder / "matrix.csv", folder / "matrix.md", folder / "matrix.svg"
    with table.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([head, *lines])
    page.write_text(markdown(head, lines), encoding="utf-8")
    domains = list(dict.fromkeys(line[1] for line in lines))
    cells = [[found[policy].get(domain, {}).get("score") for domain in domains] for policy in found]
    matrix(cells, list(found), domains, f"Mean score ({scorer}) by policy and domain", figure)
    return [table, page, figure]


def lines_of(found: Mapping[str, Domains]) -> tuple[list[str], list[list[Any]]]:
    """Head and lines of the matrix: one line for each policy and domain."""
    trials = [figure["trials"] for domains in found.values() for figure in domains.values() if "trials" in figure]
    passes = [name for name in trials[0] if name.startswith("pass^")] if trials else []
    lines = [
        [policy, domain, *(figure[name] for name in COLUMNS), *_of_trials(figure.get("trials"), passes)]
        for policy, domains in found.items()
        for domain, figure in domains.items()
    ]
    return [
        "policy",
        "domain",
        *COLUMNS,
        *(part for name in passes for part in (name, f"{name} low", f"{name} high")),
        *(["flip_rate"] if passes else []),
    ], lines


def _of_trials(trials: Mapping[str, Any] | None, passes: Sequence[str]) -> list[Any]:
    if trials is None:
        return [None for _ in range(3 * len(passes) + bool(passes))]
    return [*(trials[name][part] for name in passes for part in ("mean", "low", "high")), trials["flip_rate"]]


def markdown(head: Sequence[str], lines: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; numbers to three digits, a dash where there is none."""
    rows = ["| " + " | ".join(map(_shown, line)) + " |" for line in lines]
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *rows]) + "\n"


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)

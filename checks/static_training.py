"""Training on static tasks: the strict test score before and after, what it is worth on other domains, and in the living hospital.

    .venv/bin/python checks/static_training.py --workers 16 --out runs/static
    .venv/bin/python checks/static_training.py --domains radiology_report --steps 10 --out runs/slice

One start is taught a little of everything (expert episodes of `first_hour`, gold plans of training tasks); the recipe `grpo` trains a model on each
domain, and one on all of them (`clinsim.training.transfer`). The table has strict scores on test tasks, trained on (rows) by tested on (columns), and
the return in `first_hour` on validation seeds. Differences from the start are paired by task or seed, with 95 % intervals. A run that is interrupted
goes on from where it was with the same command; other settings need another folder. Exit 1 if no model is better on its own domain, interval above 0.

A small model writes no sentence of its own: it chooses among those of the training tasks of all domains. The row `within reach` says what the gold
plans of the test tasks earn in these words. Unless others are named, the domains are those where that is more than half.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from clinsim.benchmark.report import markdown
from clinsim.intervals import Estimate, of_pairs
from clinsim.processes import shared_out
from clinsim.training.transfer import ALL, START, Row, Study, of_model, reach, started

RESULTS = Path(__file__).parent / "results" / "static_training"

Rows = Mapping[tuple[str, str], Row]
"""By model and place."""


def change(rows: Rows, model: str, place: str) -> Estimate:
    """By how much a model does better than the start at a place, task by task or seed by seed."""
    return of_pairs(rows[model, place].scores, rows[START, place].scores)


def cell(rows: Rows, model: str, place: str) -> str:
    """A mean score, and how it differs from that of the start."""
    if model == START:
        return f"{rows[model, place].mean:.3f}"
    found = change(rows, model, place)
    return f"{rows[model, place].mean:.3f} ({found.mean:+.3f}, {found.low:+.3f} to {found.high:+.3f})"


def table(study: Study, rows: Rows) -> str:
    """Trained on, by tested on."""
    head = ["trained on", *(f"{domain} ({len(rows[START, domain].scores)})" for domain in study.domains), f"{study.live}, live"]
    within = ["within reach", *(f"{reach(study, domain):.3f}" for domain in study.domains), ""]
    return markdown(head, [*([model, *(cell(rows, model, place) for place in study.places)] for model in study.models), within])


def better(study: Study, rows: Rows) -> list[str]:
    """Domains on which training on them was worth it, by an interval above 0."""
    return [domain for domain in study.domains if change(rows, domain, domain).low > 0.0]


def study_of(args: argparse.Namespace) -> Study:
    """What is asked for."""
    return Study(
        args.out, tuple(args.domains.split(",")), episodes=args.episodes, shown_share=args.shown_share, steps=args.steps, attempts=args.attempts,
        seed=args.seed, live_seeds=(10_000, 10_000 + args.live_seeds),
    )  # fmt: skip


def main(given: Sequence[str] | None = None) -> int:
    """Train, measure, write the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--domains", default="clinical_diagnosis,radiology_report", help="Comma between them.")
    parser.add_argument("--episodes", type=int, default=200, help="Expert episodes that the start is taught.")
    parser.add_argument("--shown-share", type=float, default=0.5, help="Share of the training tasks whose gold plans it is taught.")
    parser.add_argument("--steps", type=int, default=40, help="Of GRPO, for each model.")
    parser.add_argument("--attempts", type=int, default=4, help="At each test task.")
    parser.add_argument("--live-seeds", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--out", type=Path, default=RESULTS)
    args = parser.parse_args(given)
    study = study_of(args)
    started(study)
    jobs = [(study, model) for model in study.models]
    found = shared_out(of_model, jobs, processes=args.workers, preload="clinsim.training.transfer")
    rows = {(row.model, row.place): row for part in found for row in part}
    good = better(study, rows)
    text = "\n".join([
        "# Training on static tasks\n",
        f"Strict scores on test tasks (their number in brackets; means of {study.attempts} attempts), and the return in {study.live} on "
        f"{args.live_seeds} validation seeds; differences from the start, paired, 95 % interval. {study.steps} steps of GRPO; `{ALL}`: on all.\n",
        table(study, rows),
        f"Better on the domain that was trained on, by an interval above 0: {', '.join(good) or 'none'} ({len(good)} of {len(study.domains)}).\n",
    ])  # fmt: skip
    (args.out / "static_training.md").write_text(text, encoding="utf-8")
    print(text)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())

"""Training on static tasks: the strict test score before and after, and the return of the same model in the living hospital.

    .venv/bin/python checks/static_training.py --workers 3 --into runs/static
    .venv/bin/python checks/static_training.py --domains triage_emergency,radiology_report --seeds 0 --steps 10 --into runs/slice --out runs/slice

For each training seed a start is taught a little of everything (expert episodes of `first_hour`, gold plans of some training tasks); the recipe
`grpo` trains one model on each domain, with `--beside` one on the domain and `first_hour` in turn, and with several domains one on all of them
(`clinsim.training.transfer`). The table has strict scores on test tasks, trained on (rows) by tested on (columns), and the return in `first_hour` on
validation seeds. Differences from the start are paired; intervals are of a bootstrap that draws training seeds and tasks (or validation seeds). A run
that is interrupted goes on from where it was with the same command; other settings need another folder. Exit 1 if no model is better on its own
domain, interval above 0. `--split heldout` measures the models of such a run once more, on tasks that nobody has looked at;
`--split test,heldout` then puts both together.

A small model writes no sentence of its own: it chooses among those of the training tasks of all domains and what the ticket offers. The row `within
reach` says what the gold plans of the test tasks earn in these words. The row `one answer` says what they earn when all tasks of a family get one and
the same answer, the one that earns most: more than that comes of reading. The row `a guess` is what they earn with an answer at random: a model that
looks up what is needed and then guesses scores that, and says so that what it learnt is to look.

    .venv/bin/python checks/static_training.py --domains medical_qa --more 0 --into runs/static_qa
    .venv/bin/python checks/static_training.py --domains medical_qa --more 0 --into runs/static_qa --split heldout
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from clinsim.benchmark.report import markdown
from clinsim.intervals import Estimate, of_runs
from clinsim.processes import shared_out
from clinsim.training.static_tasks import HELD_OUT, TEST
from clinsim.training.transfer import ALL, START, Row, Study, attempted, guessed, more_tasks, of_model, reach, started, unread

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "checks" / "results"
MORE = "more"

Rows = Mapping[tuple[str, str], Sequence[Row]]
"""By model and place, one for each training seed."""


def scores(rows: Rows, model: str, place: str) -> np.ndarray:
    """Training seeds by tasks (or validation seeds)."""
    return np.array([row.scores for row in rows[model, place]])


def change(rows: Rows, model: str, place: str) -> Estimate:
    """By how much a model does better than the start of its seed at a place, task by task or seed by seed."""
    return of_runs(lambda ours, theirs: float((ours - theirs).mean()), scores(rows, model, place), scores(rows, START, place))


def cell(rows: Rows, model: str, place: str) -> str:
    """A mean score, how it differs from that of the start, and the difference in each training seed."""
    ours, theirs = scores(rows, model, place), scores(rows, START, place)
    if model == START:
        return f"{ours.mean():.3f}"
    found = change(rows, model, place)
    each = f"; by seed {', '.join(f'{value:+.2f}' for value in (ours - theirs).mean(axis=1))}" if len(ours) > 1 else ""
    return f"{ours.mean():.3f} ({found.mean:+.3f}, {found.low:+.3f} to {found.high:+.3f}{each})"


def table(study: Study, rows: Rows) -> str:
    """Trained on, by tested on."""
    head = ["trained on", *(f"{domain} ({scores(rows, START, domain).shape[1]})" for domain in study.domains), f"{study.live}, live"]
    within = ["within reach", *(f"{reach(study, domain):.3f}" for domain in study.domains), ""]
    one = ["one answer", *(f"{unread(attempted(study, domain)):.3f}" for domain in study.domains), ""]
    guess = ["a guess", *(f"{np.mean(guessed(attempted(study, domain))):.3f}" for domain in study.domains), ""]
    return markdown(head, [*([model, *(cell(rows, model, place) for place in study.places)] for model in study.models), within, one, guess])


def better(study: Study, rows: Rows) -> list[str]:
    """Models that are better on the domain that they were trained on, by an interval above 0."""
    return [model for model in study.models if (own := model.partition("+")[0]) in study.domains and change(rows, model, own).low > 0.0]


def over_a_guess(study: Study, rows: Rows) -> list[str]:
    """By how much each model that was trained on a domain is above a guess there: looking alone does not get it above."""
    said = []
    for model in study.models:
        if (own := model.partition("+")[0]) in study.domains:
            ours = scores(rows, model, own)
            found = of_runs(lambda one, other: float((one - other).mean()), ours, np.broadcast_to(guessed(attempted(study, own)), ours.shape))
            said.append(f"{model} {found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})")
    return said


def study_of(args: argparse.Namespace, seed: int) -> Study:
    """What is asked for, of one training seed."""
    return Study(
        args.into / str(seed), tuple(args.domains.split(",")), more=args.into / MORE if args.more else None, episodes=args.episodes,
        mixed=args.beside, shown_share=args.shown_share, shown_more=args.shown_more, steps=args.steps, attempts=args.attempts, seed=seed,
        live_seeds=(10_000, 10_000 + args.live_seeds), repeats=args.repeats, splits=tuple(args.split.split(",")),
    )  # fmt: skip


def read(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--domains", default="triage_emergency", help="Comma between them.")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="Training seeds.")
    parser.add_argument("--more", type=int, default=720, help="Training tasks written besides those of the suite, of each template.")
    parser.add_argument("--episodes", type=int, default=150, help="Expert episodes that the start is taught.")
    parser.add_argument("--shown-share", type=float, default=0.5, help="Share of the training tasks of the suite whose gold plans it is taught.")
    parser.add_argument("--shown-more", type=float, default=0.25, help="The same share of those that are written besides.")
    parser.add_argument("--repeats", type=int, default=6, help="How often these plans are shown beside one episode each.")
    parser.add_argument("--split", choices=(TEST, HELD_OUT, f"{TEST},{HELD_OUT}"), default=TEST, help="Whose tasks are attempted.")
    parser.add_argument("--steps", type=int, default=80, help="Of GRPO, for each model.")
    parser.add_argument("--beside", action="store_true", help="Train a model on each domain and the living scenario in turn as well.")
    parser.add_argument("--attempts", type=int, default=8, help="At each test task.")
    parser.add_argument("--live-seeds", type=int, default=64)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--into", type=Path, default=ROOT / "runs" / "static", help="Where models and their scores are kept.")
    parser.add_argument("--out", type=Path, default=RESULTS, help="Where the table goes.")
    told = sys.argv[1:] if given is None else list(given)
    return parser.parse_args(told, argparse.Namespace(told=told))


def written(args: argparse.Namespace, study: Study, rows: Rows) -> list[str]:
    """The table and its figures; who is better."""
    good = better(study, rows)
    text = "\n".join([
        "# Training on static tasks\n",
        f"Made by `{' '.join(['python checks/static_training.py', *args.told])}`. Strict scores on {' and '.join(study.splits)} "
        f"tasks (their number in brackets; means of {study.attempts} attempts), and the return in {study.live} on {args.live_seeds} "
        f"validation seeds; differences from the start, paired, 95 % interval. {len(args.seeds)} training seeds, {study.steps} steps of GRPO; "
        f"`+`: in turn with the living scenario; `{ALL}`: on all domains.\n",
        table(study, rows),
        f"Better on the domain that was trained on, by an interval above 0: {', '.join(good) or 'none'}.\n",
        f"Above a guess after looking: {'; '.join(over_a_guess(study, rows))}.\n",
    ])  # fmt: skip
    name = "-".join(["static_training", *study.domains, *(study.splits if study.splits != (TEST,) else ())])
    (args.out / f"{name}.md").write_text(text, encoding="utf-8")
    kept = [plain(row, seed) for found in rows.values() for row, seed in zip(found, args.seeds, strict=True)]
    (args.out / f"{name}.json").write_text(json.dumps(kept) + "\n", encoding="utf-8")
    print(text)
    return good


def plain(row: Row, seed: int) -> dict[str, object]:
    """A row as plain data."""
    return {"seed": seed, "model": row.model, "place": row.place, "scores": [round(score, 4) for score in row.scores]}


def main(given: Sequence[str] | None = None) -> int:
    """Train, measure, write the tables."""
    args = read(given)
    studies = [study_of(args, seed) for seed in args.seeds]
    for domain in studies[0].domains if args.more else ():
        more_tasks(args.into / MORE, domain, args.more)
    shared_out(started, studies, processes=args.workers, preload="clinsim.training.transfer")
    jobs = [(study, model) for study in studies for model in study.models]
    found = [row for part in shared_out(of_model, jobs, processes=args.workers, preload="clinsim.training.transfer") for row in part]
    keys = dict.fromkeys((row.model, row.place) for row in found)
    rows = {key: [row for row in found if (row.model, row.place) == key] for key in keys}
    return 0 if written(args, studies[0], rows) else 1


if __name__ == "__main__":
    sys.exit(main())

"""Training a chat model on static tasks: strict scores on tasks that were kept apart, before and after, and its return in the living hospital.

    python checks/static_chat.py --start SmolLM2-135M-Instruct --seeds 0 1 2 --workers 3   # one card: minutes
    python checks/static_chat.py --start TINY --seeds 0 --steps 1 --groups 1 --attempts 1 --precision fp32   # any machine

For each training seed the model is taught some gold plans of the training tasks of several domains and some episodes of the guideline team in
`first_hour`; then GRPO (`clinsim train served`, played in this process) goes on with the training tasks of one domain, the strict score as reward
(`clinsim.training.chat_study`). The table has the strict scores of both on the splits `test` and `heldout`, whose templates and patients are
those of no training task, and their return in `first_hour` on validation seeds. Differences are paired; intervals are of a bootstrap that draws
training seeds and tasks (or validation seeds). What is there is not made again: a run that is interrupted goes on with the same command; other
settings need another folder. Exit 1 if the learnt model is not better on the test tasks, interval above 0; 2 if something cannot be trained.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clinsim.benchmark.report import markdown
from clinsim.errors import UsageError
from clinsim.intervals import Estimate, of_runs
from clinsim.processes import shared_out
from clinsim.training.chat_study import LEARNT, MODELS, START, ChatStudy, measured, opened
from clinsim.training.static_tasks import HELD_OUT, TEST, domains

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "checks" / "results"
Rows = dict[tuple[str, str], list[list[float]]]
"""By model and place: scores of each training seed."""


def study_of(args: argparse.Namespace, seed: int) -> ChatStudy:
    """What is asked for, of one training seed."""
    return ChatStudy(
        args.into / str(seed), args.start, args.domain, tuple(args.lessons.split(",")) if args.lessons else domains(), args.share, args.episodes,
        args.passes, args.steps, seed, splits=tuple(args.splits), live_seeds=(10_000, 10_000 + args.live_seeds), groups=args.groups,
        group_size=args.group_size, lesson_rate=args.lesson_rate, learning_rate=args.learning_rate, batch_tokens=args.batch_tokens,
        attempts=args.attempts, temperature=args.temperature, precision=args.precision,
    )  # fmt: skip


def of_study(study: ChatStudy) -> dict[tuple[str, str], list[float]]:
    """Train, and measure everywhere."""
    opened(study)
    return {(model, place): measured(study, model, place) for place in study.places for model in MODELS}


def change(rows: Rows, place: str) -> Estimate:
    """By how much the learnt model does better than its start at a place, task by task or seed by seed."""
    return of_runs(lambda ours, theirs: float((ours - theirs).mean()), np.array(rows[LEARNT, place]), np.array(rows[START, place]))


def line(rows: Rows, place: str) -> list[str]:
    """Both models at a place, and the difference: over all seeds, and in each."""
    ours, theirs = np.array(rows[LEARNT, place]), np.array(rows[START, place])
    found = change(rows, place)
    each = ", ".join(f"{value:+.2f}" for value in (ours - theirs).mean(axis=1))
    return [
        f"{place} ({ours.shape[1]})", f"{theirs.mean():.3f}", f"{ours.mean():.3f}", f"{found.mean:+.3f} ({found.low:+.3f} to {found.high:+.3f})", each
    ]  # fmt: skip


def read(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--start", required=True, help="A chat model as transformers finds it: a folder, or a name on its hub.")
    parser.add_argument("--domain", default="medical_qa", help="What is trained on (or FOLDER#DOMAIN).")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="Training seeds.")
    parser.add_argument("--lessons", default="", help="Domains whose gold plans teach, comma between them; all if left out.")
    parser.add_argument("--share", type=float, default=0.5, help="Share of their training tasks that teach.")
    parser.add_argument("--episodes", type=int, default=40, help="Of the guideline team in first_hour, which teach as well.")
    parser.add_argument("--passes", type=int, default=1, help="Over the lessons.")
    parser.add_argument("--lesson-rate", type=float, default=2e-4)
    parser.add_argument("--steps", type=int, default=40, help="Of GRPO.")
    parser.add_argument("--groups", type=int, default=16)
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--learning-rate", type=float, default=2e-5)
    parser.add_argument("--batch-tokens", type=int, default=16_384)
    parser.add_argument("--attempts", type=int, default=8, help="At each task that is tested.")
    parser.add_argument("--temperature", type=float, default=0.5, help="At which both are tested.")
    parser.add_argument("--splits", nargs="+", default=[TEST, HELD_OUT])
    parser.add_argument("--live-seeds", type=int, default=16, help="Validation seeds of first_hour; 0: not measured there.")
    parser.add_argument("--precision", choices=["bf16", "fp32"], default="bf16")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--into", type=Path, default=ROOT / "runs" / "static_chat", help="Where models and their scores are kept.")
    parser.add_argument("--out", type=Path, default=RESULTS, help="Where the table goes.")
    told = sys.argv[1:] if given is None else list(given)
    return parser.parse_args(told, argparse.Namespace(told=told))


def main(given: Sequence[str] | None = None) -> int:
    """Train, measure, write the table."""
    args = read(given)
    studies = [study_of(args, seed) for seed in args.seeds]
    try:
        found = shared_out(of_study, studies, processes=args.workers, preload="clinsim.training.chat_study")
    except UsageError as problem:
        print(f"static_chat: {problem}", file=sys.stderr)
        return 2
    rows: Rows = {key: [one[key] for one in found] for key in found[0]}
    text = "\n".join([
        "# Training a chat model on static tasks\n",
        f"Made by `{' '.join(['python checks/static_chat.py', *args.told])}`. Strict scores on tasks of {args.domain} (their number in brackets; "
        f"means of {args.attempts} attempts at temperature {args.temperature:g}), and the return in first_hour on validation seeds; paired "
        f"differences with 95 % intervals, and by training seed. {len(args.seeds)} training seeds, {args.steps} steps of GRPO.\n",
        markdown(["place", "start", "learnt", "difference", "by seed"], [line(rows, place) for place in studies[0].places]),
    ])  # fmt: skip
    args.out.mkdir(parents=True, exist_ok=True)
    (args.out / "static_chat.md").write_text(text, encoding="utf-8")
    kept = [{"model": model, "place": place, "scores": scores} for (model, place), scores in rows.items()]
    (args.out / "static_chat.json").write_text(json.dumps(kept) + "\n", encoding="utf-8")
    print(text)
    return 0 if change(rows, studies[0].splits[0]).low > 0.0 else 1


if __name__ == "__main__":
    sys.exit(main())

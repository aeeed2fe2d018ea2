"""`clinsim replay`: policies, or recorded trajectories, over the tasks of a suite."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer

from clinsim.commands.needless import refuse_needless
from clinsim.commands.screen import number, page, progress, table, write_json
from clinsim.errors import UsageError, WorkerError

SCORERS = ("strict", "legacy")
PLAYING = ("policy", "split", "domain", "trials", "workers", "resume")
"""Options about playing: recorded runs are scored as they are."""
LISTED = 10
"""Ids that are listed for people; data has them all."""


def replay(
    context: typer.Context,
    suite: Annotated[str, typer.Option(help="own, one of its domains, or bioagents, agentclinic, tau2 with --data.")],
    data: Annotated[Path | None, typer.Option(help="Folder or file of a suite that is not the project's own.")] = None,
    policy: Annotated[list[str] | None, typer.Option(help="SPEC of a policy; more than once for a matrix. Default gold.")] = None,
    scorer: Annotated[str, typer.Option(help="strict or legacy.")] = "strict",
    split: Annotated[str, typer.Option(help="train, test, heldout or all.")] = "all",
    domain: Annotated[str, typer.Option(help="Only tasks of this domain.")] = "",
    trials: Annotated[int, typer.Option(min=1, help="How often each task is played; trials reseed the policy.")] = 1,
    trajectories: Annotated[Path | None, typer.Option(help="JSONL of recorded calls to score, instead of playing.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, max=1024, help="Processes; the results do not depend on it.")] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a replay in --out that was cut off.")] = False,
    out: Annotated[Path | None, typer.Option(help="Folder for rows, CSV, Markdown and figure (of recorded runs: rows).")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")] = False,
) -> None:
    """Replay static tasks: play policies on them, or score recorded trajectories."""
    from clinsim.benchmark.report import summary, write_all
    from clinsim.benchmark.suite import load_suite  # numpy and the hospital: only when they are needed

    if scorer not in SCORERS:
        raise UsageError(f"--scorer {scorer}: unknown; allowed {', '.join(SCORERS)}")
    if resume and out is None:
        raise UsageError("--resume needs --out: the folder of the replay that is to go on")
    specs = list(dict.fromkeys(policy or ["gold"]))
    chosen = {"suite": suite, "data": str(data or ""), "split": split, "domain": domain, "trials": trials, "policies": specs}
    if trajectories is not None:
        refuse_needless(context, PLAYING, "does not go with --trajectories, which scores every line of a file as it is")
    loaded = load_suite(suite, data)
    listed = {"unknown": list(loaded.unknown), "disputed": list(loaded.disputed)}
    if trajectories is not None:
        _tell_rows({"suite": suite, "scorer": scorer, **_scored(loaded, trajectories, scorer, out), **listed}, as_json, out)
        return
    with nullcontext() if as_json else progress.status(suite):
        rows = _played(loaded.chosen(split, domain), chosen, out, workers, resume=resume)
        found = {**summary(suite, scorer, rows, split=split), **listed}
    if out is not None:
        write_all(out, scorer, rows)
    _tell(found, as_json, out)
    _check_played(rows)


def _scored(suite: Any, path: Path, scorer: str, out: Path | None) -> dict[str, Any]:
    """Score recorded runs, and keep a row for each in a folder where one is named."""
    from clinsim.benchmark.replay import new_folder
    from clinsim.benchmark.trajectories import SCORES, rows_of

    if out is not None:
        new_folder(out)
    rows = list(rows_of(suite, path, scorer))
    if out is not None:
        (out / SCORES).write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    return {"policy": f"recorded:{path.name}", "trajectories": rows}


def _played(tasks: Any, chosen: Mapping[str, Any], out: Path | None, workers: int | None, *, resume: bool) -> dict[str, list[Any]]:
    """Play what was chosen: rows by policy."""
    from clinsim.benchmark.replay import fingerprint, jobs_of, open_folder, replayed

    jobs = jobs_of(tasks, chosen["policies"], chosen["trials"])
    journal = open_folder(out, {**chosen, "tasks": fingerprint(tasks)}, resume=resume) if out is not None else None
    try:
        rows = list(replayed(jobs, journal, workers))
    except WorkerError as problem:
        kept = f"what was played is kept in {out}: go on with --resume" if out is not None else "nothing is kept without --out"
        raise UsageError(f"{problem}; {kept}") from problem
    return {spec: [row for row in rows if row.policy == spec] for spec in chosen["policies"]}


def _check_played(rows: Mapping[str, Sequence[Any]]) -> None:
    """A policy of which nothing could be played has no figures: that is no success.

    Raises:
        UsageError: Every attempt of a policy failed in the infrastructure.
    """
    for spec, attempts in rows.items():
        if attempts and all(row.error for row in attempts):
            raise UsageError(f"--policy {spec}: all {len(attempts)} attempts failed, the first with {attempts[0].error}")


def _tell_rows(found: Mapping[str, Any], as_json: bool, out: Path | None) -> None:
    if as_json:
        write_json(found)
        return
    name = "action_score" if found["scorer"] == "legacy" else "score"
    rows = table("", "domain", "task", "kind", f"{name}>", "failed calls>")
    for row in found["trajectories"]:
        rows.add_row(
            row["domain"], row["task_id"], row["kind"], number(row[name], 3), "-" if row["call_errors"] is None else str(sum(row["call_errors"]))
        )
    page().print(rows)
    if out is not None:
        typer.echo(f"{len(found['trajectories'])} rows in {out}")


def _tell_trials(found: Mapping[str, Any]) -> None:
    """pass^k with its interval and the flips, where tasks were played more than once."""
    for spec, domains in (found["matrix"] if "matrix" in found else {found["policy"]: found["domains"]}).items():
        for name, row in domains.items():
            for k, chance in row.get("trials", {}).items():
                if k.startswith("pass^"):
                    low, high = number(chance["low"]), number(chance["high"])
                    typer.echo(f"{spec}, {name}: {k} {number(chance['mean'])} ({low} to {high}, {chance['n']} tasks)")
            if "trials" in row:
                typer.echo(f"{spec}, {name}: {number(row['trials']['flip_rate'])} of tasks flip; trials reseed the {row['trials']['reseeded']}")


def _tell_models(found: Mapping[str, Any]) -> None:
    """What models read, wrote and cost, and what failed in the infrastructure."""
    for spec, domains in (found["matrix"] if "matrix" in found else {found["policy"]: found["domains"]}).items():
        if tokens := sum(row.get("tokens", 0) for row in domains.values()):
            typer.echo(f"{spec}: {tokens:,} tokens, cost {sum(row.get('cost', 0.0) for row in domains.values()):.4f}")
        for name, row in domains.items():
            for failure, times in row.get("failures", {}).items():
                typer.echo(f"{spec}, {name}: {times} × {failure}")


def _tell(found: Mapping[str, Any], as_json: bool, out: Path | None) -> None:
    if as_json:
        write_json(found)
        return
    rows = table("", "policy", "domain", "tasks>", "score>", "action score>", "accuracy>", "turns>", "errors>")
    for spec, domains in (found["matrix"] if "matrix" in found else {found["policy"]: found["domains"]}).items():
        for name, row in domains.items():
            figures = (number(row[key], 3) for key in ("score", "action_score", "accuracy", "turns"))
            rows.add_row(spec, name, str(row["tasks"]), *figures, str(row["errors"]))
    page().print(rows)
    _tell_trials(found)
    _tell_models(found)
    for kind, meaning in (("unknown", "named by a split, in no file"), ("disputed", "in two splits")):
        if found[kind]:
            rest = f" and {len(found[kind]) - LISTED} more (all of them with --json)" if len(found[kind]) > LISTED else ""
            typer.echo(f"{len(found[kind])} ids {meaning}: {', '.join(found[kind][:LISTED])}{rest}")
    if out is not None:
        typer.echo(f"Rows, matrix.csv, matrix.md and matrix.svg in {out}")

"""Suites: tasks with their databases and splits, the project's own or those of other benchmarks, each file read once."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from clinsim.benchmark.agentclinic import one_diagnosis, read_case
from clinsim.benchmark.layouts import read_task
from clinsim.benchmark.task import Task
from clinsim.benchmark.tau2 import read_tau2
from clinsim.data_file import checked
from clinsim.errors import ScenarioError, UsageError

OWN = "own"
SPLITS = ("train", "test", "heldout")
ALL = "all"
SCALED = "_scaled"


@dataclass(frozen=True, slots=True, eq=False)
class Placed:
    """A task where it stands: the folder of its database, the file that it was read from, and its split (empty: none)."""

    task: Task
    folder: Path
    file: str
    split: str = ""

    @property
    def key(self) -> tuple[str, str, str]:
        """Domain, file and id: what names a task in a whole suite."""
        return (self.task.domain, self.file, self.task.id)


@dataclass(frozen=True, slots=True)
class Suite:
    """A suite: its tasks in order, and what its split files name that no file holds (`unknown`) or put in two splits (`disputed`)."""

    name: str
    tasks: tuple[Placed, ...]
    unknown: tuple[str, ...] = ()
    disputed: tuple[str, ...] = ()

    @property
    def domains(self) -> tuple[str, ...]:
        """Domains in the order in which their tasks stand."""
        return tuple(dict.fromkeys(placed.task.domain for placed in self.tasks))

    def chosen(self, split: str = ALL, domain: str = "") -> tuple[Placed, ...]:
        """The tasks of a split, and of a domain where one is named.

        Raises:
            UsageError: The suite has no such split or domain, or no task there.
        """
        splits = sorted({placed.split for placed in self.tasks if placed.split})
        if split != ALL and self.tasks and split not in splits:
            raise UsageError(f"--split {split}: suite {self.name} has no such split; allowed {', '.join([*splits, ALL])}")
        if domain and self.tasks and domain not in self.domains:
            raise UsageError(f"domain {domain!r}: suite {self.name} has none of that name; allowed {', '.join(self.domains)}")
        found = tuple(placed for placed in self.tasks if split in (ALL, placed.split) and domain in ("", placed.task.domain))
        if not found:
            raise UsageError(f"suite {self.name}{f', split {split}' if split != ALL else ''}: holds no task")
        return found

    def task(self, domain: str, task_id: str, file: str = "") -> Placed:
        """The task with an id.

        Raises:
            UsageError: There is none, or the id stands in two files and `file` does not say which is meant.
        """
        if domain and domain not in self.domains:
            raise UsageError(f"domain {domain!r}: suite {self.name} has none of that name; allowed {', '.join(self.domains)}")
        found = [placed for placed in self.tasks if placed.task.id == task_id and domain in ("", placed.task.domain) and file in ("", placed.file)]
        if not found:
            where = "/".join(part for part in (self.name, domain, file) if part)
            raise UsageError(f"task {task_id!r}: none of that id in {where}; clinsim tasks lists what there is")
        if len(found) > 1:
            raise UsageError(f"task {task_id!r} stands in {', '.join(placed.file for placed in found)}; name the file")
        return found[0]


@lru_cache(maxsize=8)
def load_suite(name: str, data: Path | None = None) -> Suite:
    """A suite by name: `own`, one of its domains, `bioagents`, `agentclinic` or `tau2` with the folder or file `data`; or a folder in our layout.

    Raises:
        UsageError: There is no such suite, or it needs `data`.
        ScenarioError: A file is malformed; the message names file, task and field.
    """
    if name in FOREIGN:
        if data is None:
            raise UsageError(f"--suite {name} needs --data: the folder or file that it is read from")
        if not data.exists():
            raise UsageError(f"--data {data}: no such file or folder")
        return FOREIGN[name](data)
    if data is not None:
        raise UsageError(f"--data {data}: suite {name} is not read from elsewhere; --data goes with {', '.join(FOREIGN)}")
    folders = own_folders()
    if name == OWN:
        return _joined(OWN, [_own(folder) for folder in folders.values()])
    folder = folders.get(name, Path(name))
    if _task_files(folder):
        return _own(folder)
    below = _folders(folder)
    if not below:
        raise UsageError(f"--suite {name}: unknown; allowed {', '.join([OWN, *folders, *FOREIGN])}, or a folder with a tasks.json")
    return _joined(name, [_own(path) for path in below])


def own_folders() -> dict[str, Path]:
    """The folders of the project's own suites, by domain."""
    root = Path(str(files("clinsim.scenarios"))) / "suites"
    return {folder.name: folder for folder in _folders(root)}


def _folders(root: Path) -> list[Path]:
    """The folders in a folder that hold tasks."""
    return [folder for folder in sorted(root.iterdir()) if _task_files(folder)] if root.is_dir() else []


def _task_files(folder: Path) -> list[Path]:
    return [*sorted(folder.glob("tasks*.json")), *sorted(folder.glob("tasks*.jsonl"))]


def read_json(path: Path) -> Any:
    """The data of a JSON file (or, for .jsonl, the list of its lines).

    Raises:
        ScenarioError: It cannot be read; the message names the file and the line.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as problem:
        raise ScenarioError(f"{path}: cannot be read ({problem.__class__.__name__})") from problem
    if path.suffix != ".jsonl":
        return _parsed(text, str(path))
    return [_parsed(line, f"{path}: line {k}") for k, line in enumerate(text.splitlines(), 1) if line.strip()]


def _parsed(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as problem:
        raise ScenarioError(f"{where}: not JSON ({str(problem)[:80]})") from problem


def read_list(path: Path) -> list[Any]:
    """The list in a JSON file, or in its field `tasks`.

    Raises:
        ScenarioError: It cannot be read, or holds no list.
    """
    data = read_json(path)
    if isinstance(data, dict) and isinstance(data.get("tasks"), list):
        data = data["tasks"]
    if not isinstance(data, list):
        raise ScenarioError(f"{path}: must be a list of tasks, not {type(data).__name__}")
    return data


def read_own(raw: Any, domain: str, origin: str) -> Task:
    """A task in the project's own schema; `domain` need not be stated.

    Raises:
        ScenarioError: It is malformed; the message names the file, the task and the field.
    """
    named = raw.get("id", "(without id)") if isinstance(raw, dict) else "(no mapping)"
    return checked(Task, {"domain": domain, **raw} if isinstance(raw, dict) else raw, f"{origin}: task {named}")


def _own(folder: Path) -> Suite:
    """The suite of one domain: `tasks*.json` and `tasks*.jsonl`, with `split*.json`."""
    paths = _task_files(folder)
    read = [_splits(path) for path in sorted(folder.glob("split*.json"))]
    split_of = {task_id: split for found, _ in reversed(read) for task_id, split in found.items()}
    names = [name for _, named in read for name in named]
    tasks = [
        Placed(task, folder, path.name, split_of.get(task.id, ""))
        for path in paths
        for task in (read_own(raw, folder.name, f"{folder.name}/{path.name}") for raw in read_list(path))
    ]
    return _suite(folder.name, tasks, names)


def _splits(path: Path) -> tuple[dict[str, str], list[str]]:
    """Which split each id is in, and all ids that the file names."""
    if not path.exists():
        return {}, []
    data = read_json(path)
    if not isinstance(data, dict) or not all(isinstance(ids, list) and all(isinstance(name, str) for name in ids) for ids in data.values()):
        raise ScenarioError(f"{path}: must be a mapping from split ({', '.join(SPLITS)}) to a list of ids")
    named = [name for ids in data.values() for name in ids]
    return {name: split for split, ids in reversed(data.items()) for name in ids}, named


def _suite(name: str, tasks: Sequence[Placed], named: Sequence[str], disputed: Sequence[str] = ()) -> Suite:
    """A suite without doubles; ids that a split names and no file holds are kept as unknown.

    Raises:
        ScenarioError: Two tasks of one file bear one id.
    """
    times = Counter(placed.key for placed in tasks)
    if twice := [key for key, count in times.items() if count > 1]:
        raise ScenarioError(f"{twice[0][0]}/{twice[0][1]}: task {twice[0][2]}: id: stands twice")
    known = {placed.task.id for placed in tasks}
    twice_split = [task_id for task_id, count in Counter(named).items() if count > 1]
    return Suite(
        name,
        tuple(tasks),
        tuple(dict.fromkeys(task_id for task_id in named if task_id not in known)),
        tuple(dict.fromkeys([*twice_split, *disputed])),
    )


def _joined(name: str, suites: Sequence[Suite]) -> Suite:
    return Suite(
        name,
        tuple(placed for suite in suites for placed in suite.tasks),
        tuple(f"{suite.name}/{task_id}" for suite in suites for task_id in suite.unknown),
        tuple(f"{suite.name}/{task_id}" for suite in suites for task_id in suite.disputed),
    )


def _bioagents(data: Path) -> Suite:
    """The ancestor's folders, one a domain: hand-written and scaled tasks, each split by the split file of its own name."""
    folders = [data] if (data / "tasks.json").is_file() else sorted(path for path in data.iterdir() if (path / "tasks.json").is_file())
    if not folders:
        raise UsageError(f"--data {data}: holds no folder with a tasks.json")
    return _joined("bioagents", [_ancestor(folder) for folder in folders])


def _ancestor(folder: Path) -> Suite:
    tasks: list[Placed] = []
    splits: dict[str, dict[str, str]] = {}
    named: list[str] = []
    for path in sorted(folder.glob("tasks*.json")):
        suffix = path.stem.removeprefix("tasks")
        split_of, ids = _splits(folder / f"split_tasks{suffix}.json")
        splits[suffix] = split_of
        named += list(dict.fromkeys(ids))
        tasks += [Placed(task, folder, path.name, split_of.get(task.id, "")) for task in _read_all(path, folder.name)]
    first, scaled = splits.get("", {}), splits.get(SCALED, {})
    disputed = [task_id for task_id in scaled if task_id in first and first[task_id] != scaled[task_id]]
    return _suite(folder.name, tasks, list(dict.fromkeys(named)), disputed)


def _read_all(path: Path, domain: str) -> Iterator[Task]:
    for raw in read_list(path):
        yield read_task(raw, domain, f"{domain}/{path.name}")


def _agentclinic(data: Path) -> Suite:
    paths = [data] if data.is_file() else sorted(data.glob("*.jsonl"))
    tasks = [(path, read_case(raw, k, path.name)) for path in paths for k, raw in enumerate(_lines(path), 1)]
    diagnoses = list(dict.fromkeys(task.answer.reference for _, task in tasks))
    return _suite("agentclinic", [Placed(one_diagnosis(task, diagnoses), path.parent, path.name) for path, task in tasks], ())


def _lines(path: Path) -> list[Any]:
    data = read_json(path)
    return data if isinstance(data, list) else [data]


def _tau2(data: Path) -> Suite:
    path = data if data.is_file() else data / "tasks.json"
    domain = path.parent.name
    split_of, named = _splits(path.parent / "split_tasks.json")
    tasks = [read_tau2(raw, domain, path.name) for raw in read_list(path)]
    return _suite("tau2", [Placed(task, path.parent, path.name, split_of.get(task.id, "")) for task in tasks], named)


FOREIGN: dict[str, Callable[[Path], Suite]] = {"bioagents": _bioagents, "agentclinic": _agentclinic, "tau2": _tau2}
"""Suites of other benchmarks, and how each is read from the folder or file that the user names."""

"""Tasks by the number: shifts of each split's seeds are played, every template writes what it can, what does not prove itself is refused."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice, zip_longest
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from clinsim.benchmark.generation import bedside, diagnosis, drugs, pictures
from clinsim.benchmark.generation.charted import EMPTY, RECORD_OF, Row
from clinsim.benchmark.generation.drafts import Draft, Template
from clinsim.benchmark.generation.moments import Moment, moments_of
from clinsim.benchmark.proof import problems_of
from clinsim.benchmark.suite import Placed, read_own
from clinsim.errors import UsageError

TEMPLATES: tuple[Template, ...] = (*diagnosis.TEMPLATES, *bedside.TEMPLATES, *drugs.TEMPLATES, *pictures.TEMPLATES)
"""All templates; each belongs to one split of its domain."""
FIRST_SEED = {"train": 0, "test": 10_000, "heldout": 20_000}
"""Seeds of the shifts that a split is written of: training, validation and test seeds of the environment."""
MOST_OF_A_TEMPLATE = 0.05
"""The largest share of the tasks that one template may make."""
MOST_OF_AN_ANSWER = 0.4
"""The largest share of a template's tasks that may have one and the same answer."""
ALIKE = 0.9
"""Share of words and numbers in common (Jaccard) from which on two tasks of a template are near-duplicates."""
SPARE = 3
"""Tasks that a common template may make above an even share, for those that are rare."""
SHIFTS_AT_MOST = 24
"""Shifts of one split after which no more is looked for."""
NAMED = re.compile(r"[\w-]+-\d+-P\d+-\d+")


@dataclass(frozen=True, slots=True)
class Written:
    """A task as it goes into the file, the records that it needs by collection and id, and its words without ids."""

    template: Template
    raw: Row
    records: dict[str, Row]
    words: frozenset[str]

    @property
    def people(self) -> frozenset[str]:
        """Whom the task is about."""
        return frozenset(self.raw["patients"])


@dataclass(slots=True)
class Collected:
    """What has been written so far, by template, and how many drafts were refused as near-duplicates or because they do not prove themselves.

    A template may make `quota` tasks; `aim` is what it makes if all make equally many.
    """

    quota: int
    aim: int
    tasks: dict[str, list[Written]] = field(default_factory=lambda: defaultdict(list))
    duplicates: int = 0
    unproven: int = 0
    shifts: int = 0

    def wants(self, template: Template) -> bool:
        """Whether a template may write more."""
        return len(self.tasks[template.name]) < min(self.quota, self.aim)

    def offer(self, task: Written) -> None:
        """Take a task, unless it is like one that is held already, its answer stands too often, or it does not prove itself."""
        held = self.tasks[task.template.name]
        same = sum(_right(one) == _right(task) for one in held)
        if same >= max(1, round(MOST_OF_AN_ANSWER * self.aim)):
            return
        if any(one.people & task.people or _alike(one.words, task.words) for one in held):
            self.duplicates += 1
        elif _is_proven(task):
            held.append(task)
        else:
            self.unproven += 1

    def evenly(self) -> int:
        """How many tasks there are, counting of each template no more than is aimed at."""
        return sum(min(self.aim, len(held)) for held in self.tasks.values())

    def total(self) -> int:
        """How many tasks there are."""
        return sum(map(len, self.tasks.values()))


def _right(task: Written) -> str:
    answer, submitted = task.raw["answer"], task.raw["gold"][-1]["arguments"]
    told = task.raw.get("options", {}).get(answer.get("choice", ""), "")
    if task.raw["options"]:
        return NAMED.sub("", told) or task.raw["id"]
    return str(submitted.get("answer") or (submitted.get("esi_level"), submitted.get("disposition")))


def _alike(a: frozenset[str], b: frozenset[str]) -> bool:
    return len(a & b) >= ALIKE * len(a | b)


def generate(scenarios: Iterable[str], n: int, shifts: int = SHIFTS_AT_MOST) -> Collected:
    """Write `n` tasks or more from shifts of some scenarios, no template more than its share.

    Args:
        scenarios: Names of shipped scenarios, or scenario files; played in turn.
        n: How many tasks are wanted.
        shifts: Shifts of one split after which no more is looked for.

    Raises:
        UsageError: The shifts do not give so many.
        ScenarioError: A scenario is unknown or wrong.
    """
    names = list(scenarios)
    found = Collected(max(1, int(n * MOST_OF_A_TEMPLATE)), -(-n // len(TEMPLATES)) + SPARE)
    for k in range(shifts):
        if found.evenly() >= n:
            break
        for split, first in FIRST_SEED.items():
            if short := [template for template in TEMPLATES if template.split == split and found.wants(template)]:
                _one_shift(names[k % len(names)], first + k, short, found)
    if found.total() < n:
        raise UsageError(f"--n {n}: {found.shifts} shifts of {', '.join(names)} gave {found.total()} tasks; ask for fewer, or name more scenarios")
    return found


def training_tasks(domain: str, scenarios: Sequence[str], each: int, shifts: Iterable[int]) -> list[Written]:
    """Tasks to train on: `each` of every training template of a domain, or as many as some training shifts give.

    Raises:
        ScenarioError: A scenario is unknown or wrong.
    """
    templates = [template for template in TEMPLATES if template.domain == domain and template.split == "train"]
    found = Collected(each, each)
    for k in shifts:
        if short := [template for template in templates if found.wants(template)]:
            _one_shift(scenarios[k % len(scenarios)], FIRST_SEED["train"] + k, short, found)
    return [task for template in templates for task in found.tasks[template.name]]


def _one_shift(scenario: str, seed: int, templates: list[Template], found: Collected) -> None:
    by_stage: dict[str, list[Moment]] = defaultdict(list)
    for moment in moments_of(scenario, seed):
        by_stage[moment.stage].append(moment)
    found.shifts += 1
    for template in templates:
        for task in _drafts(template, by_stage[template.stage]):
            if not found.wants(template):
                break
            found.offer(task)


def _drafts(template: Template, moments: list[Moment]) -> Iterator[Written]:
    for k, moment in enumerate(moments):
        draft = template.write(moment, [*moments[k + 1 :], *moments[:k]])
        if draft is not None:
            yield _written(template, draft)


def _written(template: Template, draft: Draft) -> Written:
    subject = draft.subjects[0]
    _, make = RECORD_OF[template.domain]
    records = {one.id: make(one) for one in draft.subjects}
    raw = {
        "id": f"{template.name}-{subject.order.id + '-' if subject.order else ''}{subject.id}",
        "ticket": draft.ticket,
        "category": template.name.removeprefix("shift-").replace("-", "_"),
        "difficulty": draft.difficulty,
        "template": template.name,
        "patients": list(dict.fromkeys(one.person for one in draft.subjects)),
        "subjects": [one.id for one in draft.subjects],
        "options": draft.options,
        "gold": list(draft.gold),
        "answer": draft.answer,
        "database": f"{DATABASE}.json",
        "origin": {"scenario": subject.scenario, "seed": subject.seed, "patient": subject.chart.id, "minute": round(subject.minute, 2)}
        | {"team": "guideline", "rationale": draft.rationale, "source": template.source},
    }
    told = json.dumps([draft.ticket, sorted(draft.options.values()), list(records.values())])
    return Written(template, raw, records, frozenset(re.findall(r"[\w.]+", NAMED.sub("", told))))


DATABASE = "shifts"
"""Name of the database of generated tasks, beside the suite's own; tasks and splits are named after it."""


def _is_proven(task: Written) -> bool:
    """Whether a task proves itself, played on a database of its own."""
    with TemporaryDirectory() as folder:
        write([task], Path(folder))
        domain = task.template.domain
        placed = Placed(read_own(task.raw, domain, DATABASE), Path(folder) / domain, DATABASE, task.template.split)
        return not problems_of(placed)


def chosen(found: Collected, n: int) -> list[Written]:
    """`n` of the tasks, from all templates in turn."""
    rounds = zip_longest(*(found.tasks[template.name] for template in TEMPLATES))
    return list(islice((task for row in rounds for task in row if task is not None), n))


def write(tasks: Iterable[Written], out: Path) -> dict[str, list[Written]]:
    """Write tasks below `out`, a folder for each domain: database, tasks (one a line) and split.

    Returns:
        Tasks by domain.
    """
    by_domain: dict[str, list[Written]] = defaultdict(list)
    for task in tasks:
        by_domain[task.template.domain].append(task)
    for domain, held in by_domain.items():
        folder = out / domain
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{DATABASE}.json").write_text(_database(domain, held), encoding="utf-8")
        (folder / f"tasks_{DATABASE}.jsonl").write_text("".join(_line(task.raw) + "\n" for task in held), encoding="utf-8")
        split = {name: [task.raw["id"] for task in held if task.template.split == name] for name in FIRST_SEED}
        (folder / f"split_{DATABASE}.json").write_text(json.dumps(split, indent=0) + "\n", encoding="utf-8")
    return by_domain


def _database(domain: str, tasks: list[Written]) -> str:
    """The database, one record a line."""
    collection, _ = RECORD_OF[domain]
    records = {key: row for task in tasks for key, row in task.records.items()}
    rows = ",\n".join(f"{json.dumps(key)}: {_line(row)}" for key, row in records.items())
    others = "".join(f"{json.dumps(key)}: {_line(value)}, " for key, value in EMPTY[domain].items() if key != collection)
    return f"{{{others}{json.dumps(collection)}: {{\n{rows}\n}}}}\n"


def _line(row: Any) -> str:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":"))


def shares(tasks: Iterable[Written]) -> Counter[str]:
    """How many tasks each template makes."""
    return Counter(task.template.name for task in tasks)

"""What a model may write tasks about: single records, frozen out of shifts or taken from a suite, and what the tools show of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from clinsim.benchmark.generation.charted import EMPTY, RECORD_OF, Row
from clinsim.benchmark.generation.collect import FIRST_SEED, SHIFTS_AT_MOST
from clinsim.benchmark.generation.moments import Stage, moments_of
from clinsim.benchmark.seated import POLICY_FILE, house_rules
from clinsim.benchmark.stage import DomainStage
from clinsim.benchmark.suite import SPLITS, load_suite, own_folders, read_json
from clinsim.errors import UsageError
from clinsim.hospital.domains import DOMAINS, load_database

DATABASE = "written"
"""Name of the database, the tasks and the splits that a model has written."""
STAGES: dict[str, Stage] = {
    "clinical_diagnosis": "worked",
    "ehr_management": "long",
    "triage_emergency": "door",
    "drug_interaction": "door",
    "visual_diagnosis": "read",
    "radiology_report": "read",
}
"""At which moment of a shift a chart is frozen for a domain."""
NAMED_BY = {
    "clinical_diagnosis": "patient_id",
    "ehr_management": "hadm_id",
    "triage_emergency": "patient_id",
    "drug_interaction": "patient_id",
    "visual_diagnosis": "image_id",
    "radiology_report": "study_id",
    "medical_qa": "entry_id",
}
"""The argument in which the tools of a domain take the id of a record."""
COLLECTIONS = {domain: name for domain, (name, _) in RECORD_OF.items()} | {"medical_qa": "wiki_entries"}
LONGEST_ANSWER, LONGEST_RECORD = 2_500, 12_000
"""Characters of one tool's answer, and of all answers, that are shown to whoever writes."""


@dataclass(frozen=True, slots=True)
class Case:
    """A record to write about: its id, whose it is, and where it comes from."""

    id: str
    people: tuple[str, ...]
    origin: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Source:
    """Records of one domain and split, on a database in `folder`; `rules` are those of the house, `asked` the tickets that there are already.

    `keep` writes the database anew with only what some records need.
    """

    domain: str
    split: str
    folder: Path
    cases: tuple[Case, ...]
    rules: str
    asked: tuple[str, ...] = ()
    rows: Mapping[str, Row] = field(default_factory=dict)

    def stage(self) -> DomainStage:
        """A fresh world on the database."""
        return DomainStage(self.domain, load_database(self.domain, self.folder / f"{DATABASE}.json").open())

    def shown(self, case: Case) -> dict[str, Any]:
        """What the reading tools that need nothing but the record's id show of it, each cut to a length, as far as there is room."""
        stage, found, room = self.stage(), {}, LONGEST_RECORD
        for name, spec in stage.tools.items():
            if "read" not in spec.tags or spec.card.parameters["required"] != [NAMED_BY[self.domain]]:
                continue
            made = stage.call(name, {NAMED_BY[self.domain]: case.id})
            text = json.dumps(made.result, ensure_ascii=False)
            if made.ok and len(text) <= min(LONGEST_ANSWER, room):
                found[name] = made.result
                room -= len(text)
        return found

    def keep(self, ids: Iterable[str]) -> None:
        """Leave in the database of a shift only these records; that of a suite stays whole, since its tools look things up in it."""
        if self.rows:
            wanted = set(ids)
            _write_shifts(self.folder, self.domain, {key: row for key, row in self.rows.items() if key in wanted})


def from_shifts(scenarios: Sequence[str], domain: str, split: str, n: int, out: Path) -> Source:
    """Charts frozen out of shifts of a split's seeds, `n` or as many as there are.

    Raises:
        UsageError: No chart of a shift becomes a record of the domain, or the split is unknown.
        ScenarioError: A scenario is unknown or wrong.
    """
    folder = _folder(domain, split, out)
    if domain not in STAGES:
        raise UsageError(f"--domain {domain}: no chart of a shift becomes a record there; allowed {', '.join(STAGES)}, or take --suite")
    _, make = RECORD_OF[domain]
    cases: dict[str, Case] = {}
    rows: dict[str, Row] = {}
    for k in range(SHIFTS_AT_MOST):
        if len(cases) >= n:
            break
        scenario, seed = scenarios[k % len(scenarios)], FIRST_SEED[split] + k
        for moment in moments_of(scenario, seed):
            if moment.stage == STAGES[domain]:
                origin = {"scenario": scenario, "seed": seed, "patient": moment.chart.id, "minute": round(moment.minute, 2), "team": "guideline"}
                cases[moment.id], rows[moment.id] = Case(moment.id, (moment.person,), origin), make(moment)
    if not cases:
        raise UsageError(f"--from {', '.join(scenarios)}: no chart of {SHIFTS_AT_MOST} shifts came as far as {domain} needs")
    _write_shifts(folder, domain, rows)
    own = own_folders()[domain]
    return Source(domain, split, folder, tuple(cases.values()), _rules(own, folder), _tickets(domain), rows)


def from_suite(suite: str, domain: str, split: str, out: Path) -> Source:
    """The records of a suite's database that no other split is about.

    Raises:
        UsageError: There is no such suite, or it has no record of the domain and split.
    """
    folder = _folder(domain, split, out)
    loaded = load_suite(suite)
    placed = [one for one in loaded.tasks if one.task.domain == domain and one.task.database == "db.json"]
    if not placed:
        raise UsageError(f"--suite {suite}: has no database of {domain}; allowed {', '.join(loaded.domains)}")
    raw = read_json(placed[0].folder / "db.json")
    elsewhere = {name for one in placed if one.split != split for name in (*one.task.patients, *one.task.subjects)}
    people_of = partial(_people, domain)
    cases = tuple(
        Case(key, people_of(key, row), {"suite": suite, "record": key})
        for key, row in raw[COLLECTIONS[domain]].items()
        if not {key, *people_of(key, row)} & elsewhere
    )
    if not cases:
        raise UsageError(f"--split {split}: every record of {domain} in {suite} belongs to another split")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{DATABASE}.json").write_text(json.dumps(raw, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return Source(domain, split, folder, cases, _rules(placed[0].folder, folder), tuple(one.task.ticket for one in placed))


def _folder(domain: str, split: str, out: Path) -> Path:
    """Where the tasks of a domain go: never over others that were written before."""
    if domain not in DOMAINS:
        raise UsageError(f"--domain {domain or '(none)'}: a model writes for one domain; allowed {', '.join(DOMAINS)}")
    if split not in SPLITS:
        raise UsageError(f"--split {split}: unknown; allowed {', '.join(SPLITS)}")
    if (out / domain / f"tasks_{DATABASE}.jsonl").exists():
        raise UsageError(f"--out {out}: holds tasks of {domain} that were written before; take another folder")
    return out / domain


def _people(domain: str, key: str, row: Mapping[str, Any]) -> tuple[str, ...]:
    """Whom a record is about; nobody, if it is an entry of a book."""
    if domain == "medical_qa":
        return ()
    return (str(row.get("patient_id") or row.get("demographics", {}).get("patient_id") or key),)


def _tickets(domain: str) -> tuple[str, ...]:
    return tuple(placed.task.ticket for placed in load_suite(domain).tasks)


def _rules(source: Path, folder: Path) -> str:
    """The rules of the house, which go with the tasks."""
    rules = house_rules(source)
    (folder / POLICY_FILE).write_text(rules, encoding="utf-8")
    return rules


def _write_shifts(folder: Path, domain: str, rows: Mapping[str, Row]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    whole = EMPTY[domain] | {COLLECTIONS[domain]: dict(rows)}
    (folder / f"{DATABASE}.json").write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")

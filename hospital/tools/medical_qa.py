"""Tools of the domain `medical_qa`: searching and reading the knowledge base, weighing options, answering."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from clinsim.hospital.records.base import on_record
from clinsim.hospital.records.library import LibraryRecords, Passage, WikiEntry
from clinsim.hospital.records.world import RecordWorld
from clinsim.hospital.tools.checks import one_of, written
from clinsim.hospital.tools.generic import Found, Thought, Written, answered, found, heard
from clinsim.hospital.tools.lookup import NOTHING_HELD, differential, literature_on
from clinsim.hospital.wording import named
from clinsim.record import ROLES
from clinsim.tooling import tool

SET = "medical_qa"
_look_up = tool(SET, roles=ROLES, service="lookup", tags=("read",))
_free = tool(SET, roles=ROLES, service="think", tags=("generic",))
_submit = tool(SET, roles=ROLES, service="note", tags=("write", "submit"))
Most = Annotated[int, Field(ge=1, le=50)]
OPTION = re.compile(r"(?:^|[\s,;(])\(?([A-H])[).:]\s*(.+?)(?=[\s,;(]+\(?[A-H][).:]\s|$)", re.DOTALL)
"""An option with its letter: `A) text`, `A. text`, `(A) text` or `A: text`."""
ABSTRACT = "abstract"


@dataclass(frozen=True, slots=True)
class ArticleText:
    """An article or one of its sections; `sections` names those there are."""

    pmid: str
    title: str
    journal: str
    year: int | None
    section: str
    text: str
    sections: Sequence[str]


@dataclass(frozen=True, slots=True)
class WikiHit:
    """An entry of the encyclopaedia that matches."""

    entry_id: str
    title: str
    summary: str
    score: float


@dataclass(frozen=True, slots=True)
class PassageHit:
    """A passage that matches, with its source."""

    passage_id: str
    title: str
    text: str
    source: str
    category: str
    score: float


@dataclass(frozen=True, slots=True)
class OptionEvidence:
    """An option and the passage that speaks most of it together with the question; how much it speaks of it is no verdict."""

    option: str
    text: str
    passage_id: str
    passage: str
    score: float


@dataclass(frozen=True, slots=True)
class OptionAnswer:
    """Options with the evidence on each; nothing here says which is right."""

    question: str
    options_analysis: Sequence[OptionEvidence]
    note: str


@dataclass(frozen=True, slots=True)
class TreatmentEvidence:
    """What the knowledge base holds on two treatments."""

    condition: str
    treatment_a: str
    evidence_a: Sequence[PassageHit]
    treatment_b: str
    evidence_b: Sequence[PassageHit]
    note: str


def records_of(world: RecordWorld) -> LibraryRecords:
    """The records of the domain."""
    records: LibraryRecords = world.records
    return records


def passages_on(world: RecordWorld, query: str, most: int, category: str = "") -> list[PassageHit]:
    """Passages that match a query, the best first."""
    records = records_of(world)
    wanted = category.strip().lower()
    among = [key for key, row in records.evidence_passages.items() if wanted in ("", row.category.lower())]
    hits = records.passage_index.find(query, most, among)
    return [_passage_hit(records.evidence_passages[key], score) for key, score in hits]


def _passage_hit(row: Passage, score: float) -> PassageHit:
    return PassageHit(row.passage_id, row.title, row.text, row.source, row.category, round(score, 3))


@_look_up
def search_pubmed(world: RecordWorld, query: str, max_results: Most = 5) -> Found:
    """Search the articles of the knowledge base by words.

    Args:
        query: Words to look for.
        max_results: How many at most, 1 to 50.
    """
    records = records_of(world)
    return literature_on(query, max_results, records.articles, records.article_index)


@_look_up
def browse_article(world: RecordWorld, pmid: str, section: str = "") -> ArticleText:
    """Read an article: its abstract, or one of its sections.

    Args:
        pmid: Its id, as search_pubmed gives it.
        section: Name of a section; the abstract if left out.
    """
    row = on_record("article", pmid, records_of(world).articles)
    held = {ABSTRACT: row.abstract} | row.sections
    name = next((key for key in held if key.lower() == section.strip().lower()), section) or ABSTRACT
    return ArticleText(row.pmid, row.title, row.journal, row.year, name, held[one_of("section", name, held)], tuple(held))


@_look_up
def search_medical_wiki(world: RecordWorld, query: str, max_results: Most = 5) -> Found:
    """Search the encyclopaedia of the knowledge base by words.

    Args:
        query: Words to look for.
        max_results: How many at most, 1 to 50.
    """
    records = records_of(world)
    hits = records.wiki_index.find(written("query", query), max_results)
    rows = [(records.wiki_entries[key], score) for key, score in hits]
    return found(query, [WikiHit(row.entry_id, row.title, row.summary, round(score, 3)) for row, score in rows], NOTHING_HELD)


@_look_up
def browse_wiki_entry(world: RecordWorld, entry_id: str) -> WikiEntry:
    """Read an entry of the encyclopaedia.

    Args:
        entry_id: Its id, as search_medical_wiki gives it.
    """
    return on_record("entry", entry_id, records_of(world).wiki_entries)


@_look_up
def retrieve_evidence(world: RecordWorld, query: str, max_results: Most = 5, category: str = "") -> Found:
    """Search passages of evidence by words.

    Args:
        query: Words to look for.
        max_results: How many at most, 1 to 50.
        category: Only this category; all if left out.
    """
    rows = passages_on(world, written("query", query), max_results, category)
    known = sorted({row.category for row in records_of(world).evidence_passages.values() if row.category})
    return found(query, rows, f"{NOTHING_HELD} Categories: {named(known, category)}.")


@_look_up
def analyze_answer_options(world: RecordWorld, question: str, options: str) -> OptionAnswer:
    """Find for each option of a question the passage that speaks most of it. It does not say which is right.

    Args:
        question: The question.
        options: The options with their letters, for example A) aspirin, B) heparin.
    """
    parts = OPTION.findall(written("options", options)[:4000]) or [("", part.strip()) for part in options.split(",")[:8] if part.strip()]
    rows = [_evidence(world, written("question", question), letter, text.strip(" ,;\n")) for letter, text in parts[:8]]
    note = "" if any(row.passage for row in rows) else NOTHING_HELD
    return OptionAnswer(question[:200], rows, note)


def _evidence(world: RecordWorld, question: str, letter: str, text: str) -> OptionEvidence:
    about_option = passages_on(world, text, 20)
    on_both = {row.passage_id: row.score for row in passages_on(world, question, 20)}
    hits = sorted(about_option, key=lambda row: (-row.score - on_both.get(row.passage_id, 0.0), row.passage_id))
    return OptionEvidence(letter, text, hits[0].passage_id if hits else "", hits[0].text[:300] if hits else "", hits[0].score if hits else 0.0)


@_look_up
def compare_treatments(world: RecordWorld, treatment_a: str, treatment_b: str, condition: str = "") -> TreatmentEvidence:
    """Find what the knowledge base holds on two treatments, side by side.

    Args:
        treatment_a: The one.
        treatment_b: The other.
        condition: For what.
    """
    one, other = (passages_on(world, f"{written('treatment', each)} {condition}", 3) for each in (treatment_a, treatment_b))
    return TreatmentEvidence(condition, treatment_a, one, treatment_b, other, "" if one or other else NOTHING_HELD)


@_look_up
def get_differential_diagnosis(world: RecordWorld, symptom_complex: str) -> Found:
    """List conditions that fit symptoms, with a rough probability each, from a general table.

    Args:
        symptom_complex: Symptoms and signs, separated by commas.
    """
    return differential(symptom_complex)


@_free
def think(world: RecordWorld, thought: str) -> Thought:
    """Think aloud; nothing is changed or looked up.

    Args:
        thought: What you think.
    """
    return heard(thought)


@_submit
def submit_answer(world: RecordWorld, answer: str, reasoning: str = "") -> Written:
    """Submit the answer to the question; this ends the task.

    Args:
        answer: The letter of the option, or the answer in words.
        reasoning: What speaks for it.
    """
    return answered(world, answer, reasoning)

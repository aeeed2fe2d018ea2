"""Bodies shared by the domains that look things up: a general differential, guidelines, articles."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from clinsim.data_file import Rule, checked, read_data
from clinsim.hospital.records.clinical import Guideline
from clinsim.hospital.records.library import Article
from clinsim.hospital.records.search import Index
from clinsim.hospital.tools.checks import written
from clinsim.hospital.tools.generic import Found, found
from clinsim.hospital.wording import named
from clinsim.hospital_file import Share, Source

ABSENT = 0.03
"""How often a symptom is there in a condition that the table does not join it to (assumption)."""
MOST_LISTED = 8
SEPARATORS = re.compile(r"[,;/\n]| and | with ")
NOTHING_HELD = "Nothing in the knowledge base matches; that says nothing about the matter itself."


class ConditionRule(Rule):
    """A condition: its code, how common it is (1 to 5), and how often each symptom is there."""

    icd10: str
    weight: float
    fits: dict[str, Share]


class Differentials(Rule):
    """The whole table."""

    version: int
    source: Source
    same_as: dict[str, tuple[str, ...]]
    conditions: dict[str, ConditionRule]


@dataclass(frozen=True, slots=True)
class Likely:
    """A condition that fits, with its probability among those of the table."""

    condition: str
    probability: float
    icd10: str


@lru_cache(maxsize=1)
def table() -> Differentials:
    """The general table of conditions and symptoms."""
    return checked(Differentials, read_data("records/differentials.yaml"), "records/differentials.yaml")


@lru_cache(maxsize=1)
def _symptoms() -> dict[str, str]:
    rules = table()
    known = {symptom for rule in rules.conditions.values() for symptom in rule.fits}
    return {name: name for name in known} | {other: name for name, others in rules.same_as.items() for other in others}


def symptoms_in(text: str) -> tuple[str, ...]:
    """The symptoms of the table that a text names, separated by commas or in sentences."""
    lowered = " ".join(text.lower().split())
    parts = {part.strip() for part in SEPARATORS.split(lowered)}
    known = _symptoms()
    hits = [name for written, name in known.items() if written in parts or re.search(rf"\b{re.escape(written)}\b", lowered)]
    return tuple(dict.fromkeys(sorted(hits)))


@lru_cache(maxsize=1024)
def differential(text: str) -> Found:
    """Conditions that fit the symptoms named in a text, the likeliest first: weights of the table times the share with each symptom.

    Args:
        text: Symptoms in plain words.
    """
    hits = symptoms_in(written("symptoms", text)[:2000])
    if not hits:
        return found(text[:80], (), f"No symptom of the table is named; it has: {named(sorted(set(_symptoms().values())), text)}")
    weights = {name: rule.weight * _fit(rule, hits) for name, rule in table().conditions.items()}
    total = sum(weights.values())
    ranked = sorted(weights, key=lambda name: (-weights[name], name))[:MOST_LISTED]
    likely = [Likely(name, round(weights[name] / total, 3), table().conditions[name].icd10) for name in ranked]
    return found(", ".join(hits), likely, "")


def _fit(rule: ConditionRule, symptoms: tuple[str, ...]) -> float:
    product = 1.0
    for symptom in symptoms:
        product *= rule.fits.get(symptom, ABSENT)
    return product


# ---------------------------------------------------------------- texts


def guidelines_on(condition: str, guidelines: Mapping[str, Guideline], index: Index) -> Found:
    """Guidelines that speak of a condition, the best match first."""
    hits = index.find(written("condition", condition), 5)
    about = sorted({row.condition for row in guidelines.values()})
    return found(condition, [guidelines[key] for key, _ in hits], f"No guideline on record; there are some on: {named(about, condition)}")


@dataclass(frozen=True, slots=True)
class ArticleHit:
    """An article that matches, with the beginning of its abstract."""

    pmid: str
    title: str
    journal: str
    year: int | None
    abstract: str
    score: float


def literature_on(query: str, most: int, articles: Mapping[str, Article], index: Index) -> Found:
    """Articles that match a query, the best first."""
    hits = index.find(written("query", query), most)
    return found(query, [_article_hit(articles[key], score) for key, score in hits], NOTHING_HELD)


def _article_hit(row: Article, score: float) -> ArticleHit:
    return ArticleHit(row.pmid, row.title, row.journal, row.year, row.abstract[:400], round(score, 3))

"""Records of the domain `medical_qa`: articles, wiki entries and passages of evidence, in which answers can be found."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from pydantic import Field

from clinsim.hospital.records.base import DomainRecords, Log, Record
from clinsim.hospital.records.search import Index


class Article(Record):
    """An article: what it is about, and its text by section; the abstract is the section of that name."""

    pmid: str
    title: str
    journal: str = ""
    year: int | None = None
    authors: tuple[str, ...] = ()
    abstract: str = ""
    sections: dict[str, str] = Field(default_factory=dict)
    keywords: tuple[str, ...] = ()


class WikiEntry(Record):
    """An entry of the encyclopaedia."""

    entry_id: str
    title: str
    summary: str = ""
    sections: dict[str, str] = Field(default_factory=dict)
    categories: tuple[str, ...] = ()


class Passage(Record):
    """A passage of evidence with its source."""

    passage_id: str
    title: str = ""
    text: str
    source: str = ""
    category: str = ""


def article_texts(articles: Mapping[str, Article]) -> Index:
    """The index of articles; a word of the title counts twice."""
    return Index({key: " ".join((row.title, row.title, row.abstract, *row.keywords, *row.sections.values())) for key, row in articles.items()})


class LibraryRecords(DomainRecords):
    """The file of the domain; the ancestor's is empty."""

    articles: dict[str, Article] = Field(default_factory=dict)
    wiki_entries: dict[str, WikiEntry] = Field(default_factory=dict)
    evidence_passages: dict[str, Passage] = Field(default_factory=dict)
    questions: Log = ()
    search_log: Log = ()

    @cached_property
    def article_index(self) -> Index:
        """Articles, ready to be searched."""
        return article_texts(self.articles)

    @cached_property
    def wiki_index(self) -> Index:
        """Wiki entries, ready to be searched."""
        rows = self.wiki_entries.items()
        return Index({key: " ".join((row.title, row.title, row.summary, *row.categories, *row.sections.values())) for key, row in rows})

    @cached_property
    def passage_index(self) -> Index:
        """Passages, ready to be searched."""
        return Index({key: f"{row.title} {row.title} {row.text}" for key, row in self.evidence_passages.items()})

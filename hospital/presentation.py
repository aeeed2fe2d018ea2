"""How an illness shows itself in words: the complaint, the triage note, and what asking and examining bring to light.

Complaints are shared between conditions, lines are there with the probability of their sheet, and red herrings are mixed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from clinsim.body_file import WordTable, load_bodies
from clinsim.condition_file import Condition
from clinsim.hospital.streams import Streams

if TYPE_CHECKING:
    from clinsim.hospital.people import Person


@dataclass(frozen=True, slots=True)
class Presentation:
    """What a patient comes with, what is said by topic, and what is found by region."""

    complaint: str
    triage_note: str
    history: dict[str, str]
    examination: dict[str, str]


def present(condition: Condition, person: Person, streams: Streams) -> Presentation:
    """How `condition` shows itself in `person`; the same for the same streams and person."""
    words = load_bodies().words
    complaint = streams.pick(tuple(condition.complaints.items()), "present.complaint", person.id)
    return Presentation(
        complaint=complaint,
        triage_note=_triage_note(condition, person, streams, words, complaint),
        history=_history(condition, person, streams, words),
        examination=_examination(condition, person, streams, words),
    )


def onset_hours(condition: Condition, pid: str, streams: Streams) -> float:
    """Hours from onset to arrival of patient `pid`."""
    low, high = condition.people.onset_hours
    return streams.between(low, high, "present.onset", pid)


def _triage_note(condition: Condition, person: Person, streams: Streams, words: WordTable, complaint: str) -> str:
    known = {str(name): note for name, note in condition.complaint_notes.items()}
    sentences = words.complaints[complaint]  # type: ignore[index]  # the sheet's keys are complaints
    common = sentences[int(streams.uniform("present.sentence", person.id) * len(sentences))]
    since = _since(onset_hours(condition, person.id, streams))
    return f"{person.age}-year-old {'man' if person.sex == 'male' else 'woman'}. {known.get(complaint, common)} {since}"


def _since(hours: float) -> str:
    if hours < 1.5:
        return f"Since about {max(5, 5 * round(hours * 12))} minutes."
    if hours < 36.0:
        return f"Since about {round(hours)} hours."
    return f"Since {round(hours / 24)} days."


def _history(condition: Condition, person: Person, streams: Streams, words: WordTable) -> dict[str, str]:
    said: dict[str, list[str]] = {topic: [] for topic in words.history}
    said["onset"].append(_since(onset_hours(condition, person.id, streams)))
    for index, line in enumerate(condition.history):
        if streams.uniform("present.history", person.id, index) < line.p:
            said[line.topic].append(line.says)
    if streams.uniform("present.herring", person.id) < words.herring_share:
        topic, herring = words.herrings[int(streams.uniform("present.herring", person.id, 1) * len(words.herrings))]
        said[topic].append(herring)
    said["past"].extend(_own_history(person))
    said["drugs"].extend([f"Takes {', '.join(drug.replace('_', ' ') for drug in person.home_drugs)}."] if person.home_drugs else [])
    said["allergies"].extend(_own_allergies(person))
    return {topic: " ".join(lines) if lines else words.history[topic] for topic, lines in said.items()}  # type: ignore[index]


def _own_history(person: Person) -> list[str]:
    table = load_bodies().people.comorbidities
    chronic = [f"Known {table[name].says}." for name in person.comorbidities]
    return [*chronic, *(["Pregnant."] if person.pregnant else [])]


def _own_allergies(person: Person) -> list[str]:
    table = load_bodies().people.allergies
    return [f"Allergic to {table[name].says if name in table else name}." for name in person.allergies]


def _examination(condition: Condition, person: Person, streams: Streams, words: WordTable) -> dict[str, str]:
    found: dict[str, list[str]] = {region: [] for region in words.examination}
    for index, line in enumerate(condition.examination):
        if streams.uniform("present.examination", person.id, index) < line.p:
            found[line.region].append(line.finds)
    return {region: " ".join(lines) if lines else words.examination[region] for region, lines in found.items()}  # type: ignore[index]

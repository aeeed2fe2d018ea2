"""How an illness shows itself in words: the complaint, the triage note, and what asking and examining bring to light.

Complaints are shared between conditions, lines are there with the probability of their sheet, and red herrings are mixed in.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, cached_property
from math import exp, inf
from typing import TYPE_CHECKING

from clinsim.body_file import WordTable, load_bodies
from clinsim.condition_file import Condition, load_conditions
from clinsim.hospital.scatter import is_atypical
from clinsim.hospital.streams import Streams

if TYPE_CHECKING:
    from clinsim.hospital.people import Person

AT_THE_DOOR = ((1.5, "Came on just now."), (10.0, "Going on for hours."), (40.0, "For a day or so."), (inf, "For days."))
"""Below how many hours since onset a triage note says what."""
MOST_BESIDES = {"associated": 2}
"""Most lines of other illnesses on a topic where more than one is possible (assumption)."""
HARD_TO_FIND = 0.35
"""How much more rarely than those of a mimic the signs of a dangerous illness are found in others (assumption)."""


class Presentation:
    """What a patient comes with, what is said by topic, and what is found by region; what nobody asks for is not worked out."""

    def __init__(self, condition: Condition, person: Person, streams: Streams) -> None:
        """How `condition` shows itself in `person`; the same for the same streams and person."""
        self._of = condition, person, streams, load_bodies().words
        self.complaint = _complaint(*self._of)
        self.triage_note = _triage_note(*self._of, self.complaint)

    @cached_property
    def history(self) -> dict[str, str]:
        """What is said, by topic."""
        return _history(*self._of, self.complaint)

    @cached_property
    def examination(self) -> dict[str, str]:
        """What is found, by region."""
        return _examination(*self._of, self.complaint)


def present(condition: Condition, person: Person, streams: Streams) -> Presentation:
    """How `condition` shows itself in `person`."""
    return Presentation(condition, person, streams)


def onset_hours(condition: Condition, pid: str, streams: Streams) -> float:
    """Hours from onset to arrival of patient `pid`: mostly in the range of the sheet, at times sooner or later."""
    low, high = condition.people.onset_hours
    return streams.between(low, high, "present.onset", pid) * exp(load_bodies().scatter.onset_spread * streams.normal("present.onset.spread", pid))


def told_hours(condition: Condition, pid: str, streams: Streams) -> float:
    """Hours since onset as patient `pid` tells them: what began today is remembered better than what began days ago."""
    hours, rule = onset_hours(condition, pid, streams), load_bodies().scatter
    spread = rule.recall_spread * min(1.0, hours / rule.recalled_within)
    return hours * exp(spread * streams.normal("present.onset.told", pid))


def _complaint(condition: Condition, person: Person, streams: Streams, words: WordTable) -> str:
    """What is written down at the door: a complaint of the illness, or for some the one that they happen to put first."""
    own = streams.uniform("present.complaint.own", person.id) >= load_bodies().scatter.words.other_complaint * person.mixed
    shares = condition.complaints if own else words.complaint_shares
    return streams.pick(tuple((str(name), weight) for name, weight in shares.items()), "present.complaint", person.id)


def _triage_note(condition: Condition, person: Person, streams: Streams, words: WordTable, complaint: str) -> str:
    own = {str(name): note for name, note in condition.complaint_notes.items()}.get(complaint, "")
    pool = (*words.complaints[complaint], *others_with(complaint).notes)  # type: ignore[index]  # one of the complaints
    common = pool[int(streams.uniform("present.sentence", person.id) * len(pool))]
    uses_own = own and streams.uniform("present.note", person.id) >= load_bodies().scatter.words.other_note * person.mixed
    since = roughly(told_hours(condition, person.id, streams))
    return f"{person.age}-year-old {'man' if person.sex == 'male' else 'woman'}. {own if uses_own else common} {since}"


def roughly(hours: float) -> str:
    """How long it has been going on, as it is put at the door; asking gives the hours."""
    return next(words for most, words in AT_THE_DOOR if hours < most)


def _since(hours: float) -> str:
    if hours < 1.5:
        return f"Since about {max(5, 5 * round(hours * 12))} minutes."
    if hours < 36.0:
        return f"Since about {round(hours)} hours."
    return f"Since {round(hours / 24)} days."


def _history(condition: Condition, person: Person, streams: Streams, words: WordTable, complaint: str) -> dict[str, str]:
    share = _said(person, streams)
    said: dict[str, list[str]] = {topic: [] for topic in words.history}
    for index, line in enumerate(condition.history):
        if streams.uniform("present.history", person.id, index) < line.p * share:
            said[line.topic].append(line.says)
    for topic, lines in said.items():
        if topic != "onset" or not lines:
            lines.extend(
                _besides(others_with(complaint).history.get(topic, ()), condition, person, streams, topic, load_bodies().scatter.words.history)
            )
    said["onset"].insert(0, _since(told_hours(condition, person.id, streams)))
    if streams.uniform("present.herring", person.id) < words.herring_share:
        topic, herring = words.herrings[int(streams.uniform("present.herring", person.id, 1) * len(words.herrings))]
        said[topic].append(herring)
    said["past"].extend(_own_history(person))
    said["drugs"].extend([f"Takes {', '.join(drug.replace('_', ' ') for drug in person.home_drugs)}."] if person.home_drugs else [])
    said["allergies"].extend(_own_allergies(person))
    return {topic: _worded(lines or [words.history[topic]], person, streams, words) for topic, lines in said.items()}  # type: ignore[index]


def _worded(lines: list[str], person: Person, streams: Streams, words: WordTable) -> str:
    """The lines as this person puts them, each in one of the ways to say the same."""
    ways = (words.ways_to_say.get(line) for line in lines)
    chosen = (
        way[int(streams.uniform(f"present.way.{way[0]}", person.id) * len(way))] if way else line for way, line in zip(ways, lines, strict=True)
    )
    return " ".join(dict.fromkeys(chosen))


def _said(person: Person, streams: Streams) -> float:
    """The share of its usual probability that a line of the illness has in this person."""
    rule = load_bodies().scatter.words
    return rule.said_if_atypical if is_atypical(person, streams) else rule.said_if_typical


def _besides(pool: tuple[Saying, ...], condition: Condition, person: Person, streams: Streams, where: str, share: float) -> list[str]:
    """Perhaps a line or two of other illnesses that come with this complaint."""
    share *= person.mixed
    weights = tuple((text, weight) for text, weight, sheet in pool if sheet != condition.id)
    most = MOST_BESIDES.get(where, 1)
    keys = [2 * number for number in range(most) if weights and streams.uniform(f"present.besides.{where}", person.id, 2 * number) < share]
    return list(dict.fromkeys(streams.pick(weights, f"present.besides.{where}", person.id, key + 1) for key in keys))


def _own_history(person: Person) -> list[str]:
    table = load_bodies().people.comorbidities
    chronic = [f"Known {table[name].says}." for name in person.comorbidities]
    return [*chronic, *(["Pregnant."] if person.pregnant else [])]


def _own_allergies(person: Person) -> list[str]:
    table = load_bodies().people.allergies
    return [f"Allergic to {table[name].says if name in table else name}." for name in person.allergies]


def _examination(condition: Condition, person: Person, streams: Streams, words: WordTable, complaint: str) -> dict[str, str]:
    share = _said(person, streams)
    found: dict[str, list[str]] = {region: [] for region in words.examination}
    for index, line in enumerate(condition.examination):
        if streams.uniform("present.examination", person.id, index) < line.p * share:
            found[line.region].append(line.finds)
    for region, lines in found.items():
        if not lines:
            pool = others_with(complaint).examination.get(region, ())
            lines.extend(_besides(pool, condition, person, streams, region, load_bodies().scatter.words.examination))
    return {region: _worded(lines or [words.examination[region]], person, streams, words) for region, lines in found.items()}  # type: ignore[index]


Saying = tuple[str, float, str]
"""A line, its weight, and the sheet it stands in."""


@dataclass(frozen=True, slots=True)
class Sayings:
    """What is said and found in those who come with one complaint: notes, lines of history by topic, of examination by region."""

    notes: tuple[str, ...]
    history: dict[str, tuple[Saying, ...]]
    examination: dict[str, tuple[Saying, ...]]


@cache
def others_with(complaint: str) -> Sayings:
    """What the shipped sheets say of those who come with `complaint`."""
    history: dict[str, list[Saying]] = {}
    examination: dict[str, list[Saying]] = {}
    notes: list[str] = []
    for sheet in load_conditions().values():
        weight = {str(name): share for name, share in sheet.complaints.items()}.get(complaint, 0.0)
        if sheet.kind == "inpatient" or not weight:
            continue
        notes.extend(note for name, note in sheet.complaint_notes.items() if name == complaint)
        for line in sheet.history:
            history.setdefault(line.topic, []).append((line.says, line.p * weight * (not line.telling), sheet.id))
        rarely = 1.0 if sheet.kind == "mimic" else HARD_TO_FIND
        for finding in sheet.examination:
            examination.setdefault(finding.region, []).append((finding.finds, finding.p * weight * rarely * (not finding.telling), sheet.id))
    return Sayings(tuple(notes), _told(history), _told(examination))


def _told(lines: dict[str, list[Saying]]) -> dict[str, tuple[Saying, ...]]:
    return {where: tuple(saying for saying in sayings if saying[1] > 0.0) for where, sayings in lines.items()}

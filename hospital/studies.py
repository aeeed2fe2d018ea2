"""Studies: what images show, how a report compares, who must not have a protocol; `viewing` says what can be measured on them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from clinsim.data_file import checked, read_data
from clinsim.hospital.drug_facts import Finding, PatientFacts, holds
from clinsim.hospital.streams import Streams
from clinsim.imaging_file import Appearance, Imaging, SafetyRule

BOTH = "both_"
"""Prefix of a region that takes in the right and the left one."""

Sign = tuple[str, str, str, float]
"""A line of a condition sheet: kind of study, finding, region (empty: any), sensitivity."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A finding that images truly show, and where."""

    finding: str
    region: str


@dataclass(frozen=True, slots=True)
class Study:
    """Images of a patient: kind of study, protocol, the minute they were taken, what they truly show, earlier studies.

    `key` is the entity of the draws for its noise; without one the id is.
    """

    id: str
    patient: str
    code: str
    protocol: str
    minute: float
    findings: tuple[Shown, ...]
    priors: tuple[str, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Grade:
    """A report against the images: findings found, invented and missed; among them critical ones found, missed and invented."""

    tp: int
    fp: int
    fn: int
    critical_tp: int
    critical_fn: int
    critical_fp: int = 0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall; 1 where there was nothing to find and nothing was invented."""
        return 2.0 * self.tp / (2 * self.tp + self.fp + self.fn) if self.tp + self.fp + self.fn else 1.0


@lru_cache(maxsize=1)
def load_imaging() -> Imaging:
    """The studies and findings of the house.

    Raises:
        ScenarioError: The file is wrong; the message names file, field and what is allowed.
    """
    return checked(Imaging, read_data("imaging.yaml"), "imaging.yaml")


# ---------------------------------------------------------------- what is there


def shown(signs: Iterable[Sign], severity: float, code: str, streams: Streams, key: str, imaging: Imaging | None = None) -> tuple[Shown, ...]:
    """What a study truly shows: signs of the condition, each with its sensitivity, and what chance brings.

    Args:
        signs: Imaging lines of the condition sheet, of all kinds of study.
        severity: Severity of the condition when the images are taken, 0 to 1.
        code: Kind of study.
        streams: Keyed randomness.
        key: Entity of the draws. With the patient's key, a second study of the kind shows what the first one did, or
            more as severity grows; with a key for each study, each is a new chance.
        imaging: Rules; those of the house if none are given.
    """
    rules = imaging or load_imaging()
    size = min(1.0, severity / rules.full_size_from)
    found = dict.fromkeys(_of_condition(signs, size, code, streams, key, rules))
    present = {item.finding for item in found}
    by_chance = (item for item in _by_chance(code, streams, key, rules) if item.finding not in present)
    return (*found, *by_chance)


def _of_condition(signs: Iterable[Sign], size: float, code: str, streams: Streams, key: str, rules: Imaging) -> Iterator[Shown]:
    for study, finding, region, sensitivity in signs:
        if study != code:
            continue
        where = region or _some_region(rules.findings[finding].seen[code], finding, streams, key)
        if streams.uniform(f"sign.{finding}.{where}", key) < size * sensitivity:
            yield Shown(finding, where)


def _by_chance(code: str, streams: Streams, key: str, rules: Imaging) -> Iterator[Shown]:
    for name, finding in rules.findings.items():
        share = finding.incidental.get(code, 0.0)
        if share > 0.0 and streams.uniform(f"incidental.{name}", key) < share:
            yield Shown(name, _some_region(finding.seen[code], name, streams, key))


def _some_region(look: Appearance, finding: str, streams: Streams, key: str) -> str:
    return look.regions[int(streams.uniform(f"region.{finding}", key) * len(look.regions))]


def same_place(a: str, b: str) -> bool:
    """Whether two regions are the same, or one is the pair that the other belongs to; an empty one is anywhere."""
    if a == b or not a or not b:
        return True
    pair, one = (a, b) if a.startswith(BOTH) else (b, a)
    return pair.startswith(BOTH) and one in (f"right_{pair[len(BOTH) :]}", f"left_{pair[len(BOTH) :]}")


# ---------------------------------------------------------------- how a report compares


def grade(reported: Iterable[Shown | tuple[str, str]], truth: Iterable[Shown], imaging: Imaging | None = None) -> Grade:
    """Compare the findings of a report with what the images show.

    A finding counts where it is: on the wrong side it is one invented and one missed. Each finding of the images is
    matched once, so that saying it twice gains nothing and costs one invented finding if it is said of two places.

    Args:
        reported: Findings and regions; an empty region is matched anywhere.
        truth: What the images show.
        imaging: Rules; those of the house if none are given.
    """
    rules = imaging or load_imaging()
    missed = list(truth)
    invented: list[Shown] = []
    found: list[Shown] = []
    for item in dict.fromkeys(_as_shown(entry) for entry in reported):
        match = next((real for real in missed if _matches(item, real)), None)
        if match is None:
            invented.append(item)
        else:
            missed.remove(match)
            found.append(match)
    critical = [sum(is_critical(item.finding, rules) for item in items) for items in (found, missed, invented)]
    return Grade(len(found), len(invented), len(missed), *critical)


def is_critical(finding: str, imaging: Imaging) -> bool:
    """Whether a finding must be phoned; a name that nobody knows need not."""
    return finding in imaging.findings and imaging.findings[finding].critical


def _as_shown(entry: Shown | tuple[str, str]) -> Shown:
    return entry if isinstance(entry, Shown) else Shown(*entry)


def _matches(item: Shown, real: Shown) -> bool:
    return item.finding == real.finding and same_place(item.region, real.region)


# ---------------------------------------------------------------- who must not have it


def review_protocol(code: str, protocol: str, patient: PatientFacts, imaging: Imaging | None = None) -> tuple[Finding, ...]:
    """What speaks against a protocol for this patient: contrast and kidneys or allergy, radiation, magnet.

    Args:
        code: Kind of study.
        protocol: Its protocol; any other text stands for the usual one.
        patient: The facts to judge by.
        imaging: Rules; those of the house if none are given.
    """
    rules = imaging or load_imaging()
    named: Mapping[str, SafetyRule] = rules.safety
    held = (named[name] for name in rules.studies[code].protocol(protocol).safety)
    return tuple(_warning(rule) for rule in held if _applies(rule, patient))


def _warning(rule: SafetyRule) -> Finding:
    loss = 0.0 if rule.severity == "note" else rule.loss
    return Finding(rule.code, rule.severity, rule.text, loss, rule.source)


def _applies(rule: SafetyRule, patient: PatientFacts) -> bool:
    """Whether all that the rule names is so."""
    allergic = {entry.partition(":")[0].strip().lower() for entry in patient.allergies}
    return (
        holds(rule.when, patient)
        and (not rule.allergies or bool(allergic & set(rule.allergies)))
        and (not rule.drugs or bool(set(patient.current_drugs) & set(rule.drugs)))
        and (not rule.pregnant or patient.pregnant)
    )

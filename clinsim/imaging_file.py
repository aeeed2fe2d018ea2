"""Imaging as data: studies with protocols, regions and windows, and what a measurement reads when a finding is there.

Read from `scenarios/imaging.yaml`. A measurement bears no finding's name: the radiologist must work out what it means.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import cached_property
from typing import Annotated, Literal

from pydantic import Field, model_validator

from clinsim.data_file import Rule
from clinsim.formulary_file import Circumstance, Severity
from clinsim.hospital_file import Positive, Share, Source

Modality = Literal["radiograph", "ct", "ultrasound", "mri"]


class SafetyRule(Rule):
    """A fact about the patient that speaks against a protocol; `loss` is expected utility loss at 30 days."""

    code: Literal["CONTRAST_RENAL", "CONTRAST_ALLERGY", "RADIATION", "MAGNET", "METFORMIN"]
    when: Circumstance = Circumstance()
    allergies: tuple[str, ...] = ()
    drugs: tuple[str, ...] = ()
    pregnant: bool = False
    severity: Severity
    text: str
    loss: Share
    source: Source


class ProtocolRule(Rule):
    """A way of taking a study: room minutes, contrast, noise relative to the best technique, who must not have it."""

    title: str
    room_minutes: Positive
    contrast: bool = False
    noise: Annotated[float, Field(ge=1)]
    safety: tuple[str, ...] = ()


class StudyRule(Rule):
    """A kind of study: modality, protocols (the usual one first), minutes a reader needs, and what can be looked at."""

    title: str
    modality: Modality
    protocols: Annotated[dict[str, ProtocolRule], Field(min_length=1)]
    reading_minutes: Positive
    regions: Annotated[tuple[str, ...], Field(min_length=1)]
    windows: Annotated[tuple[str, ...], Field(min_length=1)]
    source: Source

    @property
    def usual_protocol(self) -> str:
        """The protocol that a request without one gets."""
        return next(iter(self.protocols))

    def protocol(self, name: str = "") -> ProtocolRule:
        """The protocol of that name; the usual one for any other text."""
        return self.protocols.get(name, self.protocols[self.usual_protocol])

    @property
    def room_minutes(self) -> float:
        """Minutes in the room by the usual protocol."""
        return self.protocol().room_minutes

    @property
    def contrast(self) -> bool:
        """Whether the usual protocol needs contrast."""
        return self.protocol().contrast


class Spread(Rule):
    """A normal distribution: mean and standard deviation, in the unit of its measure."""

    mean: float
    sd: Positive


class MeasureRule(Rule):
    """A quantity measured on images: unit, distribution where nothing is found, and the values that it can take."""

    unit: str
    absent: Spread
    low: float
    high: float
    digits: Annotated[int, Field(ge=0, le=4)]


class Appearance(Rule):
    """Where a finding shows on a kind of study: regions, window, protocols (all, if none is named), and measures."""

    regions: Annotated[tuple[str, ...], Field(min_length=1)]
    window: str
    protocols: tuple[str, ...] = ()
    present: Annotated[dict[str, Spread], Field(min_length=1)]


class FindingRule(Rule):
    """A finding: whether it must be called at once, where it shows, how often chance brings it (share, by study)."""

    title: str
    critical: bool
    seen: Annotated[dict[str, Appearance], Field(min_length=1)]
    incidental: dict[str, Share] = Field(default_factory=dict)
    source: Source


class ArchiveRule(Rule):
    """Earlier studies: share of patients who have one of the kind, its age in days, share of findings by chance that it shows already."""

    share: Share
    from_days: Positive
    to_days: Positive
    chronic_share: Share
    source: Source


class Imaging(Rule):
    """All studies, findings and measures, and who must not have which protocol."""

    version: Annotated[int, Field(ge=1)]
    full_size_from: Annotated[float, Field(gt=0, le=1)]
    full_size_source: Source
    archive: ArchiveRule
    safety: dict[str, SafetyRule]
    studies: Annotated[dict[str, StudyRule], Field(min_length=1)]
    measures: Annotated[dict[str, MeasureRule], Field(min_length=1)]
    findings: Annotated[dict[str, FindingRule], Field(min_length=1)]
    measures_source: Source

    @model_validator(mode="after")
    def _known(self) -> Imaging:
        for code, study in self.studies.items():
            _only(f"studies.{code}.protocols", ("standard",), study.protocols)  # the technician's, where nobody chooses
            for name, protocol in study.protocols.items():
                _only(f"studies.{code}.protocols.{name}.safety", protocol.safety, self.safety)
        for name, finding in self.findings.items():
            _only(f"findings.{name}.seen", finding.seen, self.studies)
            _only(f"findings.{name}.incidental", finding.incidental, finding.seen)
            for code, look in finding.seen.items():
                self._known_look(f"findings.{name}.seen.{code}", look, self.studies[code])
        return self

    def _known_look(self, field: str, look: Appearance, study: StudyRule) -> None:
        _only(f"{field}.regions", look.regions, study.regions)
        _only(f"{field}.window", (look.window,), study.windows)
        _only(f"{field}.protocols", look.protocols, study.protocols)
        _only(f"{field}.present", look.present, self.measures)

    @cached_property
    def measured(self) -> dict[tuple[str, str, str], tuple[str, ...]]:
        """Names of the measures that can be taken, by study code, region and window, in order of the file."""
        found: dict[tuple[str, str, str], dict[str, None]] = {}
        for finding in self.findings.values():
            for code, look in finding.seen.items():
                for region in look.regions:
                    found.setdefault((code, region, look.window), {}).update(dict.fromkeys(look.present))
        return {key: tuple(name for name in self.measures if name in names) for key, names in found.items()}

    def findings_of(self, code: str) -> tuple[str, ...]:
        """Names of the findings that a kind of study can show."""
        return tuple(name for name, finding in self.findings.items() if code in finding.seen)


def _only(field: str, names: Iterable[str], allowed: Iterable[str]) -> None:
    known = list(allowed)
    unknown = [name for name in names if name not in known]
    if unknown:
        raise ValueError(f"{field}: unknown {', '.join(unknown)}; allowed {', '.join(known)}")

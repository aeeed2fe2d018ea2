"""Conditions as data: one sheet each under `scenarios/conditions/`, read by one strict model. Adding a condition is adding a file.

A sheet says who comes with it, how severity runs on its own, what can be seen of it, what helps, what harms, and what its outcome is known to be.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, lru_cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from types import MappingProxyType
from typing import Annotated, Literal

from pydantic import Field, model_validator

from clinsim.condition_parts import (
    Acuity,
    Complaint,
    CourseRule,
    Disposition,
    EcgLine,
    Estimate,
    ExaminationLine,
    Fitted,
    Harm,
    HistoryLine,
    ImagingLine,
    LabRule,
    PeopleRule,
    Sources,
    Text,
    Treatment,
    Vital,
    VitalRule,
)
from clinsim.data_file import Rule, read_sheet
from clinsim.errors import ScenarioError
from clinsim.hospital_file import Positive, Share


class Condition(Rule):
    """A condition sheet.

    Probabilities of death and disability are at 30 days; `disability_loss` is 1 minus the utility of that disability. `accepted` are codes that
    neither help much nor count as needless.
    """

    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    version: Annotated[int, Field(ge=1)]
    title: Text
    kind: Literal["disease", "mimic", "inpatient"]
    diagnosis_synonyms: Annotated[tuple[str, ...], Field(min_length=1)]
    complaints: Annotated[dict[Complaint, Positive], Field(min_length=1)]
    complaint_notes: dict[Complaint, Text] = Field(default_factory=dict)
    people: PeopleRule
    course: CourseRule
    icu_above: Share | None = None
    acuity: Annotated[tuple[Acuity, ...], Field(min_length=1)]
    disposition: Disposition
    vitals: dict[Vital, VitalRule]
    labs: dict[str, LabRule]
    ecg: tuple[EcgLine, ...]
    history: Annotated[tuple[HistoryLine, ...], Field(min_length=2)]
    examination: Annotated[tuple[ExaminationLine, ...], Field(min_length=2)]
    imaging: tuple[ImagingLine, ...]
    p_untreated: Estimate
    p_optimal: Estimate
    p_disability_untreated: Estimate
    p_disability: Estimate
    disability_loss: Share
    treatments: tuple[Treatment, ...]
    harms: tuple[Harm, ...]
    accepted: tuple[str, ...] = ()
    key_tests: tuple[str, ...]
    critical_imaging: bool
    traps: Annotated[tuple[Text, ...], Field(min_length=1)]
    fitted: Fitted
    sources: Sources

    @model_validator(mode="after")
    def _consistent(self) -> Condition:
        ids = [treatment.id for treatment in self.treatments]
        unknown = {need for treatment in self.treatments for need in treatment.needs} - set(ids)
        if unknown:
            raise ValueError(f"treatments.needs: unknown {', '.join(sorted(unknown))}; allowed {', '.join(ids)}")
        names = [*ids, *(harm.id for harm in self.harms)]
        if len(set(names)) != len(names):
            raise ValueError(f"treatments and harms must have different ids, not {', '.join(names)}")
        if self.acuity[0].above != 0.0 or list(self.acuity) != sorted(self.acuity, key=lambda level: level.above):
            raise ValueError("acuity: levels must start at above: 0 and rise")
        if set(self.complaint_notes) - set(self.complaints):
            raise ValueError(f"complaint_notes: allowed {', '.join(self.complaints)}")
        if self.p_optimal.value > self.p_untreated.value:
            raise ValueError(f"p_optimal: at most p_untreated, {self.p_untreated.value:g}, not {self.p_optimal.value:g}")
        if self.p_optimal.value < self.p_untreated.value and not any(treatment.essential for treatment in self.treatments):
            raise ValueError("treatments: p_optimal is below p_untreated, so one must be essential")
        return self

    @property
    def esi(self) -> int:
        """The right triage level at mild severity; `esi_at` knows the others."""
        return self.acuity[0].esi

    def esi_at(self, x: float) -> int:
        """The right triage level (ESI 1 to 5) at severity `x`."""
        return next(level.esi for level in reversed(self.acuity) if x >= level.above)

    def needs_icu(self, x: float) -> bool:
        """Whether severity `x` calls for intensive care."""
        return self.icu_above is not None and x >= self.icu_above

    @cached_property
    def _uses(self) -> frozenset[str]:
        return frozenset(self.accepted).union(*(treatment.any_of for treatment in self.treatments))

    def has_use_for(self, code: str) -> bool:
        """Whether a drug or procedure helps in this condition or is at least accepted: giving it is not needless."""
        return code in self._uses

    @property
    def essential(self) -> tuple[Treatment, ...]:
        """The treatments without which care is not optimal."""
        return tuple(treatment for treatment in self.treatments if treatment.essential)


@lru_cache(maxsize=1)
def load_conditions() -> Mapping[str, Condition]:
    """All shipped condition sheets by id, in alphabetical order.

    Raises:
        ScenarioError: A sheet is wrong; the message names file, field and what is allowed.
    """
    return read_conditions(files("clinsim.scenarios") / "conditions")


def read_conditions(folder: Traversable) -> Mapping[str, Condition]:
    """All sheets of a folder by id, in alphabetical order: one file each, named like its condition.

    Raises:
        ScenarioError: A sheet is wrong; the message names file, field and what is allowed.
    """
    sheets = sorted((item.name, item.read_text(encoding="utf-8")) for item in folder.iterdir() if item.name.endswith(".yaml"))
    return MappingProxyType({name.removesuffix(".yaml"): read_condition(text, name) for name, text in sheets})


def read_condition(text: str, origin: str) -> Condition:
    """The sheet in a YAML text; `origin` is the file's name.

    Raises:
        ScenarioError: It is no YAML, or a field is missing, unknown or not allowed.
    """
    condition = read_sheet(Condition, text, origin)
    if f"{condition.id}.yaml" != origin.rsplit("/", 1)[-1]:
        raise ScenarioError(f"{origin}: id: {condition.id!r} must be the file's name without its ending")
    return condition

"""How long a stage takes: a keyed draw from the duration that the hospital file states."""

from __future__ import annotations

from math import exp
from typing import TYPE_CHECKING

from clinsim.hospital.streams import Streams
from clinsim.hospital_file import Duration

if TYPE_CHECKING:
    from clinsim.hospital.hospital import Hospital


def draw(streams: Streams, rule: Duration, process: str, entity: str, index: int = 0) -> float:
    """Minutes of a stage for the key: lognormal by median and sigma, exponential by mean, or fixed."""
    if rule.kind == "fixed":
        return float(rule.minutes or 0.0)
    if rule.kind == "exponential":
        return streams.exponential(float(rule.mean or 0.0), process, entity, index)
    return float(rule.median or 0.0) * exp(float(rule.sigma or 0.0) * streams.normal(process, entity, index))


def minutes_of(hospital: Hospital, stage: str, entity: str, index: int = 0) -> float:
    """Minutes of a named stage of the hospital for an entity."""
    return draw(hospital.streams, hospital.rules.stages[stage], stage, entity, index)

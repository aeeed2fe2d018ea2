"""Looking at images: what a region offers under a window, how good the pictures are, and what an earlier study showed there.

The pictures are the phantoms of `hospital.images`: drawn when somebody first looks at a study, then kept for the next looks.
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

from clinsim.errors import ToolError
from clinsim.hospital.images import Lesion, Spec, look, quality_of
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import Study, load_imaging
from clinsim.imaging_file import Imaging

MINUTES_PER_DAY = 1440.0


def spec_of(study: Study, streams: Streams) -> Spec:
    """The pictures of a study: anatomy by its patient, noise by its key, findings as they truly are."""
    lesions = tuple(Lesion(item.finding, item.region) for item in study.findings)
    return Spec(study.code, lesions, study.protocol, study.patient, study.key or study.id, streams.seed)


def view(study: Study, region: str, window: str, streams: Streams, imaging: Imaging | None = None) -> dict[str, float]:
    """What can be measured in a region and window: noisy numbers by measure, without the name of any finding.

    A window in which a finding does not show tells nothing of it; one in which nothing shows measures nothing.

    Args:
        study: The images.
        region: Region of the study.
        window: Window of the study.
        streams: Keyed randomness; the same look gives the same numbers.
        imaging: Rules; those of the house if none are given.

    Raises:
        ToolError: The study has no such region or window; the message names those it has.
    """
    rules = imaging or load_imaging()
    rule = rules.studies[study.code]
    for what, value, allowed in (("region", region, rule.regions), ("window", window, rule.windows)):
        if value not in allowed:
            raise ToolError(f"{study.code} has no {what} {value!r}; allowed {', '.join(allowed)}")
    if not rules.measured.get((study.code, region, window)):
        return {}
    spec = spec_of(study, streams)
    return dict(_looked(spec, region, window)) if rules is load_imaging() else look(spec, region, window, rules)


@lru_cache(maxsize=4096)
def _looked(spec: Spec, region: str, window: str) -> dict[str, float]:
    """A look by the rules of the house: it follows from the keys alone, and is kept for whoever looks again, in this episode or another."""
    return look(spec, region, window)


def prior_of(study: Study, streams: Streams, imaging: Imaging | None = None) -> Study | None:
    """An earlier study of the same kind from another time, if the archive has one: same anatomy, without what is new.

    A finding that is found by chance may have been there already; what brings a patient to hospital was not.

    Args:
        study: The images of today.
        streams: Keyed randomness.
        imaging: Rules; those of the house if none are given.
    """
    rules = imaging or load_imaging()
    entity = f"{study.patient}.{study.code}"
    if streams.uniform("archive.has", entity) >= rules.archive.share:
        return None
    days = streams.between(rules.archive.from_days, rules.archive.to_days, "archive.days", entity)
    kept = tuple(
        item
        for item in study.findings
        if study.code in rules.findings[item.finding].incidental and streams.uniform(f"archive.{item.finding}", entity) < rules.archive.chronic_share
    )
    usual = rules.studies[study.code].usual_protocol
    return replace(
        study, id=f"{study.id}.prior", protocol=usual, minute=study.minute - days * MINUTES_PER_DAY, findings=kept, priors=(), key=f"{entity}.archive"
    )


def seen(study: Study, region: str, window: str, streams: Streams, earlier: Study | None = None) -> dict[str, Any]:
    """All that a look tells: measures, technical quality, and, if there is an earlier study, its age and its measures there.

    Args:
        study: The images.
        region: Region of the study.
        window: Window of the study.
        streams: Keyed randomness.
        earlier: The last study of the same kind in this stay; else the archive is asked.
    """
    facts: dict[str, Any] = {"measures": view(study, region, window, streams), "quality": quality_of(spec_of(study, streams))}
    prior = earlier or prior_of(study, streams)
    if prior is not None and facts["measures"]:
        days = round((study.minute - prior.minute) / MINUTES_PER_DAY, 1)
        facts["prior"] = {"days_ago": days, "measures": view(prior, region, window, streams)}
    return facts

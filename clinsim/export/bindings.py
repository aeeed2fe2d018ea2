"""Words that FHIR R4B requires in certain fields, and references that must lead somewhere: what `fhir.resources` does not check.

Source: HL7 FHIR R4B (4.3.0), required bindings of the resources that are exported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

Resource = Mapping[str, Any]

_CLINICAL = "active recurrence relapse inactive remission resolved"
_VERIFIED = "unconfirmed provisional differential confirmed refuted entered-in-error"
_REQUEST = "draft active on-hold revoked completed entered-in-error unknown"
_REPORT = "registered partial preliminary final amended corrected appended cancelled entered-in-error unknown"
_INTENT = "proposal plan order original-order reflex-order filler-order instance-order option"
_PRIORITY = "routine urgent asap stat"

REQUIRED: dict[str, str] = {
    "Bundle.type": "document message transaction transaction-response batch batch-response history searchset collection",
    "Patient.gender": "male female other unknown",
    "Encounter.status": "planned arrived triaged in-progress onleave finished cancelled entered-in-error unknown",
    "AllergyIntolerance.type": "allergy intolerance",
    "AllergyIntolerance.category": "food medication environment biologic",
    "AllergyIntolerance.criticality": "low high unable-to-assess",
    "AllergyIntolerance.clinicalStatus": "active inactive resolved",
    "AllergyIntolerance.verificationStatus": "unconfirmed presumed confirmed refuted entered-in-error",
    "Condition.clinicalStatus": _CLINICAL,
    "Condition.verificationStatus": _VERIFIED,
    "Observation.status": "registered preliminary final amended corrected cancelled entered-in-error unknown",
    "ServiceRequest.status": _REQUEST,
    "ServiceRequest.intent": "proposal plan directive order original-order reflex-order filler-order instance-order option",
    "ServiceRequest.priority": _PRIORITY,
    "MedicationRequest.status": "active on-hold cancelled completed entered-in-error stopped draft unknown",
    "MedicationRequest.intent": _INTENT,
    "MedicationRequest.priority": _PRIORITY,
    "MedicationAdministration.status": "in-progress not-done on-hold completed entered-in-error stopped unknown",
    "MedicationStatement.status": "active completed entered-in-error intended stopped on-hold unknown not-taken",
    "DiagnosticReport.status": _REPORT,
    "ImagingStudy.status": "registered available cancelled entered-in-error unknown",
    "Procedure.status": "preparation in-progress not-done on-hold stopped completed entered-in-error unknown",
    "DocumentReference.status": "current superseded entered-in-error",
}
"""Allowed words by resource and field."""
WORDS = {field: frozenset(words.split()) for field, words in REQUIRED.items()}
MUST_HAVE = frozenset(field for field in WORDS if field.rpartition(".")[2] in ("status", "intent", "type")) - {"AllergyIntolerance.type"}
"""Fields that may not be left out."""


def faults(bundle: Resource) -> list[str]:
    """What is wrong in a bundle: words that are not allowed, fields that are missing, references that lead nowhere, ids used twice."""
    known = [entry["fullUrl"] for entry in bundle.get("entry", ())]
    found = [f"{url}: used twice" for url in sorted({url for url in known if known.count(url) > 1})]
    found += _words(bundle)
    for entry in bundle.get("entry", ()):
        found += _words(entry["resource"])
        found += [f"{entry['fullUrl']}: refers to {to}, which is not there" for to in _references(entry["resource"]) if to not in set(known)]
    return found


def _words(resource: Resource) -> Iterator[str]:
    kind = resource["resourceType"]
    for field, words in WORDS.items():
        of, _, name = field.partition(".")
        if of != kind:
            continue
        said = list(_said(resource.get(name)))
        if not said and field in MUST_HAVE:
            yield f"{field}: missing"
        yield from (f"{field}: {word!r} is not one of {', '.join(sorted(words))}" for word in said if word not in words)


def _said(value: Any) -> Iterator[str]:
    """The words of a field: a code, a list of codes, or the codes of a concept."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _said(item)
    elif isinstance(value, Mapping):
        yield from (coding["code"] for coding in value.get("coding", ()))


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        if isinstance(value.get("reference"), str):
            yield value["reference"]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)

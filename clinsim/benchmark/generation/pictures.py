"""Questions on images of the shift (`visual_diagnosis`, `radiology_report`), drawn as they were and answered by measuring.

A question on a finding is asked only where its measure stands well beyond the middle between what is usual and what is drawn, so that it can be seen.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from clinsim.benchmark.generation.charted import image
from clinsim.benchmark.generation.drafts import Draft, Template, choice, number, read
from clinsim.benchmark.generation.moments import Moment
from clinsim.hospital.records.images import PhantomRule
from clinsim.hospital.studies import Shown, load_imaging
from clinsim.hospital.tools.pictures import Measurement, measurements_on

VISUAL, REPORT = "visual_diagnosis", "radiology_report"
Measures = tuple[Measurement, ...]


def measured(moment: Moment) -> Measures:
    """All that is measured on the picture, as the tools measure it."""
    return measurements_on(PhantomRule.model_validate_json(json.dumps(image(moment)["phantom"])), moment.person, moment.id, "")


def _is_seen(finding: str, region: str, code: str, measures: Measures) -> bool:
    """Whether the first measure of a finding stands on the far side of the middle in a region."""
    look = load_imaging().findings[finding].seen[code]
    name, drawn = next(iter(look.present.items()))
    row = next((row for row in measures if (row.region, row.window, row.measure) == (region, look.window, name)), None)
    if row is None:
        return False
    middle = (row.usual + drawn.mean) / 2
    return row.value > middle if drawn.mean > row.usual else row.value < middle


def _seen(moment: Moment) -> tuple[list[tuple[str, str]], Measures]:
    """Every finding and place that the measures speak for, whatever was drawn."""
    assert moment.study is not None
    imaging, code, rows = load_imaging(), moment.study.code, measured(moment)
    pairs = [(name, region) for name in imaging.findings_of(code) for region in imaging.findings[name].seen[code].regions]
    return [(name, region) for name, region in pairs if _is_seen(name, region, code, rows)], rows


def _clear(moment: Moment) -> Shown | None:
    """The one finding of an image where drawn and measured agree and nothing else is near it; None elsewhere."""
    assert moment.study is not None
    drawn = moment.study.findings
    found, _ = _seen(moment)
    return drawn[0] if len(drawn) == 1 and (drawn[0].finding, drawn[0].region) in found and len(found) == 1 else None


def _look(moment: Moment, domain: str) -> dict[str, object]:
    return read("analyze_medical_image", image_id=moment.id) if domain == VISUAL else read("analyze_findings", study_id=moment.id)


def which_finding(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """What is on an image, by its measures."""
    shown, imaging = _clear(moment), load_imaging()
    if shown is None or moment.study is None:
        return None
    names = [name for name in imaging.findings_of(moment.study.code) if name != shown.finding][:3]
    if len(names) < 2:
        return None
    wrong = [imaging.findings[name].title for name in names]
    ticket = f"Image {moment.id}. Which finding do the measures speak for?"
    return choice(
        ticket, [moment], [_look(moment, VISUAL)], imaging.findings[shown.finding].title, wrong, f"Drawn: {shown.finding} in {shown.region}."
    )


def farthest(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Which measure strays most from the usual, as a ratio."""
    rows = [row for row in measured(moment) if row.usual > 0.5 and row.value > 0]
    if len(rows) < 4:
        return None
    best = max(rows, key=lambda row: row.value / row.usual)
    ticket = f"Image {moment.id}. Of all measures whose usual value is above 0.5, what is the highest ratio of a value to its usual value?"
    why = f"{best.measure} in {best.region}: {best.value:g} against {best.usual:g}."
    return number(ticket, moment, [_look(moment, VISUAL)], "Highest ratio", best.value / best.usual, why, difficulty="hard")


def which_image(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Which of several images shows more of one measure."""
    assert moment.study is not None
    alike = [one for one in others if one.study and one.study.code == moment.study.code and one.chart.id != moment.chart.id][:2]
    if not alike:
        return None
    three = [moment, *alike]
    first = measured(moment)[-1]
    values = {one.id: next(row.value for row in measured(one) if (row.region, row.measure) == (first.region, first.measure)) for one in three}
    best = max(values, key=lambda key: values[key])
    if sum(value == values[best] for value in values.values()) > 1:
        return None
    ticket = f"Images {', '.join(values)}: on which is {first.measure} in the region {first.region} largest?"
    return choice(ticket, three, [_look(one, VISUAL) for one in three], best, [key for key in values if key != best], f"{values}", "easy")


def sides(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """How much the right differs from the left in the measure that differs most."""
    rows = {(row.region, row.window, row.measure): row.value for row in measured(moment)}
    pairs = [(value, rows[other, window, name], name) for (region, window, name), value in rows.items()
             if region.startswith("right_") and (other := region.replace("right_", "left_", 1), window, name) in rows]  # fmt: skip
    held = [(right / left, name) for right, left, name in pairs if left > 0 and right > 0]
    if len(held) < 3:
        return None
    value, name = max(held)
    ticket = f"Study {moment.id}. Hold each measure of a right region against the same one of the left. What is the highest ratio of right to left?"
    return number(ticket, moment, [_look(moment, REPORT)], "Highest ratio", value, f"{name}.", difficulty="hard")


def where_is_it(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """In which region the finding is."""
    shown = _clear(moment)
    if shown is None or moment.study is None:
        return None
    rule = load_imaging().studies[moment.study.code]
    wrong = [region.replace("_", " ") for region in rule.regions if region != shown.region][:4]
    ticket = f"Study {moment.id}. In which region do the measures stray far from the usual in the way that a finding does?"
    return choice(ticket, [moment], [_look(moment, REPORT)], shown.region.replace("_", " "), wrong, f"Drawn: {shown.finding} in {shown.region}.")


def anything_there(moment: Moment, others: Sequence[Moment]) -> Draft | None:
    """Whether a study shows nothing, something that can wait, or something to phone about."""
    assert moment.study is not None
    found, _ = _seen(moment)
    drawn = {(row.finding, row.region) for row in moment.study.findings}
    if set(found) != drawn:
        return None
    critical = any(load_imaging().findings[name].critical for name, _ in drawn)
    kinds = ("nothing beyond the usual", "a finding that can wait for the report", "a critical finding: phone at once")
    right = kinds[2] if critical else kinds[1] if drawn else kinds[0]
    imaging = load_imaging()
    named = [imaging.findings[name].title for name in imaging.findings_of(moment.study.code) if imaging.findings[name].critical]
    ticket = f"Study {moment.id}. Which holds, by the measures? Critical here: {', '.join(named) or 'nothing'}."
    return choice(
        ticket, [moment], [_look(moment, REPORT)], right, [kind for kind in kinds if kind != right], f"Drawn: {sorted(drawn) or 'nothing'}."
    )


PHANTOM = "masks and sizes of the phantom"
TEMPLATES = (
    Template("shift-which-finding", VISUAL, "train", "read", PHANTOM, which_finding),
    Template("shift-farthest", VISUAL, "test", "read", PHANTOM, farthest),
    Template("shift-which-image", VISUAL, "heldout", "read", PHANTOM, which_image),
    Template("shift-sides", REPORT, "train", "read", PHANTOM, sides),
    Template("shift-where", REPORT, "test", "read", PHANTOM, where_is_it),
    Template("shift-anything-there", REPORT, "heldout", "read", PHANTOM, anything_there),
)
"""Questions on images."""

"""Reads phantom studies by the guideline radiologist's limits and compares with what was drawn: sensitivity, false findings, calibration.

    python checks/images.py            # about two minutes of CPU; writes checks/results/images.md
    python checks/images.py --each 20  # quicker

For each kind of study: `--each` patients in whom each finding was drawn in turn (by chance in one of its regions), and as many in whom
nothing was; every look of the protocol's last row for that study. No file of the suite depends on it; tests run a slice.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from clinsim.agents.image_reading import certainty, findings
from clinsim.agents.protocol_file import protocols
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import Shown, Study, grade, load_imaging
from clinsim.hospital.viewing import seen

RESULTS = Path(__file__).parent / "results" / "images.md"
Looks = dict[tuple[str, str], dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Read:
    """One study that was read: kind, what was drawn, what was named, how sure."""

    code: str
    truth: tuple[Shown, ...]
    named: tuple[Shown, ...]
    sure: float

    @property
    def is_right(self) -> bool:
        """Whether all and only what was drawn is named."""
        counts = grade(self.named, self.truth)
        return counts.fp == 0 and counts.fn == 0


def views_of(code: str) -> tuple[tuple[str, str], ...]:
    """Where the guideline looks when no question narrows it."""
    return [look for look in protocols().looks if look.study == code][-1].views


def reading(code: str, truth: tuple[Shown, ...], key: str, streams: Streams) -> Read:
    """Draw a study, look everywhere the guideline looks, and read."""
    study = Study(key, key, code, load_imaging().studies[code].usual_protocol, 0.0, truth)
    looks: Looks = {(region, window): seen(study, region, window, streams) for region, window in views_of(code)}
    named = tuple(Shown(name, region) for name, region in findings(code, looks).items())
    return Read(code, truth, named, certainty(code, looks))


def readable(code: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Findings of a kind of study with the regions in which the guideline looks for them, under the usual protocol."""
    rules, views = load_imaging(), views_of(code)
    usual = rules.studies[code].usual_protocol
    for name in rules.findings_of(code):
        look = rules.findings[name].seen[code]
        regions = tuple(region for region in look.regions if (region, look.window) in views)
        known = any(item.finding == name and code in item.studies for item in protocols().readings)
        if regions and known and (not look.protocols or usual in look.protocols):
            yield name, regions


def read_all(each: int, seed: int = 7, codes: tuple[str, ...] = ()) -> list[Read]:
    """All studies: `each` with every finding, and as many as all of these together with none."""
    streams, done = Streams(seed), []
    for code in codes or tuple(load_imaging().studies):
        drawn = [
            (Shown(name, regions[int(streams.uniform("check.region", f"{code}.{name}", i) * len(regions))]),)
            for name, regions in readable(code)
            for i in range(each)
        ]
        for i, truth in enumerate((*drawn, *(() for _ in drawn))):
            done.append(reading(code, truth, f"{code}.{i}", streams))
    return done


def by_finding(done: list[Read]) -> Iterator[str]:
    """A row for each finding on each kind of study."""
    found, all_of = defaultdict(int), defaultdict(int)
    false, clear = defaultdict(int), defaultdict(int)
    for item in done:
        counts = grade(item.named, item.truth)
        for shown in item.truth:
            all_of[item.code, shown.finding] += 1
            found[item.code, shown.finding] += counts.tp
        for name in {n.finding for n in item.named} - {t.finding for t in item.truth}:
            false[item.code, name] += 1
        clear[item.code] += 1
    for code, name in sorted(all_of):
        n, others = all_of[code, name], clear[code] - all_of[code, name]
        yield f"| {code} | {name} | {n} | {found[code, name] / n:.2f} | {1.0 - false[code, name] / max(1, others):.3f} |"


def calibration(done: list[Read]) -> Iterator[str]:
    """Stated certainty against the share of reports that were right."""
    for low, high in ((0.0, 0.5), (0.5, 0.6), (0.6, 0.7), (0.7, 0.8), (0.8, 0.9), (0.9, 1.01)):
        group = [item for item in done if low <= item.sure < high]
        if group:
            stated, right = sum(item.sure for item in group) / len(group), sum(item.is_right for item in group) / len(group)
            yield f"| {low:.1f} to {min(1.0, high):.1f} | {len(group)} | {stated:.2f} | {right:.2f} |"


def scores(done: list[Read]) -> tuple[float, float, float]:
    """F1 over all findings, Brier score of certainty, Brier score of always stating the mean."""
    counts = [grade(item.named, item.truth) for item in done]
    tp, fp, fn = (sum(getattr(c, name) for c in counts) for name in ("tp", "fp", "fn"))
    right = [float(item.is_right) for item in done]
    mean = sum(right) / len(right)
    brier = sum((item.sure - r) ** 2 for item, r in zip(done, right, strict=True)) / len(done)
    return 2 * tp / (2 * tp + fp + fn), brier, mean * (1.0 - mean)


def main() -> None:
    """Read, write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--each", type=int, default=60)
    each = parser.parse_args().each
    done = read_all(each)
    f1, brier, flat = scores(done)
    text = [
        f"Phantom studies read by the guideline's limits: `python checks/images.py --each {each}`, {len(done)} studies.",
        "",
        f"F1 over findings and regions {f1:.3f}; Brier score of the stated certainty {brier:.3f} (always stating the mean: {flat:.3f}).",
        "",
        "| stated certainty | reports | mean stated | right |", "|---|---|---|---|", *calibration(done), "",
        "| study | finding | drawn | found there | specificity (studies) |", "|---|---|---|---|---|", *by_finding(done), "",
    ]  # fmt: skip
    RESULTS.write_text("\n".join(text))
    print("\n".join(text))


if __name__ == "__main__":
    main()

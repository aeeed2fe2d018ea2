"""Images: what shows, and what can be measured."""

import math
from collections.abc import Callable
from itertools import groupby
from operator import itemgetter
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.condition_file import load_conditions
from clinsim.errors import ToolError
from clinsim.hospital.streams import Streams
from clinsim.hospital.studies import Shown, Study, load_imaging, same_place, shown
from clinsim.hospital.viewing import view
from clinsim.imaging_file import Appearance, Imaging

STREAMS = Streams(20)
APPEARANCES = [(name, code) for name, finding in load_imaging().findings.items() for code in finding.seen]


def images(key: str, code: str, *findings: Shown, protocol: str = "") -> Study:
    return Study(key, f"P{key}", code, protocol, 0.0, findings)


def protocol_of(look: Appearance) -> str:
    return look.protocols[0] if look.protocols else ""


# ---------------------------------------------------------------- what is measured


def likelihood(look: Appearance) -> Callable[[dict[str, float]], float]:
    """The best reading of a view for one finding: log likelihood ratio over all its measures."""
    measures = load_imaging().measures
    pairs = [
        (name, NormalDist(spread.mean, spread.sd), NormalDist(measures[name].absent.mean, measures[name].absent.sd))
        for name, spread in look.present.items()
    ]

    def ratio(values: dict[str, float]) -> float:
        return sum(math.log(there.pdf(values[name]) + 1e-300) - math.log(absent.pdf(values[name]) + 1e-300) for name, there, absent in pairs)

    return ratio


def area_under_curve(without: list[float], present: list[float]) -> float:
    """Share of pairs in which the image with the finding reads higher; ties count half."""
    ranked = sorted([(value, 0) for value in without] + [(value, 1) for value in present])
    wins, below = 0.0, 0
    for _, group in groupby(ranked, key=itemgetter(0)):
        kinds = [kind for _, kind in group]
        positives, negatives = sum(kinds), len(kinds) - sum(kinds)
        wins += positives * (below + negatives / 2.0)
        below += negatives
    return wins / (len(without) * len(present))


@pytest.mark.parametrize(("finding", "code"), APPEARANCES)
def test_one_view_separates_well_but_never_perfectly(finding: str, code: str) -> None:
    look = load_imaging().findings[finding].seen[code]
    region, protocol = look.regions[0], protocol_of(look)
    reading = likelihood(look)
    empty = [view(images(f"e{i}", code, protocol=protocol), region, look.window, STREAMS) for i in range(60)]
    there = [view(images(f"t{i}", code, Shown(finding, region), protocol=protocol), region, look.window, STREAMS) for i in range(60)]
    area = area_under_curve([reading(values) for values in empty], [reading(values) for values in there])
    # the area that 60 against 60 estimate has a standard error of about 0.013; checks/images.py takes 500
    assert area >= 0.92
    exact = separation(look)
    assert 0.95 <= exact <= 0.995


def separation(look: Appearance) -> float:
    """Area under the curve of the best linear reading: normal, with the distances of the measures adding as squares."""
    measures = load_imaging().measures
    distances = (
        (spread.mean - measures[name].absent.mean) ** 2 / (spread.sd**2 + measures[name].absent.sd ** 2) for name, spread in look.present.items()
    )
    return NormalDist().cdf(math.sqrt(sum(distances)))


def test_the_area_of_known_lists() -> None:
    assert area_under_curve([1, 2], [3, 4]) == 1.0
    assert area_under_curve([3, 4], [1, 2]) == 0.0
    assert area_under_curve([1, 3], [2, 2]) == 0.5
    assert area_under_curve([1, 1], [1, 1]) == 0.5


def test_looking_again_gives_the_same_numbers_and_another_study_others() -> None:
    study = images("S0001", "XR_CHEST", Shown("consolidation", "right_lower"))
    first = view(study, "right_lower", "lung", STREAMS)
    assert first == view(study, "right_lower", "lung", Streams(20))
    assert first != view(images("S0002", "XR_CHEST", *study.findings), "right_lower", "lung", STREAMS)
    assert first != view(study, "left_lower", "lung", STREAMS)
    same_key = Study("S0009", "PS0001", "XR_CHEST", "", 50.0, study.findings, key="S0001")
    assert first == view(same_key, "right_lower", "lung", STREAMS)


def test_a_finding_elsewhere_or_in_the_wrong_window_changes_nothing() -> None:
    with_it = images("S0001", "XR_CHEST", Shown("pneumothorax", "left_upper"))
    without = images("S0001", "XR_CHEST")
    rule = load_imaging().studies["XR_CHEST"]
    looks = [(region, window) for region in rule.regions for window in rule.windows]
    changed = [look for look in looks if view(with_it, *look, STREAMS) != view(without, *look, STREAMS)]
    assert changed == [("left_upper", "lung")]


def test_a_protocol_that_does_not_show_a_finding_hides_it() -> None:
    stone = Shown("ureteric_stone", "left_ureter")
    assert view(images("S1", "CT_ABDOMEN", stone, protocol="standard"), "left_ureter", "bone", STREAMS) == view(
        images("S1", "CT_ABDOMEN", protocol="standard"), "left_ureter", "bone", STREAMS
    )
    plain = view(images("S1", "CT_ABDOMEN", stone, protocol="plain"), "left_ureter", "bone", STREAMS)
    assert plain["peak_attenuation_hu"] != view(images("S1", "CT_ABDOMEN", protocol="plain"), "left_ureter", "bone", STREAMS)["peak_attenuation_hu"]
    embolus = Shown("filling_defect", "pulmonary_arteries")
    contrast = view(images("S2", "CT_PULMONARY", embolus), "pulmonary_arteries", "vessels", STREAMS)
    bare = view(images("S2", "CT_PULMONARY", embolus, protocol="plain"), "pulmonary_arteries", "vessels", STREAMS)
    assert contrast != bare
    assert bare == view(images("S2", "CT_PULMONARY", protocol="plain"), "pulmonary_arteries", "vessels", STREAMS)


def test_a_poorer_technique_is_noisier() -> None:
    def spread(protocol: str) -> float:
        values = [view(images(f"n{i}", "XR_CHEST", protocol=protocol), "heart", "mediastinum", STREAMS)["width_ratio"] for i in range(200)]
        mean = sum(values) / len(values)
        return math.sqrt(sum((value - mean) ** 2 for value in values) / len(values))

    assert spread("portable") == pytest.approx(1.3 * spread("standard"), rel=0.12)


def test_two_findings_in_one_place_add_up() -> None:
    both = [
        view(
            images(f"b{i}", "XR_CHEST", Shown("consolidation", "right_lower"), Shown("pleural_effusion", "right_lower")),
            "right_lower",
            "lung",
            STREAMS,
        )
        for i in range(120)
    ]
    mean = sum(values["opacity_fraction"] for values in both) / len(both)
    # 0.10 where nothing is, 0.26 with the one and 0.15 with the other
    assert mean == pytest.approx(0.31, abs=0.03)


def test_no_measure_names_a_finding() -> None:
    rules = load_imaging()
    words = {word for name in rules.findings for word in name.split("_")}
    for measure in rules.measures:
        assert not words & set(measure.split("_")), measure


def test_every_finding_can_be_measured_where_it_is_and_two_share_a_measure() -> None:
    rules = load_imaging()
    for finding in rules.findings.values():
        for code, look in finding.seen.items():
            for region in look.regions:
                assert set(look.present) <= set(rules.measured[code, region, look.window])
    assert "opacity_fraction" in rules.findings["pleural_effusion"].seen["XR_CHEST"].present


def test_a_region_or_window_that_is_not_there_is_refused_with_what_is() -> None:
    study = images("S0001", "XR_CHEST")
    with pytest.raises(ToolError, match=r"XR_CHEST has no region 'knee'; allowed right_upper, "):
        view(study, "knee", "lung", STREAMS)
    with pytest.raises(ToolError, match=r"XR_CHEST has no window 'brain'; allowed lung, "):
        view(study, "heart", "brain", STREAMS)


# ---------------------------------------------------------------- what shows


SIGNS = (
    ("XR_CHEST", "consolidation", "right_lower", 0.8),
    ("XR_CHEST", "pleural_effusion", "", 0.3),
    ("CT_PULMONARY", "consolidation", "right_lower", 1.0),
)


def test_signs_show_with_their_sensitivity() -> None:
    n = 4_000
    studies = [shown(SIGNS, 0.6, "XR_CHEST", STREAMS, f"P{i}") for i in range(n)]
    with_consolidation = sum(Shown("consolidation", "right_lower") in found for found in studies)
    with_effusion = sum("pleural_effusion" in {item.finding for item in found} for found in studies)
    assert with_consolidation / n == pytest.approx(0.8, abs=0.02)
    # 0.3, and 1 % of the rest by chance
    assert with_effusion / n == pytest.approx(0.307, abs=0.022)
    sides = {item.region for found in studies for item in found if item.finding == "pleural_effusion"}
    assert sides == {"right_lower", "left_lower"}


def test_a_barely_begun_illness_shows_less() -> None:
    sure = (("CT_PULMONARY", "consolidation", "right_lower", 1.0),)
    half = load_imaging().full_size_from / 2.0
    seen = [bool({i.finding for i in shown(sure, half, "CT_PULMONARY", STREAMS, f"P{k}")} & {"consolidation"}) for k in range(2_000)]
    assert sum(seen) / len(seen) == pytest.approx(0.5, abs=0.035)
    assert "consolidation" not in {item.finding for item in shown(sure, 0.0, "CT_PULMONARY", STREAMS, "P1")}


@given(key=st.text(max_size=8), low=st.floats(0, 1), high=st.floats(0, 1))
def test_what_shows_stays_as_severity_grows(key: str, low: float, high: float) -> None:
    low, high = min(low, high), max(low, high)
    early, late = (shown(SIGNS, x, "XR_CHEST", STREAMS, key) for x in (low, high))
    assert {item.finding for item in early} <= {item.finding for item in late}


def test_incidental_findings_come_at_their_base_rates_and_are_never_critical() -> None:
    rules = load_imaging()
    n = 5_000
    for code in ("CT_PULMONARY", "US_ABDOMEN"):
        seen = [item.finding for i in range(n) for item in shown((), 0.5, code, STREAMS, f"Q{i}")]
        for name, finding in rules.findings.items():
            share = finding.incidental.get(code, 0.0)
            assert seen.count(name) / n == pytest.approx(share, abs=4.0 * math.sqrt(share / n) + 1e-9), (code, name)
            assert not (share and finding.critical)


def test_condition_sheets_name_what_a_study_can_show() -> None:
    rules = load_imaging()
    unknown = [
        (condition.id, line.study, line.finding, line.region)
        for condition in load_conditions().values()
        for line in condition.imaging
        if not can_show(rules, line.study, line.finding, line.region)
    ]
    assert unknown == []


def can_show(rules: Imaging, study: str, finding: str, region: str) -> bool:
    look = rules.findings[finding].seen.get(study) if finding in rules.findings else None
    return look is not None and (not region or any(same_place(region, place) for place in look.regions))

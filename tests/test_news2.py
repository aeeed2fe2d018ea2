"""NEWS2 against a hand-worked table and, where it is installed, against an independent implementation."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinsim.hospital.calculators.news2 import news2

WELL = {"rr": 16, "spo2": 97, "sbp": 120, "hr": 70, "temp": 37.0, "gcs": 15}

# name, changes to a well person, on oxygen, scale, points, band
TABLE = [
    ("well", {}, False, 1, 0, "low"),
    ("rr 8", {"rr": 8}, False, 1, 3, "low-medium"),
    ("rr 9", {"rr": 9}, False, 1, 1, "low"),
    ("rr 12", {"rr": 12}, False, 1, 0, "low"),
    ("rr 21", {"rr": 21}, False, 1, 2, "low"),
    ("rr 25", {"rr": 25}, False, 1, 3, "low-medium"),
    ("saturation 91", {"spo2": 91}, False, 1, 3, "low-medium"),
    ("saturation 92", {"spo2": 92}, False, 1, 2, "low"),
    ("saturation 95", {"spo2": 95}, False, 1, 1, "low"),
    ("saturation 96", {"spo2": 96}, False, 1, 0, "low"),
    ("oxygen alone", {}, True, 1, 2, "low"),
    ("scale 2, 83", {"spo2": 83}, False, 2, 3, "low-medium"),
    ("scale 2, 85", {"spo2": 85}, False, 2, 2, "low"),
    ("scale 2, 87", {"spo2": 87}, False, 2, 1, "low"),
    ("scale 2, 88", {"spo2": 88}, False, 2, 0, "low"),
    ("scale 2, 97 on air", {"spo2": 97}, False, 2, 0, "low"),
    ("scale 2, 93 on oxygen", {"spo2": 93}, True, 2, 3, "low"),
    ("scale 2, 95 on oxygen", {"spo2": 95}, True, 2, 4, "low"),
    ("scale 2, 97 on oxygen", {"spo2": 97}, True, 2, 5, "medium"),
    ("pressure 90", {"sbp": 90}, False, 1, 3, "low-medium"),
    ("pressure 100", {"sbp": 100}, False, 1, 2, "low"),
    ("pressure 110", {"sbp": 110}, False, 1, 1, "low"),
    ("pressure 219", {"sbp": 219}, False, 1, 0, "low"),
    ("pressure 220", {"sbp": 220}, False, 1, 3, "low-medium"),
    ("pulse 40", {"hr": 40}, False, 1, 3, "low-medium"),
    ("pulse 50", {"hr": 50}, False, 1, 1, "low"),
    ("pulse 91", {"hr": 91}, False, 1, 1, "low"),
    ("pulse 111", {"hr": 111}, False, 1, 2, "low"),
    ("pulse 131", {"hr": 131}, False, 1, 3, "low-medium"),
    ("temperature 35.0", {"temp": 35.0}, False, 1, 3, "low-medium"),
    ("temperature 36.0", {"temp": 36.0}, False, 1, 1, "low"),
    ("temperature 38.1", {"temp": 38.1}, False, 1, 1, "low"),
    ("temperature 39.1", {"temp": 39.1}, False, 1, 2, "low"),
    ("new confusion", {"gcs": 14}, False, 1, 3, "low-medium"),
    ("septic", {"rr": 24, "spo2": 93, "sbp": 95, "hr": 115, "temp": 38.6}, False, 1, 9, "high"),
    ("five points", {"rr": 22, "spo2": 94, "hr": 112}, False, 1, 5, "medium"),
]


NAMES = [row[0] for row in TABLE]


@pytest.mark.parametrize(("changes", "on_oxygen", "scale", "points", "band"), [row[1:] for row in TABLE], ids=NAMES)
def test_points_follow_the_published_chart(changes, on_oxygen, scale, points, band):
    score = news2(**{**WELL, **changes}, on_oxygen=on_oxygen, scale=scale)
    assert (score.total, score.band, score.missing) == (points, band, ())
    assert sum(score.components.values()) == score.total


def test_missing_inputs_are_listed_and_leave_a_low_score_undecided():
    score = news2(rr=None, spo2=97, sbp=120, hr=70, temp=None, gcs=15, on_oxygen=False)
    assert score.missing == ("rr", "temp")
    assert score.band == "unknown"
    assert "rr" not in score.components


@given(
    rr=st.integers(4, 40),
    spo2=st.integers(70, 100),
    sbp=st.integers(50, 260),
    hr=st.integers(30, 200),
    temp=st.integers(330, 415),
    alert=st.booleans(),
    on_oxygen=st.booleans(),
    scale=st.sampled_from([1, 2]),
)
def test_it_agrees_with_an_independent_implementation(rr, spo2, sbp, hr, temp, alert, on_oxygen, scale):
    oracle = pytest.importorskip("vitalscore")
    consciousness = "A" if alert else "V"
    theirs = oracle.score_news2(rr, spo2, on_oxygen, sbp, hr, consciousness, temp / 10, use_spo2_scale2=scale == 2)
    ours = news2(rr=rr, spo2=spo2, sbp=sbp, hr=hr, temp=temp / 10, gcs=15 if alert else 13, on_oxygen=on_oxygen, scale=scale)
    assert ours.total == theirs.total

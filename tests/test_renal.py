"""Kidney function by hand-worked values."""

import pytest

from clinsim.hospital.calculators.renal import Sex, creatinine_at_egfr, creatinine_clearance, egfr_ckd_epi_2021

CLEARANCE = [
    # (140 - 60) * 72 / (72 * 1.0)
    (60, 72, 1.0, "M", 80.0),
    (60, 72, 1.0, "F", 68.0),
    # (140 - 80) * 60 / (72 * 2.0) = 3600 / 144
    (80, 60, 2.0, "M", 25.0),
    # (140 - 40) * 90 / (72 * 0.5) * 0.85 = 250 * 0.85
    (40, 90, 0.5, "F", 212.5),
    (140, 70, 1.0, "M", 0.0),
]

FILTRATION = [
    # at the knot both powers are 1: 142 * 0.9938 ** 50
    (50, 0.9, "M", 104.05),
    # 142 * 0.9938 ** 50 * 1.012
    (50, 0.7, "F", 105.30),
    # 1.8 / 0.9 = 2: 104.05 * 2 ** -1.2 = 104.05 / 2.2974
    (50, 1.8, "M", 45.29),
    # 0.35 / 0.7 = 0.5: 105.30 * 0.5 ** -0.241 = 105.30 * 1.1818
    (50, 0.35, "F", 124.44),
]


@pytest.mark.parametrize(("age", "weight", "creatinine", "sex", "expected"), CLEARANCE)
def test_creatinine_clearance(age: float, weight: float, creatinine: float, sex: Sex, expected: float) -> None:
    assert creatinine_clearance(age, weight, creatinine, sex) == pytest.approx(expected)


@pytest.mark.parametrize(("age", "creatinine", "sex", "expected"), FILTRATION)
def test_filtration_rate(age: float, creatinine: float, sex: Sex, expected: float) -> None:
    assert egfr_ckd_epi_2021(age, creatinine, sex) == pytest.approx(expected, abs=0.02)


@pytest.mark.parametrize(("age", "creatinine", "sex", "expected"), FILTRATION)
def test_creatinine_is_found_back_from_the_filtration_rate(age: float, creatinine: float, sex: Sex, expected: float) -> None:
    assert creatinine_at_egfr(egfr_ckd_epi_2021(age, creatinine, sex), age, sex) == pytest.approx(creatinine)


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ValueError, match="creatinine_mg_dl = 0"):
        creatinine_clearance(60, 70, 0, "M")
    with pytest.raises(ValueError, match="allowed F, M"):
        egfr_ckd_epi_2021(60, 1.0, "male")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="weight_kg = nan"):
        creatinine_clearance(60, float("nan"), 1.0, "F")

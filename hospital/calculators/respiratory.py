"""Pneumonia and the sore throat: CURB-65, PSI, Centor (McIsaac) and FeverPAIN."""

from __future__ import annotations

import math

from clinsim.hospital.calculators.declaration import Answer, Bands, at_least, calculator, total
from clinsim.hospital.calculators.measures import (
    Acidity,
    Age,
    GasPressure,
    Glucose,
    Haematocrit,
    HeartRate,
    Pressure,
    RespiratoryRate,
    Sex,
    Sodium,
    Temperature,
    Urea,
)

CURB_BANDS: Bands = (
    (0, "0.7 % die within 30 days: at home"),
    (1, "2.1 % die: at home"),
    (2, "9.2 % die: ward"),
    (3, "14.5 % die: consider intensive care"),
    (4, "40 % die: consider intensive care"),
    (5, "57 % die: consider intensive care"),
)
"""Source: Lim, Thorax 2003;58:377."""
PSI_BANDS: Bands = ((50, "class I"), (70, "class II"), (90, "class III"), (130, "class IV"), (math.inf, "class V"))
"""Class I also needs an age of at most 50 and no disease or sign that scores. Source: Fine 1997."""
CENTOR_BANDS: Bands = ((0, "streptococci in about 2 %"), (1, "about 7 %"), (2, "about 15 %"), (3, "about 32 %"), (5, "about 53 %"))
"""Source: McIsaac, CMAJ 1998;158:75."""
FEVERPAIN_BANDS: Bands = ((1, "no antibiotic"), (3, "delayed prescription"), (5, "consider an antibiotic now"))
"""Source: NICE NG84, 2018."""


@calculator("CURB-65", unit="points", citation="Lim, Thorax 2003;58:377")
def curb_65(age: Age, urea: Urea, respiratory_rate: RespiratoryRate, sbp: Pressure, dbp: Pressure, confusion: bool = False) -> Answer:
    """Severity of pneumonia, 0 to 5.

    Args:
        age: 65 or more counts.
        urea: Urea nitrogen above 19 mg/dL (urea above 7 mmol/L) counts.
        respiratory_rate: 30/min or more counts.
        sbp: Systolic pressure below 90 mmHg counts, or
        dbp: diastolic pressure of 60 mmHg or less.
        confusion: New confusion.
    """
    points = {
        "confusion": int(confusion),
        # 7 mmol/L are 19.6 mg/dL; the paper's own round limit in mg/dL is 19.
        "urea": int(urea > 19),
        "respiratory_rate": int(respiratory_rate >= 30),
        "pressure": int(sbp < 90 or dbp <= 60),
        "age": int(age >= 65),
    }
    return total(points, CURB_BANDS)


@calculator("Pneumonia severity index", unit="points", citation="Fine, N Engl J Med 1997;336:243")
def psi(
    age: Age,
    sex: Sex,
    respiratory_rate: RespiratoryRate,
    sbp: Pressure,
    temperature: Temperature,
    heart_rate: HeartRate,
    ph: Acidity | None = None,
    urea: Urea | None = None,
    sodium: Sodium | None = None,
    glucose: Glucose | None = None,
    haematocrit: Haematocrit | None = None,
    pao2: GasPressure | None = None,
    nursing_home: bool = False,
    neoplastic_disease: bool = False,
    liver_disease: bool = False,
    heart_failure: bool = False,
    cerebrovascular_disease: bool = False,
    renal_disease: bool = False,
    altered_mental_state: bool = False,
    pleural_effusion: bool = False,
) -> Answer:
    """Risk of death in pneumonia: years of age and points.

    Args:
        age: A year is a point.
        sex: A woman has ten points less.
        respiratory_rate: 30/min or more: 20.
        sbp: Systolic pressure below 90 mmHg: 20.
        temperature: Below 35 °C or above 39.9 °C: 15.
        heart_rate: 125/min or more: 10.
        ph: Below 7.35: 30; not measured: none.
        urea: Urea nitrogen of 30 mg/dL or more: 20; not measured: none.
        sodium: Below 130 mmol/L: 20; not measured: none.
        glucose: 250 mg/dL or more: 10; not measured: none.
        haematocrit: Below 30 %: 10; not measured: none.
        pao2: Below 60 mmHg: 10; not measured: none.
        nursing_home: Lives in a nursing home: 10.
        neoplastic_disease: 30.
        liver_disease: 20.
        heart_failure: 10.
        cerebrovascular_disease: 10.
        renal_disease: 10.
        altered_mental_state: 20.
        pleural_effusion: 10.
    """
    points = {
        "age": age, "sex": -10 * (sex == "female"), "nursing_home": 10 * nursing_home,
        "neoplastic": 30 * neoplastic_disease, "liver": 20 * liver_disease, "heart_failure": 10 * heart_failure,
        "cerebrovascular": 10 * cerebrovascular_disease, "renal": 10 * renal_disease, "mental_state": 20 * altered_mental_state,
        **_psi_signs(respiratory_rate, sbp, temperature, heart_rate), "effusion": 10 * pleural_effusion,
        **_psi_laboratory(ph, urea, sodium, glucose, haematocrit, pao2),
    }  # fmt: skip
    return total(points, PSI_BANDS)


def _psi_signs(respiratory_rate: float, sbp: float, temperature: float, heart_rate: float) -> dict[str, int]:
    """Points of the vital signs. Source: Fine 1997, table 2."""
    return {
        "respiratory_rate": 20 * (respiratory_rate >= 30),
        "sbp": 20 * (sbp < 90),
        "temperature": 15 * (temperature < 35 or temperature > 39.9),
        "heart_rate": 10 * (heart_rate >= 125),
    }


def _psi_laboratory(
    ph: float | None,
    urea: float | None,
    sodium: float | None,
    glucose: float | None,
    haematocrit: float | None,
    pao2: float | None,
) -> dict[str, int]:
    """Points of what was measured. Source: Fine 1997, table 2."""
    return {
        "ph": 30 * (ph is not None and ph < 7.35),
        "urea": 20 * (urea is not None and urea >= 30),
        "sodium": 20 * (sodium is not None and sodium < 130),
        "glucose": 10 * (glucose is not None and glucose >= 250),
        "haematocrit": 10 * (haematocrit is not None and haematocrit < 30),
        "pao2": 10 * (pao2 is not None and pao2 < 60),
    }


@calculator("Centor, modified by McIsaac", unit="points", citation="McIsaac, CMAJ 1998;158:75")
def centor(
    age: Age,
    temperature: Temperature,
    cough_absent: bool = False,
    exudate: bool = False,
    tender_nodes: bool = False,
) -> Answer:
    """Chance of streptococci in a sore throat, -1 to 5. For ages from 3 years; below, no point is given for age.

    Args:
        age: 3 to 14 years: 1; 45 years and more: -1.
        temperature: Above 38 °C counts.
        cough_absent: No cough.
        exudate: Tonsils swollen or with exudate.
        tender_nodes: Tender nodes at the front of the neck.
    """
    points = {
        "age": at_least(age, ((45, -1), (15, 0), (3, 1))),
        "temperature": int(temperature > 38.0),
        "cough_absent": int(cough_absent),
        "exudate": int(exudate),
        "tender_nodes": int(tender_nodes),
    }
    return total(points, CENTOR_BANDS)


@calculator("FeverPAIN", unit="points", citation="Little, BMJ 2013;347:f5806")
def feverpain(
    fever_24_h: bool = False,
    purulent_tonsils: bool = False,
    onset_within_3_days: bool = False,
    inflamed_tonsils: bool = False,
    no_cough_or_coryza: bool = False,
) -> Answer:
    """Chance of streptococci in a sore throat, 0 to 5.

    Args:
        fever_24_h: Fever in the last 24 hours.
        purulent_tonsils: Pus on the tonsils.
        onset_within_3_days: Came to a doctor within 3 days.
        inflamed_tonsils: Severely inflamed tonsils.
        no_cough_or_coryza: Neither cough nor a cold.
    """
    points = {
        "fever": int(fever_24_h),
        "purulence": int(purulent_tonsils),
        "attended_rapidly": int(onset_within_3_days),
        "inflamed": int(inflamed_tonsils),
        "no_cough": int(no_cough_or_coryza),
    }
    return total(points, FEVERPAIN_BANDS)

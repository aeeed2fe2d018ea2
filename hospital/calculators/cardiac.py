"""Heart: GRACE, HEART, stroke and bleeding risk in atrial fibrillation, cardiac risk of an operation."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, Steps, at_least, calculator, total
from clinsim.hospital.calculators.measures import Age, Count, Creatinine, HeartRate, Pressure, Sex, TroponinRatio

Killip = Literal["I", "II", "III", "IV"]
History = Literal["slightly suspicious", "moderately suspicious", "highly suspicious"]
Ecg = Literal["normal", "nonspecific repolarisation", "ST deviation"]

GRACE_AGE: Steps = ((90, 100), (80, 91), (70, 75), (60, 58), (50, 41), (40, 25), (30, 8))
"""y. Source: Granger 2003."""
GRACE_RATE: Steps = ((200, 46), (150, 38), (110, 24), (90, 15), (70, 9), (50, 3))
"""1/min. Source: Granger 2003."""
GRACE_PRESSURE: Steps = ((200, 0), (160, 10), (140, 24), (120, 34), (100, 43), (80, 53), (0, 58))
"""mmHg. Source: Granger 2003."""
GRACE_CREATININE: Steps = ((4.0, 28), (2.0, 21), (1.6, 13), (1.2, 10), (0.8, 7), (0.4, 4), (0.0, 1))
"""mg/dL. Source: Granger 2003."""
GRACE_KILLIP: dict[Killip, int] = {"I": 0, "II": 20, "III": 39, "IV": 59}
"""Source: Granger 2003."""
GRACE_BANDS: Bands = ((108, "low risk"), (140, "intermediate risk"), (math.inf, "high risk: early invasive treatment within 24 h"))
"""Death in hospital under 1 %, 1 to 3 %, above 3 %. Source: Granger 2003."""

HEART_HISTORY: dict[History, int] = {"slightly suspicious": 0, "moderately suspicious": 1, "highly suspicious": 2}
HEART_ECG: dict[Ecg, int] = {"normal": 0, "nonspecific repolarisation": 1, "ST deviation": 2}
HEART_BANDS: Bands = ((3, "low: 1.7 % major events in 6 weeks"), (6, "moderate: 16.6 %"), (10, "high: 50.1 %"))
"""Source: Backus, Int J Cardiol 2013;168:2153."""

STROKE_RATE = (0.2, 0.6, 2.2, 3.2, 4.8, 7.2, 9.7, 11.2, 10.8, 12.2)
"""Ischaemic stroke, % a year without anticoagulation, by CHA2DS2-VASc 0 to 9. Source: Friberg, Eur Heart J 2012;33:1500."""
HAS_BLED_BANDS: Bands = ((1, "low risk of bleeding"), (2, "moderate"), (9, "high: mend what can be mended, watch closely"))
RCRI_BANDS: Bands = ((0, "class I"), (1, "class II"), (2, "class III"), (6, "class IV"))


@calculator("GRACE, death in hospital", unit="points", citation="Granger, Arch Intern Med 2003;163:2345")
def grace(
    age: Age,
    heart_rate: HeartRate,
    sbp: Pressure,
    creatinine: Creatinine,
    killip: Killip,
    arrest: bool = False,
    st_deviation: bool = False,
    raised_enzymes: bool = False,
) -> Answer:
    """Risk of death in hospital in acute coronary syndrome.

    Args:
        age: Age.
        heart_rate: On arrival.
        sbp: Systolic pressure on arrival.
        creatinine: On arrival.
        killip: Class of heart failure.
        arrest: Cardiac arrest on arrival.
        st_deviation: ST deviation in the ECG.
        raised_enzymes: Cardiac enzymes raised.
    """
    points = {
        "age": at_least(age, GRACE_AGE),
        "heart_rate": at_least(heart_rate, GRACE_RATE),
        "sbp": at_least(sbp, GRACE_PRESSURE),
        "creatinine": at_least(creatinine, GRACE_CREATININE),
        "killip": GRACE_KILLIP[killip],
        "arrest": 39 * arrest,
        "st_deviation": 28 * st_deviation,
        "enzymes": 14 * raised_enzymes,
    }
    return total(points, GRACE_BANDS)


@calculator("HEART", unit="points", citation="Six, Neth Heart J 2008;16:191; Backus, Int J Cardiol 2013;168:2153")
def heart(
    history: History,
    ecg: Ecg,
    age: Age,
    troponin: TroponinRatio,
    risk_factors: Count = 0,
    known_atherosclerosis: bool = False,
) -> Answer:
    """Risk of a major cardiac event within six weeks in chest pain, 0 to 10.

    Args:
        history: How suspicious the story is.
        ecg: What the ECG shows.
        age: Age.
        troponin: First value as a multiple of the normal limit.
        risk_factors: How many of hypertension, cholesterol, diabetes, obesity, smoking, family history.
        known_atherosclerosis: Counts as three risk factors.
    """
    points = {
        "history": HEART_HISTORY[history],
        "ecg": HEART_ECG[ecg],
        "age": at_least(age, ((65, 2), (45, 1))),
        "risk_factors": 2 if known_atherosclerosis else at_least(risk_factors, ((3, 2), (1, 1))),
        "troponin": (troponin > 1) + (troponin > 3),
    }
    return total(points, HEART_BANDS)


@calculator("CHA2DS2-VASc", unit="points", citation="Lip, Chest 2010;137:263; Friberg, Eur Heart J 2012;33:1500")
def cha2ds2_vasc(
    age: Age,
    sex: Sex,
    heart_failure: bool = False,
    hypertension: bool = False,
    diabetes: bool = False,
    stroke: bool = False,
    vascular_disease: bool = False,
) -> Answer:
    """Risk of stroke in atrial fibrillation, 0 to 9.

    Args:
        age: Age.
        sex: A woman gets a point.
        heart_failure: Heart failure or left ventricular dysfunction.
        hypertension: Hypertension.
        diabetes: Diabetes.
        stroke: Stroke, transient attack or thromboembolism before.
        vascular_disease: Infarction, peripheral arterial disease or aortic plaque.
    """
    points = _atrial(age, heart_failure, hypertension, diabetes, stroke, vascular_disease) | {"sex": int(sex == "female")}
    value = sum(points.values())
    return Answer(value, f"ischaemic stroke in {STROKE_RATE[int(value)]} % a year without anticoagulation", points)


@calculator("CHA2DS2-VA", unit="points", citation="Van Gelder, Eur Heart J 2024;45:3314 (ESC 2024)")
def cha2ds2_va(
    age: Age,
    heart_failure: bool = False,
    hypertension: bool = False,
    diabetes: bool = False,
    stroke: bool = False,
    vascular_disease: bool = False,
) -> Answer:
    """Risk of stroke in atrial fibrillation without the point for sex, 0 to 8.

    Args:
        age: Age.
        heart_failure: Heart failure or left ventricular dysfunction.
        hypertension: Hypertension.
        diabetes: Diabetes.
        stroke: Stroke, transient attack or thromboembolism before.
        vascular_disease: Infarction, peripheral arterial disease or aortic plaque.
    """
    points = _atrial(age, heart_failure, hypertension, diabetes, stroke, vascular_disease)
    return total(points, ((0, "no anticoagulation"), (1, "consider anticoagulation"), (8, "anticoagulation recommended")))


def _atrial(age: float, failure: bool, hypertension: bool, diabetes: bool, stroke: bool, vascular: bool) -> dict[str, float]:
    return {
        "age": at_least(age, ((75, 2), (65, 1))),
        "heart_failure": int(failure),
        "hypertension": int(hypertension),
        "diabetes": int(diabetes),
        "stroke": 2 * stroke,
        "vascular_disease": int(vascular),
    }


@calculator("HAS-BLED", unit="points", citation="Pisters, Chest 2010;138:1093")
def has_bled(
    age: Age,
    uncontrolled_hypertension: bool = False,
    renal_disease: bool = False,
    liver_disease: bool = False,
    stroke: bool = False,
    bleeding: bool = False,
    labile_inr: bool = False,
    drugs: bool = False,
    drinks_a_week: Count = 0,
) -> Answer:
    """Risk of major bleeding on anticoagulation, 0 to 9.

    Args:
        age: Above 65 counts.
        uncontrolled_hypertension: Systolic pressure above 160 mmHg.
        renal_disease: Dialysis, transplant, or creatinine above 2.26 mg/dL.
        liver_disease: Cirrhosis, or bilirubin above twice with enzymes above three times normal.
        stroke: Stroke before.
        bleeding: Major bleeding before, or a tendency to it.
        labile_inr: Less than 60 % of time in the range.
        drugs: Antiplatelet drug or NSAID.
        drinks_a_week: Alcoholic drinks; 8 or more count.
    """
    points = {
        "hypertension": int(uncontrolled_hypertension),
        "renal": int(renal_disease),
        "liver": int(liver_disease),
        "stroke": int(stroke),
        "bleeding": int(bleeding),
        "labile_inr": int(labile_inr),
        "age": int(age > 65),
        "drugs": int(drugs),
        "alcohol": int(drinks_a_week >= 8),
    }
    return total(points, HAS_BLED_BANDS)


@calculator("Revised cardiac risk index", unit="points", citation="Lee, Circulation 1999;100:1043")
def rcri(
    creatinine: Creatinine | None = None,
    elevated_risk_surgery: bool = False,
    ischaemic_heart_disease: bool = False,
    heart_failure: bool = False,
    cerebrovascular_disease: bool = False,
    insulin: bool = False,
) -> Answer:
    """Cardiac risk of an operation outside the heart, 0 to 6.

    Args:
        creatinine: Above 2 mg/dL counts; not given: no point.
        elevated_risk_surgery: In the chest, in the abdomen, or of vessels above the groin.
        ischaemic_heart_disease: Ischaemic heart disease.
        heart_failure: Heart failure.
        cerebrovascular_disease: Stroke or transient attack.
        insulin: Treated with insulin.
    """
    points = {
        "surgery": int(elevated_risk_surgery),
        "ischaemic": int(ischaemic_heart_disease),
        "heart_failure": int(heart_failure),
        "cerebrovascular": int(cerebrovascular_disease),
        "insulin": int(insulin),
        "creatinine": int(creatinine is not None and creatinine > 2.0),
    }
    return total(points, RCRI_BANDS)

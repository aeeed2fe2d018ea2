"""Coming back, and what one lives with: LACE, HOSPITAL, Charlson."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, Steps, at_least, calculator, total
from clinsim.hospital.calculators.measures import Age, Count, Days, Haemoglobin, Sodium

Liver = Literal["none", "mild", "moderate to severe"]
Diabetes = Literal["none or diet", "uncomplicated", "end-organ damage"]
Tumour = Literal["none", "localised", "metastatic"]

LACE_STAY: Steps = ((14, 7), (7, 5), (4, 4), (3, 3), (2, 2), (1, 1))
"""Days. Source: van Walraven 2010."""
LACE_CHARLSON: Steps = ((4, 5), (3, 3), (2, 2), (1, 1))
"""Points of the index. Source: van Walraven 2010."""
LACE_BANDS: Bands = ((4, "low risk"), (9, "moderate risk"), (19, "high risk"))
HOSPITAL_BANDS: Bands = ((4, "5.8 % come back within 30 days"), (6, "11.9 %"), (13, "22.8 %"))
"""Source: Donze, JAMA Intern Med 2016;176:496."""
LIVER: dict[Liver, int] = {"none": 0, "mild": 1, "moderate to severe": 3}
DIABETES: dict[Diabetes, int] = {"none or diet": 0, "uncomplicated": 1, "end-organ damage": 2}
TUMOUR: dict[Tumour, int] = {"none": 0, "localised": 2, "metastatic": 6}
# Source of the three: Charlson, J Chronic Dis 1987;40:373.
CHARLSON_AGE: Steps = ((80, 4), (70, 3), (60, 2), (50, 1))
"""Years. Source: Charlson, J Clin Epidemiol 1994;47:1245."""
CHARLSON_BANDS: Bands = ((2, "low"), (4, "moderate"), (math.inf, "high"))


@calculator("LACE", unit="points", citation="van Walraven, CMAJ 2010;182:551")
def lace(stay: Days, acute: bool, charlson: Count, visits_6_months: Count) -> Answer:
    """Death or readmission within 30 days of leaving, 0 to 19.

    Args:
        stay: Length of stay; whole days count.
        acute: Came as an emergency.
        charlson: Points of comorbidity by LACE's own weights.
        visits_6_months: Visits to an emergency department in the six months before.
    """
    points = {
        "stay": at_least(math.floor(stay), LACE_STAY),
        "acute": 3 * acute,
        "charlson": at_least(charlson, LACE_CHARLSON),
        "visits": min(4.0, visits_6_months),
    }
    return total(points, LACE_BANDS)


@calculator("HOSPITAL (2016 international)", unit="points", citation="Donze, JAMA Intern Med 2016;176:496")
def hospital(
    haemoglobin: Haemoglobin,
    sodium: Sodium,
    stay: Days,
    admissions_last_year: Count,
    oncology: bool = False,
    procedure: bool = False,
    urgent: bool = False,
) -> Answer:
    """Readmission within 30 days that could be avoided, 0 to 13, by the version of 2016.

    Args:
        haemoglobin: On leaving; below 12 g/dL counts.
        sodium: On leaving; below 135 mmol/L counts.
        stay: 5 days or more count 2.
        admissions_last_year: To 1: none; 2 to 5: 2; more: 5.
        oncology: Leaves an oncology service; 2 points.
        procedure: Any procedure during the stay.
        urgent: Came urgently.
    """
    points = {
        "haemoglobin": int(haemoglobin < 12),
        "oncology": 2 * oncology,
        "sodium": int(sodium < 135),
        "procedure": int(procedure),
        "urgent": int(urgent),
        "admissions": at_least(admissions_last_year, ((6, 5), (2, 2))),
        "stay": 2 * (stay >= 5),
    }
    return total(points, HOSPITAL_BANDS)


@calculator("Charlson comorbidity index", unit="points", citation="Charlson, J Chronic Dis 1987;40:373; Charlson, J Clin Epidemiol 1994;47:1245")
def charlson(
    age: Age,
    infarction: bool = False,
    heart_failure: bool = False,
    peripheral_vascular: bool = False,
    cerebrovascular: bool = False,
    dementia: bool = False,
    copd: bool = False,
    connective_tissue: bool = False,
    peptic_ulcer: bool = False,
    liver: Liver = "none",
    diabetes: Diabetes = "none or diet",
    hemiplegia: bool = False,
    kidney: bool = False,
    tumour: Tumour = "none",
    leukaemia: bool = False,
    lymphoma: bool = False,
    aids: bool = False,
) -> Answer:
    """Weight of the diseases one lives with, with points for age.

    Args:
        age: A point for each decade from 50 to 80.
        infarction: Myocardial infarction.
        heart_failure: Heart failure.
        peripheral_vascular: Peripheral vascular disease.
        cerebrovascular: Stroke or transient attack.
        dementia: Dementia.
        copd: Chronic lung disease.
        connective_tissue: Connective tissue disease.
        peptic_ulcer: Peptic ulcer.
        liver: Mild 1, moderate to severe 3.
        diabetes: Uncomplicated 1, with organ damage 2.
        hemiplegia: 2 points.
        kidney: Moderate to severe kidney disease; 2 points.
        tumour: Localised 2, metastatic 6.
        leukaemia: 2 points.
        lymphoma: 2 points.
        aids: 6 points.
    """
    single = (infarction, heart_failure, peripheral_vascular, cerebrovascular, dementia, copd, connective_tissue, peptic_ulcer)
    points = {
        "age": at_least(age, CHARLSON_AGE),
        "one_point": sum(single),
        "two_points": 2 * (hemiplegia + kidney + leukaemia + lymphoma),
        "liver": LIVER[liver],
        "diabetes": DIABETES[diabetes],
        "tumour": TUMOUR[tumour],
        "aids": 6 * aids,
    }
    return total(points, CHARLSON_BANDS)

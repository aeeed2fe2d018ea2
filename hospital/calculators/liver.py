"""Liver: MELD-Na, MELD 3.0, Child-Pugh, FIB-4."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, Steps, at_most, calculator, meaning, total
from clinsim.hospital.calculators.measures import Age, Albumin, Bilirubin, Creatinine, Enzyme, Inr, Platelets, Sex, Sodium

Ascites = Literal["none", "slight", "moderate"]
Encephalopathy = Literal["none", "grade 1-2", "grade 3-4"]

MELD_BANDS: Bands = ((9, "1.9 % die within 3 months"), (19, "6 %"), (29, "19.6 %"), (39, "52.6 %"), (40, "71.3 %"))
"""Source: Wiesner, Gastroenterology 2003;124:91."""
ASCITES: dict[Ascites, int] = {"none": 1, "slight": 2, "moderate": 3}
ENCEPHALOPATHY: dict[Encephalopathy, int] = {"none": 1, "grade 1-2": 2, "grade 3-4": 3}
BILIRUBIN: Steps = ((1.999999, 1), (3.0, 2), (math.inf, 3))
"""mg/dL: under 2, to 3, above. Source: Pugh 1973."""
ALBUMIN: Steps = ((2.799999, 3), (3.5, 2), (math.inf, 1))
"""g/dL: under 2.8, to 3.5, above. Source: Pugh 1973."""
INR: Steps = ((1.699999, 1), (2.3, 2), (math.inf, 3))
"""Under 1.7, to 2.3, above. Source: Pugh 1973, by INR."""
CHILD_BANDS: Bands = ((6, "class A"), (9, "class B"), (15, "class C"))
FIB4_BANDS: Bands = ((1.299, "advanced fibrosis unlikely"), (2.67, "undecided"), (math.inf, "advanced fibrosis likely"))
"""Source: McPherson, Gut 2010;59:1265."""


def _within(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))


@calculator("MELD-Na (OPTN 2016)", unit="points", citation="Kim, N Engl J Med 2008;359:1018; OPTN policy 9, 2016")
def meld_na(bilirubin: Bilirubin, inr: Inr, creatinine: Creatinine, sodium: Sodium, dialysis: bool = False) -> Answer:
    """Death within three months in liver disease, 6 to 40.

    Args:
        bilirubin: Below 1 mg/dL counts as 1.
        inr: Below 1 counts as 1.
        creatinine: Counts between 1 and 4 mg/dL.
        sodium: Counts between 125 and 137 mmol/L.
        dialysis: Twice in the last week, or 24 h of haemofiltration; creatinine counts as 4.
    """
    kidney = 4.0 if dialysis else _within(creatinine, 1.0, 4.0)
    log_sum = 0.957 * math.log(kidney) + 0.378 * math.log(max(1.0, bilirubin)) + 1.120 * math.log(max(1.0, inr)) + 0.643
    meld = float(round(10.0 * log_sum))
    lack = 137.0 - _within(sodium, 125.0, 137.0)
    value = min(40.0, meld if meld <= 11 else round(meld + 1.32 * lack - 0.033 * meld * lack))
    return Answer(value, meaning(value, MELD_BANDS), {"meld": meld, "sodium_lack": lack})


@calculator("MELD 3.0", unit="points", citation="Kim, Gastroenterology 2021;161:1887; OPTN policy 9, 2023")
def meld_3(
    sex: Sex,
    bilirubin: Bilirubin,
    inr: Inr,
    creatinine: Creatinine,
    sodium: Sodium,
    albumin: Albumin,
    dialysis: bool = False,
) -> Answer:
    """Death within three months in liver disease, with sex and albumin, 6 to 40.

    Args:
        sex: A woman gets 1.33.
        bilirubin: Below 1 mg/dL counts as 1.
        inr: Below 1 counts as 1.
        creatinine: Counts between 1 and 3 mg/dL.
        sodium: Counts between 125 and 137 mmol/L.
        albumin: Counts between 1.5 and 3.5 g/dL.
        dialysis: Twice in the last week, or 24 h of haemofiltration; creatinine counts as 3.
    """
    log_bilirubin, log_inr = math.log(max(1.0, bilirubin)), math.log(max(1.0, inr))
    log_creatinine = math.log(3.0 if dialysis else _within(creatinine, 1.0, 3.0))
    no_sodium, no_albumin = 137.0 - _within(sodium, 125.0, 137.0), 3.5 - _within(albumin, 1.5, 3.5)
    parts = {
        "sex": 1.33 * (sex == "female"),
        "bilirubin": 4.56 * log_bilirubin,
        "sodium": 0.82 * no_sodium - 0.24 * no_sodium * log_bilirubin,
        "inr": 9.09 * log_inr,
        "creatinine": 11.14 * log_creatinine,
        "albumin": 1.85 * no_albumin - 1.83 * no_albumin * log_creatinine,
        "constant": 6.0,
    }
    value = float(min(40, round(sum(parts.values()))))
    return Answer(value, meaning(value, MELD_BANDS), parts)


@calculator("Child-Pugh", unit="points", citation="Pugh, Br J Surg 1973;60:646")
def child_pugh(
    bilirubin: Bilirubin,
    albumin: Albumin,
    inr: Inr,
    ascites: Ascites = "none",
    encephalopathy: Encephalopathy = "none",
) -> Answer:
    """Severity of cirrhosis, 5 to 15.

    Args:
        bilirubin: Under 2, to 3, above 3 mg/dL.
        albumin: Above 3.5, from 2.8, under 2.8 g/dL.
        inr: Under 1.7, to 2.3, above.
        ascites: Not given: none.
        encephalopathy: Not given: none.
    """
    points = {
        "bilirubin": at_most(bilirubin, BILIRUBIN),
        "albumin": at_most(albumin, ALBUMIN),
        "inr": at_most(inr, INR),
        "ascites": ASCITES[ascites],
        "encephalopathy": ENCEPHALOPATHY[encephalopathy],
    }
    return total(points, CHILD_BANDS)


@calculator("FIB-4", unit="1", citation="Sterling, Hepatology 2006;43:1317")
def fib_4(age: Age, ast: Enzyme, alt: Enzyme, platelets: Platelets) -> Answer:
    """Age x AST / (platelets x square root of ALT).

    Args:
        age: Age.
        ast: Aspartate aminotransferase.
        alt: Alanine aminotransferase.
        platelets: Platelets.
    """
    value = age * ast / (platelets * math.sqrt(alt))
    return Answer(value, meaning(value, FIB4_BANDS))

"""Pancreatitis and bleeding: Ranson, Glasgow-Imrie, Glasgow-Blatchford."""

from __future__ import annotations

import math
from typing import Literal

from clinsim.hospital.calculators.declaration import Answer, Bands, Steps, at_least, below, calculator, total
from clinsim.hospital.calculators.measures import (
    Age,
    Albumin,
    BaseDeficit,
    Calcium,
    Enzyme,
    GasPressure,
    Glucose,
    Haemoglobin,
    HeartRate,
    Percent,
    Pressure,
    Sex,
    Urea,
    Volume,
    WhiteCells,
)

Cause = Literal["alcohol", "gallstone"]

ADMISSION: dict[Cause, tuple[float, float, float, float, float]] = {
    "alcohol": (55, 16, 200, 350, 250),
    "gallstone": (70, 18, 220, 400, 250),
}
"""Limits of age y, white cells 10^9/L, glucose mg/dL, LDH U/L, AST U/L. Source: Ranson 1974; Ranson 1979."""
LATER: dict[Cause, tuple[float, float, float, float]] = {"alcohol": (10, 5, 4, 6), "gallstone": (10, 2, 5, 4)}
"""Limits at 48 h of the fall of haematocrit %, the rise of urea nitrogen mg/dL, base deficit mmol/L, fluid kept L. Source: as above."""
RANSON_BANDS: Bands = ((2, "about 1 % die"), (4, "about 15 % die"), (6, "about 40 % die"), (11, "nearly all die"))
IMRIE_CALCIUM, IMRIE_UREA, IMRIE_GLUCOSE = 8.016, 44.8, 180.16
"""mg/dL: 2, 16 (urea) and 10 mmol/L. Source: Blamey 1984."""
IMRIE_BANDS: Bands = ((2, "mild"), (8, "severe pancreatitis likely"))
GBS_UREA: Steps = ((70.0, 6), (28.0, 4), (22.4, 3), (18.2, 2))
"""Urea nitrogen, mg/dL. Source: Blatchford 2000."""
GBS_HAEMOGLOBIN: dict[Sex, Steps] = {"male": ((10, 6), (12, 3), (13, 1)), "female": ((10, 6), (12, 1))}
"""g/dL. Source: Blatchford 2000."""
GBS_PRESSURE: Steps = ((90, 3), (100, 2), (110, 1))
"""mmHg. Source: Blatchford 2000."""
GBS_BANDS: Bands = ((1, "very low risk: home with a date for endoscopy"), (math.inf, "hospital and endoscopy"))
"""Source: Laine, Am J Gastroenterol 2021;116:899."""


@calculator("Ranson", unit="points", citation="Ranson, Surg Gynecol Obstet 1974;139:69; Ranson, Am J Gastroenterol 1979;71:543")
def ranson(
    age: Age,
    white_cells: WhiteCells,
    glucose: Glucose,
    ldh: Enzyme,
    ast: Enzyme,
    haematocrit_fall: Percent | None = None,
    urea_rise: Urea | None = None,
    calcium: Calcium | None = None,
    pao2: GasPressure | None = None,
    base_deficit: BaseDeficit | None = None,
    fluid_kept: Volume | None = None,
    cause: Cause = "alcohol",
) -> Answer:
    """Severity of pancreatitis, 0 to 11, complete after 48 hours; before, what is known of the later six counts.

    Args:
        age: On admission.
        white_cells: On admission.
        glucose: On admission.
        ldh: Lactate dehydrogenase on admission.
        ast: Aspartate aminotransferase on admission.
        haematocrit_fall: Fall within 48 h, percentage points; not given: no point.
        urea_rise: Rise of urea nitrogen within 48 h; not given: no point.
        calcium: Lowest within 48 h; below 8 mg/dL counts; not given: no point.
        pao2: Lowest within 48 h; below 60 mmHg counts, not in gallstones; not given: no point.
        base_deficit: Largest within 48 h; not given: no point.
        fluid_kept: Fluid sequestered within 48 h; not given: no point.
        cause: Of the pancreatitis; alcohol's limits unless said.
    """
    old, cells, sugar, lactate, liver = ADMISSION[cause]
    fall, rise, deficit, kept = LATER[cause]
    points = {
        "age": int(age > old),
        "white_cells": int(white_cells > cells),
        "glucose": int(glucose > sugar),
        "ldh": int(ldh > lactate),
        "ast": int(ast > liver),
        "haematocrit_fall": _over(haematocrit_fall, fall),
        "urea_rise": _over(urea_rise, rise),
        "calcium": int(calcium is not None and calcium < 8.0),
        "pao2": int(pao2 is not None and pao2 < 60 and cause == "alcohol"),
        "base_deficit": _over(base_deficit, deficit),
        "fluid_kept": _over(fluid_kept, kept),
    }
    return total(points, RANSON_BANDS)


def _over(value: float | None, limit: float) -> int:
    return int(value is not None and value > limit)


@calculator("Glasgow-Imrie", unit="points", citation="Blamey, Gut 1984;25:1340")
def glasgow_imrie(
    age: Age,
    pao2: GasPressure,
    white_cells: WhiteCells,
    calcium: Calcium,
    urea: Urea,
    ldh: Enzyme,
    albumin: Albumin,
    glucose: Glucose,
) -> Answer:
    """Severity of pancreatitis within 48 hours, 0 to 8.

    Args:
        age: Above 55 counts.
        pao2: Below 60 mmHg counts.
        white_cells: Above 15 x 10^9/L count.
        calcium: Below 8 mg/dL (2 mmol/L) counts.
        urea: Urea above 16 mmol/L counts.
        ldh: Above 600 U/L counts.
        albumin: Below 3.2 g/dL counts.
        glucose: Above 10 mmol/L counts.
    """
    points = {
        "pao2": int(pao2 < 60),
        "age": int(age > 55),
        "white_cells": int(white_cells > 15),
        "calcium": int(calcium < IMRIE_CALCIUM),
        "urea": int(urea > IMRIE_UREA),
        "ldh": int(ldh > 600),
        "albumin": int(albumin < 3.2),
        "glucose": int(glucose > IMRIE_GLUCOSE),
    }
    return total(points, IMRIE_BANDS)


@calculator("Glasgow-Blatchford", unit="points", citation="Blatchford, Lancet 2000;356:1318")
def glasgow_blatchford(
    sex: Sex,
    urea: Urea,
    haemoglobin: Haemoglobin,
    sbp: Pressure,
    heart_rate: HeartRate,
    melaena: bool = False,
    syncope: bool = False,
    liver_disease: bool = False,
    heart_failure: bool = False,
) -> Answer:
    """Need of treatment in bleeding from the upper gut, 0 to 23.

    Args:
        sex: For the limits of haemoglobin.
        urea: Urea nitrogen.
        haemoglobin: Haemoglobin.
        sbp: Systolic pressure.
        heart_rate: 100/min or more counts.
        melaena: Black stool.
        syncope: Fainted.
        liver_disease: Liver disease.
        heart_failure: Heart failure.
    """
    points = {
        "urea": at_least(urea, GBS_UREA),
        "haemoglobin": below(haemoglobin, GBS_HAEMOGLOBIN[sex]),
        "sbp": below(sbp, GBS_PRESSURE),
        "heart_rate": int(heart_rate >= 100),
        "melaena": int(melaena),
        "syncope": 2 * syncope,
        "liver": 2 * liver_disease,
        "heart_failure": 2 * heart_failure,
    }
    return total(points, GBS_BANDS)

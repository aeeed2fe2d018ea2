"""The measures that calculators take: units accepted and their conversion, and the type by which a formula asks for each.

A formula gets the plain number in the first unit. Molar masses: creatinine 113.12, bilirubin 584.7, urea nitrogen 28.02, glucose 180.16,
calcium 40.08, albumin 66,500, cholesterol 386.7 and triglyceride 885.7 g/mol. Source: IUPAC atomic weights; SI conversion tables of the
AMA Manual of Style, 11th edition, 2020.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from clinsim.hospital.calculators.quantity import BARE, Measure

Sex: TypeAlias = Literal["female", "male"]

_EQUIVALENT = {"mEq/L": 1.0}
"""Of an ion with one charge."""
_GLUCOSE = {"mmol/L": 18.016}
_LITRE_COUNT = {"10^3/µL": 1.0, "K/µL": 1.0, "/µL": 0.001, "/mm^3": 0.001, "10^3/mm^3": 1.0, "/L": 1e-9, "G/L": 1.0}
_YEAR = {"months": 1 / 12, "weeks": 7 / 365.25, "days": 1 / 365.25}
_KPA = {"kPa": 7.50062}

Age = Annotated[float, Measure("age", "y", _YEAR, high=130.0)]
Weight = Annotated[float, Measure("body weight", "kg", {"g": 0.001, "lb": 0.45359237}, low=0.2, high=700.0)]
Height = Annotated[float, Measure("height", "cm", {"m": 100.0, "in": 2.54, "ft": 30.48}, low=20.0, high=260.0)]
BodyMassIndex = Annotated[float, Measure("body mass index", "kg/m^2", low=5.0, high=150.0)]
Temperature = Annotated[float, Measure("temperature", "°C", {"°F": 5 / 9, "K": 1.0}, 10.0, 50.0, {"°F": -32.0, "K": -273.15})]
HeartRate = Annotated[float, Measure("heart rate", "1/min", high=400.0)]
RespiratoryRate = Annotated[float, Measure("respiratory rate", "1/min", high=200.0)]
PulseRate = Annotated[float, Measure("heart rate of a beating heart", "1/min", low=10.0, high=400.0)]
Pressure = Annotated[float, Measure("blood pressure", "mmHg", _KPA, high=400.0)]
GasPressure = Annotated[float, Measure("gas pressure", "mmHg", _KPA, high=800.0)]
Saturation = Annotated[float, Measure("oxygen saturation", "%", {"fraction": 100.0}, high=100.0)]
OxygenFraction = Annotated[float, Measure("inspired oxygen fraction", "fraction", {"%": 0.01}, 0.15, 1.0)]
ComaScale = Annotated[float, Measure("Glasgow coma scale", BARE, low=3.0, high=15.0, whole=True)]
Acidity = Annotated[float, Measure("pH", BARE, low=6.0, high=8.5)]
Inr = Annotated[float, Measure("INR", BARE, low=0.1, high=30.0)]

Sodium = Annotated[float, Measure("sodium", "mmol/L", _EQUIVALENT, 50.0, 250.0)]
Potassium = Annotated[float, Measure("potassium", "mmol/L", _EQUIVALENT, 0.5, 15.0)]
Chloride = Annotated[float, Measure("chloride", "mmol/L", _EQUIVALENT, 30.0, 200.0)]
Bicarbonate = Annotated[float, Measure("bicarbonate", "mmol/L", _EQUIVALENT, 0.0, 80.0)]
BaseDeficit = Annotated[float, Measure("base deficit", "mmol/L", _EQUIVALENT, -40.0, 50.0)]
UrineSodium = Annotated[float, Measure("urine sodium", "mmol/L", _EQUIVALENT)]
UrineCreatinine = Annotated[float, Measure("urine creatinine", "mg/dL", {"µmol/L": 1 / 88.4, "mmol/L": 1000 / 88.4}, 0.01)]
Creatinine = Annotated[float, Measure("creatinine", "mg/dL", {"µmol/L": 1 / 88.4, "mmol/L": 1000 / 88.4}, 0.01, 50.0)]
Urea = Annotated[float, Measure("blood urea nitrogen (mmol/L: urea)", "mg/dL", {"mmol/L": 2.8}, 0.0, 500.0)]
Glucose = Annotated[float, Measure("glucose", "mg/dL", _GLUCOSE, 0.0, 3000.0)]
Calcium = Annotated[float, Measure("calcium", "mg/dL", {"mmol/L": 4.008, "mEq/L": 2.004}, 0.0, 40.0)]
Albumin = Annotated[float, Measure("albumin", "g/dL", {"g/L": 0.1, "µmol/L": 0.00665}, 0.0, 10.0)]
Bilirubin = Annotated[float, Measure("bilirubin", "mg/dL", {"µmol/L": 1 / 17.1}, 0.0, 100.0)]
Haemoglobin = Annotated[float, Measure("haemoglobin", "g/dL", {"g/L": 0.1, "mmol/L": 1.611}, 0.0, 30.0)]
Haematocrit = Annotated[float, Measure("haematocrit", "%", {"fraction": 100.0, "L/L": 100.0}, 0.0, 100.0)]
Platelets = Annotated[float, Measure("platelets", "10^9/L", _LITRE_COUNT, 0.1, 10_000.0)]
WhiteCells = Annotated[float, Measure("white cells", "10^9/L", _LITRE_COUNT, high=2_000.0)]
Enzyme = Annotated[float, Measure("enzyme activity", "U/L", {"µkat/L": 60.0}, low=0.1)]
Ethanol = Annotated[float, Measure("ethanol", "mg/dL", {"mmol/L": 4.607})]
Cholesterol = Annotated[float, Measure("cholesterol", "mg/dL", {"mmol/L": 38.67})]
Triglycerides = Annotated[float, Measure("triglycerides", "mg/dL", {"mmol/L": 88.57})]
Insulin = Annotated[float, Measure("insulin", "µIU/mL", {"mIU/L": 1.0, "mU/L": 1.0, "pmol/L": 1 / 6.0})]
UrineOutput = Annotated[float, Measure("urine output", "mL/day", {"mL/h": 24.0, "L/day": 1000.0})]
Infusion = Annotated[float, Measure("infusion rate", "µg/kg/min")]
Interval = Annotated[float, Measure("QT interval", "ms", {"s": 1000.0}, 100.0, 1500.0)]
TroponinRatio = Annotated[float, Measure("troponin as a multiple of the normal limit", BARE)]
Hours = Annotated[float, Measure("duration", "h", {"days": 24.0, "min": 1 / 60})]
Days = Annotated[float, Measure("duration", "days", {"h": 1 / 24, "weeks": 7.0})]
Volume = Annotated[float, Measure("volume", "L", {"mL": 0.001}, -100.0, 100.0)]
Length = Annotated[float, Measure("diameter", "mm", {"cm": 10.0}, high=500.0)]
Dose = Annotated[float, Measure("dose", "mg", {"µg": 0.001, "g": 1000.0})]
SmallDose = Annotated[float, Measure("dose", "µg", {"mg": 1000.0})]
PatchRate = Annotated[float, Measure("delivery rate of a patch", "µg/h")]
Percent = Annotated[float, Measure("percent", BARE, high=1000.0)]
Count = Annotated[float, Measure("count", BARE, high=1000.0, whole=True)]

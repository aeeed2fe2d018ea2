"""What can be seen of severity in one person: vital signs, analytes and the ECG, with noise keyed by grid index.

A sign is the person's own base plus an amplitude times a power of severity; the amplitude is such that in typical presentations the value at arrival
lies about the range of the sheet (`scatter.py` says how people differ). Looking, however often, changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clinsim.body_file import NormalRule, load_bodies
from clinsim.condition_file import Condition
from clinsim.hospital.calculators.renal import Sex, creatinine_at_egfr
from clinsim.hospital.flow import GRID_MINUTES
from clinsim.hospital.kinetics import moved
from clinsim.hospital.people import Person
from clinsim.hospital.scatter import expression, shifts
from clinsim.hospital.streams import Streams, pick

SLOW_STEPS = 3
"""Grid steps over which the slow part of the noise stays the same: about 15 minutes (assumption)."""
SLOW, FAST = 0.8, 0.6
"""Shares of the slow and the fast part of the noise; their squares add up to 1 (assumption)."""
BEST_SUPPORTED_SPO2 = 99.0
"""Saturation (%) that oxygen does not exceed (assumption)."""
SEX: Mapping[str, Sex] = {"female": "F", "male": "M"}


def creatinine(egfr: float, age: float, sex: str) -> float:
    """The serum creatinine (mg/dL) at which CKD-EPI 2021 gives this filtration rate (mL/min/1.73 m2).

    Source: Inker, NEJM 2021;385:1737, solved for creatinine.
    """
    return creatinine_at_egfr(egfr, age, SEX[sex])


Levels = dict[str, tuple[float, float, float]]
"""By sign or analyte: the person's own value, what the illness adds at full severity, and the power of severity that it goes with."""


class Signs:
    """The readings of one person with one condition who arrived at severity `x0`."""

    __slots__ = ("_beside", "_shows", "_slow", "condition", "levels", "person", "streams", "x0")

    def __init__(self, condition: Condition, person: Person, streams: Streams, x0: float, levels: Levels | None = None) -> None:
        """Nothing is drawn before it is read, and what is drawn depends on its key alone; `levels` are those drawn for the same before."""
        self.condition = condition
        self.person = person
        self.streams = streams
        self.x0 = x0
        self.levels: Levels = {} if levels is None else levels
        self._beside: dict[str, float] | None = None
        self._shows = 0.0
        self._slow: tuple[int, tuple[float, ...]] = (-1, ())

    def vital(self, name: str, x: float) -> float:
        """The true value of a vital sign at severity `x`, without noise or supports."""
        return self._value(name, x, _vital_rules(), self.condition.vitals)

    def supported(self, name: str, x: float, index: int, running: Mapping[str, float]) -> float:
        """The value of a vital sign at a grid index with what holds it up: `running` gives the minute at which each code was last given."""
        value = self.vital(name, x)
        return held_up(name, value, (index + 1) * GRID_MINUTES, running) if running else value

    def moved(self, analyte: str, value: float, index: int, running: Mapping[str, float]) -> float:
        """An analyte as what was given moves it, unless the sheet lets its own treatment do so."""
        body = load_bodies().signs
        if not body.codes_for[analyte].isdisjoint(running):
            theirs = {code for item in self.condition.treatments for code in item.any_of} if analyte in self.condition.labs else frozenset[str]()
            supports = (rule for rule in body.supports_of(analyte) if theirs.isdisjoint(rule.any_of))
            value = moved(value, supports, (index + 1) * GRID_MINUTES, running)
        rule = body.labs[analyte]
        return min(rule.high, max(rule.low, value))

    def lab(self, name: str, x: float) -> float:
        """The true value of an analyte at (lagged) severity `x`."""
        return self._value(name, x, _lab_rules(), self.condition.labs)

    def read_vitals(self, names: tuple[str, ...], x: float, index: int, running: Mapping[str, float]) -> dict[str, float]:
        """What a nurse reads at severity `x` and a grid index; `running` as for `supported`. Always ask for the same `names`: noise goes by place."""
        rules, minute, read = _vital_rules(), (index + 1) * GRID_MINUTES, {}
        slow = self._slow_noise(index // SLOW_STEPS, len(names))
        fast = self.streams.normals("noise.vitals", self.person.id, index, len(names))
        for name, s, f in zip(names, slow, fast, strict=True):
            rule = rules[name]
            value = self._value(name, x, rules, self.condition.vitals)
            if running:
                value = held_up(name, value, minute, running)
            value += rule.noise * (SLOW * s + FAST * f)
            read[name] = round(rule.low if value < rule.low else rule.high if value > rule.high else value, rule.digits)
        return read

    def _slow_noise(self, index: int, count: int) -> tuple[float, ...]:
        """The slow part of the noise, which several readings in a row share."""
        if self._slow[0] != index:
            self._slow = (index, self.streams.normals("slow.vitals", self.person.id, index, count))
        return self._slow[1]

    def pulseless(self) -> dict[str, float]:
        """What is charted of somebody whose heart stands still: the least that can be."""
        low = {name: rule.low if name not in ("temp", "pain") else self.vital(name, self.x0) for name, rule in _vital_rules().items()}
        return {name: round(value, 1) for name, value in low.items()}

    def read_lab(self, name: str, value: float, index: int) -> float:
        """What the analyser reads in a sample taken at a grid index when the true value is `value`."""
        rule = _lab_rules()[name]
        return _rounded(rule, value * (1.0 + rule.noise * self.streams.normal(f"noise.{name}", self.person.id, index)))

    def text_lab(self, name: str) -> str:
        """The word that a text analyte reads."""
        rule = self.condition.labs.get(name)
        if rule is None:
            return self.streams.pick(tuple(load_bodies().signs.text_labs[name].items()), f"lab.{name}", self.person.id)
        return self.streams.pick(tuple(rule.text.items()), f"lab.{name}", self.person.id)

    def ecg(self, x: float) -> str:
        """The reading of the ECG at severity `x`: the sheet's, or what the heart rate says."""
        lines = tuple((line.text, line.weight) for line in self.condition.ecg if line.above <= x < line.below)
        if lines:
            return pick(lines, self.streams.uniform("ecg", self.person.id))
        rate = self.vital("hr", x)
        return [text for limit, text in load_bodies().signs.ecg_rates if rate >= limit][-1]

    def started(self, analyte: str) -> float:
        """The share of its way that an analyte has gone at arrival."""
        rule = self.condition.labs.get(analyte)
        return 1.0 if rule is None else rule.started

    def _value(self, name: str, x: float, table: Mapping[Any, NormalRule], sheet: Mapping[Any, Any]) -> float:
        level = self.levels.get(name)
        if level is None:
            level = self.levels[name] = self._level(name, table[name], sheet.get(name))
        base, amplitude, power = level
        value, rule = base + amplitude * x**power if amplitude else base, table[name]
        return rule.low if value < rule.low else rule.high if value > rule.high else value

    def _level(self, name: str, rule: NormalRule, shown: Any) -> tuple[float, float, float]:
        """The person's own value, and what the illness adds to it at full severity, with its power."""
        if self._beside is None:
            self._beside, self._shows = shifts(self.person, self.streams), expression(self.person, self.streams)
        base = self._base(name, rule) + self._beside.get(name, 0.0)
        if shown is None:
            return base, 0.0, 1.0
        low, high = shown.arrival
        usual = self.usual(name, rule)
        ill = self._illness(name)
        arrival = low + (high - low) * ill if 0.5 * (low + high) >= usual else high - (high - low) * ill
        added = arrival - base if shown.defining else (arrival - usual) * self._share_shown(name)
        return base, added / (self.started(name) * self.x0) ** shown.power, shown.power

    def _share_shown(self, name: str) -> float:
        """How much of what the illness does to a sign shows in this person."""
        rule = load_bodies().scatter.expression
        own = rule.own_vital if name in _vital_rules() else rule.own_lab
        return min(rule.highest, max(0.0, self._shows + own * self.streams.normal(f"shown.{name}", self.person.id)))

    def _illness(self, name: str) -> float:
        """Where in its range the sign lies at arrival: half by severity, half by chance (assumption)."""
        low, high = self.condition.course.severity
        severity = (self.x0 - low) / (high - low) if high > low else 0.5
        return 0.5 * min(1.0, max(0.0, severity)) + 0.5 * self.streams.uniform(f"arrival.{name}", self.person.id)

    def usual(self, name: str, rule: NormalRule) -> float:
        """The value without the illness in those who come with it, to which the range of the sheet refers."""
        people = self.condition.people
        chronic = sum(shift * people.comorbidities.get(illness, 0.0) for illness, shift in rule.comorbidities.items())
        aged = rule.per_year_over_50 * max(0.0, 0.5 * sum(people.age) - 50.0)
        return rule.mean + chronic + aged + rule.women * (1.0 - people.male)

    def _base(self, name: str, rule: NormalRule) -> float:
        person = self.person
        if name == "CREAT":
            return creatinine(person.egfr, person.age, person.sex)
        chronic = sum(rule.comorbidities.get(illness, 0.0) for illness in person.comorbidities)
        chronic += sum(rule.drugs.get(drug, 0.0) for drug in person.home_drugs) if rule.drugs else 0.0
        women = rule.women if person.sex == "female" else 0.0
        aged = rule.per_year_over_50 * max(0, person.age - 50)
        spread = rule.sd * self.streams.normal(f"base.{name}", person.id) if rule.sd else 0.0
        return min(rule.high, max(rule.low, rule.mean + women + aged + chronic + spread))


def held_up(name: str, value: float, minute: float, running: Mapping[str, float]) -> float:
    """A vital sign with what holds it up at a minute: `running` gives the minute at which each code was last given."""
    body = load_bodies().signs
    if not body.codes_for[name].isdisjoint(running):
        value = moved(value, body.by_sign[name], minute, running)
    return min(value, BEST_SUPPORTED_SPO2) if name == "spo2" else value


def _vital_rules() -> Mapping[Any, NormalRule]:
    return load_bodies().signs.vitals


def _lab_rules() -> Mapping[Any, NormalRule]:
    return load_bodies().signs.labs


def _rounded(rule: NormalRule, value: float) -> float:
    return round(min(rule.high, max(rule.low, value)), rule.digits)

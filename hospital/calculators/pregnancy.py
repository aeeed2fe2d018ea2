"""Days of a pregnancy from the last period: due date, conception, gestational age."""

from __future__ import annotations

import datetime
import math

from clinsim.hospital.calculators.declaration import Answer, Bands, calculator, meaning
from clinsim.hospital.calculators.measures import Days
from clinsim.hospital.calculators.quantity import InputError

USUAL_CYCLE, GESTATION, OVULATION = 28, 280, 14
"""Days of a cycle, from the last period to birth, and from the last period to conception. Source: ACOG Committee Opinion 700, 2017."""
TERMS: Bands = ((13.999, "first trimester"), (27.999, "second trimester"), (36.999, "third trimester, before term"), (math.inf, "term"))
"""Weeks. Source: ACOG Committee Opinion 579, 2013."""


@calculator("Due date (Naegele)", unit="date", citation="ACOG Committee Opinion 700, Obstet Gynecol 2017;129:e150")
def due_date(last_period: datetime.date, cycle: Days = USUAL_CYCLE) -> Answer:
    """280 days after the last period, later or earlier as the cycle is longer or shorter than 28 days.

    Args:
        last_period: First day of the last period.
        cycle: Length of the cycle; 28 days unless said.
    """
    return Answer((last_period + datetime.timedelta(days=GESTATION + round(cycle) - USUAL_CYCLE)).isoformat())


@calculator("Date of conception", unit="date", citation="ACOG Committee Opinion 700, Obstet Gynecol 2017;129:e150")
def conception_date(last_period: datetime.date) -> Answer:
    """14 days after the last period.

    Args:
        last_period: First day of the last period.
    """
    return Answer((last_period + datetime.timedelta(days=OVULATION)).isoformat())


@calculator("Gestational age", unit="days", citation="ACOG Committee Opinion 700, Obstet Gynecol 2017;129:e150")
def gestational_age(last_period: datetime.date, today: datetime.date) -> Answer:
    """Days since the last period.

    Args:
        last_period: First day of the last period.
        today: The day asked for; not before the last period.
    """
    days = (today - last_period).days
    if days < 0:
        raise InputError(f"today = {today}: before the last period, {last_period}")
    weeks, rest = divmod(days, 7)
    return Answer(float(days), f"{weeks} weeks and {rest} days, {meaning(days / 7, TERMS)}", {"weeks": weeks, "days": rest})

"""QT interval corrected for heart rate, five ways."""

from __future__ import annotations

from clinsim.hospital.calculators.declaration import Answer, calculator
from clinsim.hospital.calculators.measures import Interval, PulseRate, Sex

UPPER: dict[Sex, float] = {"female": 460.0, "male": 450.0}
"""ms. Source: Rautaharju, Circulation 2009;119:e241."""
HIGH_RISK = 500.0
"""ms; torsade becomes likely. Source: Drew, Circulation 2010;121:1047."""


def _read(value: float, sex: Sex | None) -> Answer:
    if value >= HIGH_RISK:
        return Answer(value, "at least 500 ms: high risk of torsade")
    if sex is None:
        return Answer(value, "above 460 ms (women) or 450 ms (men) is prolonged")
    return Answer(value, "prolonged" if value > UPPER[sex] else "not prolonged")


@calculator("QTc, Bazett", unit="ms", citation="Bazett, Heart 1920;7:353")
def qtc_bazett(qt: Interval, heart_rate: PulseRate, sex: Sex | None = None) -> Answer:
    """QT / RR^(1/2), RR in seconds; too long at fast rates.

    Args:
        qt: Measured QT.
        heart_rate: Heart rate.
        sex: For the limit; not given: the limit is not applied.
    """
    return _read(qt / (60.0 / heart_rate) ** 0.5, sex)


@calculator("QTc, Fridericia", unit="ms", citation="Fridericia, Acta Med Scand 1920;53:469")
def qtc_fridericia(qt: Interval, heart_rate: PulseRate, sex: Sex | None = None) -> Answer:
    """QT / RR^(1/3), RR in seconds.

    Args:
        qt: Measured QT.
        heart_rate: Heart rate.
        sex: For the limit; not given: the limit is not applied.
    """
    return _read(qt / (60.0 / heart_rate) ** (1.0 / 3.0), sex)


@calculator("QTc, Framingham", unit="ms", citation="Sagie, Am J Cardiol 1992;70:797")
def qtc_framingham(qt: Interval, heart_rate: PulseRate, sex: Sex | None = None) -> Answer:
    """QT + 154 (1 - RR), RR in seconds.

    Args:
        qt: Measured QT.
        heart_rate: Heart rate.
        sex: For the limit; not given: the limit is not applied.
    """
    return _read(qt + 154.0 * (1.0 - 60.0 / heart_rate), sex)


@calculator("QTc, Hodges", unit="ms", citation="Hodges, J Am Coll Cardiol 1983;1:694")
def qtc_hodges(qt: Interval, heart_rate: PulseRate, sex: Sex | None = None) -> Answer:
    """QT + 1.75 (heart rate - 60).

    Args:
        qt: Measured QT.
        heart_rate: Heart rate.
        sex: For the limit; not given: the limit is not applied.
    """
    return _read(qt + 1.75 * (heart_rate - 60.0), sex)


@calculator("QTc, Rautaharju", unit="ms", citation="Rautaharju, Am J Cardiol 1993;72:17B")
def qtc_rautaharju(qt: Interval, heart_rate: PulseRate, sex: Sex | None = None) -> Answer:
    """QT (120 + heart rate) / 180.

    Args:
        qt: Measured QT.
        heart_rate: Heart rate.
        sex: For the limit; not given: the limit is not applied.
    """
    return _read(qt * (120.0 + heart_rate) / 180.0, sex)

"""The latent course of one patient: severity on an absolute grid, moved by the illness, by what helps and by what harms.

The course is advanced lazily, and only ever by whole grid steps, so that looking at it changes nothing. Death is a hazard that grows with the square
of severity; one keyed draw says how much of it this person bears.
"""

from __future__ import annotations

from array import array
from math import exp

from clinsim.body_file import load_bodies
from clinsim.condition_file import Condition
from clinsim.condition_parts import Harm, Treatment
from clinsim.hospital.circumstances import all_hold
from clinsim.hospital.flow import GRID_MINUTES, Kernel, flow, pushed
from clinsim.hospital.people import Person
from clinsim.hospital.presentation import onset_hours
from clinsim.hospital.scatter import severity_at_arrival
from clinsim.hospital.signs import Signs
from clinsim.hospital.streams import Streams

GRID_HOURS = GRID_MINUTES / 60.0
HARM_ONSET_MINUTES = 10.0
"""Onset time constant of a harmful push (assumption)."""
WEAK_DOSE = 0.5
"""Share of the effect that a dose below the useful one has (assumption)."""
VITALS = ("hr", "sbp", "rr", "spo2", "temp", "gcs", "pain")


class Course:
    """One patient's illness from the minute of arrival on.

    `x` is severity in [0, 1] at the last grid step, `hazard` the cumulative hazard of death, `exposure` the integral of severity (hours).
    `event_loss` and `event_death` gather what single harmful events cost in expected utility and expected deaths.
    """

    __slots__ = (
        "_danger",
        "_doses",
        "_frozen",
        "_lags",
        "_passed_at",
        "_running",
        "_still",
        "_threshold",
        "_track",
        "arrived_at",
        "condition",
        "event_death",
        "event_loss",
        "exposure",
        "first",
        "harmed",
        "hazard",
        "helping",
        "index",
        "onset_at",
        "person",
        "signs",
        "streams",
        "turns_at",
        "x",
        "x0",
    )

    person: Person
    index: int
    onset_at: float
    x: float

    def __init__(self, condition: Condition, person: Person, streams: Streams, minute: float) -> None:
        """The course of `person` who arrives with `condition` at `minute`."""
        self.condition = condition
        self.person = person
        self.streams = streams
        self.arrived_at = minute
        self.onset_at = minute - 60.0 * onset_hours(condition, person.id, streams)
        self.first = self.index = int(minute // GRID_MINUTES)
        self.turns_at = self.first + round(condition.course.turning_hours * 60.0 / GRID_MINUTES)
        self.x0 = self.x = severity_at_arrival(condition, person.id, streams)
        self.signs = Signs(condition, person, streams, self.x0)
        self.hazard = self.exposure = self.event_loss = self.event_death = 0.0
        self.helping: dict[str, Kernel] = {}
        self.harmed: dict[str, Kernel] = {}
        self._danger = condition.fitted.lethality * person.frailty
        self._threshold = streams.exponential(1.0, "course.death", person.id)
        self._passed_at: float | None = None
        self._frozen = False
        self._doses: dict[str, int] = {}
        self._running: dict[str, float] = {}
        self._still: tuple[float, float] | None = (0.0, 0.0)
        self._track = array("d", [self.x0])
        self._lags: dict[str, tuple[int, float]] = {}

    # ------------------------------------------------------------ time

    @property
    def danger(self) -> float:
        """Hazard of death at full severity for this person (1/h)."""
        return self._danger

    @property
    def stands_at(self) -> float:
        """The minute of the last grid step."""
        return self.index * GRID_MINUTES

    @property
    def is_over(self) -> bool:
        """Whether the patient has died."""
        return self._frozen

    def advance(self, minute: float) -> None:
        """Move on to the last grid step at or before `minute`; nothing happens if that is where the course stands."""
        last = int(minute // GRID_MINUTES)
        if self.index >= last or self._frozen:
            return
        rule = self.condition.course
        while self.index < last:
            loss, push = self._forces() if self._still is None else self._still
            growth = rule.growth
            if self.index >= self.turns_at:
                growth, loss = 0.0, loss + rule.recovery
            x, area, square = flow(self.x, growth, loss, GRID_HOURS)
            self.x = pushed(x, push, GRID_HOURS) if push else x
            self.exposure += area
            self.hazard += self._danger * square
            self.index += 1
            self._track.append(self.x)
            if self.hazard >= self._threshold and self._passed_at is None:
                self._passed_at = self.stands_at

    def _forces(self) -> tuple[float, float]:
        """Mean loss and push (1/h) over the coming grid step; kernels move on, and are left alone once all have settled."""
        start = self.stands_at
        end = start + GRID_MINUTES
        loss = sum(kernel.rate * kernel.mean(start, end) for kernel in self.helping.values())
        push = sum(kernel.rate * kernel.mean(start, end) for kernel in self.harmed.values())
        settled = [kernel.settle() for kernel in (*self.helping.values(), *self.harmed.values())]
        if all(settled):
            self._still = (
                sum(kernel.rate * kernel.level for kernel in self.helping.values()),
                sum(kernel.rate * kernel.level for kernel in self.harmed.values()),
            )
        return loss, push

    def dies_by(self, minute: float) -> float | None:
        """The grid minute at which the hazard passed what this person bears, if that was by `minute`."""
        self.advance(minute)
        return self._passed_at if self._passed_at is not None and self._passed_at <= minute else None

    def died(self, minute: float) -> None:
        """The patient has died: the course stands still and treatments no longer count."""
        self.advance(minute)
        self._frozen = True

    # ------------------------------------------------------------ what is given

    def treat(self, code: str, minute: float, dose_ok: bool = True) -> tuple[str, ...]:
        """Give a drug or begin a procedure at `minute`.

        Args:
            code: Drug name, procedure, or `icu_care` while in intensive care.
            minute: When it takes effect.
            dose_ok: Whether the dose is useful; a weak one has half the effect.

        Returns:
            What this triggered: `helps:ID` when a treatment begins at full strength, `harms:ID` at each harmful dose.
        """
        if self._frozen:
            return ()
        self.advance(minute)
        minute = max(minute, self.stands_at)
        harms = [harm for harm in self._harms() if code in harm.any_of and self._does_harm(harm, code)]
        self._doses[code] = self._doses.get(code, 0) + 1
        self._running[code] = minute
        begun = self._begin(minute, 1.0 if dose_ok else WEAK_DOSE)
        for harm in harms:
            self._hurt(harm, minute)
        helps = (f"helps:{treatment.id}" for treatment in begun) if dose_ok else ()
        return (*helps, *(f"harms:{harm.id}" for harm in harms))

    def stop(self, code: str, minute: float) -> None:
        """Stop giving `code` at `minute`; what nothing else keeps up wears off."""
        if self._frozen or code not in self._running:
            return
        self.advance(minute)
        del self._running[code]
        for rule, kernels in ((self.condition.treatments, self.helping), (self._harms(), self.harmed)):
            for item in rule:
                if (
                    code in item.any_of
                    and item.id in kernels
                    and not getattr(item, "lasting", False)
                    and self._running.keys().isdisjoint(item.any_of)
                ):
                    kernels[item.id].turn(minute, 0.0)
                    self._still = None

    def harm_named(self, harm_id: str) -> Harm:
        """The harm with this id, of the sheet or of those that harm anybody."""
        return next(harm for harm in self._harms() if harm.id == harm_id)

    def is_open(self, treatment: Treatment, minute: float) -> bool:
        """Whether `treatment` could help if begun at `minute`: inside its window, and not barred."""
        late = treatment.window_hours is not None and minute - self.onset_at > 60.0 * treatment.window_hours
        return not late and not any(all_hold(when, self, minute) for when in treatment.barred)

    def _begin(self, minute: float, goal: float) -> list[Treatment]:
        """Begin what the running codes now allow; a stronger dose lifts a weak effect."""
        begun: list[Treatment] = []
        for treatment in self.condition.treatments:
            kernel = self.helping.get(treatment.id)
            ready = not self._running.keys().isdisjoint(treatment.any_of) and all(need in self.helping for need in treatment.needs)
            aimed = kernel.changes[-1][1] if kernel and kernel.changes else kernel.goal if kernel else 0.0
            if ready and aimed < goal and self.is_open(treatment, minute):
                self.helping.setdefault(treatment.id, new_kernel(self.condition, treatment)).turn(minute, goal)
                self._still = None
                begun.append(treatment)
        return begun

    def _harms(self) -> tuple[Harm, ...]:
        return (*self.condition.harms, *load_bodies().general.harms)

    def _does_harm(self, harm: Harm, code: str) -> bool:
        general = harm not in self.condition.harms
        if general and self.condition.has_use_for(code):
            return False
        spared = any(self._doses.get(other) for other in harm.unless)
        enough = sum(self._doses.get(other, 0) for other in harm.any_of) + 1 >= harm.from_dose
        minute = self.stands_at
        return enough and not spared and (not harm.when or any(all_hold(when, self, minute) for when in harm.when))

    def _hurt(self, harm: Harm, minute: float) -> None:
        if harm.id not in self.harmed:
            self.event_loss += harm.event_loss.value if harm.event_loss else 0.0
            self.event_death = 1.0 - (1.0 - self.event_death) * (1.0 - harm.event_death)
        kernel = self.harmed.setdefault(harm.id, Kernel(harm.push, HARM_ONSET_MINUTES))
        if harm.push:
            kernel.turn(minute, 1.0)
            kernel.changes.append((minute + 60.0 * harm.push_hours, 0.0))
            self._still = None

    # ------------------------------------------------------------ what can be seen

    def vitals(self, minute: float) -> dict[str, float]:
        """Vital signs as read at the last grid step by `minute`: hr, sbp, rr, spo2, temp, gcs, pain."""
        index, x = self._seen(minute)
        return self.signs.read_vitals(VITALS, x, index, self._running)

    def lab(self, analyte: str, minute: float) -> float | str:
        """What a sample taken at `minute` will read; for ECG what the tracing shows."""
        if analyte == "ECG":
            return self.ecg(minute)
        if analyte in load_bodies().signs.text_labs:
            return self.signs.text_lab(analyte)
        index, _ = self._seen(minute)
        return self.signs.read_lab(analyte, self.true_lab(analyte, minute), index)

    def ecg(self, minute: float) -> str:
        """What an ECG taken at `minute` shows."""
        return self.signs.ecg(self._seen(minute)[1])

    def true_sign(self, name: str, minute: float) -> float:
        """A vital sign or numeric analyte at `minute`, without noise."""
        if name in VITALS:
            index, x = self._seen(minute)
            return self.signs.supported(name, x, index, self._running)
        return self.true_lab(name, minute)

    def true_lab(self, analyte: str, minute: float) -> float:
        """An analyte at `minute` without noise: it follows severity with its lag."""
        index, x = self._seen(minute)
        rule = self.condition.labs.get(analyte)
        return self.signs.lab(analyte, x if rule is None or not rule.lag_hours else self._lagged(analyte, rule.lag_hours, index))

    def state(self) -> tuple[float, ...]:
        """All that moves, as numbers, for digests."""
        levels = (kernel.level for kernel in (*self.helping.values(), *self.harmed.values()))
        return (float(self.index), self.x, self.hazard, self.exposure, self.event_loss, self.event_death, *levels)

    def _seen(self, minute: float) -> tuple[int, float]:
        self.advance(minute)
        index = max(self.first, min(self.index, int(minute // GRID_MINUTES)))
        return index, self._track[index - self.first]

    def _lagged(self, analyte: str, lag_hours: float, index: int) -> float:
        at, value = self._lags.get(analyte, (self.first, self.signs.started(analyte) * self.x0))
        if at > index:
            at, value = self.first, self.signs.started(analyte) * self.x0
        share = 1.0 - exp(-GRID_HOURS / lag_hours)
        for x in self._track[at - self.first : index - self.first]:
            value += (x - value) * share
        self._lags[analyte] = (index, value)
        return value


def new_kernel(condition: Condition, treatment: Treatment) -> Kernel:
    """A kernel for `treatment` at the strength that was fitted for the sheet."""
    return Kernel(treatment.effect * condition.fitted.effect_scale, treatment.onset_minutes)

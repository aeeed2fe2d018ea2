"""The latent course of one patient: severity on an absolute grid, moved by the illness, by what helps and by what harms.

The course is advanced lazily, and only ever by whole grid steps, so that looking at it changes nothing. Death is a hazard that grows with the square
of severity; how much of it this person bears is the heart's (`heart`).
"""

from __future__ import annotations

from array import array
from math import exp, inf

from clinsim.body_file import load_bodies
from clinsim.condition_file import Condition
from clinsim.condition_parts import Harm, Treatment
from clinsim.hospital.dosing import does_harm, falls_short, harms_of, is_open, new_kernel, strength, turn_on
from clinsim.hospital.flow import GRID_MINUTES, Kernel, pushed, steps
from clinsim.hospital.heart import Heart
from clinsim.hospital.kinetics import gone_by_arrival
from clinsim.hospital.people import Person
from clinsim.hospital.presentation import onset_hours
from clinsim.hospital.scatter import severity_at_arrival
from clinsim.hospital.signs import Levels, Signs
from clinsim.hospital.streams import Streams

GRID_HOURS = GRID_MINUTES / 60.0
HARM_ONSET_MINUTES = 10.0
"""Onset time constant of a harmful push (assumption)."""
VITALS = ("hr", "sbp", "rr", "spo2", "temp", "gcs", "pain")


class Course:
    """One patient's illness from the minute of arrival on.

    `x` is severity in [0, 1] at the last grid step, `danger` the hazard of death at full severity (1/h), `hazard` the cumulative hazard,
    `exposure` the integral of severity (hours). Whatever is done, the heart will not stand still before `calm_until` (minute).
    `event_loss` and `event_death` gather what single harmful events cost in expected utility and expected deaths.
    """

    __slots__ = (
        "_frozen", "_lags", "_running", "_still", "_track", "arrived_at", "calm_until", "condition", "danger", "doses", "event_death", "event_loss",
        "exposure", "first", "harmed", "hazard", "heart", "helping", "index", "onset_at", "person", "signs", "streams", "turns_at", "x", "x0",
    )  # fmt: skip

    danger: float
    person: Person
    index: int
    onset_at: float
    x: float

    def __init__(self, condition: Condition, person: Person, streams: Streams, minute: float, levels: Levels | None = None) -> None:
        """The course of `person` who arrives with `condition` at `minute`; `levels` are those of the same person's signs, if they are known."""
        self.condition = condition
        self.person = person
        self.streams = streams
        self.arrived_at = minute
        self.onset_at = minute - 60.0 * onset_hours(condition, person.id, streams)
        self.first = self.index = int(minute // GRID_MINUTES)
        self.turns_at = self.first + round(condition.course.turning_hours * 60.0 / GRID_MINUTES)
        self.x0 = self.x = severity_at_arrival(condition, person.id, streams)
        self.signs = Signs(condition, person, streams, self.x0, levels)
        self.hazard = self.exposure = self.event_loss = self.event_death = 0.0
        self.helping: dict[str, Kernel] = {}
        self.harmed: dict[str, Kernel] = {}
        self.danger = condition.fitted.lethality * person.frailty
        self.heart = Heart(person.id, streams)
        self.calm_until = minute
        self._frozen = False
        self.doses: dict[str, int] = {}
        self._running: dict[str, float] = {}
        self._still: tuple[float, float] | None = (0.0, 0.0)
        self._track = array("d", [self.x0])
        self._lags: dict[str, tuple[int, float]] = {}

    def bare(self) -> Course:
        """The course of the same person from the same arrival, to whom nothing has been done."""
        return Course(self.condition, self.person, self.streams, self.arrived_at, self.signs.levels)

    # ------------------------------------------------------------ time

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
        while self.index < last:
            if self._still is None:
                self._glide(self.index + 1, *self._forces())
            else:
                self._glide(last, *self._still)
        room = self.heart.bears - self.hazard
        self.calm_until = GRID_MINUTES * (self.index + room / (self.danger * GRID_HOURS) - 1.0) if self.danger else inf

    def severity(self, minute: float) -> float:
        """Severity at the last grid step by `minute`."""
        self.advance(minute)
        return self.x

    def _glide(self, last: int, loss: float, push: float) -> None:
        """Move on under constant forces (1/h), to grid step `last` or to where the illness turns."""
        growth, first = self.condition.course.growth, self.index + 1
        if self.index >= self.turns_at:
            growth, loss = 0.0, loss + self.condition.course.recovery
        elif last > self.turns_at:
            last = self.turns_at
        step, danger, track = steps(growth, loss, GRID_HOURS), self.danger, self._track
        x, hazard, exposure, limit = self.x, self.hazard, self.exposure, self.heart.bears
        for index in range(first, last + 1):
            x, area, square = step(x)
            if push:
                x = pushed(x, push, GRID_HOURS)
            exposure += area
            hazard += danger * square
            track.append(x)
            if hazard >= limit:
                limit = self.heart.stand_still(hazard, index * GRID_MINUTES)
        self.x, self.hazard, self.exposure, self.index = x, hazard, exposure, last

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

    def arrested_at(self, minute: float) -> float | None:
        """Since when the heart has stood still at `minute`, if it does: before a death, or before it beats again."""
        self.advance(minute)
        return self.heart.still_since(minute)

    def dies_by(self, minute: float) -> float | None:
        """The grid minute of death, if that was by `minute`: a while after the hazard passed what this person bears and the heart stood still."""
        self.advance(minute)
        return self.heart.dead_since(minute)

    def died(self, minute: float) -> None:
        """The patient has died: the course stands still and treatments no longer count."""
        self.advance(minute)
        self._frozen = True

    # ------------------------------------------------------------ what is given

    def treat(self, code: str, minute: float, dose_ok: bool = True, amount: float | None = None) -> tuple[str, ...]:
        """Give a drug or begin a procedure at `minute`.

        Args:
            code: Drug name, procedure, or `icu_care` while in intensive care.
            minute: When it takes effect.
            dose_ok: Whether the dose is useful; a weak one has half the effect.
            amount: The dose, in the formulary's unit; None: as usual.

        Returns:
            What this triggered: `helps:ID` when a treatment begins or begins again, `harms:ID` at each harmful dose.
        """
        if self._frozen:
            return ()
        self.advance(minute)
        minute = max(minute, self.stands_at)
        harms = [harm for harm in harms_of(self.condition) if code in harm.any_of and does_harm(harm, self, code)]
        self.doses[code] = self.doses.get(code, 0) + 1
        self._running[code] = minute
        begun = self._begin(code, minute, dose_ok, amount)
        for harm in harms:
            self._hurt(harm, minute)
        helps = (f"helps:{item.id}" for item in begun) if dose_ok else ()
        return (*helps, *(f"harms:{harm.id}" for harm in harms))

    def stop(self, code: str, minute: float) -> None:
        """Stop giving `code` at `minute`; what nothing else keeps up wears off."""
        if self._frozen or code not in self._running:
            return
        self.advance(minute)
        del self._running[code]
        for rule, kernels in ((self.condition.treatments, self.helping), (harms_of(self.condition), self.harmed)):
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
        return next(harm for harm in harms_of(self.condition) if harm.id == harm_id)

    def _begin(self, code: str, minute: float, dose_ok: bool, amount: float | None) -> list[Treatment]:
        """Begin what the running codes now allow; a stronger dose lifts a weak effect, a new one keeps up what wears off."""
        begun: list[Treatment] = []
        for treatment in self.condition.treatments:
            ready = not self._running.keys().isdisjoint(treatment.any_of) and all(need in self.helping for need in treatment.needs)
            kernel, goal = self.helping.get(treatment.id), strength(treatment, self, code, dose_ok, amount)
            fresh = kernel is None or (code in treatment.any_of and kernel.aim < goal)
            if ready and fresh and is_open(treatment, self, minute):
                turn_on(self.helping.setdefault(treatment.id, new_kernel(self.condition, treatment)), treatment, code, minute, goal)
                self._still = None
                begun.extend([] if falls_short(treatment, code, amount) else [treatment])
        return begun

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
        if self.arrested_at(minute) is not None:
            return self.signs.pulseless()
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
        """An analyte at `minute` without noise: it follows severity with its lag, and what was given moves it."""
        index, x = self._seen(minute)
        rule = self.condition.labs.get(analyte)
        value = self.signs.lab(analyte, x if rule is None or not rule.lag_hours else self._lagged(analyte, rule.lag_hours, index))
        return self.signs.moved(analyte, value, index, self._running) if self._running else value

    def state(self) -> tuple[float, ...]:
        """All that moves, as numbers, for digests."""
        levels = (kernel.level for kernel in (*self.helping.values(), *self.harmed.values()))
        return (float(self.index), self.x, self.hazard, self.exposure, self.event_loss, self.event_death, *levels)

    def _seen(self, minute: float) -> tuple[int, float]:
        self.advance(minute)
        index = max(self.first, min(self.index, int(minute // GRID_MINUTES)))
        return index, self._track[index - self.first]

    def _lagged(self, analyte: str, lag_hours: float, index: int) -> float:
        gone = gone_by_arrival((self.arrived_at - self.onset_at) / 60.0, self.condition.people.onset_hours, lag_hours)
        start = (self.first, self.signs.started(analyte) * gone * self.x0)
        at, value = self._lags.get(analyte, start)
        if at > index:
            at, value = start
        rises = 1.0 - exp(-GRID_HOURS / lag_hours)
        falls = 1.0 - exp(-GRID_HOURS / max(lag_hours, load_bodies().signs.labs[analyte].fall_hours or 0.0))
        for x in self._track[at - self.first : index - self.first]:
            value += (x - value) * (rises if x > value else falls)
        self._lags[analyte] = (index, value)
        return value

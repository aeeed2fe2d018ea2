"""What a tool checks before it asks for anything; each refusal names the value, the rule and what is allowed."""

from __future__ import annotations

from collections.abc import Collection

from clinsim.errors import ToolError
from clinsim.hospital.charts import Chart, Desk, Knowledge, Letter, OrderLine, StudyLine
from clinsim.hospital.wording import ROOM_FOR_NAMES as ROOM_FOR_NAMES
from clinsim.hospital.wording import named as named
from clinsim.hospital.wording import shown as shown
from clinsim.hospital.worlds import LiveWorld, Rehearsed
from clinsim.record import World

FINISHED = frozenset({"given", "stopped", "rejected", "cancelled", "resulted", "reported", "done", "refused"})
"""States after which nothing more happens to an order."""


def knowledge(world: World) -> Knowledge:
    """Catalogues and formulary of the world."""
    found: Knowledge = world.knowledge
    return found


def desk(world: World) -> Desk:
    """Work lists of the world."""
    found: Desk = world.desk
    return found


def met(world: World) -> None:
    """Say that nothing can refuse any more: a rehearsal ends here, before the work of reading."""
    if isinstance(world, LiveWorld) and world.rehearsing:
        raise Rehearsed


def one_of(what: str, value: str, allowed: Collection[str]) -> str:
    """`value`, if it is allowed.

    Raises:
        ToolError: It is not; the message names what is.
    """
    if value not in allowed:
        raise ToolError(f"unknown {what} {shown(value)}; allowed: {named(allowed, value)}")
    return value


def written(what: str, text: str) -> str:
    """`text`, if there is any.

    Raises:
        ToolError: It is blank.
    """
    if not text.strip():
        raise ToolError(f"{what} is empty; write at least a word")
    return text


def patient(world: World, patient_id: str) -> Chart:
    """The chart of a known patient.

    Raises:
        ToolError: There is no such patient.
    """
    chart: Chart | None = world.charts.get(patient_id)
    if chart is None:
        here = [known for known, found in world.charts.items() if found.is_here]
        raise ToolError(f"unknown patient {shown(patient_id)}; patients here: {named(here, patient_id)}")
    return chart


def patient_here(world: World, patient_id: str) -> Chart:
    """The chart of a patient who is still in the hospital.

    Raises:
        ToolError: There is no such patient, or the patient has left.
    """
    chart = patient(world, patient_id)
    if not chart.is_here:
        raise ToolError(f"{patient_id} left the hospital at minute {chart.departed_at:g} ({chart.status}); its chart can be read")
    return chart


def own_patient(world: World, patient_id: str) -> Chart:
    """The chart of a patient who is here and is the actor's own.

    Raises:
        ToolError: Nobody, or somebody else, owns the patient.
    """
    chart = patient_here(world, patient_id)
    if not chart.owner:
        raise ToolError(f"nobody has claimed {patient_id}; claim_patient first")
    if chart.owner != world.actor.agent:
        raise ToolError(f"{patient_id} belongs to {chart.owner}; ask for a hand_over")
    return chart


def order_line(world: World, order_id: str, kind: str = "") -> OrderLine:
    """A known order, of `kind` if one is named.

    Raises:
        ToolError: There is no such order, or it is of another kind.
    """
    lines = desk(world).orders
    line = lines.get(order_id)
    if line is None:
        pending = [found.id for found in lines.values() if found.state not in FINISHED and found.kind == (kind or found.kind)]
        raise ToolError(f"unknown order {shown(order_id)}; open orders: {named(pending, order_id)}")
    if kind and line.kind != kind:
        raise ToolError(f"{order_id} is an order of kind {line.kind}; this needs one of kind {kind}")
    return line


def in_state(line: OrderLine, allowed: tuple[str, ...]) -> OrderLine:
    """`line`, if it stands where something can still be done to it.

    Raises:
        ToolError: It does not; the message names where it stands and where it would have to.
    """
    if line.state not in allowed:
        raise ToolError(f"{line.id} ({line.code}) is {line.state}; this needs an order that is {' or '.join(allowed)}")
    return line


def study_line(world: World, study_id: str) -> StudyLine:
    """A known study.

    Raises:
        ToolError: There is no such study.
    """
    studies = desk(world).studies
    if study_id not in studies:
        raise ToolError(f"unknown study {shown(study_id)}; studies to read: {named(desk(world).to_read, study_id)}")
    return studies[study_id]


def own_study(world: World, study_id: str) -> StudyLine:
    """A study that the actor has claimed.

    Raises:
        ToolError: Nobody, or another radiologist, has claimed it.
    """
    line = study_line(world, study_id)
    if not line.reader:
        raise ToolError(f"nobody has claimed {study_id}; claim_study first")
    if line.reader != world.actor.agent:
        raise ToolError(f"{study_id} is being read by {line.reader}; claim another study")
    return line


def colleague(world: World, agent: str, roles: tuple[str, ...] = ()) -> str:
    """A colleague on shift, other than the actor, of one of `roles` if any are named.

    Raises:
        ToolError: There is none of that name; the message names those on shift.
    """
    others = [
        who.agent for who in desk(world).colleagues.values() if who.on_shift and who.agent != world.actor.agent and (not roles or who.role in roles)
    ]
    if agent not in others:
        what = " or ".join(roles) or "colleague"
        raise ToolError(f"no {what} {shown(agent)} on shift; on shift: {named(others, agent)}")
    return agent


def letter_to_me(world: World, letter_id: str) -> Letter:
    """A letter addressed to the actor.

    Raises:
        ToolError: There is none of that id.
    """
    letters = desk(world).letters
    wanted = letters.get(letter_id)
    if wanted is None or wanted.to != world.actor.agent:
        waiting = [letter.id for letter in letters.values() if letter.to == world.actor.agent and letter.acknowledged_at is None]
        raise ToolError(f"no letter {shown(letter_id)} to you; not acknowledged: {named(waiting, letter_id)}")
    return wanted

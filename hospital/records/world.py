"""A world over the records of a domain: frozen records below, and on top of them what one episode has written.

Opening one copies nothing. Every write goes through `request`, stands in `written`, and is seen by the tools that read; so that the state left
behind is the list of changes, and two runs can be compared by it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from clinsim.errors import ToolError
from clinsim.hospital.charts import Chart, Desk, Knowledge
from clinsim.record import Actor, Order, Receipt

if TYPE_CHECKING:
    from clinsim.hospital.records.database import Database

STATUS_OF: Mapping[str, str] = {
    "test": "ordered",
    "imaging": "ordered",
    "order": "placed",
    "prescription": "prescribed",
    "note": "written",
    "diagnosis": "recorded",
    "referral": "sent",
    "consult": "requested",
    "protocol": "activated",
    "alert": "sent",
    "annotation": "recorded",
    "report": "submitted",
    "answer": "submitted",
}
"""Kinds of request that change the state, and where each stands at once."""
NO_CHARTS: Mapping[str, Chart] = {}


@dataclass(frozen=True, slots=True)
class RecordOrder(Order):
    """An order in a domain of records; `details` are its plain data, as they stand in the change that it makes."""

    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One thing written: its id, what kind, about which record, and its plain data."""

    id: str
    kind: str
    subject: str
    data: Mapping[str, Any]

    def as_data(self) -> dict[str, Any]:
        """Plain JSON data; the same request in the same place gives the same."""
        return {"id": self.id, "kind": self.kind, "subject": self.subject, **self.data}


class RecordWorld:
    """The records of a domain as one agent's tools see them, with what the agent has written.

    `records` is shared by all worlds of a database and never changes. `charts` and `desk` are empty: these domains keep records instead.
    """

    __slots__ = ("actor", "database", "now", "records", "written")

    def __init__(self, database: Database, actor: Actor, now: float = 0.0) -> None:
        """Open `database` for `actor`; `now` is in minutes and stands still."""
        self.database = database
        self.records: Any = database.records
        self.actor = actor
        self.now = now
        self.written: list[Change] = []

    @property
    def charts(self) -> Mapping[str, Chart]:
        """No charts."""
        return NO_CHARTS

    @property
    def desk(self) -> Desk:
        """An empty desk."""
        return Desk()

    @property
    def knowledge(self) -> Knowledge:
        """Formulary and catalogues of the house."""
        return self.database.knowledge

    def request(self, order: Order) -> Receipt:
        """Write an order down.

        Raises:
            ToolError: No such request is known.
        """
        status = STATUS_OF.get(order.kind)
        if status is None:
            raise ToolError(f"the records know no request {order.kind!r}; they know {', '.join(STATUS_OF)}")
        data = dict(order.details) if isinstance(order, RecordOrder) else {"code": order.code, "text": order.text}
        change = Change(f"{order.kind.upper()}-{len(self.written) + 1:04d}", order.kind, order.subject, data)
        self.written.append(change)
        return Receipt(change.id, status)

    def write(self, kind: str, subject: str, **details: Any) -> Receipt:
        """Request a change of `kind` about `subject`; `details` are its plain data.

        Args:
            kind: A key of `STATUS_OF`.
            subject: Id of the record that it is about.
            **details: What is written.
        """
        return self.request(RecordOrder(kind, subject, details=details))

    def wrote(self, kind: str, subject: str) -> tuple[Change, ...]:
        """What was written of one kind about one record, in order."""
        return tuple(change for change in self.written if change.kind == kind and change.subject == subject)

    def changes(self) -> list[dict[str, Any]]:
        """Everything written, in order, as plain JSON data."""
        return [change.as_data() for change in self.written]

    def state_digest(self) -> str:
        """SHA-256 over domain, database and changes: equal for equal states left behind."""
        state = [self.database.domain, self.database.digest, self.changes()]
        return hashlib.sha256(json.dumps(state, sort_keys=True).encode()).hexdigest()


def difference(wanted: list[dict[str, Any]], found: list[dict[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """What one list of changes lacks of another and has besides, whatever the order and the ids.

    Args:
        wanted: Changes of the state that was wanted.
        found: Changes of the state left behind.
    """
    rest = [_bare(change) for change in found]
    missing = []
    for change in map(_bare, wanted):
        if change in rest:
            rest.remove(change)
        else:
            missing.append(change)
    return {"missing": missing, "extra": rest}


def _bare(change: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in change.items() if key != "id"}

"""What the records of all domains have in common: strict frozen rows, and the refusal of what is not on record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from clinsim.data_file import Rule
from clinsim.errors import ToolError
from clinsim.hospital.wording import named, shown

T = TypeVar("T")

Log = tuple[Any, ...] | dict[str, Any]
"""A collection in which the ancestor's tools kept notes: accepted in a file, read by nothing, never written."""


class Record(Rule):
    """A row of a database: nothing extra, nothing changed afterwards."""


class DomainRecords(Rule):
    """All that the file of one domain holds, by collection and id."""


class UnknownRecordError(ToolError):
    """The agent named an id that no record bears; the message says which there are."""


def on_record(what: str, key: str, held: Mapping[str, T]) -> T:
    """The record of that id.

    Args:
        what: What kind of thing it is; for the message.
        key: Its id.
        held: Records by id.

    Raises:
        UnknownRecordError: There is none.
    """
    found = held.get(key)
    if found is None:
        raise UnknownRecordError(f"unknown {what} {shown(key)}; on record: {named(held, key)}")
    return found

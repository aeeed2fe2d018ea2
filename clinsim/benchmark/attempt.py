"""What was done at a task: the calls that were made, what they answered and left behind, and the last words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Made:
    """A call that was made: `ok` says whether it succeeded; `result` is the plain data that it answered, `error` what it was refused with.

    `flagged` says whether the ancestor's tools would have flagged it as an error; None where they had no such domain. `text` is the result as
    JSON where it is at hand, so that it need not be written again.
    """

    name: str
    arguments: Mapping[str, Any]
    ok: bool = True
    result: Any = None
    error: str = ""
    flagged: bool | None = None
    text: bytes = field(default=b"", compare=False, repr=False)


State = tuple[Mapping[str, Any], ...]
"""What an attempt has written, in order: plain data with `kind`, `subject` and what was written."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """One run at a task.

    `turns` counts what the policy was asked; `submitted` says whether it ended by a submission; `failure` is empty unless the infrastructure
    failed (a model that does not answer), in which case the attempt is counted apart and never graded.
    """

    calls: tuple[Made, ...] = ()
    final_answer: str = ""
    changes: State = ()
    turns: int = 0
    submitted: bool = False
    failure: str = ""

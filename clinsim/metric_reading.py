"""Key figures of reading images: F1 over findings, Brier score of stated certainty, errors that would be acted on, critical calls."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import fsum

from clinsim.metric_pharmacy import Figure, figure
from clinsim.record import Entry


@dataclass(slots=True)
class ReadingTally:
    """First reports against what the images show, squared errors of stated certainty, and phone calls about critical findings."""

    found: int = 0
    invented: int = 0
    missed: int = 0
    actionable: int = 0
    squares: list[float] = field(default_factory=list)
    critical: set[str] = field(default_factory=set)
    reported: set[str] = field(default_factory=set)
    called: set[str] = field(default_factory=set)
    calls: int = 0
    true_calls: int = 0

    def shown(self, entry: Entry) -> None:
        """What a study truly shows."""
        if entry.data["critical"]:
            self.critical.add(entry.subject)

    def graded(self, entry: Entry) -> None:
        """A report beside the truth; later additions to it do not count."""
        data = entry.data
        if data["addendum"]:
            return
        self.found, self.invented, self.missed = self.found + data["tp"], self.invented + data["fp"], self.missed + data["fn"]
        self.actionable += data["critical_missed"] + data["critical_invented"]
        is_right = float(data["fp"] == 0 and data["fn"] == 0)
        self.squares.append((data["certainty"] - is_right) ** 2)
        self.reported.add(entry.subject)

    def phoned(self, entry: Entry) -> None:
        """A call about a study."""
        self.calls += 1
        self.true_calls += bool(entry.data["critical"])
        self.called.add(entry.subject)

    def figures(self) -> Iterator[tuple[str, Figure]]:
        """The key figures by name. An actionable error is a critical finding that is missed, or one that is not there.

        Recall of calls is over the reported studies that show something critical; the Brier score is of Brier, Mon Weather Rev 1950;78:1.
        """
        n, judged = len(self.squares), 2 * self.found + self.invented + self.missed
        due = self.critical & self.reported
        yield "report_f1", figure(2 * self.found / max(1, judged), "share", judged)
        yield "report_brier", figure(fsum(self.squares) / max(1, n), "squared error", n)
        yield "actionable_errors", figure(self.actionable, "errors", n)
        yield "critical_call_precision", figure(self.true_calls / max(1, self.calls), "share", self.calls)
        yield "critical_call_recall", figure(len(due & self.called) / max(1, len(due)), "share", len(due))

"""Fit the condition sheets: find the numbers of their `fitted` line so that the outcomes of the sheet come out of the course.

`python checks/fit_conditions.py [--write] [NAME...]` prints what it found (see `clinsim/validation/fitting.py`), and with --write puts it into the
sheets. Run it again whenever a sheet's course, treatments or people change.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from clinsim.condition_file import load_conditions
from clinsim.condition_parts import Fitted
from clinsim.validation.fitting import fit

SHEETS = Path(__file__).resolve().parent.parent / "scenarios" / "conditions"


def main(arguments: Sequence[str]) -> None:
    """Fit the sheets that are named, or all."""
    names = [name for name in arguments if not name.startswith("--")] or list(load_conditions())
    for name in names:
        condition = load_conditions()[name]
        fitted = fit(condition)
        print(f"{name:28} {line_of(fitted)}")
        if "--write" in arguments:
            path = SHEETS / f"{name}.yaml"
            path.write_text(re.sub(r"(?m)^fitted: .*$", line_of(fitted), path.read_text(encoding="utf-8")), encoding="utf-8")


def line_of(fitted: Fitted) -> str:
    """The line of the sheet."""
    return "fitted: {" + ", ".join(f"{name}: {value:.10g}" for name, value in fitted.model_dump().items()) + "}"


if __name__ == "__main__":
    main(sys.argv[1:])

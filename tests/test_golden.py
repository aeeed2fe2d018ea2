"""One golden trace, consumed by run, verify and re-grade alike: what is in it changes only on purpose.

After a change that is meant to move it, raise the scenario's version if scores are no longer comparable, say so in the change log, and renew it:
`.venv/bin/python tests/test_golden.py`.
"""

from __future__ import annotations

from math import fsum
from pathlib import Path

import clinsim
from clinsim.recheck import regrade_trace, verify_trace

GOLDEN = Path(__file__).parent / "golden" / "first_hour.jsonl"
SCENARIO, SEED = "first_hour", 2


def played() -> clinsim.Trace:
    return clinsim.run_episode(clinsim.raw_env(SCENARIO), "guideline", seed=SEED)


def test_running_gives_the_golden_digest():
    assert played().digest == clinsim.Trace.load(GOLDEN).digest


def test_the_golden_trace_verifies():
    verdict = verify_trace(GOLDEN)
    assert verdict.passed, verdict.message


def test_regrading_the_golden_trace_gives_its_rewards():
    graded = regrade_trace(GOLDEN)
    assert graded["same"]
    assert abs(graded["return"] - fsum(graded["recorded"].values())) < 1e-9


if __name__ == "__main__":
    played().save(GOLDEN)

"""Other worlds drawn from the intervals of the sheets, and draws that are gone on with."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from clinsim.condition_file import load_conditions
from clinsim.errors import UsageError
from clinsim.validation.grounds import bare, digest
from clinsim.validation.report import parts_of, told_by_hand, write
from clinsim.validation.sensitivity import FILE, PART, PLANS, POLICIES, Plan, kept, played, varied, world_of

SHEETS = ("stemi", "septic_shock", "reflux")
TINY = Plan("single_patient", 2, (3,), 4)


def test_draws_stay_in_their_intervals_and_differ() -> None:
    shipped, worlds = load_conditions(), [varied(draw, 20, SHEETS) for draw in range(3)]
    for world in worlds:
        for name, sheet in world.items():
            for field in ("p_untreated", "p_disability_untreated"):
                stated = getattr(sheet, field)
                assert stated.low <= stated.value <= stated.high
            assert sheet.p_optimal.value <= sheet.p_untreated.value
            for old, new in zip(shipped[name].treatments, sheet.treatments, strict=True):
                assert 0.49 < new.effect / old.effect < 2.01
            assert sheet.fitted != shipped[name].fitted
    assert worlds[0] != worlds[1]
    assert worlds[2] == varied(2, 20, SHEETS)


def test_draws_are_kept_and_gone_on_with(tmp_path: Path) -> None:
    first = played(Plan("single_patient", 1, (3,), 4), tmp_path)
    kept = (tmp_path / FILE).read_text(encoding="utf-8")
    both = played(TINY, tmp_path)
    assert both[0] == first[0]
    assert (tmp_path / FILE).read_text(encoding="utf-8").startswith(kept)
    assert len((tmp_path / FILE).read_text(encoding="utf-8").splitlines()) == 2
    assert all(set(row["loss"]) == set(POLICIES) for row in both)
    assert played(TINY, tmp_path) == both


def test_draws_of_another_world_are_not_counted(tmp_path: Path) -> None:
    played(Plan("single_patient", 1, (3,), 4), tmp_path)
    (row,) = played(Plan("single_patient", 1, (4,), 4), tmp_path)
    assert len((tmp_path / FILE).read_text(encoding="utf-8").splitlines()) == 2
    assert row["world"] == json.loads((tmp_path / FILE).read_text(encoding="utf-8").splitlines()[1])["world"]


def test_draws_of_another_state_of_the_code_are_not_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    text, added = Path.read_text, ""
    monkeypatch.setattr(Path, "read_text", lambda path, **how: text(path, **how) + (added if path.name == "course.py" else ""))
    before, added = world_of(TINY), '\n\n# Said otherwise.\n"""Said here."""\n'
    assert world_of(TINY) == before
    added = "\nFASTER = 2.0\n"
    assert world_of(TINY) != before


def test_another_source_beside_a_number_changes_nothing_and_another_number_does() -> None:
    table = {"death": {"value": 0.1, "source": "Smith 2001"}, "noise": 0.2, "noise_source": "assumption", "list": [{"source": "x", "at": 1}]}
    assert bare(table) == {"death": {"value": 0.1}, "noise": 0.2, "list": [{"at": 1}]}
    assert digest([table]) == digest([{**table, "noise_source": "Jones 2002"}])
    assert digest([table]) != digest([{**table, "noise": 0.3}])


def test_draws_take_turns_over_seeds() -> None:
    plan = PLANS["full"]
    played_by = [plan.seeds_of(draw) for draw in range(plan.draws)]
    counts = Counter(seed for seeds in played_by for seed in seeds)
    assert set(counts.values()) == {25}
    assert all(len(set(seeds)) == 2 for seeds in played_by)


@pytest.mark.parametrize("cut", [1, 4, 30, -2, -1])
def test_a_run_that_was_killed_while_it_wrote_goes_on(tmp_path: Path, cut: int) -> None:
    whole = "".join(json.dumps({"draw": draw, "world": world_of(TINY), "loss": dict.fromkeys(POLICIES, 1.0)}) + "\n" for draw in (0, 1, 0))
    *complete, last = whole.splitlines(keepends=True)
    (tmp_path / FILE).write_text("".join(complete) + last[:cut], encoding="utf-8")
    assert [row["draw"] for row in played(TINY, tmp_path)] == [0, 1]
    assert (tmp_path / FILE).read_text(encoding="utf-8") == "".join(complete)


@pytest.mark.parametrize("text", ["no json", "[1]", '{"draw": 1}', '{"draw": 0, "world": "x", "loss": {"idle": 1.0}}'])
def test_a_file_of_something_else_is_refused_in_one_line(tmp_path: Path, text: str) -> None:
    (tmp_path / FILE).write_text(f"{text}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"is no file of draws") as refusal:
        played(TINY, tmp_path)
    assert "\n" not in str(refusal.value)


def draws(world: str, n: int) -> str:
    losses = dict(zip(POLICIES, (1.0, 2.0, 2.5, 3.0), strict=True))
    return "".join(json.dumps({"draw": draw, "world": world, "loss": losses}) + "\n" for draw in range(n))


def test_draws_that_lie_in_the_folder_are_told_on_the_page(tmp_path: Path) -> None:
    plan = PLANS["full"]
    assert told_by_hand(tmp_path) == {}
    (tmp_path / FILE).write_text(draws("before", plan.draws) + draws(world_of(plan), plan.draws - 1), encoding="utf-8")
    checks = told_by_hand(tmp_path)[PART]["checks"]
    assert checks[-1]["observed"] is False  # the sheets or the code were others
    (tmp_path / FILE).write_text(draws("before", plan.draws) + draws(world_of(plan), plan.draws), encoding="utf-8")
    told = told_by_hand(tmp_path)
    assert told[PART]["checks"][-1]["observed"] is True
    assert told[PART]["passed"]
    page = write(told, tmp_path).read_text(encoding="utf-8")
    assert "## sensitivity" in page
    assert "share of draws in which guideline loses less than idle | 1 | 1 | 0.95 | 1 |" in page


def test_too_few_draws_are_not_told(tmp_path: Path) -> None:
    (tmp_path / FILE).write_text(draws(world_of(TINY), 1), encoding="utf-8")
    assert kept(tmp_path, TINY) == {}
    (tmp_path / FILE).write_text(draws(world_of(TINY), 2), encoding="utf-8")
    assert kept(tmp_path, TINY)[PART]["checks"][0]["n"] == 2


def test_it_is_asked_for_by_name_and_not_part_of_all() -> None:
    assert parts_of(PART) == (PART,)
    assert PART not in parts_of("all")

"""A slice of `checks/generalisation.py`: worlds are what they say, words change and meaning does not, and seats are filled as named."""

from __future__ import annotations

import runpy
from argparse import Namespace

import pytest

import clinsim
from clinsim.agents.rewording import Reworded, Wording
from clinsim.agents.scripted import make_policy
from clinsim.condition_file import load_conditions
from clinsim.errors import ScenarioError
from clinsim.hospital.safety import load_formulary
from clinsim.record import Observation
from clinsim.scenario_file import load_scenario
from clinsim.training.kept import collected
from clinsim.training.worlds import OTHER, OWN, Match, Visit, key_of, match_row, seated, visit_row, worlds_in

SEEDS = range(23_000, 23_002)


@pytest.fixture(scope="module")
def worlds(root):
    return worlds_in(root / "checks" / "worlds.yaml")


def test_worlds_differ_from_the_one_that_was_learnt_in(worlds):
    trained = load_scenario("first_hour")
    assert worlds[0].scenario.hash == trained.hash
    assert len({world.scenario.hash for world in worlds}) == len(worlds) - sum(world.other_words for world in worlds)
    by_name = {world.name: world.scenario for world in worlds}
    unseen = set(by_name["unseen conditions"].file.patients[0].choices)
    assert len(unseen) == 4
    assert not unseen & set(trained.file.patients[0].choices)
    rates = [by_name[f"30 % {more} arrivals"].hospital.background.prescriptions_per_hour for more in ("fewer", "more")]
    assert rates == pytest.approx([0.7 * 2.4, 1.3 * 2.4])


def test_a_wrong_file_of_worlds_is_named(tmp_path):
    (tmp_path / "wrong.yaml").write_text("worlds: [{name: x, says: y, override: {}}]")
    with pytest.raises(ScenarioError, match=r"wrong.yaml: .*override"):
        worlds_in(tmp_path / "wrong.yaml")


def test_words_change_and_names_that_tools_take_do_not():
    wording = Wording({"crackles": "crepitations", "Fine crackles": "fine rales", "fever": "pyrexia"})
    assert wording.of("Fine crackles, crackles; fevers, fever_x, fever.") == "fine rales, crepitations; fevers, fever_x, pyrexia."
    shipped = Wording.load()
    names = [*load_conditions(), *load_formulary().drugs]
    assert [name for name in names if shipped.of(name) != name] == []
    assert not set(shipped.words) & set(shipped.words.values())


def test_what_charts_say_is_mostly_reworded():
    """Of the findings in some episodes, five in six read otherwise."""
    wording, seen = Wording.load(), set()
    for seed in SEEDS:
        trace = clinsim.run_episode(clinsim.raw_env("first_hour"), "guideline", seed=seed)
        for entry in trace.actions:
            if entry.observation and '"tool":"examine_patient","status":"ok"' in entry.observation:
                seen.add(entry.observation.partition('"facts":')[2])
    assert seen
    sentences = [part for text in seen for part in text.split('"') if part.endswith(".")]
    assert sum(wording.of(part) != part for part in sentences) >= 5 / 6 * len(sentences)


def test_a_policy_reads_in_other_words():
    read = []

    class Reader:
        def start(self, seats, history=()):
            read.extend(observation.text for _, observation, _ in history)

        def act(self, turns):
            read.extend(observation.text for _, observation in turns)
            return []

    reader = Reworded(Reader(), Wording({"fever": "pyrexia"}))
    reader.start([], [("a", Observation("fever", 0.0, ""), None)])
    reader.act([("a", Observation("no fever", 0.0, ""))])
    assert read == ["pyrexia", "no pyrexia"]


def test_other_words_cost_the_guideline_and_never_break_it(worlds):
    world = next(world for world in worlds if world.other_words)
    plain, worded = (visit_row(Visit("guideline", one, range(23_000, 23_008)))["values"]["return"] for one in (worlds[0], world))
    assert sum(worded) < sum(plain)
    ward = clinsim.raw_env("first_hour")
    trace = clinsim.run_episode(ward, Reworded(make_policy("guideline"), Wording.load()), seed=23_000)
    assert trace.n_actions > 0


def test_seats_are_filled_as_named():
    own, partners = seated(Match("start", "doctor", OWN, "", SEEDS))
    assert (set(own.engines), partners) == ({"0/."}, {})
    two, partners = seated(Match("start", "doctor", "guideline_noisy", "", SEEDS))
    assert (set(two.engines), partners) == ({"0/."}, {"pharmacist": "guideline_noisy", "radiologist": "guideline_noisy"})
    none, partners = seated(Match("guideline", "doctor", OWN, "start", SEEDS))
    assert (none, partners) == (None, {"doctor": "guideline", "pharmacist": "guideline", "radiologist": "guideline"})
    guest, partners = seated(Match("guideline", "doctor", OTHER, "start", SEEDS))
    assert (set(guest.engines), partners) == ({"0/."}, {"doctor": "guideline"})


def test_another_seed_is_another_model(tmp_path):
    cast, _ = seated(Match("start", "doctor", OTHER, "", SEEDS)._replace(other="start"))
    cast.save(tmp_path / "other")
    mixed, _ = seated(Match("start", "radiologist", OTHER, str(tmp_path / "other"), SEEDS))
    assert mixed.voices["radiologist"].base.startswith("0/")
    assert mixed.voices["doctor"] == mixed.voices["pharmacist"]
    assert mixed.voices["doctor"].base.startswith("1/")


def test_a_small_study_makes_its_tables(worlds, tmp_path):
    check = runpy.run_path("checks/generalisation.py")
    some = (worlds[0], worlds[-1])
    seen, met = check["visits"](["start"], some, 2), check["matches"](["start"], 1)
    assert len({key_of(one) for one in (*seen, *met)}) == len(seen) + len(met)
    store = tmp_path / "rows.jsonl"
    seen_rows = collected(seen, [key_of(one) for one in seen], visit_row, store, 1)
    met_rows = collected(met, [key_of(one) for one in met], match_row, store, 1)
    visited, matched = check["Visited"](seen, seen_rows, ["start"]), check["Matched"](met, met_rows, ["start"])
    assert visited.drop(worlds[0].name).mean == 0.0
    ours, theirs = (visited.of_models(world.name, "return") - visited.of("guideline", world.name, "return") for world in some)
    assert visited.drop(worlds[-1].name).mean == pytest.approx(float((ours - theirs).mean()))
    text = check["page"](visited, matched, some, Namespace(model=["start"], tested=2, matched=1))
    assert text.count("| radiologist |") == 4
    assert OTHER not in text

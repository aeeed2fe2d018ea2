"""Exports: vidigi reads the event log without a warning and finds our key figures in it; every FHIR bundle is read, bound and closed."""

from __future__ import annotations

import copy
import json
import re
import warnings

import pytest

import clinsim
from clinsim.cli import code_of
from clinsim.condition_file import load_conditions
from clinsim.export import bindings, fhir
from clinsim.export.event_log import COLUMNS, STILL_HERE, event_log, kept_places, write_event_log
from clinsim.hospital.laboratory import UNITS_OF
from clinsim.scenario_file import load_scenario

PLAYED = [("ed_evening", 3), ("ward_round", 1), ("icu_full", 2)]


@pytest.fixture(scope="module")
def traces():
    return [clinsim.run_episode(clinsim.raw_env(name), "guideline", seed=seed, observations=False) for name, seed in PLAYED]


@pytest.fixture(scope="module")
def logs(traces):
    return [
        event_log(trace, kept_places(load_scenario(name).hospital), number + 1)
        for number, (trace, (name, _)) in enumerate(zip(traces, PLAYED, strict=True))
    ]


@pytest.fixture(scope="module")
def read(logs):
    """The logs as vidigi reads them; a warning is an error."""
    vidigi = pytest.importorskip("vidigi.logging", reason="vidigi is not installed")
    loggers = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for number, rows in enumerate(logs, start=1):
            logger = vidigi.EventLogger(run_number=number)
            for row in rows:
                logger.log_event(**row)
            loggers.append(logger)
        return vidigi.TrialLogger(loggers)


def capacities(house):
    return {name: rule.units for name, rule in house.pools.items()} | {name: house.pools[rule.beds].units for name, rule in house.units.items()}


def test_vidigi_reads_and_uses_it_without_a_warning(read):
    table = read.to_dataframe()
    used = set(table.loc[table.event_type == "resource_use", "event"])
    units = {name: number for name, number in capacities(load_scenario("ed_evening").hospital).items() if name in used}
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        found = read.get_resource_utilisation(resource_capacities=units, limit_duration=300.0)
        frames = read.reshape_for_animations(run_number=1, every_x_time_units=60)
    assert len(frames) > 300
    assert found["utilisation"].between(0.0, 1.0).all()
    assert set(found["event"]) >= {"acute", "ward", "icu"}


def test_vidigi_finds_our_key_figures(read, traces):
    trace, entries = traces[0], traces[0].entries
    arrived = {entry.subject: entry.minute for entry in entries if entry.kind == "arrival" and entry.data["origin"] == "ed"}
    table = read.to_dataframe()
    run = table[table.run_number == 1]
    departed = run[(run.event == "depart") & run.entity_id.isin(arrived)]
    home = [time - arrived[entity] for entity, time, how in zip(departed.entity_id, departed.time, departed.how, strict=True) if how == "home"]
    assert sum(home) / len(home) == pytest.approx(trace.kpis["length_of_stay_home"]["value"])
    seen = run[run.seen_at.notna() & run.entity_id.isin(arrived)]
    doors = [at - arrived[entity] for entity, at in zip(seen.entity_id, seen.seen_at, strict=True)]
    assert len(doors) == trace.kpis["door_to_doctor"]["n"]
    assert sum(doors) / len(doors) == pytest.approx(trace.kpis["door_to_doctor"]["value"])
    assert len(arrived) == trace.kpis["arrivals"]["value"]


def test_nobody_is_in_two_places_and_no_number_is_used_twice(logs):
    for rows, (name, _) in zip(logs, PLAYED, strict=True):
        units, where, holder = capacities(load_scenario(name).hospital), {}, {}
        assert [row["time"] for row in rows] == sorted(row["time"] for row in rows)
        for row in rows:
            place = (row["event"], row.get("resource_id"))
            if row["event_type"] == "resource_use":
                assert row["entity_id"] not in where
                assert place not in holder
                assert 1 <= place[1] <= units[place[0]] + 2, "walking to a machine overlaps with the one who walks away"
                where[row["entity_id"]], holder[place] = place, row["entity_id"]
            elif row["event_type"] == "resource_use_end":
                assert where.pop(row["entity_id"]) == place
                assert holder.pop(place) == row["entity_id"]
        assert (where, holder) == ({}, {})
        assert {row["entity_id"] for row in rows if row["event"] == "depart"}.isdisjoint(
            row["entity_id"] for row in rows if row.get("how") == STILL_HERE
        )


def test_runs_go_into_one_file(traces, tmp_path):
    kept = kept_places(load_scenario("ed_evening").hospital)
    written = write_event_log([(traces[0], kept), (traces[2], kept)], tmp_path / "log.csv")
    lines = (tmp_path / "log.csv").read_text().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) == written + 1
    assert {line.split(",")[4] for line in lines[1:]} == {"1", "2"}


# ---------------------------------------------------------------- FHIR


@pytest.fixture(scope="module")
def bundles(traces):
    return fhir.bundles(traces[0], load_scenario("ed_evening"))


def resources(made, kind):
    return [entry["resource"] for entry in made["entry"] if entry["resource"]["resourceType"] == kind]


def test_fhir_resources_reads_every_bundle(bundles):
    reader = pytest.importorskip("fhir.resources.R4B.bundle", reason="the extra fhir is not installed")
    for patient, made in bundles.items():
        text = reader.Bundle.model_validate_json(json.dumps(fhir.checked(patient, made))).model_dump_json(exclude_none=True)
        assert len(json.loads(text)["entry"]) == len(made["entry"])


def test_all_kinds_of_records_are_there(bundles):
    kinds = {entry["resource"]["resourceType"] for made in bundles.values() for entry in made["entry"]}
    assert kinds == {field.partition(".")[0] for field in bindings.WORDS} - {"Bundle"}


def test_what_is_charted_is_what_is_exported(traces, bundles):
    entries = traces[0].entries
    given = sum(entry.kind == "given" for entry in entries)
    assert sum(len(resources(made, "MedicationAdministration")) for made in bundles.values()) == given
    values = [value for entry in entries if entry.kind == "result" for value in entry.data["values"].values()]
    laboratory = [
        one for made in bundles.values() for one in resources(made, "Observation") if one["category"][0]["coding"][0]["code"] == "laboratory"
    ]
    assert len(laboratory) == len(values)
    numbers = sorted(one["valueQuantity"]["value"] for one in laboratory if "valueQuantity" in one)
    assert numbers == sorted(value for value in values if not isinstance(value, str))


def test_no_truth_is_exported(traces, bundles):
    """No condition that a patient truly has stands in a chart in which no doctor has written it."""
    titles = {name: sheet.title for name, sheet in load_conditions().items()}
    for entry in traces[0].entries:
        if entry.kind == "patient_truth":
            said = [one["code"]["text"] for one in resources(bundles[entry.subject], "Condition")]
            written = {e.data["code"] for e in traces[0].entries if e.kind == "diagnosis" and e.subject == entry.subject}
            written |= {name for e in traces[0].entries if e.kind == "differential" and e.subject == entry.subject for name in e.data["items"]}
            if entry.data["condition"] not in written:
                assert titles[entry.data["condition"]] not in said


def test_export_is_the_same_each_time(traces, bundles):
    assert fhir.bundles(traces[0], load_scenario("ed_evening")) == bundles


WRONG = [
    ("a status that is none", lambda b: resources(b, "Observation")[0].update(status="nonsense"), "Observation.status: 'nonsense'"),
    ("a concept with another code", lambda b: _first_code(resources(b, "Condition")[0]["clinicalStatus"], "ill"), "Condition.clinicalStatus: 'ill'"),
    ("no status", lambda b: resources(b, "Encounter")[0].pop("status"), "Encounter.status: missing"),
    ("a priority in other words", lambda b: resources(b, "ServiceRequest")[0].update(priority="soon"), "ServiceRequest.priority: 'soon'"),
    ("a patient who is not there", lambda b: b["entry"].pop(0), "which is not there"),
    ("an id twice", lambda b: b["entry"].append(b["entry"][0]), "used twice"),
    ("a bundle of no type", lambda b: b.update(type="heap"), "Bundle.type: 'heap'"),
]


def _first_code(concept, code):
    concept["coding"][0]["code"] = code


@pytest.mark.parametrize(("spoil", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_what_the_library_accepts_and_is_wrong_is_found(bundles, spoil, said):
    full = max(bundles.values(), key=lambda made: len({entry["resource"]["resourceType"] for entry in made["entry"]}))
    made = copy.deepcopy(full)
    assert bindings.faults(made) == []
    spoil(made)
    assert any(said in fault for fault in bindings.faults(made))


def test_loinc_codes_have_their_check_digit():
    table = fhir.codes()
    for row in [*table["vitals"].values(), table["weight"], *table["analytes"].values()]:
        digits, check = row["code"].split("-")
        doubled = [int(digit) * (2 if place % 2 == 0 else 1) for place, digit in enumerate(reversed(digits))]
        assert (10 - sum(number // 10 + number % 10 for number in doubled) % 10) % 10 == int(check), row


def test_measured_analytes_have_a_code_and_a_unit_of_the_same_size():
    table = fhir.codes()["analytes"]
    known = [name for name in UNITS_OF if name in table]
    assert len(known) / len(UNITS_OF) >= 0.7
    same = {"10^9/L": "10*9/L", "ratio": "{INR}", "": "[pH]", "mmHg": "mm[Hg]", "ng/mL": "ng/mL"}
    for name in known:
        assert re.sub(r"\{FEU\}", "", table[name]["unit"]) == same.get(UNITS_OF[name], UNITS_OF[name]), name


# ---------------------------------------------------------------- the command


def test_the_command_writes_both(tmp_path, capsys):
    assert code_of(["run", "first_hour", "--out", str(tmp_path / "run")]) == 0
    capsys.readouterr()
    paths = ["--vidigi", str(tmp_path / "log.csv"), "--fhir", str(tmp_path / "charts")]
    assert code_of(["export", str(tmp_path / "run"), *paths, "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["bundles"] == len(list((tmp_path / "charts").glob("P*.json")))
    assert said["rows"] == len((tmp_path / "log.csv").read_text().splitlines()) - 1
    assert code_of(["export", str(tmp_path / "run"), *paths]) == 2
    assert "not empty" in capsys.readouterr().err


BAD = [
    (["nowhere.jsonl", "--vidigi", "log.csv"], "nowhere.jsonl"),
    (["nowhere.jsonl"], "nothing to write"),
    (["a", "b", "--fhir", "charts"], "one trace"),
]


@pytest.mark.parametrize(("arguments", "named"), BAD, ids=[row[1] for row in BAD])
def test_bad_use_is_told_in_one_line(arguments, named, capsys):
    assert code_of(["export", *arguments]) == 2
    said = capsys.readouterr()
    assert named in said.err
    assert said.err.count("\n") == 1

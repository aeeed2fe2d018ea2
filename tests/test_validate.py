"""The validation passes for the hospital as it is, and rejects one that is wrong, each defect on its sharpest statistic."""

import json
from math import exp, factorial, isclose

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from clinsim import intervals
from clinsim.cli import code_of
from clinsim.hospital.streams import Streams
from clinsim.validation import network, physiology, queueing, report, treatment_centre
from clinsim.validation.centre import Day

KEYS = {"name", "observed", "expected", "low", "high", "passed"}


def failed(checks):
    return [check["name"] for check in checks if check["passed"] is False]


# ---------------------------------------------------------------- intervals


@settings(max_examples=60, deadline=None)
@given(st.floats(1.0, 500.0), st.floats(0.5, 0.999))
def test_student_t_agrees_with_scipy(freedom, level):
    assert intervals.student_t(freedom, level) == pytest.approx(stats.t.ppf(0.5 + 0.5 * level, freedom), rel=1e-6)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(-100, 100), min_size=2, max_size=30), st.lists(st.floats(-100, 100), min_size=2, max_size=30))
def test_welch_agrees_with_scipy(one, other):
    found = intervals.welch(intervals.of_mean(one), intervals.of_mean(other))
    if found.error > 1e-6:
        theirs = stats.ttest_ind(one, other, equal_var=False)
        low, high = theirs.confidence_interval()
        assert (found.low, found.high) == pytest.approx((low, high), rel=1e-5, abs=1e-6)
        assert intervals.standard_errors(found) == pytest.approx(theirs.statistic, rel=1e-6, abs=1e-9)


def test_of_two_hundred_intervals_about_95_per_cent_hold_the_truth():
    streams = Streams(81)
    samples = [[streams.exponential(3.0, "cover", str(k), index) for index in range(40)] for k in range(200)]
    found = [intervals.of_mean(sample) for sample in samples]
    assert 0.90 <= sum(one.low <= 3.0 <= one.high for one in found) / len(found) <= 0.98


def test_a_mean_of_nothing_and_a_ratio_over_nothing_are_refused():
    with pytest.raises(ValueError, match="needs a value"):
        intervals.of_mean([])
    with pytest.raises(ValueError, match="below the line"):
        intervals.of_ratio([1.0], [0.0])


# ---------------------------------------------------------------- exact values


def erlang_c(load, servers):
    top = load**servers / factorial(servers) * servers / (servers - load)
    return top / (sum(load**k / factorial(k) for k in range(servers)) + top)


def cobham(rates, means, seconds, index):
    left = 0.5 * sum(rate * second for rate, second in zip(rates, seconds, strict=True))
    used = [sum(rate * mean for rate, mean in zip(rates[:k], means[:k], strict=True)) for k in range(len(rates) + 1)]
    return left / (1.0 - used[index]) / (1.0 - used[index + 1])


def exact(system, name):
    return next(figure.exact for figure in queueing.system(system).figures if figure.name == name)


def test_exact_values_are_those_of_the_formulas():
    assert exact("A2", "share that waits") == pytest.approx(erlang_c(2.4, 3), abs=1e-6)
    assert exact("A3", "share that waits") == pytest.approx(erlang_c(2.7, 3), abs=1e-6)
    assert exact("A3", "mean wait") == pytest.approx(erlang_c(2.7, 3) * 13.5 / 0.3, abs=1e-3)
    assert exact("A1", "share that waits longer than 13.8629") == pytest.approx(0.8 * exp(-0.2 * 13.8629), abs=1e-6)
    six, seven = (0.1, 0.2, 0.3, 0.2), (0.05, 0.1, 0.15)
    free = [1.0 - 0.1 * k for k in (0, 1, 3, 6, 8)]
    for k in range(4):
        left = sum(six[: k + 1]) / free[k] / free[k + 1]
        assert exact("A9", f"mean stay, class {k + 1}") == pytest.approx(1.0 / free[k] + left, abs=1e-6)
        assert exact("A6", f"mean wait, class {k + 1}") == pytest.approx(cobham(six, (1.0,) * 4, (2.0,) * 4, k), abs=1e-6)
    for k in range(3):
        assert exact("A7", f"mean wait, class {k + 1}") == pytest.approx(cobham(seven, (4.0, 3.0, 1.5), (16.0, 18.0, 2.25), k), abs=1e-6)
    blocked = (9.0**12 / factorial(12)) / sum(9.0**k / factorial(k) for k in range(13))
    assert isclose(exact("A12", "share turned away"), blocked, abs_tol=1e-6)


@pytest.fixture(scope="module")
def queues():
    return queueing.report(quick=True)[queueing.PART]


def test_the_machinery_agrees_with_theory(queues):
    assert failed(queues["checks"]) == []
    assert queues["passed"]
    assert all(check["passed"] is not None for check in queues["checks"])
    assert {check["group"] for check in queues["checks"]} == {*(f"A{n}" for n in range(1, 17)), "coverage"}
    assert all(set(check) >= KEYS for check in queues["checks"])


def test_parallel_is_serial_bit_for_bit(queues):
    system = queueing.system("A13")
    assert queueing.compare(system, queueing.replicate(system)) == [check for check in queues["checks"] if check.get("group") == "A13"]


# ---------------------------------------------------------------- what is wrong is rejected


def with_lines(system, change):
    return system.model_copy(update={"lines": {name: line.model_copy(update=change(line)) for name, line in system.lines.items()}})


WRONG = [
    ("priority off by one: the last two classes are one", "A6", lambda line: {"priority": min(line.priority, 3)}, "class 4"),
    ("priority upside down", "A8", lambda line: {"priority": -line.priority}, "class 1"),
    ("no priority", "A7", lambda line: {"priority": 0}, "class 1"),
    ("nobody loses patience", "A11", lambda line: {"patience": None}, "share that leaves"),
    ("service is steady", "A5", lambda line: {"service": queueing.system("A4").lines["a"].service}, "mean wait"),
]


@pytest.mark.parametrize(("system", "change", "where"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_a_wrong_queue_is_rejected(system, change, where):
    wrong = with_lines(queueing.system(system), change)
    assert any(where in name for name in failed(queueing.compare(wrong, queueing.replicate(wrong))))


def test_a_queue_without_preemption_is_told_from_one_with_it():
    wrong = queueing.system("A9").model_copy(update={"preemptive": False})
    assert any("class 1" in name for name in failed(queueing.compare(wrong, queueing.replicate(wrong))))


def test_service_that_starts_anew_after_preemption_is_rejected(monkeypatch):
    def restart(pool, priority, minutes):
        turn = pool.request(priority)
        while True:
            with turn:
                yield turn
                yield pool.clock.first_of(turn.taken, pool.clock.timeout(minutes))
                if not turn.taken.triggered:
                    return
            turn = pool.request(priority)

    monkeypatch.setattr(network, "work", restart)
    system = queueing.system("A9")
    assert any("class 4" in name for name in failed(queueing.compare(system, queueing.replicate(system))))


def test_one_server_too_many_is_rejected():
    wrong = queueing.system("A2").model_copy(update={"units": {"desk": 4}})
    assert len(failed(queueing.compare(wrong, queueing.replicate(wrong)))) >= 4


# ---------------------------------------------------------------- treatment centre


@pytest.fixture(scope="module")
def centre():
    return treatment_centre.report(quick=True)[treatment_centre.PART]


def test_the_treatment_centre_agrees_with_its_published_table(centre):
    assert failed(centre["checks"]) == []
    assert sum(check["passed"] is True for check in centre["checks"]) > 50


def test_lagged_thinning_is_rejected_by_arrivals_by_hour():
    lagged, exact = ([treatment_centre.play(("base", arrivals, n)) for n in range(60)] for arrivals in ("nspp_lagged", "nspp"))
    right, _ = treatment_centre.profile(exact, lagged)
    wrong, _ = treatment_centre.profile(lagged, lagged)
    assert right["passed"]
    assert not wrong["passed"]


class Shared(Streams):
    """One stream for everything: each draw is the next one, whoever asks."""

    __slots__ = ("asked",)

    def uniform(self, process, entity, index=0):
        self.asked = getattr(self, "asked", 0) + 1
        return super().uniform("all", "one", self.asked)


def day(change, streams=None, arrivals="nspp"):
    made = Day(treatment_centre.centre(), treatment_centre.SEED, arrivals, treatment_centre.centre().scenarios[change])
    made.streams = streams or made.streams
    return treatment_centre.Result(made.play())


def test_a_shared_stream_is_rejected_by_what_lies_upstream():
    base, more = day("base"), day("treat+1")
    assert treatment_centre.upstream([base], [more])["passed"]
    assert base.figures["treatment wait"] != more.figures["treatment wait"]
    wrong = [day(change, Shared(1)) for change in ("base", "treat+1")]
    assert not treatment_centre.upstream([wrong[0]], [wrong[1]])["passed"]


def test_sums_of_durations_are_rejected_by_the_bound_and_by_little():
    """Booking a whole service at its start exceeds what time there is on some day, and does not balance; the integrals do."""
    days = [Day(treatment_centre.centre(), treatment_centre.SEED + n, "nspp_lagged").play() for n in range(60)]
    results = [treatment_centre.Result(one) for one in days]
    assert failed(treatment_centre.books(results)) == []
    for one, result in zip(days, results, strict=True):
        result.most_used = max(one.booked_share(stage) for stage in ("stabilisation", "treatment"))
        busy, units = one.pool_of("stabilisation").integrals()[0], one.pool_of("stabilisation").units
        result.imbalance = abs(one.booked_share("stabilisation") * one.centre.minutes * units - busy) / len(one.stays)
    assert len(failed(treatment_centre.books(results))) == 2


def test_everybody_who_came_is_finished_or_still_there():
    one = Day(treatment_centre.centre(), 7).play()
    inside = sum(pool.busy + pool.queue for pool in one.pools.values())
    assert len(one.stays) == sum(stay.finished is not None for stay in one.stays) + inside


# ---------------------------------------------------------------- physiology


def test_physiology_holds_but_for_what_tells_conditions_apart():
    part = physiology.report(quick=True)[physiology.PART]
    assert [name for name in failed(part["checks"]) if "naive Bayes" not in name] == []
    assert part["passed"] == (failed(part["checks"]) == [])


def test_a_sheet_that_is_off_is_rejected():
    sheet = physiology.load_conditions()["urosepsis"]
    stated = sheet.p_optimal.model_copy(update={"value": sheet.p_optimal.value + 0.03})
    wrong = sheet.model_copy(update={"p_optimal": stated})
    assert failed(physiology._outcomes(sheet, 2000, quick=False)) == []
    assert failed(physiology._outcomes(wrong, 2000, quick=False)) == ["urosepsis: p_optimal"]


def test_concordance_and_slope_of_known_rows():
    assert physiology.concordance([(1.0, 0.0), (2.0, 1.0)]) == 1.0
    assert physiology.concordance([(1.0, 0.5), (1.0, 0.5)]) == 0.5
    assert physiology.concordance([(1.0, 1.0), (2.0, 0.0)]) == 0.0
    amounts = [k / 10 for k in range(50)]
    assert physiology.slope(amounts, [1.0 / (1.0 + exp(2.0 - 0.3 * x)) for x in amounts]) == pytest.approx(0.3)


# ---------------------------------------------------------------- the command


def test_json_is_one_object_with_every_check(capsys):
    assert code_of(["validate", "treatment-centre", "--quick", "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert list(said) == ["treatment-centre"]
    assert said["treatment-centre"]["passed"] is True
    assert all(set(check) >= KEYS for check in said["treatment-centre"]["checks"])


def test_a_failed_check_gives_exit_code_1(tmp_path, capsys):
    rows = tmp_path / "rows.json"
    rows.write_text('[{"row": 1, "calculator": "nobody knows it", "entities": {}, "answer": 1.0, "tolerance": 0.0}]')
    assert code_of(["validate", "calculators", "--data", str(rows), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["calculators"]["passed"] is False


BAD = [
    (["validate", "bloodletting"], "bloodletting"),
    (["validate", "queueing", "--data", "rows.json"], "--data"),
    (["validate", "calculators", "--data", "nowhere.json"], "nowhere.json"),
    (["validate", "calculators", "--slow"], "--slow"),
]


@pytest.mark.parametrize(("arguments", "named"), BAD, ids=[row[1] for row in BAD])
def test_bad_use_is_told_in_one_line(arguments, named, capsys):
    assert code_of(arguments) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert named in said.err
    assert said.err.count("\n") == 1


def test_the_report_has_a_table_and_a_figure_and_is_the_same_each_time(tmp_path, centre):
    pages = [report.write({"treatment-centre": centre}, tmp_path / name, quick=True) for name in ("one", "two")]
    texts = [page.read_text() for page in pages]
    assert texts[0] == texts[1]
    assert texts[0].count("| passed |\n") == sum(check["passed"] is True for check in centre["checks"])
    figures = [page.parent / "treatment-centre.svg" for page in pages]
    assert figures[0].read_bytes() == figures[1].read_bytes()
    assert "treatment-centre.svg" in texts[0]


def test_a_report_folder_that_cannot_be_made_costs_one_line(tmp_path, capsys):
    (tmp_path / "file").touch()
    for out in (tmp_path / "file", tmp_path / "file" / "below"):
        assert code_of(["validate", "calculators", "--quick", "--out", str(out)]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert str(out) in line

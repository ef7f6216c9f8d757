import pytest

from benchmarks.load import Failed, Pace, _read, middle

REPORT = 'Running 1s test\n{"requests": 500, "microseconds": 1000000, "p50": 1500, "p99": 9000, "failed": %d}\n'


def test_a_report_becomes_requests_a_second_and_milliseconds():
    assert _read(REPORT % 0) == Pace(500.0, 1.5, 9.0, 500)


def test_a_failed_request_makes_the_run_worthless():
    with pytest.raises(Failed, match="1 requests of 500"):
        _read(REPORT % 1)


def test_no_answer_is_no_pace():
    assert _read('{"requests": 0, "microseconds": 1000000, "p50": 0, "p99": 0, "failed": 0}\n') is None


def test_several_runs_come_to_their_medians():
    assert middle([Pace(1, 30, 7, 10), Pace(5, 10, 9, 20), Pace(3, 20, 8, 30)]) == Pace(3, 20, 8, 60)

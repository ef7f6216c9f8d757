from app.clock import RowNumbers, instant


def test_an_instant_has_milliseconds_and_is_utc() -> None:
    assert instant(1_775_034_000_123_000) == "2026-04-01T09:00:00.123Z"


def test_row_numbers_rise_within_a_millisecond_and_past_its_last_number() -> None:
    new_row = RowNumbers(5, lambda: 1_800_000_000_000_000)

    numbers = [new_row() for _ in range(5_000)]

    assert numbers == sorted(set(numbers))
    assert numbers[-1] < 2**63


def test_row_numbers_rise_when_the_clock_goes_back() -> None:
    times = iter([1_800_000_000_000_000, 1_700_000_000_000_000])
    new_row = RowNumbers(0, lambda: next(times))

    first, second = new_row(), new_row()

    assert second > first


def test_two_processes_give_different_numbers_at_the_same_moment() -> None:
    one, other = (RowNumbers(process, lambda: 1_800_000_000_000_000) for process in (1, 2))

    assert one() != other()

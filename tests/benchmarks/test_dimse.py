"""The benchmark of C-STORE."""

import pytest

from benchmarks.dimse import measured


@pytest.mark.soak
@pytest.mark.parametrize("database", ["sqlite", "postgresql"])
def test_both_applications_take_what_is_sent(database: str) -> None:
    found = measured(database, 3, 2)

    assert list(found) == ["one association", "2 associations"]
    assert all(rate > 0 for pair in found.values() for rate in pair)

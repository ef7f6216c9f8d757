import pytest


@pytest.mark.xdist_group("one process")
def test_who_deals_tests_out_is_told_which_belong_together(request: pytest.FixtureRequest) -> None:
    by_group = request.config.getoption("loadgroup", False)

    assert request.node.nodeid.endswith("@one process") is by_group

from app.demo.seeds import draw, urn


def test_the_same_name_draws_the_same():
    assert draw(1, "phone", "h01").random() == draw(1, "phone", "h01").random()


def test_another_seed_or_name_draws_something_else():
    found = {draw(*name).random() for name in ((1, "a", "b"), (2, "a", "b"), (1, "a", "c"), (1, "ab"))}

    assert len(found) == 4


def test_a_urn_never_changes():
    assert urn(20260401, "hospital-a", "kiichiro", "patient") == ("urn:uuid:b1db0769-1c01-549a-9783-218d52a58566")

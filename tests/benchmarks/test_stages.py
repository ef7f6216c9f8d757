from benchmarks import stages


def test_each_stage_is_measured_beside_loads(monkeypatch):
    monkeypatch.setattr(stages, "ROUNDS", 3)

    figures = stages.stages()

    assert [one.name for one in figures] == [
        "structure check, Observation",
        "index extraction, Observation",
        "structure check, with components",
        "index extraction, with components",
    ]
    assert all(one.ratio and 0 < one.ratio < 1 for one in figures)
    assert {one.bar for one in figures} == {1 / stages.MOST_TIMES_LOADS}

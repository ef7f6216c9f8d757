"""A verdict says in one sentence what an auditor has to know."""

import pytest

from app.audit.verdict import FAULTS, Verdict


@pytest.mark.parametrize(
    ("verdict", "sentence"),
    [
        (Verdict(7), "all 7 records are as they were signed"),
        (Verdict(5, "altered", 6, 7), "record 6 was altered"),
        (
            Verdict(5, "cut", 5, 9),
            "the log once had 9 records, some are missing; the records before 5 are proven",
        ),
        (
            Verdict(5, "rewritten", 5, 9),
            (
                "a record from 5 to 8 was altered, removed, added or moved, its stored hash with it;"
                " the records before 5 are proven"
            ),
        ),
        (Verdict(5, "checkpoint"), "the 5 records are proven, but a checkpoint among them was tampered with"),
    ],
)
def test_a_verdict_is_a_sentence(verdict, sentence):
    assert verdict.message == sentence


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_a_sentence_and_is_one(fault):
    verdict = Verdict(5, fault, 6, 7)

    assert not verdict.ok
    assert "{" not in verdict.message

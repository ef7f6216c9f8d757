"""The proof: intact logs pass, and every tampering is found at the first record it touches."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.audit import checkpoint, verify
from app.audit.checkpoint import Checkpoint, WrongOrigin
from app.audit.note import Signer
from app.audit.tree import leaf_hash, node_hash, root
from app.audit.verdict import Verdict

SIGNER = Signer.generate("hub.example.jp/audit")
KEY = SIGNER.verifier


def a_log(size, *sizes, signer=SIGNER, word="record"):
    """Return records, leaf hashes and signed checkpoints at `sizes` and at the end."""
    records = [b"%s %d" % (word.encode(), number) for number in range(size)]
    hashes = [leaf_hash(record) for record in records]
    return records, hashes, [a_checkpoint(hashes[:at], signer) for at in sorted({*sizes, size})]


def a_checkpoint(hashes, signer=SIGNER):
    return checkpoint.sign(Checkpoint(KEY.name, len(hashes), root(hashes)), signer)


def kept(hashes, size):
    return Checkpoint(KEY.name, size, root(hashes[:size]))


def proof(records, hashes, notes, known=None):
    return verify.verify(iter(records), notes, KEY, hashes=iter(hashes), known=known)


def alter(records, at, _to):
    records[at] = records[at] + b"!"


def delete(records, at, _to):
    del records[at]


def insert(records, at, _to):
    records.insert(at, b"foreign")


def move(records, at, to):
    records.insert(to, records.pop(at))


def swap(records, at, to):
    records[at], records[to] = records[to], records[at]


def copy(records, at, to):
    records.insert(to, records[at])


def cut(records, at, _to):
    del records[at:]


TAMPERINGS = [alter, delete, insert, move, swap, copy, cut]


@settings(deadline=None)
@given(st.integers(1, 60), st.data())
def test_an_intact_log_is_proven(size, data):
    sizes = data.draw(st.sets(st.integers(0, size)))
    records, hashes, notes = a_log(size, *sizes)

    assert proof(records, hashes, notes) == Verdict(size)
    assert verify.verify(records, notes, KEY) == Verdict(size)
    for known in sizes:
        assert proof(records, hashes, notes, kept(hashes, known)) == Verdict(size)


@settings(deadline=None, max_examples=400)
@given(st.integers(1, 60), st.sampled_from(TAMPERINGS), st.data())
def test_the_first_record_a_tampering_touches_is_named(size, tamper, data):
    sizes = data.draw(st.sets(st.integers(0, size)))
    at, to = data.draw(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)))
    records, hashes, notes = a_log(size, *sizes)
    tampered = list(records)
    tamper(tampered, at, to)

    verdict = proof(tampered, hashes, notes)

    first = first_difference(records, tampered)
    if first is None:
        assert verdict == Verdict(size)
    else:
        assert not verdict.ok
        assert (verdict.index, verdict.until) == (first, first + 1)
        assert verdict.proven <= first


@settings(deadline=None, max_examples=400)
@given(st.integers(1, 60), st.sampled_from(TAMPERINGS), st.data())
def test_a_tampering_that_takes_the_hashes_along_is_placed_between_checkpoints(size, tamper, data):
    sizes = data.draw(st.sets(st.integers(0, size)))
    at, to = data.draw(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)))
    records, _, notes = a_log(size, *sizes)
    tampered = list(records)
    tamper(tampered, at, to)

    verdict = proof(tampered, [leaf_hash(one) for one in tampered], notes)

    first = first_difference(records, tampered)
    if first is None:
        assert verdict == Verdict(size)
    else:
        assert not verdict.ok
        assert verdict.proven == verdict.index <= first < verdict.until
        assert verdict.index == max((one for one in {0, *sizes, size} if one <= first), default=0)


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 60), st.sampled_from(TAMPERINGS), st.data())
def test_damage_to_the_hash_list_does_not_accuse_a_record(size, tamper, data):
    sizes = data.draw(st.sets(st.integers(0, size)))
    at, to = data.draw(st.tuples(st.integers(0, size - 1), st.integers(0, size - 1)))
    records, hashes, notes = a_log(size, *sizes)
    tampered = list(hashes)
    tamper(tampered, at, to)

    verdict = proof(records, tampered, notes)

    first = first_difference(hashes, tampered)
    assert verdict == (Verdict(size) if first is None else Verdict(size, "hash", first, first + 1))


@settings(deadline=None, max_examples=300)
@given(st.integers(1, 40), st.sampled_from(TAMPERINGS), st.sampled_from(TAMPERINGS), st.data())
def test_no_tampering_of_records_and_hashes_passes(size, tamper, tamper_hashes, data):
    records, hashes, notes = a_log(size, *data.draw(st.sets(st.integers(0, size))))
    places = st.integers(0, size - 1)
    tampered, listed = list(records), list(hashes)
    tamper(tampered, data.draw(places), data.draw(places))
    tamper_hashes(listed, data.draw(places), data.draw(places))

    verdict = proof(tampered, listed, notes)

    first = first_difference(records, tampered)
    assert verdict.ok is (tampered == records and listed == hashes)
    if first is not None and verdict.fault != "hash":
        assert verdict.index <= first < verdict.until


def first_difference(before, after):
    if before == after:
        return None
    return next(
        (at for at, (a, b) in enumerate(zip(before, after, strict=False)) if a != b),
        min(len(before), len(after)),
    )


@pytest.mark.parametrize(
    ("tamper", "at", "to", "fault"),
    [
        (alter, 3, 3, "altered"),
        (delete, 3, 3, "removed"),
        (delete, 9, 9, "removed"),
        (insert, 3, 3, "added"),
        (copy, 2, 5, "added"),
        (copy, 7, 5, "added"),
        (copy, 9, 9, "added"),
        (move, 3, 8, "moved"),
        (move, 8, 3, "moved"),
        (swap, 3, 8, "moved"),
        (cut, 6, 6, "removed"),
    ],
)
def test_what_happened_is_said(tamper, at, to, fault):
    records, hashes, notes = a_log(10, 5)
    tamper(records, at, to)

    verdict = proof(records, hashes, notes)

    assert verdict.fault == fault


def test_records_after_the_last_checkpoint_are_added_ones():
    records, hashes, notes = a_log(5)

    assert proof([*records, b"foreign"], hashes, notes) == Verdict(5, "added", 5, 6)
    assert proof([*records, b"foreign"], [*hashes, leaf_hash(b"foreign")], notes) == Verdict(5, "added", 5, 6)


def test_a_log_cut_back_to_an_old_checkpoint_passes_unless_a_later_one_is_known():
    records, hashes, _ = a_log(20)
    older = [a_checkpoint(hashes[:12])]

    assert proof(records[:12], hashes[:12], older) == Verdict(12)
    assert proof(records[:12], hashes[:12], older, kept(hashes, 15)) == Verdict(12, "cut", 12, 15)
    older += [a_checkpoint(hashes[:14])]
    assert proof(records[:12], hashes[:12], older, kept(hashes, 15)) == Verdict(12, "cut", 12, 15)


def test_a_second_history_is_found_with_a_checkpoint_of_the_first():
    _, first, _ = a_log(10)
    records, second, notes = a_log(12, 4, word="other")

    verdict = proof(records, second, notes, kept(first, 10))

    assert verdict == Verdict(4, "forked", 0, 10)


def test_a_second_history_that_is_altered_too_is_still_a_second_history():
    _, first, _ = a_log(10)
    records, second, notes = a_log(20, 4, word="other")
    alter(records, 15, 15)

    verdict = proof(records, second, notes, kept(first, 10))

    assert verdict == Verdict(4, "forked", 0, 10)


def test_two_checkpoints_of_one_size_and_two_roots_are_a_fork():
    records, hashes, notes = a_log(10, 4)
    _, other, _ = a_log(10, word="other")

    verdict = proof(records, hashes, [*notes, a_checkpoint(other)])

    assert verdict == Verdict(4, "forked", 0, 10)


def test_a_known_checkpoint_no_checkpoint_of_the_log_follows_tells_rewritten():
    records, hashes, notes = a_log(10)
    _, other, _ = a_log(12, word="other")

    verdict = proof([*records, b"a", b"b"], [*hashes, leaf_hash(b"a"), leaf_hash(b"b")], notes, kept(other, 12))

    assert verdict == Verdict(10, "rewritten", 10, 12)


def test_a_known_checkpoint_alone_proves_what_it_covers():
    records, hashes, _ = a_log(10)

    assert proof(records, hashes, [], kept(hashes, 10)) == Verdict(10)
    assert proof(records, hashes, [], kept(hashes, 6)) == Verdict(6, "added", 6, 10)
    alter(records, 3, 3)
    assert proof(records, hashes, [], kept(hashes, 10)) == Verdict(0, "altered", 3, 4)


def test_without_any_checkpoint_nothing_is_proven():
    records, hashes, _ = a_log(3)

    assert proof(records, hashes, []) == Verdict(0, "unsigned", 0)


def test_checkpoints_of_another_key_prove_nothing():
    records, hashes, notes = a_log(3, signer=Signer.generate(KEY.name))

    assert proof(records, hashes, notes) == Verdict(0, "unsigned", 0)


def test_a_checkpoint_that_was_tampered_with_is_told():
    records, hashes, notes = a_log(9, 4)

    assert proof(records, hashes, [notes[0].replace("\n4\n", "\n5\n"), notes[1]]) == Verdict(9, "checkpoint")
    assert proof(records, hashes, ["garbage", *notes]) == Verdict(9, "checkpoint")
    alter(records, 6, 6)
    assert proof(records, hashes, ["garbage", *notes]) == Verdict(4, "altered", 6, 7)


def test_inner_nodes_in_place_of_leaf_hashes_do_not_accuse_a_record():
    records, hashes, notes = a_log(8)
    inner = [node_hash(hashes[at], hashes[at + 1]) for at in range(0, 8, 2)]

    assert root(inner) == root(hashes)
    assert proof(records, inner, notes) == Verdict(8, "hash", 0, 1)


def test_a_checkpoint_of_another_log_is_refused():
    with pytest.raises(WrongOrigin):
        proof([], [], [], Checkpoint("other.example.jp", 0, root([])))


def test_the_empty_log_is_proven_by_its_checkpoint():
    assert proof(*a_log(0)) == Verdict(0)


def test_progress_is_told():
    records, hashes, notes = a_log(10_000)
    seen = []

    verify.verify(records, notes, KEY, hashes=hashes, progress=seen.append)

    assert seen == [4096, 8192]


def test_one_altered_byte_in_a_long_log_names_its_record():
    records, hashes, notes = a_log(5000, *range(0, 5000, 700))
    records[4321] = records[4321].replace(b"4", b"5", 1)

    assert proof(records, hashes, notes) == Verdict(4200, "altered", 4321, 4322)

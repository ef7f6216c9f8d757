"""`renkei report month`: what is counted for a site, off the log; as text, CSV and PDF."""

from collections.abc import AsyncIterator

import pytest

from app.audit.keys import Keys
from app.audit.record import Event, seal, unseal
from app.reports.affected import Suspect, gather
from app.reports.erased import KnownNames
from app.reports.monthly import Month, count

pytestmark = pytest.mark.anyio

A, B = "Organization/hospital-a", "Organization/clinic-c"
APRIL = 1_775_034_000_000_000


def an_event(interaction: str = "read", **fields: object) -> Event:
    return Event(**{"recorded": APRIL, "action": "R", "interaction": interaction, "organisation": A, **fields})


def a_read(patient: str, **fields: object) -> Event:
    return an_event(**{"patient": f"Patient/{patient}", "custodian": A, "user": "dr-a", "role": "doctor", **fields})


async def counted(*events: Event, site: str = A) -> Month:
    async def all_of_them() -> AsyncIterator[Event]:
        for event in events:
            yield event

    return await count(all_of_them(), site)


@pytest.mark.parametrize(
    ("event", "line"),
    [
        (a_read("1"), "own"),
        (a_read("1", organisation=B), "given"),
        (a_read("1", custodian=B), "taken"),
        (a_read("1", organisation="Organization/office", role="secretariat"), "on-behalf"),
        (a_read("1", interaction="update", action="U"), "changed"),
        (a_read("1", interaction="delete", action="D"), "deleted"),
        (a_read("1", interaction="retention", action="D"), "deleted"),
        (a_read("1", interaction="operation", action="E", path="/fhir/Condition/1/$expunge"), "deleted"),
        (a_read("1", interaction="audit-taken-up", action="E", outcome="8"), "failed"),
        (a_read("1", outcome="4"), "failed"),
        (an_event("refused", outcome="4"), "refused"),
        (an_event("sign-in", action="E", user="dr-a"), "sign-in"),
        (an_event("sign-in", action="E", user="dr-a", outcome="8"), "sign-in-failed"),
        (an_event("break-glass", action="E", patient="Patient/1", custodian=B), "break-glass"),
        (an_event("break-glass", action="E", patient="Patient/1", custodian=A, organisation=B), "break-glass"),
        (an_event("break-glass-review", action="E"), "break-glass-review"),
        (an_event("link", action="U", patient="Patient/1"), "linked"),
        (an_event("account", action="E"), "accounts"),
    ],
    ids=[
        *("own", "given", "taken", "on behalf", "changed", "deleted", "end of keeping", "expunged", "not done"),
        *("failed", "refused", "in", "not in"),
        *("glass of the site", "glass at the site", "verdict", "link", "account"),
    ],
)
async def test_an_event_is_counted_on_one_line(event: Event, line: str) -> None:
    found = await counted(event)

    assert {name: times for name, times in found.counts.items() if times} == {line: 1}


async def test_a_consent_is_a_record_that_is_written_and_a_line_of_its_own() -> None:
    found = await counted(a_read("1", interaction="create", action="C", entities=("Consent/1/_history/1",)))

    assert dict(found.counts) == {"changed": 1, "consent": 1}


async def test_patients_are_counted_once_and_other_sites_apart() -> None:
    found = await counted(a_read("1", organisation=B), a_read("1", organisation=B), a_read("2", organisation=B))

    assert (found.counts["given"], len(found.patients["given"])) == (3, 2)
    assert dict(found.others[B]) == {"given": 3}


async def test_what_others_do_with_their_own_is_not_the_sites() -> None:
    found = await counted(a_read("1", organisation=B, custodian=B))

    assert not any(found.counts.values())


async def test_each_account_has_its_counts() -> None:
    found = await counted(a_read("1"), a_read("2"), a_read("2", custodian=B), an_event("sign-in", user="dr-a"))

    (one,) = [one for (user, _), one in found.accounts.items() if user == "dr-a"]

    assert (one.counts["own"], one.counts["taken"], one.counts["sign-in"], len(one.patients)) == (2, 1, 1, 2)


async def test_the_region_counts_each_disclosure_as_given_and_taken() -> None:
    found = await counted(a_read("1", organisation=B), site="")

    assert (found.counts["given"], found.counts["taken"], found.others) == (1, 1, {})


@pytest.mark.parametrize("interaction", ["rights-request", "entry", "identity-review"])
async def test_what_only_names_a_patient_reads_no_record(interaction: str) -> None:
    found = await counted(a_read("1", interaction=interaction, action="E"))

    assert (found.counts["own"], found.counts["changed"]) == (0, 0)


async def test_an_access_that_the_log_took_up_late_is_counted_once() -> None:
    found = await counted(a_read("1"), a_read("1", interaction="audit-taken-up", action="E", outcome="4"))

    assert {name: times for name, times in found.counts.items() if times} == {"own": 1}


@pytest.mark.parametrize("key", [1, 2])
async def test_an_erased_record_is_counted_for_its_site(key: int) -> None:
    keys = Keys({1: b"a" * 32, 2: b"b" * 32})
    sealed = Keys({number: b"ab"[number - 1 : number] * 32 for number in range(1, key + 1)})
    record = seal(a_read("1", organisation=B), sealed, b"s" * 32)
    erased = unseal(record, keys)

    async def events() -> AsyncIterator[Event]:
        yield erased

    found = await count(KnownNames(keys, organisations=[A, B]).all(events()), A)

    assert erased.erased
    assert {name: times for name, times in found.counts.items() if times} == {"given": 1}
    assert dict(found.others[B]) == {"given": 1}


def an_erased(**fields: object) -> Event:
    keys = Keys({1: b"a" * 32})
    return unseal(seal(a_read("1", client="ehr", network="192.0.2.1", **fields), keys, b"s" * 32), keys)


@pytest.mark.parametrize(
    ("suspect", "met"),
    [
        (Suspect(account="dr-a"), True),
        (Suspect(account="dr-b"), False),
        (Suspect(client="ehr"), True),
        (Suspect(client="phr"), False),
        (Suspect(site=A, holder=A), True),
        (Suspect(site=B), False),
        (Suspect(holder=B), False),
        (Suspect(account="dr-a", address="198.51.100.1"), True),
        (Suspect(account="dr-b", address="192.0.2.1"), False),
    ],
)
async def test_an_erased_record_is_of_a_breach(suspect: Suspect, met: bool) -> None:
    async def events() -> AsyncIterator[Event]:
        yield an_erased()

    found = await gather(suspect.known(Keys({1: b"a" * 32}), [A, B]).all(events()), suspect)

    assert found.count == int(met)


async def test_a_breach_counts_no_access_twice_and_none_as_failed() -> None:
    async def events() -> AsyncIterator[Event]:
        yield a_read("1")
        yield a_read("1", interaction="audit-taken-up", action="E", outcome="4")
        yield a_read("1", interaction="entry", action="E")

    found = await gather(events(), Suspect(account="dr-a"))

    assert (found.count, found.failed) == (1, 0)

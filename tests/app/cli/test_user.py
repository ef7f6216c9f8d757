import csv
import io
import re

import pytest

from tests.app.cli.conftest import Renkei

WHY = ("--why", "by the book")


@pytest.fixture
def people(hospital: Renkei) -> Renkei:
    """The same hub with a secretariat, somebody in it, and a head of the hospital."""
    hospital("organisation", "add", "secretariat", "--title", "事務局", "--kind", "secretariat")
    for name, site, role, *more in (
        ("office", "secretariat", "secretariat"),
        ("head", "hospital-a", "doctor", "--head"),
        ("clerk", "hospital-a", "clerk"),
    ):
        added = hospital("user", "add", name, "--organisation", site, "--role", role, "--title", name, *more)
        assert added.exit_code == 0, added.output
    return hospital


def test_rights_are_requested_granted_confirmed_and_ended(people: Renkei) -> None:
    wanted = ("--organisation", "hospital-a", "--title", "新人", "--role", "nurse")
    asked = people("user", "request", "nurse-a", *wanted, "--as", "clerk", *WHY)
    number = asked.output.split()[-1]
    waiting = people("user", "requests").output
    granted = people("user", "grant", number, "--as", "office", *WHY)
    listed = people("user", "list", "--organisation", "hospital-a").output
    confirmed = people("user", "confirm", number, "--as", "head")
    after = people("user", "list").output
    left = people("user", "leave", "nurse-a", "--as", "head", *WHY)
    gone = people("user", "list").output

    assert waiting == f"{number}\trequested\tnew\tnurse-a\tnurse\thospital-a\tclerk\tby the book\n"
    assert re.search(r"password or code: \S{16}$", granted.output.strip())
    assert "nurse-a\thospital-a\tnurse\twaiting\t新人" in listed
    assert confirmed.output == f"Confirmed {number}\n"
    assert "nurse-a\thospital-a\tnurse\tactive\t新人" in after
    assert "head\thospital-a\tdoctor (head)\tactive\thead" in after
    assert left.exit_code == 0
    assert "nurse-a\thospital-a\tnurse\tended" in gone


REFUSED = (
    (("grant", "1", "--as", "clerk", *WHY), "There is no request 1"),
    (("confirm", "nobody", "--as", "head"), "No account is called nobody"),
    (("leave", "office", "--as", "head", *WHY), "ended by the head of the site"),
    (("leave", "clerk", "--as", "nobody", *WHY), "No account is called nobody"),
    (("reset", "clerk", "--as", "head", *WHY), "reset by the secretariat"),
    (("leave", "clerk", "--as", "head", "--why", " "), "The reason is missing"),
    (("lost-device", "head", "--as", "head", *WHY), "Somebody else"),
    (("refuse", "7", "--as", "office", *WHY), "There is no request 7"),
)


def test_what_may_not_be_is_refused_with_a_reason(people: Renkei) -> None:
    for arguments, message in REFUSED:
        refused = people("user", *arguments)

        assert refused.exit_code == 1
        assert message in refused.output


def test_a_password_is_reset_and_a_lost_device_replaced(people: Renkei) -> None:
    reset = people("user", "reset", "clerk", "--as", "office", *WHY)
    number = people("user", "lost-device", "clerk", "--as", "head", *WHY).output.split()[-1]
    stand_in = people("user", "grant", number, "--as", "office", *WHY)

    assert re.search(r"One-time password of clerk: \S{16}$", reset.output.strip())
    assert re.search(r"code: (?:\w{4}-){3}\w{4}$", stand_in.output.strip())


def test_a_request_may_be_refused_and_rights_changed_until_a_day(people: Renkei) -> None:
    change = ("--organisation", "hospital-a", "--title", "窓口", "--role", "nurse", "--change", "--until", "2099-03-31")
    number = people("user", "request", "clerk", *change, "--as", "head", *WHY).output.split()[-1]
    refused = people("user", "refuse", number, "--as", "office", *WHY)
    again = people("user", "request", "clerk", *change, "--as", "head", *WHY).output.split()[-1]
    people("user", "grant", again, "--as", "office", *WHY)
    people("user", "confirm", again, "--as", "head")

    assert refused.output == f"Refused {number}\n"
    assert "clerk\thospital-a\tnurse\tactive until 2099-03-31\t窓口" in people("user", "list").output


def test_the_list_is_a_table_for_the_drawer(people: Renkei) -> None:
    people("user", "add", "odd", "--organisation", "clinic-c", "--role", "nurse", "--title", '=1+1,"x"')

    rows = list(csv.DictReader(io.StringIO(people("user", "list", "--csv").output)))

    assert [row["name"] for row in rows] == ["clerk", "head", "odd", "office"]
    assert rows[1]["head"] == "yes"
    assert rows[2]["title"] == '\'=1+1,"x"'
    assert people("user", "list", "--due").output == ""


def test_the_sections_of_each_role_are_printed(renkei: Renkei) -> None:
    rows = [line.split("\t") for line in renkei("user", "roles").output.splitlines()]

    table = {row[0]: dict(zip(rows[0][1:], row[1:], strict=True)) for row in rows[1:]}
    assert table["laboratory"] | {"system": ""} == {
        "system": "",
        "doctor": "r",
        "nurse": "r",
        "pharmacist": "r",
        "clerk": "-",
        "secretariat": "-",
        "auditor": "-",
        "operator": "-",
        "patient": "-",
    }
    assert table["identity"]["secretariat"] == "R"
    assert table["consent"]["clerk"] == "rw"

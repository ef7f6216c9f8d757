"""XML Patch: where nodes come to stand, what is refused, and that nothing outside of the documents is read."""

import pytest

from fhir.errors import Unprocessable
from fhir.patch.exact import MalformedPatch, TooCostly
from fhir.patch.xml_patch import read

NAMESPACE = 'xmlns="http://hl7.org/fhir"'


def patched(operations: str, content: str = "<a/> <b/>") -> str:
    """Return what lies in a patched `Patient`."""
    written = read(f"<diff {NAMESPACE}>{operations}</diff>".encode())(
        f"<Patient {NAMESPACE}>{content}</Patient>".encode()
    )
    opened, closed = f"<Patient {NAMESPACE}>", "</Patient>"
    text = written.decode()
    assert text.startswith(opened)
    return text.removeprefix(opened).removesuffix(closed)


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ('<add sel="f:Patient/f:a" pos="before">x<c/>y</add>', "x<c/>y<a/> <b/>"),
        ('<add sel="f:Patient/f:a" pos="after">x<c/>y</add>', "<a/>x<c/>y <b/>"),
        ('<add sel="f:Patient/f:b" pos="before"><c/><d/></add>', "<a/> <c/><d/><b/>"),
        ('<add sel="/f:Patient" pos="prepend">x<c/></add>', "x<c/><a/> <b/>"),
        ('<add sel="/f:Patient" pos="prepend">x</add>', "x<a/> <b/>"),
        ('<add sel="f:Patient">x<c/>y</add>', "<a/> <b/>x<c/>y"),
        ('<add sel="f:Patient/f:a" type="@value">日</add>', '<a value="日"/> <b/>'),
        ('<replace sel="f:Patient/f:a"> <c/> </replace>', "<c/> <b/>"),
        ('<replace sel="f:Patient/*[2]"><c/></replace>', "<a/> <c/>"),
        ('<remove sel="f:Patient/f:a"/>', " <b/>"),
        ('<remove sel="f:Patient/f:a" ws="after"/>', "<b/>"),
        ('<remove sel="f:Patient/f:b" ws="before"/>', "<a/>"),
        ('<remove sel="f:Patient/text()"/>', "<a/><b/>"),
        ('<remove sel="f:Patient/f:a"/><add sel="f:Patient/f:b"><c/></add>', " <b><c/></b>"),
        ('<g:add xmlns:g="urn:g" sel="f:Patient/f:b[last()]"><c/></g:add>', "<a/> <b><c/></b>"),
    ],
)  # fmt: skip
def test_nodes_come_to_stand_where_they_are_put(operations: str, expected: str) -> None:
    assert patched(operations) == expected


@pytest.mark.parametrize(
    "operations",
    [
        '<remove sel="f:Patient"/>',
        '<remove sel="f:Patient/f:c"/>',
        '<remove sel="f:Patient/*"/>',
        '<remove sel="x:Patient/*"/>',
        '<remove sel="f:Patient/f:a" ws="before"/>',
        '<remove sel="f:Patient/f:b" ws="both"/>',
        '<replace sel="f:Patient/f:a"><c/><d/></replace>',
        '<replace sel="f:Patient/f:a">x</replace>',
        '<replace sel="f:Patient/f:a"><!-- x --></replace>',
        '<replace sel="f:Patient/text()"><c/></replace>',
        '<add sel="f:Patient" pos="after"><c/></add>',
        '<add sel="f:Patient/text()"><c/></add>',
        '<add sel="f:Patient/f:a" type="@x:y">1</add>',
        '<add sel="f:Patient/f:a" type="@1">1</add>',
        '<add sel="f:Patient/f:a" type="@x"><c/></add>',
        '<add sel="f:Patient/f:a" type="x">1</add>',
        '<add sel="f:Patient/f:a" type="namespace::x"/>',
        '<add sel="f:Patient/f:a" type="@x">1</add><add sel="f:Patient/f:a" type="@x">2</add>',
        '<remove sel="1"/>',
    ],
)
def test_an_operation_that_cannot_be_carried_out_is_named(operations: str) -> None:
    with pytest.raises(Unprocessable, match=r"Operation [01] \(\w+ "):
        patched(operations)


@pytest.mark.parametrize(
    "document",
    [
        *("", "<", "<diff/>", "<other><add sel='a'/></other>", "<diff><forget sel='a'/></diff>", "<diff><add/></diff>"),
        *(
            "<diff><remove sel='a['/></diff>",
            "<diff><remove sel='count(a)'/></diff>",
            "<diff><remove sel='//a'/></diff>",
        ),
        *("<diff><remove sel='a[../b]'/></diff>", "<diff><remove sel='a/following::b'/></diff>"),
        *("<diff><remove sel='a|b'/></diff>", f"<diff><remove sel='{'a/' * 600}a'/></diff>"),
        *("<diff><add sel='a' pos='inside'/></diff>", "<diff><remove sel='a' ws='all'/></diff>"),
        *("<!DOCTYPE diff><diff><remove sel='a'/></diff>", "<?xml version='1.0' encoding='x'?><diff/>"),
    ],
)
def test_what_is_no_patch_is_malformed(document: str) -> None:
    with pytest.raises(MalformedPatch):
        read(document.encode())


def test_no_entity_is_expanded_and_no_file_is_read(tmp_path: object) -> None:
    secret = f"{tmp_path}/secret"
    with open(secret, "w") as file:  # noqa: PTH123
        file.write("geheim")
    for declared in (f'<!ENTITY e SYSTEM "file://{secret}">', '<!ENTITY e "geheim">'):
        document = f"<!DOCTYPE diff [{declared}]><diff {NAMESPACE}><add sel='f:Patient'>&e;</add></diff>"

        with pytest.raises(MalformedPatch) as refused:
            read(document.encode())

        assert "geheim" not in refused.value.diagnostics


def test_a_patch_cannot_nest_without_end() -> None:
    deep = "<c>" * 60 + "</c>" * 60

    with pytest.raises(Unprocessable, match=r"Operation 1 .* deeper"):
        patched(f'<add sel="f:Patient/f:a">{deep}</add><add sel="f:Patient/f:a{"/f:c" * 60}">{deep}</add>')
    with pytest.raises(Unprocessable, match=r"Operation 1 .* deeper"):
        patched(f'<add sel="f:Patient/f:a">{deep}</add><replace sel="f:Patient/f:a{"/f:c" * 60}">{deep}</replace>')


def test_a_patch_has_so_many_operations_at_most() -> None:
    with pytest.raises(TooCostly):
        read(b"<diff>" + b"<remove sel='a'/>" * 1_001 + b"</diff>")

"""Manifests turned from one form into the other, at the door and by the command."""

import random
from dataclasses import replace
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import orjson
import pydicom
import pytest
from click.testing import CliRunner

from app.cli import main
from app.imaging.mado.convert import converted, read_manifest
from app.imaging.mado.from_fhir import read_bundle
from app.imaging.mado.to_fhir import fhir_manifest
from dicom.concept import Code
from dicom.manifest import codes
from dicom.manifest.model import Issued, Manifest, ManifestInstance, ManifestRequest, ManifestSeries
from dicom.manifest.read import read_kos
from dicom.manifest.write import write_kos
from dicom.names import PersonName
from dicom.part10 import read_instance
from fhir.errors import FhirError, InvalidValue
from fhir.profiles.structure import check
from fhir.xml.to_json import to_json
from fhir.xml.to_xml import to_xml
from tests.world import World


def a_manifest() -> Manifest:
    """Return a manifest that says all that one can say, in Japanese too."""
    pictures = (
        ManifestInstance("1.2.840.10008.5.1.4.1.1.3.1", "1.2.3.1.1", 1, number_of_frames=30),
        ManifestInstance("1.2.840.10008.5.1.4.1.1.3.1", "1.2.3.1.2"),
    )
    title = Code("113000", "DCM", "Of Interest")
    note = ManifestInstance("1.2.840.10008.5.1.4.1.1.88.59", "1.2.3.2.1", 1, title=title, description="右肺の結節")
    request = ManifestRequest(
        accession=Issued("A1", "urn:oid:1.2.3.5", "放射線科"),
        placer=Issued("P1", "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"),
        filler=Issued("F1", "", "RIS"),
        procedure_id="RP1",
        description="胸部造影CT",
    )
    return Manifest(
        uid="2.25.7",
        created=datetime(2026, 4, 1, 0, 30, 0, 250000, tzinfo=UTC),
        study_instance_uid="1.2.3",
        series=(
            ManifestSeries(
                "1.2.3.1",
                pictures,
                modality="US",
                number=3,
                description="心エコー <4CV>",
                date="20260401",
                time="093000.25",
                region=Code("80891009", "SCT", "Heart"),
                retrieve_url="https://hub.example/dicomweb",
                retrieve_location_uid="2.25.8",
                retrieve_ae_title="PACS",
            ),
            ManifestSeries("1.2.3.2", (note,), modality="KO", retrieve_url="https://other.example/rs"),
        ),
        title=codes.MANIFEST_WITH_DESCRIPTION,
        patient_id=Issued("00012345", "urn:oid:1.2.392.100495.20.3.51.10110000001", "病院"),
        other_patient_ids=(Issued("X-9", "https://clinic.example/patients"),),
        patient_name=PersonName("Yamada^Tarou", "山田^太郎", "やまだ^たろう"),
        patient_birth_date="19600102",
        patient_sex="M",
        study_date="20260401",
        study_time="092959",
        timezone_offset_from_utc="+0900",
        study_description="心エコー",
        requests=(request, replace(request, accession=Issued("A2", "urn:oid:1.2.3.5"))),
        modalities=("KO", "US"),
        regions=(codes.REGIONS["UPPERTRUNK"],),
        procedures=(
            Code("40701008", "SCT", "Echocardiography"),
            Code("E1", "99HOSP", "心エコー"),
            Code("", "", "エコー"),
        ),
        display_uri="https://hub.example/view?study=1.2.3&x=1",
        manufacturer="Renkei",
        device="Renkei 0.1",
        institution="中央病院",
    )


def test_all_that_a_manifest_can_say_survives_either_form() -> None:
    manifest = a_manifest()

    assert read_kos(read_instance(write_kos(manifest))) == manifest
    assert read_bundle(orjson.loads(orjson.dumps(fhir_manifest(manifest)))) == manifest
    assert check(fhir_manifest(manifest), entries=True) == []


def test_a_plain_manifest_has_references_and_no_description() -> None:
    plain = write_kos(replace(a_manifest(), title=codes.MANIFEST))

    found = read_kos(read_instance(plain))

    assert found.title == codes.MANIFEST
    assert [len(one.instances) for one in found.series] == [2, 1]
    assert b"Image Library" not in plain


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda b: b.update(type="collection"), "Bundle"),
        (lambda b: b["entry"].pop(0), "Bundle"),
        (lambda b: b.pop("identifier"), "Bundle.identifier"),
        (lambda b: b.update(timestamp="2026-04-01"), "Bundle.timestamp"),
        (lambda b: b.update(timestamp="9999-12-31T23:59:59-12:00"), "Bundle.timestamp"),
        (lambda b: b.update(timestamp="0001-01-01T00:00:00+14:00"), "Bundle.timestamp"),
        (lambda b: b["entry"][1]["resource"].pop("identifier"), "Bundle.entry[1].resource.identifier"),
        (lambda b: b["entry"][1]["resource"].pop("series"), "Bundle.entry[1].resource.series"),
        (
            lambda b: b["entry"][1]["resource"]["series"][0].update(uid="../x"),
            "Bundle.entry[1].resource.series[0].uid",
        ),
        (
            lambda b: b["entry"][1]["resource"]["series"][0].pop("instance"),
            "Bundle.entry[1].resource.series[0].instance",
        ),
        (
            lambda b: b["entry"][1]["resource"]["series"][0]["instance"][1].update(uid="1.2.3.1.1"),
            "Bundle.entry[1].resource.series",
        ),
        (
            lambda b: b["entry"][1]["resource"]["series"][0]["instance"][1].pop("sopClass"),
            "Bundle.entry[1].resource.series[0].instance[1].sopClass",
        ),
    ],
    ids=[
        *("another type", "no Composition", "no identifier", "an instant without a zone", "the last", "the first"),
        *("no study UID", "no series"),
        *("a UID that is none", "no instances", "an instance twice", "no class"),
    ],
)
def test_a_bundle_that_is_no_manifest_is_refused_with_the_place(change, place) -> None:  # type: ignore[no-untyped-def]
    bundle = fhir_manifest(a_manifest())
    change(bundle)

    with pytest.raises(InvalidValue) as refused:
        read_bundle(bundle)

    assert refused.value.expression == place


@pytest.mark.parametrize(("day", "offset"), [("00010101", "+0900"), ("99991231", "-1200")])
def test_a_manifest_that_was_made_on_the_last_of_all_days_is_read(day: str, offset: str) -> None:
    ds = pydicom.dcmread(BytesIO(write_kos(a_manifest())))
    ds.ContentDate, ds.ContentTime, ds.TimezoneOffsetFromUTC = day, "235959" if day > "2" else "000000", offset
    out = BytesIO()
    ds.save_as(out)

    form, bundle = converted(out.getvalue())

    assert form == "fhir"
    assert orjson.loads(bundle)["timestamp"].startswith("1970-01-01")


def test_whatever_is_wrong_is_refused_and_breaks_nothing() -> None:
    """Bytes of both forms, changed at random: each is read, or refused with a reason."""
    chance = random.Random(7)
    bundle = orjson.dumps(fhir_manifest(a_manifest()))
    forms = (write_kos(a_manifest()), bundle, to_xml(bundle))
    read = 0
    for number in range(600):
        octets = bytearray(forms[number % len(forms)])
        for _ in range(chance.randrange(1, 6)):
            octets[chance.randrange(132 if number % len(forms) == 0 else 0, len(octets))] = chance.randrange(256)
        try:
            read_manifest(bytes(octets[: chance.choice((len(octets), len(octets), chance.randrange(len(octets))))]))
            read += 1
        except FhirError:
            pass

    assert 0 < read < 600


@pytest.mark.anyio
async def test_the_door_turns_each_form_into_the_other(world: World) -> None:
    hospital = await world.client("hospital-a")
    address = "/fhir/ImagingStudy/$convert-manifest"
    kos = write_kos(a_manifest())

    bundle = await world.http.post(address, headers=hospital | {"Content-Type": "application/dicom"}, content=kos)
    back = await world.http.post(
        address, headers=hospital | {"Content-Type": "application/fhir+json"}, content=bundle.content
    )
    none = await world.http.post(address, headers=hospital | {"Content-Type": "application/dicom"}, content=kos[:900])
    elsewhere = await world.http.post("/fhir/Patient/$convert-manifest", headers=hospital, content=kos)

    xml = {"content-type": "application/fhir+xml", "accept": "application/fhir+xml"}
    of_xml = await world.http.post(address, headers=hospital | xml, content=to_xml(bundle.content))
    in_xml = await world.http.post(address, headers=hospital | xml | {"content-type": "application/dicom"}, content=kos)

    assert (bundle.status_code, back.status_code, back.headers["content-type"]) == (200, 200, "application/dicom")
    assert back.content == of_xml.content == kos
    assert (in_xml.status_code, in_xml.content[:50].startswith((b"<Bundle", b"<?xml"))) == (200, True)
    assert to_json(in_xml.content).body == to_json(to_xml(bundle.content)).body
    assert (none.status_code, none.json()["resourceType"]) == (400, "OperationOutcome")
    assert elsewhere.status_code == 404
    assert await world.total(hospital, "ImagingStudy?_summary=count") == 0


def test_the_command_turns_each_form_into_the_other_and_shows_what_is_in_it(tmp_path: Path) -> None:
    kos = tmp_path / "kos.dcm"
    kos.write_bytes(write_kos(a_manifest()))
    runner = CliRunner()

    made = runner.invoke(main, ["manifest", "convert", str(kos)])
    back = runner.invoke(main, ["manifest", "convert", f"{kos}.json", "--output", str(tmp_path / "back.dcm")])
    again = runner.invoke(main, ["manifest", "convert", str(kos)])
    xml = tmp_path / "manifest.xml"
    xml.write_bytes(b"\xef\xbb\xbf" + to_xml(Path(f"{kos}.json").read_bytes()))
    of_xml = runner.invoke(main, ["manifest", "convert", str(xml)])
    shown = runner.invoke(main, ["manifest", "show", str(kos)])
    refused = runner.invoke(main, ["manifest", "show", str(Path(__file__))])

    assert (made.exit_code, back.exit_code, again.exit_code, refused.exit_code) == (0, 0, 1, 1)
    assert again.output == f"Error: {kos}.json is there already\n"
    assert (tmp_path / "back.dcm").read_bytes() == kos.read_bytes()
    assert (of_xml.output, Path(f"{xml}.dcm").read_bytes()) == (f"{xml}.dcm\n", kos.read_bytes())
    assert shown.output.splitlines() == [
        "kos 2.25.7, made 2026-04-01T09:30:00.250000+09:00",
        "study 1.2.3: 2 series, 3 instances",
        "1.2.3.1 US 2 instances, from https://hub.example/dicomweb",
        "1.2.3.2 KO 1 instances, from https://other.example/rs",
    ]

"""The manifests that IHE publishes for MADO, and a real study: each form is read, made, and turned into the other."""

import base64
import io
import json
import subprocess
import zipfile
from dataclasses import replace
from datetime import UTC, datetime

import pydicom
import pytest

from app.imaging.mado import systems
from app.imaging.mado.from_fhir import read_bundle
from app.imaging.mado.to_fhir import fhir_manifest
from dicom.concept import Code
from dicom.manifest import codes
from dicom.manifest.described import told
from dicom.manifest.model import Issued, Manifest, ManifestInstance, ManifestSeries
from dicom.manifest.read import read_kos
from dicom.manifest.write import write_kos
from dicom.part10 import read_instance
from dicom.reports.kinds import KEY_OBJECT_SELECTION
from fhir.profiles.structure import check
from tests.spec_data import SPEC_DATA

FOLDER = SPEC_DATA / "dicom"
ROOT = "https://hub.example/dicomweb"

pytestmark = pytest.mark.filterwarnings("ignore:.*:UserWarning")


def kos_b():
    return read_kos(read_instance((FOLDER / "MADO_KOS_B.dcm").read_bytes()))


def kos_102():
    binary = json.loads((FOLDER / "mado-102-kos-binary.json").read_text())
    return read_kos(read_instance(base64.b64decode(binary["data"])))


def bundle_102():
    return json.loads((FOLDER / "mado-102-bundle.json").read_text())


def images():
    """Return the instances of the real study, by series."""
    found = {}
    with zipfile.ZipFile(FOLDER / "Study_B.zip") as archive:
        for name in archive.namelist():
            octets = archive.read(name)
            if octets[128:132] == b"DICM":
                one = read_instance(octets)
                found.setdefault(one.series_instance_uid, []).append((one, pydicom.dcmread(io.BytesIO(octets))))
    return found


def manifest_of_images():
    """Return a manifest of the real study, as its images describe it."""
    series = []
    for uid, instances in images().items():
        notes = [(one, told(ds.to_json_dict()), ds) for one, ds in instances]
        head = notes[0][2]
        series.append(
            ManifestSeries(
                uid,
                tuple(
                    ManifestInstance(
                        one.sop_class_uid,
                        one.sop_instance_uid,
                        int(ds.InstanceNumber),
                        title=note.title,
                        description=note.description,
                    )
                    for one, note, ds in notes
                ),
                modality=head.Modality,
                number=int(head.SeriesNumber),
                description=head.get("SeriesDescription", ""),
                region=notes[0][1].region,
                retrieve_url=ROOT,
                retrieve_location_uid="1.2.3",
            )
        )
    head = next(iter(images().values()))[0][1]
    return Manifest(
        "2.25.1",
        datetime(2026, 4, 1, tzinfo=UTC),
        head.StudyInstanceUID,
        tuple(series),
        codes.MANIFEST_WITH_DESCRIPTION,
        patient_id=Issued(head.PatientID, "urn:oid:1.2.3.4"),
        modalities=("CT", "KO"),
        timezone_offset_from_utc="+0000",
        accession=Issued("A1", "urn:oid:1.2.3.5"),
        requests=(),
    )


def contents(manifest):
    """Return study, series and instances of a manifest, in no order."""
    return manifest.study_instance_uid, {
        one.series_instance_uid: {(i.sop_class_uid, i.sop_instance_uid) for i in one.instances}
        for one in manifest.series
    }


SOURCES = {
    "the published KOS": kos_b,
    "the published pair's KOS": kos_102,
    "the published bundle": lambda: read_bundle(bundle_102()),
    "the images themselves": manifest_of_images,
}


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_each_tells_of_the_same_study_series_and_instances(source):
    study, series = contents(source())

    assert study == "1.2.250.1.59.40211.22756022.2.1.102"
    assert {uid: len(instances) for uid, instances in series.items()} == {
        "1.2.250.1.59.40211.22756022.2.2.102.201": 20,
        "1.2.250.1.59.40211.22756022.2.2.102.202": 1,
    }
    assert (study, series) == contents(kos_b())


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_a_manifest_survives_each_form_and_the_way_from_one_to_the_other(source):
    whole = read_bundle(fhir_manifest(source()))

    as_kos = read_kos(read_instance(write_kos(whole)))
    as_fhir = read_bundle(json.loads(json.dumps(fhir_manifest(as_kos))))

    assert as_kos == whole
    assert as_fhir == whole
    assert write_kos(as_fhir) == write_kos(whole)


@pytest.mark.parametrize("source", [kos_b, kos_102])
def test_nothing_of_a_published_kos_is_lost_on_its_way_through_fhir(source):
    assert read_bundle(fhir_manifest(source())) == source()


# The pair as an oracle: what one form says, ours says too, made of the other.


def test_the_published_pair_agrees_with_ours_wherever_its_two_forms_agree():
    theirs, ours = read_bundle(bundle_102()), read_bundle(fhir_manifest(kos_102()))

    same = ("study_instance_uid", "title", "patient_name", "patient_birth_date", "patient_sex", "study_date")
    same += ("study_description", "modalities", "display_uri", "manufacturer", "device", "institution")
    assert {name: getattr(ours, name) for name in same} == {name: getattr(theirs, name) for name in same}
    assert ours.patient_id.value == theirs.patient_id.value
    assert ours.accession.value == theirs.accession.value
    assert contents(ours) == contents(theirs)
    assert set(ours.regions) <= set(theirs.regions)
    in_order = sorted(ours.series, key=lambda one: one.series_instance_uid)
    for one, other in zip(in_order, sorted(theirs.series, key=lambda one: one.series_instance_uid), strict=True):
        # What the KOS does not tell of instances, and what has no place in FHIR.
        told_alone = {"instances": (), "retrieve_ae_title": "", "time": ""}
        assert replace(one, **told_alone) == replace(other, **told_alone)
        assert one.time.partition(".")[0] == other.time


def test_where_the_published_pair_disagrees_with_itself_each_form_is_read_as_it_is():
    """Its KOS and its bundle were made at different moments by a converter that looked elsewhere too."""
    theirs, kos = read_bundle(bundle_102()), kos_102()

    differences = {name for name in Manifest.__dataclass_fields__ if getattr(theirs, name) != getattr(kos, name)}

    assert differences == {
        *("uid", "created", "timezone_offset_from_utc", "study_time"),  # its own numbers, its own clock's zone
        *("patient_id", "accession", "requests"),  # issuers are there under other names, or missing
        *("regions", "procedures", "series"),
    }
    assert theirs.procedures == (Code("", "", "Head CT"),)
    assert [one.meaning for one in kos.procedures] == ["CT HEAD", "KO"]


def members(tree):
    """Return the paths of a tree, without the numbers of items."""
    if isinstance(tree, dict):
        return {f"{name}.{path}".rstrip(".") for name, value in tree.items() for path in members(value) or {""}}
    return {path for one in tree for path in members(one)} if isinstance(tree, list) else set()


def by_type(bundle):
    """Return the paths that the resources of each type have; only a Composition needs a narrative."""
    found = {}
    for one in bundle["entry"]:
        paths = {path for path in members(one["resource"]) if not path.startswith("text.")}
        found.setdefault(one["resource"]["resourceType"], set()).update(paths)
    return found


def test_our_bundle_has_the_elements_of_the_published_one_but_for_what_its_kos_does_not_say():
    theirs, ours = by_type(bundle_102()), by_type(fhir_manifest(kos_102()))

    missing = {name: sorted(paths - ours[name]) for name, paths in theirs.items() if paths - ours[name]}

    coding = "series.instance.extension.valueCodeableConcept.coding"
    assert missing == {
        "ImagingStudy": [
            "basedOn.identifier.system",
            "series.instance.extension.url",
            *(f"{coding}.{name}" for name in ("code", "display", "system")),
            "series.instance.number",
            "series.instance.title",
        ],
        "Organization": ["identifier.system", "identifier.value"],
        "Device": ["manufactureDate"],
        "ServiceRequest": ["identifier.system"],
    }


# The checks of the profile (imaging manifest 0.1.0), on each source.


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_fhir_form_is_valid_r4(source):
    assert check(fhir_manifest(source()), entries=True) == []


def one_of(bundle, type_name):
    return [one["resource"] for one in bundle["entry"] if one["resource"]["resourceType"] == type_name]


def under(bundle, reference):
    return next(one["resource"] for one in bundle["entry"] if one["fullUrl"] == reference["reference"])


@pytest.mark.parametrize("source", SOURCES.values(), ids=SOURCES)
def test_the_fhir_form_follows_the_profile(source):
    manifest = source()
    bundle = fhir_manifest(manifest)

    # MadoFhirBundle
    assert (bundle["type"], bundle["identifier"]["value"]) == ("document", f"urn:oid:{manifest.uid}")
    assert datetime.fromisoformat(bundle["timestamp"]).tzinfo is not None
    assert len(bundle["entry"]) >= 3
    assert "total" not in bundle
    # MadoComposition
    (composition,) = one_of(bundle, "Composition")
    assert bundle["entry"][0]["resource"] is composition
    assert composition["text"]["status"] == "generated"
    assert composition["identifier"] == bundle["identifier"]
    authors = sorted(under(bundle, one)["resourceType"] for one in composition["author"])
    assert authors == ["Device", "Organization"]
    assert all(one["text"]["div"] for one in composition["section"])
    # MadoImagingStudy
    (study,) = one_of(bundle, "ImagingStudy")
    assert under(bundle, composition["event"][0]["detail"][0]) is study
    assert study["identifier"] == [
        {
            "type": {"coding": [{"system": systems.DCM, "code": "110180", "display": "Study Instance UID"}]},
            "system": "urn:dicom:uid",
            "value": f"urn:oid:{manifest.study_instance_uid}",
        }
    ]
    assert study["numberOfSeries"] == len(study["series"])
    assert all(one.get("text") or one["coding"][0]["display"] for one in study["procedureCode"])
    for series in study["series"]:
        assert series["numberOfInstances"] == len(series["instance"]) >= 1
        endpoints = [under(bundle, one) for one in series["endpoint"]]
        assert [one["connectionType"]["code"] for one in endpoints] == ["dicom-wado-rs"]
    (title,) = [
        one["extension"][-1]["valueCodeableConcept"]["coding"][0]["code"]
        for series in study["series"]
        for one in series["instance"]
        if one["sopClass"]["code"].endswith("88.59") and "extension" in one
    ] or ["113000"]
    assert title == "113000"
    # MadoWadoEndpoint
    for one in one_of(bundle, "Endpoint"):
        if one["connectionType"]["code"] == "dicom-wado-rs":
            assert [e["url"] for e in one["extension"]] == [systems.RETRIEVE_LOCATION_UID]
            assert one["payloadType"] == [{"coding": [systems.NO_PAYLOAD], "text": "DICOM WADO-RS"}]
            assert {"application/dicom", "application/octet-stream", "application/dicom+xml"} <= {
                *one["payloadMimeType"]
            }
        else:
            assert (one["connectionType"]["code"], one["payloadMimeType"]) == ("web-viewer", ["text/html"])
            assert manifest.study_instance_uid in one["address"]
    # MadoCreator, MadoRequestedProcedure, MadoAccessionNumberIdentifier
    assert [one["type"]["coding"][0]["code"] for one in one_of(bundle, "Device")] == ["mado-creator"]
    for request in one_of(bundle, "ServiceRequest"):
        (accession,) = [one for one in request["identifier"] if one["type"] == systems.ACCESSION_TYPE]
        assert accession["value"]
        assert "system" in accession or "_system" in accession
        assert (request["status"], request["intent"]) == ("completed", "order")


def test_where_no_service_is_named_the_profile_has_a_word_for_it():
    (first, *_) = kos_b().series
    unknown = replace(first, retrieve_url="", retrieve_location_uid="")

    bundle = fhir_manifest(replace(kos_b(), series=(unknown,)))

    (endpoint,) = [one for one in one_of(bundle, "Endpoint") if one["name"] == "WADO endpoint"]
    assert (endpoint["address"], endpoint["_address"]) == ("http://notspecified", systems.unknown())
    assert check(bundle, entries=True) == []
    assert read_bundle(bundle).series == (unknown,)


@pytest.mark.anyio
async def test_the_published_bundle_is_kept_as_a_document(world):
    hospital = await world.client("hospital-a")

    sent = await world.http.post("/fhir/Bundle", headers=hospital, json=bundle_102())

    assert sent.status_code == 201, sent.text
    study = "ImagingStudy?identifier=urn:dicom:uid|urn:oid:1.2.250.1.59.40211.22756022.2.1.102"
    assert await world.total(hospital, study) == 1


# The KOS form


@pytest.mark.parametrize("source", [kos_b, manifest_of_images])
def test_the_kos_form_is_read_by_others(source, tmp_path):
    file = tmp_path / "kos.dcm"
    file.write_bytes(write_kos(source()))

    read = pydicom.dcmread(file)
    # The rules of the class are older than CP-2595, which lets a container stand in one: -Ec leaves them aside.
    dumped = subprocess.run(["dsrdump", "-Ec", str(file)], capture_output=True, text=True, check=False)

    assert (read.Modality, read.SpecificCharacterSet, read.SOPClassUID) == (
        "KO",
        "ISO_IR 192",
        KEY_OBJECT_SELECTION,
    )
    assert read.ConceptNameCodeSequence[0].CodeValue == "MADOTEMP001"
    assert read.ContentTemplateSequence[0].TemplateIdentifier == "2010"
    (evidence,) = read.CurrentRequestedProcedureEvidenceSequence
    assert all(one.RetrieveURL and one.RetrieveLocationUID for one in evidence.ReferencedSeriesSequence)
    assert (dumped.returncode, [one for one in dumped.stderr.splitlines() if one.startswith(("E:", "F:"))]) == (0, [])
    assert dumped.stdout.count('<contains CONTAINER:(,,"Image Library Group")') == 2
    assert dumped.stdout.count('<has acq context TEXT:(,,"Instance Number")') >= 20
    assert dumped.stdout.count("<contains IMAGE:") == 40

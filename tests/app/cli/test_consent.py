import anyio
import orjson
import pytest

from app.access.directory import find_organisation
from app.lifecycle import open_hub
from app.records.inside import write_new_as
from app.settings import Settings
from tests.app.cli.conftest import Renkei
from tests.world import a_patient


async def _add_patient(settings: Settings) -> str:
    hub = await open_hub(settings)
    hub.audit.start()
    organisation = await find_organisation(hub.database.reader, "hospital-a")
    stored = await write_new_as(hub, organisation, orjson.dumps(a_patient()))
    await hub.close()
    return stored.id


def test_a_consent_is_recorded_listed_and_withdrawn(hospital: Renkei, settings: Settings) -> None:
    patient = anyio.run(_add_patient, settings)

    recorded = hospital("consent", "add", patient, "--site", "hospital-a", "--to", "clinic-c")
    consent = recorded.output.strip().removeprefix("Recorded Consent/")
    before = hospital("consent", "list", patient, "--site", "hospital-a")
    withdrawn = hospital("consent", "withdraw", consent, "--site", "hospital-a")
    after = hospital("consent", "list", patient, "--site", "hospital-a")

    assert before.output == f"{consent}\tactive\tpermit\n"
    assert withdrawn.output == f"Withdrew Consent/{consent}\n"
    assert after.output == f"{consent}\tinactive\tpermit\n"


@pytest.mark.parametrize(
    "arguments",
    [("add", "unknown", "--site", "hospital-a"), ("withdraw", "unknown", "--site", "hospital-a")],
    ids=["add", "withdraw"],
)
def test_an_unknown_patient_or_consent_is_a_message(hospital: Renkei, arguments: tuple[str, ...]) -> None:
    refused = hospital("consent", *arguments)

    assert refused.exit_code == 1
    assert "unknown" in refused.output


def test_why_a_record_is_seen_is_explained(hospital: Renkei, settings: Settings) -> None:
    patient = anyio.run(_add_patient, settings)
    consent = hospital("consent", "add", patient, "--site", "hospital-a", "--to", "clinic-c").output.split("/")[1]

    own = hospital("consent", "explain", f"Patient/{patient}", "--to", "hospital-a")
    clinic = hospital("consent", "explain", f"Patient/{patient}", "--to", "clinic-c", "--role", "doctor")
    past = hospital(
        *("consent", "explain", f"Patient/{patient}", "--to", "clinic-c", "--at", "2001-01-01T00:00:00+0000")
    )
    unknown = hospital("consent", "explain", "Patient/never", "--to", "clinic-c")

    assert own.output == "seen\town\tidentity\t\n"
    assert clinic.output == f"seen\tpermit\tidentity\t\nConsent/{consent.strip()}\t0\tpermit\tcounts\n"
    assert past.output == "hidden\tnot-yet\t\t\n"
    assert unknown.exit_code == 1


def test_the_cases_of_break_glass_are_listed(hospital: Renkei) -> None:
    waiting, month = hospital("consent", "cases", "--waiting"), hospital("consent", "cases", "--month", "2026-04")
    wrong = hospital("consent", "cases", "--month", "April")

    assert waiting.output == ""
    assert month.output.startswith("case,begun,until,person")
    assert wrong.exit_code == 1

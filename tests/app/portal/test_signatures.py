"""What the page of a document says of its signatures."""

import base64
from pathlib import Path

import pytest

from app.portal.language import texts
from app.portal.signatures import MARKS
from app.records.signatures.pending import check_pending
from fhir.signatures.verdict import REASONS
from tests.app.records.test_signatures import a_cda, a_provenance, a_reference, a_referral, trusting
from tests.portal import recorded, signed_in
from tests.signers import openssl_jws, region
from tests.world import World, a_patient

pytestmark = pytest.mark.anyio


async def test_the_page_says_who_has_signed_in_both_languages(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    await world.post(hospital, a_referral(region().doctor, tmp_path))
    composition = (await world.http.get("/fhir/Composition", headers=hospital)).json()["entry"][0]["resource"]["id"]
    browser = await signed_in(world, "hospital-a")

    page = await browser.get(f"/documents/Composition/{composition}")
    english = await browser.get(f"/documents/Composition/{composition}", headers={"accept-language": "en"})

    assert "電子署名: 有効・山田 太郎 (医師)" in page.text
    assert "Electronic signature: valid・山田 太郎 (Medical Doctor)" in english.text
    assert "HPKI root" in page.text
    assert any(one.interaction == "read" for one in await recorded(world))


async def test_the_signature_of_another_record_leaves_the_documents_own_as_it_is(world: World, tmp_path: Path) -> None:
    trusting(world)
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    data = base64.b64encode(a_cda(region().doctor, tmp_path)).decode()
    document = f"DocumentReference/{(await world.post(hospital, a_reference(patient, data=data)))['id']}"
    await world.post(hospital, a_provenance(document, openssl_jws(region().stranger, b"else", tmp_path)))
    await check_pending(world.hub)
    browser = await signed_in(world, "hospital-a")

    page = (await browser.get(f"/documents/{document}")).text

    assert "電子署名: 有効・山田 太郎 (医師)" in page
    assert '電子署名 <span class="muted">（この文書についての別の記録）</span>: 有効ではありません' in page
    assert page.index("有効・山田") < page.index("有効ではありません")


async def test_a_document_without_signatures_says_nothing_of_them(world: World) -> None:
    hospital = await world.client("hospital-a")
    patient = (await world.post(hospital, a_patient()))["id"]
    document = await world.post(hospital, a_reference(patient, "text/plain", data="YQ=="))
    browser = await signed_in(world, "hospital-a")

    assert "電子署名" not in (await browser.get(f"/documents/DocumentReference/{document['id']}")).text


@pytest.mark.parametrize("language", ["ja", "en"])
def test_every_answer_and_every_reason_has_its_words(language: str) -> None:
    known = texts(language)

    assert {key for key in known if key.startswith("signatures.state.")} == {f"signatures.state.{one}" for one in MARKS}
    assert {key for key in known if key.startswith("signatures.why.")} == {
        f"signatures.why.{state}.{reason}" for state, reasons in REASONS.items() for reason in reasons
    }

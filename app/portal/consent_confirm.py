"""What the consent desk shows once more before a consent, or its withdrawal, counts."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.portal.confirm import Shown
from app.portal.consent_facts import ConsentFacts, facts_in
from app.portal.gate import Visit
from app.portal.language import Words, language_of, words
from app.portal.people import Someone
from app.portal.sites import Sites

SCAN = {"name": "scan", "accept": "application/pdf,image/jpeg"}


def _joined(t: Words, names: Sequence[str], all_of_them: str) -> str:
    return "、".join(names) if names else t(all_of_them)


def _facts(t: Words, one: ConsentFacts, who: Someone, sites: Sites) -> list[tuple[str, str]]:
    effect = t("consents.permit_short" if one.permits else "consents.deny_short")
    emergency = f" {t('consents.but_emergency')}" if one.emergency else ""
    kinds = [t.maybe(f"category.{name}", name) for name in one.categories]
    labels = [t.maybe(f"label.{name}", name) for name in one.labels]
    period = f"{one.start}〜{one.end}" if one.start or one.end else ""
    return [
        ("entries.fact_patient", f"{who.name} {who.birth_date} {who.id}"),
        ("entries.fact_effect", effect + emergency),
        ("entries.fact_from", _joined(t, [sites.named(name) for name in one.disclosers], "consents.all_sites")),
        ("entries.fact_to", _joined(t, [sites.named(name) for name in one.receivers], "consents.all_sites")),
        ("entries.fact_kinds", _joined(t, kinds, "consents.all_kinds")),
        ("entries.fact_labels", "、".join(labels)),
        ("entries.fact_period", period),
        ("entries.fact_by", one.by or t("consents.self")),
    ]


def shown(
    visit: Visit, body: Mapping[str, Any], who: Someone, sites: Sites, *, patient_id: str, withdrawal: bool = False
) -> Shown:
    """Return what is shown of a Consent before it counts.

    Args:
        visit: The request.
        body: The Consent.
        who: The Patient it is recorded for.
        sites: The sites of the region.
        patient_id: The Patient whose page it was entered on.
        withdrawal: Whether it ends.
    """
    one = facts_in(body, id="", version=0, custodian=visit.caller.organisation)
    return Shown(
        kind="consent-withdrawal" if withdrawal else "consent",
        facts=_facts(words(language_of(visit.web)), one, who, sites),
        back=f"/consents?patient={patient_id}",
        page="consents",
        file=None if withdrawal else SCAN,
    )

"""ADT-01: the doctors in charge, as a CareTeam; A54 says who they are, A55 takes that back."""

from app.exchange.hl7v2.to_fhir.draft import Draft
from app.exchange.hl7v2.to_fhir.moments import moment_of
from app.exchange.hl7v2.to_fhir.people import department, practitioner

_ROLES = {7: "主治医", 8: "紹介医", 9: "担当医", 17: "入院時担当医"}
"""By the field of PV1 that names them."""


def draw(draft: Draft) -> None:
    """Make the CareTeam of the patient in a department."""
    visit = draft.message.required("PV1")
    event = draft.message.first("EVN")
    members = [
        {"role": [{"text": role}], "member": practitioner(each, draft.source)}
        for field, role in _ROLES.items()
        for each in visit.repetitions(field)
    ]
    unit = department(visit.text(10), "", "", draft.source)
    began = moment_of(draft, event, 6)
    content = {
        "status": "inactive" if draft.message.kind == "ADT^A55" else "active",
        "name": "担当医",
        "subject": draft.subject,
        "period": {"start": began} if began else {},
        "participant": [each for each in members if each["member"]],
        "managingOrganization": [{"reference": f"Organization/{draft.source.custodian}"}],
        "reasonCode": [unit] if unit else [],
    }
    draft.add(draft.own("CareTeam", "attending", visit.text(10)), content)

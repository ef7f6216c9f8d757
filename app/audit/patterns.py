"""The kinds of audit event: for every interaction its codes, roles and IHE BALP profiles.

https://profiles.ihe.net/ITI/BALP/1.1.4/content.html; event ids of DICOM PS3.16, CID 400 to 403.
"""

from dataclasses import dataclass

Coding = dict[str, str]

BALP = "https://profiles.ihe.net/ITI/BALP/StructureDefinition/"
OWN = "urn:renkei:audit-interaction"
"""The system of the interactions that no standard names."""
REST_INTERACTION = "http://hl7.org/fhir/restful-interaction"
TERMINOLOGY = "http://terminology.hl7.org/CodeSystem/"


def coding(system: str, code: str, display: str) -> Coding:
    """Return a Coding."""
    return {"system": system, "code": code, "display": display}


def _dicom(code: str, display: str) -> Coding:
    return coding("http://dicom.nema.org/resources/ontology/DCM", code, display)


def _rest(code: str) -> Coding:
    return coding(REST_INTERACTION, code, code)


def _ihe(code: str, display: str) -> Coding:
    return coding("urn:ihe:event-type-code", code, display)


APPLICATION = _dicom("110150", "Application")
SOURCE = _dicom("110153", "Source Role ID")
DESTINATION = _dicom("110152", "Destination Role ID")
CUSTODIAN = coding(TERMINOLOGY + "provenance-participant-type", "custodian", "Custodian")
AUTHORIZER = coding(TERMINOLOGY + "extra-security-role-type", "authserver", "authorization server")
TOKEN_SERVICE = coding(
    "https://profiles.ihe.net/ITI/BALP/CodeSystem/UserAgentTypes",
    "AuthzOauthService",
    "OAuth Authorization Server",
)
RECIPIENT = coding(TERMINOLOGY + "v3-ParticipationType", "IRCP", "information recipient")
AUTHOR = coding(TERMINOLOGY + "v3-ParticipationType", "AUT", "author (originator)")

REST = coding(TERMINOLOGY + "audit-event-type", "rest", "Restful Operation")
ACTIVITY = _dicom("110100", "Application Activity")
LOG_USED = _dicom("110101", "Audit Log Used")
TRANSFERRED = _dicom("110104", "DICOM Instances Transferred")
STUDY_DELETED = _dicom("110105", "DICOM Study Deleted")
EXPORT = _dicom("110106", "Export")
IMPORT = _dicom("110107", "Import")
PATIENT_RECORD = _dicom("110110", "Patient Record")
QUERY = _dicom("110112", "Query")
ALERT = _dicom("110113", "Security Alert")
AUTHENTICATION = _dicom("110114", "User Authentication")


@dataclass(frozen=True, slots=True)
class Pattern:
    """How the events of one interaction look."""

    type: Coding
    subtype: Coding
    action: str
    client: Coding
    """The role of the system that called."""
    server: Coding
    """The role of the hub."""
    user: Coding
    """The role of the person who asked."""
    entities: str
    """`data`: what was read or written; `query`: what was asked; `consent`: what decided; `token`; `none`."""
    profile: str | None = None
    """The profile of an event without a patient, after `BALP`."""
    patient_profile: str | None = None
    """The profile of an event with one."""


def _read(type: Coding, subtype: Coding, *profiles: str) -> Pattern:
    return Pattern(type, subtype, "R", DESTINATION, SOURCE, RECIPIENT, "data", *profiles)


def _write(type: Coding, subtype: Coding, action: str, *profiles: str) -> Pattern:
    return Pattern(type, subtype, action, SOURCE, DESTINATION, AUTHOR, "data", *profiles)


def _query(type: Coding, subtype: Coding, *profiles: str) -> Pattern:
    return Pattern(type, subtype, "E", SOURCE, DESTINATION, RECIPIENT, "query", *profiles)


def _security(
    type: Coding,
    subtype: Coding,
    entities: str = "none",
    server: Coding = DESTINATION,
) -> Pattern:
    return Pattern(type, subtype, "E", APPLICATION, server, RECIPIENT, entities)


def _own(type: Coding, code: str, action: str) -> Pattern:
    return _write(type, coding(OWN, code, code), action)


def _lifecycle(code: str, display: str) -> Coding:
    return coding(TERMINOLOGY + "iso-21089-lifecycle", code, f"{display} Record Lifecycle Event")


def _iti_81() -> Pattern:
    """https://profiles.ihe.net/ITI/TF/Supplements/IHE_ITI_Suppl_RESTful-ATNA.pdf, 3.81.5."""
    asked = _ihe("ITI-81", "Retrieve ATNA Audit Event")
    return Pattern(LOG_USED, asked, "R", DESTINATION, SOURCE, RECIPIENT, "query")


_READ = ("IHE.BasicAudit.Read", "IHE.BasicAudit.PatientRead")
_CREATE = ("IHE.BasicAudit.Create", "IHE.BasicAudit.PatientCreate")
_UPDATE = ("IHE.BasicAudit.Update", "IHE.BasicAudit.PatientUpdate")
_DELETE = ("IHE.BasicAudit.Delete", "IHE.BasicAudit.PatientDelete")
_QUERY = ("IHE.BasicAudit.Query", "IHE.BasicAudit.PatientQuery")
_AUTHZ = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType"

PATTERNS: dict[str, Pattern] = {
    **{code: _read(REST, _rest(code), *_READ) for code in ("read", "vread")},
    **{code: _read(REST, _rest(code)) for code in ("history-instance", "history-type", "history-system")},
    "create": _write(REST, _rest("create"), "C", *_CREATE),
    **{code: _write(REST, _rest(code), "U", *_UPDATE) for code in ("update", "patch")},
    "delete": Pattern(REST, _rest("delete"), "D", APPLICATION, CUSTODIAN, AUTHOR, "data", *_DELETE),
    **{code: _query(REST, _rest(code), *_QUERY) for code in ("search", "search-type", "search-system")},
    "operation": _query(REST, _rest("operation")),
    **{code: _write(REST, _rest(code), "E") for code in ("transaction", "batch")},
    "provide": _write(IMPORT, _ihe("ITI-65", "Provide Document Bundle"), "C"),
    "publish": _write(REST, _rest("create"), "C", *_CREATE),
    "generate-metadata": _write(REST, _rest("create"), "C", *_CREATE),
    "message": _write(PATIENT_RECORD, _ihe("ITI-93", "Mobile Patient Identity Feed"), "U"),
    "iti-8": _write(PATIENT_RECORD, _ihe("ITI-8", "Patient Identity Feed"), "U"),
    "iti-30": _write(PATIENT_RECORD, _ihe("ITI-30", "Patient Identity Management"), "U"),
    "iti-31": _write(PATIENT_RECORD, _ihe("ITI-31", "Patient Encounter Management"), "U"),
    "iti-9": _query(QUERY, _ihe("ITI-9", "PIX Query")),
    "iti-21": _query(QUERY, _ihe("ITI-21", "Patient Demographics Query")),
    "hl7v2": _own(IMPORT, "hl7v2", "C"),
    "stow": _write(TRANSFERRED, _ihe("RAD-108", "Store Instances Over the Web"), "C"),
    **{code: _write(TRANSFERRED, coding(OWN, code, code), "C") for code in ("source-index", "source-store")},
    "wado": _read(TRANSFERRED, _ihe("RAD-107", "WADO-RS Retrieve")),
    "qido": _query(QUERY, _ihe("RAD-129", "QIDO-RS Query")),
    "c-store": _write(TRANSFERRED, coding(OWN, "c-store", "c-store"), "C"),
    "c-move": _read(TRANSFERRED, coding(OWN, "c-move", "c-move")),
    "c-get": _read(TRANSFERRED, coding(OWN, "c-get", "c-get")),
    "c-find": _query(QUERY, coding(OWN, "c-find", "c-find")),
    "storage-commitment": _query(QUERY, coding(OWN, "storage-commitment", "storage-commitment")),
    "dicom-delete": _write(STUDY_DELETED, coding(OWN, "dicom-delete", "dicom-delete"), "D"),
    "media-import": _own(IMPORT, "media-import", "C"),
    "media-review": _own(IMPORT, "media-review", "C"),
    "media-decision": _own(IMPORT, "media-decision", "U"),
    "media-removed": _own(IMPORT, "media-removed", "D"),
    "media-export": Pattern(
        EXPORT,
        coding(OWN, "media-export", "media-export"),
        *("R", DESTINATION, SOURCE, RECIPIENT, "data"),
    ),
    "export": Pattern(
        EXPORT,
        coding(TERMINOLOGY + "iso-21089-lifecycle", "disclose", "Disclose Record Lifecycle Event"),
        *("R", DESTINATION, SOURCE, RECIPIENT, "data", None, "IHE.BasicAudit.PrivacyDisclosure.Source"),
    ),
    "import": _own(IMPORT, "import", "C"),
    "link": _own(PATIENT_RECORD, "link", "U"),
    "unlink": _own(PATIENT_RECORD, "unlink", "U"),
    "identity-review": _own(PATIENT_RECORD, "identity-review", "U"),
    "entry": _own(PATIENT_RECORD, "entry", "E"),
    "rights-request": _own(PATIENT_RECORD, "rights-request", "E"),
    "retention": _own(PATIENT_RECORD, "retention", "D"),
    "erase": _own(PATIENT_RECORD, "erase", "D"),
    "sign-in": _security(AUTHENTICATION, _dicom("110122", "Login")),
    "sign-out": _security(AUTHENTICATION, _dicom("110123", "Logout")),
    **{
        code: _security(AUTHENTICATION, coding(OWN, code, code))
        for code in ("sign-in-step", "session-locked", "session-unlocked")
    },
    "token": Pattern(
        AUTHENTICATION,
        _ihe("ITI-71", "Get Access Token"),
        *("E", APPLICATION, TOKEN_SERVICE, RECIPIENT, "token", "IHE.IUA.71", None),
    ),
    "authorize": _security(AUTHENTICATION, coding(OWN, "authorize", "authorize")),
    "introspect": _security(AUTHENTICATION, _ihe("ITI-102", "Introspect Token"), server=TOKEN_SERVICE),
    "revoke": _security(AUTHENTICATION, coding(OWN, "revoke", "revoke"), server=TOKEN_SERVICE),
    "launch": _security(AUTHENTICATION, coding(OWN, "launch", "launch")),
    "image-link": _security(AUTHENTICATION, coding(OWN, "image-link", "image-link")),
    "consent-decision": Pattern(
        ALERT,
        coding(_AUTHZ, "AuthZ-Consent", "Authorization Decision using Roles and Consent"),
        *("E", APPLICATION, AUTHORIZER, RECIPIENT, "consent", None, "IHE.BasicAudit.AuthZconsent"),
    ),
    "refused": _security(
        ALERT, coding(_AUTHZ, "AuthZ-Role", "Authorization Decision using only Roles"), "query", AUTHORIZER
    ),
    "break-glass": _security(ALERT, _dicom("110127", "Emergency Override Started")),
    "break-glass-ended": _security(ALERT, _dicom("110138", "Emergency Override Stopped")),
    "break-glass-review": _security(ALERT, coding(OWN, "break-glass-review", "break-glass-review")),
    "account": _security(ALERT, _dicom("110137", "User Security Attributes Changed"), "data"),
    "settings": _security(ALERT, _dicom("110129", "Security Configuration"), "data"),
    "audit-log-used": _query(LOG_USED, coding(OWN, "audit-log-used", "audit-log-used")),
    "node-authentication": _security(ALERT, _dicom("110126", "Node Authentication")),
    "throttled": _security(ALERT, coding(OWN, "throttled", "throttled"), "query"),
    "many-persons": _security(ALERT, coding(OWN, "many-persons", "many-persons"), "query"),
    "audit-unavailable": _security(ALERT, coding(OWN, "audit-unavailable", "audit-unavailable"), "none"),
    "audit-expired": _own(LOG_USED, "audit-expired", "D"),
    "audit-taken-up": _security(ALERT, coding(OWN, "audit-taken-up", "audit-taken-up"), "data"),
    "unreadable-record": _security(ALERT, coding(OWN, "unreadable-record", "unreadable-record"), "data"),
    "witness-refused": _security(ALERT, coding(OWN, "witness-refused", "witness-refused"), "none"),
    "start": _security(ACTIVITY, _dicom("110120", "Application Start")),
    "stop": _security(ACTIVITY, _dicom("110121", "Application Stop")),
    "iti-81": _iti_81(),
    "print": Pattern(EXPORT, _lifecycle("disclose", "Disclose"), "R", DESTINATION, SOURCE, RECIPIENT, "query"),
    "admin": _security(ALERT, _dicom("110129", "Security Configuration"), "data"),
    "job": _security(ACTIVITY, coding(OWN, "job", "job"), "query"),
    "backup": _security(EXPORT, _lifecycle("archive", "Archive"), "query", SOURCE),
    "backup-verify": _security(ACTIVITY, coding(OWN, "backup-verify", "backup-verify"), "query"),
    "restore": _security(IMPORT, _lifecycle("restore", "Restore"), "query"),
    **{
        code: _security(ACTIVITY, coding(OWN, code, code), "data")
        for code in ("package-load", "package-remove", "trust-add", "trust-remove", "trust-recheck")
    },
    "audit-review": _security(LOG_USED, coding(OWN, "audit-review", "audit-review"), "data"),
    "audit-received": _security(LOG_USED, _ihe("ITI-20", "Record Audit Event"), "data"),
    "audit-forwarded": _security(LOG_USED, _ihe("ITI-20", "Record Audit Event"), "data", SOURCE),
    "clock": _security(ALERT, coding(OWN, "clock", "clock"), "none"),
    "malware": _security(ALERT, coding(OWN, "malware", "malware"), "query"),
}
"""By `Event.interaction`."""


def pattern_of(interaction: str) -> Pattern:
    """Return the pattern of an interaction; an unknown one is an activity under its own code."""
    known = PATTERNS.get(interaction)
    return known or _security(ACTIVITY, coding(OWN, interaction, interaction), "data")

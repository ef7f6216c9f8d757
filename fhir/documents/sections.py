"""The sections of an International Patient Summary: their codes and titles, and what stands in which.

https://hl7.org/fhir/uv/ips/StructureDefinition-Composition-uv-ips.html
"""

from collections.abc import Mapping
from dataclasses import dataclass

from fhir.documents import belonging
from fhir.documents.belonging import Belongs
from fhir.documents.words import Language


@dataclass(frozen=True, slots=True)
class Ask:
    """A search in the person's record, the newest first, whose matches may stand in a section."""

    type: str
    criteria: tuple[tuple[str, str], ...] = ()
    sort: str = "-date"
    """The order; what has no date comes last."""
    most: int = 0
    """How many are looked at, where what belongs there can only be told afterwards; else as many as the section has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One section of the summary."""

    code: str
    """LOINC."""
    display: str
    """LOINC's own name of the code."""
    title: Mapping[Language, str]
    asks: tuple[Ask, ...]
    """Where its entries come from."""
    holds: Belongs
    """Whether a resource that was found belongs here."""
    most: int
    """The most entries, the newest first."""
    required: bool = False
    """A required section is there even when it is empty."""
    nothing: frozenset[str] = frozenset()
    """Codes with which somebody states that there is none: SNOMED CT, and those of IPS 1.1."""
    no_information: str = ""
    """The code of IPS 1.1 for "nobody knows"; it is no entry."""
    list_code: str = ""
    """What a List that stands for the section is coded with, besides the section's own code:
    https://hl7.org/fhir/R4/valueset-list-example-codes.html"""


_NOT_DONE = ("status:not", "entered-in-error,not-done")
_PAST = "inactive,remission,resolved"
_TRUE = ("verification-status:not", "entered-in-error,refuted")
_DAILY_LIFE = "functional-status,disability-status"
_PREGNANCY = ",".join(sorted(belonging.PREGNANCY))

SECTIONS = (
    Section(
        code="11450-4",
        display="Problem list - Reported",
        title={"ja": "現在の病名・問題", "en": "Problem List"},
        asks=(Ask("Condition", (("clinical-status:not", _PAST), _TRUE), "-recorded-date"),),
        holds=belonging.is_current,
        most=100,
        required=True,
        nothing=frozenset({"160245001", "no-known-problems"}),
        no_information="no-problem-info",
        list_code="problems",
    ),
    Section(
        code="48765-2",
        display="Allergies and adverse reactions Document",
        title={"ja": "アレルギー・不耐性", "en": "Allergies and Intolerances"},
        asks=(Ask("AllergyIntolerance", (_TRUE,)),),
        holds=belonging.is_true,
        most=100,
        required=True,
        nothing=frozenset({"716186003", "no-known-allergies"}),
        no_information="no-allergy-info",
        list_code="allergies",
    ),
    Section(
        code="10160-0",
        display="History of Medication use Narrative",
        title={"ja": "薬剤", "en": "Medication Summary"},
        asks=(
            Ask("MedicationStatement", (), "-effective"),
            Ask("MedicationRequest", (), "-authoredon"),
            Ask("MedicationDispense", (), "-whenhandedover"),
        ),
        holds=belonging.is_done,
        most=60,
        required=True,
        nothing=frozenset({"787481004", "no-known-medications"}),
        no_information="no-medication-info",
        list_code="medications",
    ),
    Section(
        code="104605-1",
        display="Alert",
        title={"ja": "注意事項", "en": "Alerts"},
        # R4 has no search parameter for a Flag's status: an old one that is active must not be lost behind others.
        asks=(Ask("Flag", most=300),),
        holds=belonging.is_active,
        most=30,
    ),
    Section(
        code="11369-6",
        display="History of Immunization Narrative",
        title={"ja": "予防接種", "en": "Immunizations"},
        asks=(Ask("Immunization", (_NOT_DONE,)),),
        holds=belonging.is_done,
        most=60,
        nothing=frozenset({"787482006", "no-known-immunizations"}),
        no_information="no-immunization-info",
    ),
    Section(
        code="30954-2",
        display="Relevant diagnostic tests/laboratory data Narrative",
        title={"ja": "検査結果", "en": "Results"},
        asks=(
            Ask("DiagnosticReport"),
            Ask("Observation", (("category:not", ",".join(sorted(belonging.NO_RESULT))),)),
        ),
        holds=belonging.is_result,
        most=100,
    ),
    Section(
        code="47519-4",
        display="History of Procedures Document",
        title={"ja": "手術・処置", "en": "History of Procedures"},
        asks=(Ask("Procedure", (_NOT_DONE,)),),
        holds=belonging.is_done,
        most=50,
        nothing=frozenset({"787480003", "no-known-procedures"}),
        no_information="no-procedure-info",
    ),
    Section(
        code="46264-8",
        display="History of medical device use",
        title={"ja": "医療機器・体内留置物", "en": "Medical Devices"},
        asks=(Ask("DeviceUseStatement", (), "-_lastUpdated"),),
        holds=belonging.is_done,
        most=30,
        nothing=frozenset({"787483001", "no-known-devices"}),
        no_information="no-device-info",
    ),
    Section(
        code="8716-3",
        display="Vital signs",
        title={"ja": "バイタルサイン", "en": "Vital Signs"},
        asks=(Ask("Observation", (("category", "vital-signs"),)),),
        holds=belonging.is_vital_sign,
        most=30,
    ),
    Section(
        code="11348-0",
        display="History of Past illness Narrative",
        title={"ja": "既往歴", "en": "History of Past Illness"},
        asks=(Ask("Condition", (("clinical-status", _PAST), _TRUE), "-recorded-date"),),
        holds=belonging.is_past,
        most=60,
    ),
    Section(
        code="10162-6",
        display="History of pregnancies Narrative",
        title={"ja": "妊娠・出産", "en": "History of Pregnancy"},
        asks=(Ask("Observation", (("code", _PREGNANCY),)),),
        holds=belonging.is_of_pregnancy,
        most=20,
    ),
    Section(
        code="29762-2",
        display="Social history Narrative",
        title={"ja": "生活歴", "en": "Social History"},
        asks=(
            Ask("Observation", (("category", "social-history"),)),
            Ask("Observation", (("code", ",".join(sorted(belonging.LIFE))),)),
        ),
        holds=belonging.is_of_life,
        most=20,
    ),
    Section(
        code="47420-5",
        display="Functional status assessment note",
        title={"ja": "機能状態・日常生活動作", "en": "Functional Status"},
        asks=(
            Ask("Condition", (("category", _DAILY_LIFE), _TRUE), "-recorded-date"),
            Ask("ClinicalImpression"),
        ),
        holds=belonging.is_of_function,
        most=20,
    ),
    Section(
        code="18776-5",
        display="Plan of care note",
        title={"ja": "診療・療養計画", "en": "Plan of Care"},
        asks=(Ask("CarePlan", (("status", "active,on-hold"),)),),
        holds=belonging.is_planned,
        most=20,
    ),
    Section(
        code="42348-3",
        display="Advance healthcare directives",
        title={"ja": "事前指示", "en": "Advance Directives"},
        asks=(
            Ask("Consent", (("scope", "adr"), ("status", "active"))),
            Ask("Consent", (("category", ",".join(sorted(belonging.DIRECTIVES))), ("status", "active"))),
            Ask("DocumentReference", (("type", "42348-3"), ("status", "current"))),
        ),
        holds=belonging.is_directive,
        most=20,
    ),
    Section(
        code="81338-6",
        display="Patient Goals, preferences, and priorities for care experience",
        title={"ja": "本人の思い・希望", "en": "Patient Story"},
        asks=(
            Ask("DocumentReference", (("type", "81338-6"), ("status", "current"))),
            Ask("Observation", (("code", "81338-6"),)),
        ),
        holds=belonging.is_of_the_story,
        most=10,
    ),
)
"""In the order in which they are read."""

"""Story: what a clinical course is made of, from which the records of a patient are drawn.

Days count from the story's event (the admission, the delivery, the diagnosis): negative before it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

When = Literal["start", "event", "today"]
"""The beginning of the records, the event, or the region's today."""
Modality = Literal["CT", "MR", "CR"]


@dataclass(frozen=True, slots=True)
class Trend:
    """How a value runs: straight from `first` to `last`, with a spike at the event if there is a peak."""

    first: float
    last: float
    spread: float
    """Standard deviation of the noise."""
    peak: float | None = None
    fades_days: float = 4
    """Days in which half of the spike has gone."""
    leads_days: float = 0
    """Days before the event on which half of the spike is there; 0 where it comes at once."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A disease of `problems.DISEASES`."""

    disease: str
    years_before: float = 0
    """Years from its onset to the event; 0: the event itself."""
    resolved_after_days: int | None = None
    tags: tuple[str, ...] = ()
    """Flags of JP_ehrshrs_indication: LTS, UNINFORMED, UNDELIVERED."""
    labels: tuple[str, ...] = ()
    """HL7 sensitivity labels: PSY."""


@dataclass(frozen=True, slots=True)
class Course:
    """A medicine of `medicines.MEDICINES`, prescribed at every visit from one time to another."""

    medicine: str
    begins: When = "start"
    ends: When = "today"


@dataclass(frozen=True, slots=True)
class Visits:
    """Outpatient visits at one kind of site."""

    department: str
    every_days: int
    years: float
    """How far back they reach from today; at most 4."""
    vitals: tuple[str, ...] = ("bp",)
    panel: tuple[str, ...] = ()
    panel_every: int = 2
    """Every how many visits blood is taken."""
    courses: tuple[Course, ...] = ()
    around_event: tuple[int, int] | None = None
    """Days before and after the event that they are held to; None: not held."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """A procedure of `procedures.PROCEDURES` on a day from the event."""

    procedure: str
    day: int


@dataclass(frozen=True, slots=True)
class Admission:
    """The stay in hospital that begins with the event."""

    department: str
    days: int
    complaint: str
    reason: str
    present_illness: str
    hospital_course: str
    instruction: str
    panel: tuple[str, ...]
    panel_days: tuple[int, ...]
    vitals: tuple[str, ...] = ("temperature", "bp", "spo2")
    treatments: tuple[Treatment, ...] = ()
    medicines: tuple[str, ...] = ()
    """Taken home, 14 days of each."""
    disposition: str = "1"
    """Code of discharge-disposition: 1 cured or better, 9 a normal delivery."""


@dataclass(frozen=True, slots=True)
class Image:
    """A study of the hospital's archive."""

    modality: Modality
    body_part: str
    """A DICOM body part: CHEST."""
    description: str
    day: int = 0


@dataclass(frozen=True, slots=True)
class Referral:
    """Why a clinic sends the patient to the hospital, some days before the event."""

    purpose: str
    present_illness: str
    days_before: int = 3


@dataclass(frozen=True, slots=True)
class Story:
    """A clinical course."""

    name: str
    event_days: tuple[int, int]
    """Between how many days before today the event lies, the second outside."""
    clinic: Visits
    hospital: Visits
    problems: tuple[Problem, ...]
    trends: Mapping[str, Trend]
    """By analyte or vital sign; what is not named runs at the middle of its reference range."""
    admission: Admission | None = None
    referral: Referral | None = None
    images: tuple[Image, ...] = ()
    allergies: tuple[str, ...] = ()
    vaccines: tuple[str, ...] = ("influenza",)
    past: str = "特記すべきことなし"
    social: str = field(default="喫煙なし、機会飲酒。")

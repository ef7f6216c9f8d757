"""診療情報提供書: the letter by which a clinic sends a patient to the hospital.

https://jpfhir.jp/fhir/eReferral/igv1/ (JP_Composition_eReferral)
"""

from datetime import date, timedelta

from app.demo import laboratory
from app.demo.allergies import intolerances
from app.demo.chart import Chart, Entry
from app.demo.medicines import prescriptions
from app.demo.papers import Paper, known_problems, names, place, staff
from app.demo.sections import section, structured
from app.demo.terms import Json
from app.demo.visits import Visit, encounter, visits


def referral(chart: Chart) -> Paper | None:
    """Return the letter of a clinic's patient; None where the story or the patient knows no hospital."""
    reason = chart.story.referral
    hospital = next(
        (known.site for known in chart.person.patients if known.site.startswith("hospital")), None
    )
    if reason is None or hospital is None or chart.site.kind != "clinic":
        return None
    day = chart.event - timedelta(days=reason.days_before)
    visit = _sampled(chart, visits(chart), day)
    if visit is None:
        return None
    to_site = chart.region.site(hospital)
    author = chart.doctor(visit.department)
    addressee = staff(chart, chart.region.doctor(hospital, chart.story.hospital.department), to_site)
    problems, allergies = known_problems(chart, day), intolerances(chart)
    medicines = prescriptions(chart, visit)
    results = laboratory.panel(chart, visit, chart.visits.panel, visit.day)[:-1]
    seen = encounter(chart, visit)
    sender = [place(chart, chart.site), staff(chart, author, chart.site)]
    return Paper(
        slug="referral",
        title="診療情報提供書",
        type_code="57133-1",
        category=("OUTPATIENT", "外来文書"),
        composition="http://jpfhir.jp/fhir/eReferral/StructureDefinition/JP_Composition_eReferral",
        bundle="JP_Bundle_eReferral",
        day=day,
        author=author,
        encounter=seen,
        event={"code": [{"text": "診療情報提供書発行"}], "period": {"start": day.isoformat()}},
        sections=[
            section("920", f"{chart.site.name} {author.name}", sender),
            section("910", to_site.name, [place(chart, to_site), addressee]),
            _structured(chart, seen, problems, allergies, medicines, results),
        ],
        entries=[addressee, place(chart, to_site), *problems, *allergies, *medicines, *results],
    )


def _sampled(chart: Chart, found: tuple[Visit, ...], day: date) -> Visit | None:
    """Return the last visit up to a day at which blood was taken."""
    every = chart.visits.panel_every
    taken = [visit for visit in found if visit.day <= day and visit.number % every == 0]
    return taken[-1] if taken else None


def _structured(
    chart: Chart,
    seen: Entry,
    problems: list[Entry],
    allergies: list[Entry],
    medicines: list[Entry],
    results: list[Entry],
) -> Json:
    reason = chart.story.referral
    if reason is None:
        raise ValueError(f"{chart.person.slug} is referred to nobody")
    return structured(
        [
            section("950", reason.purpose, [seen]),
            section("340", names(problems), problems),
            section("360", reason.present_illness),
            section("370", chart.story.past),
            section("510", names(allergies), allergies),
            section("640", chart.story.social),
            section("430", names(medicines, "medicationCodeableConcept"), medicines),
            section("620", names(results), results),
        ]
    )

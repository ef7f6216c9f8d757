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
from app.demo.sites import Site
from app.demo.story import Referral
from app.demo.terms import Json
from app.demo.visits import Visit, encounter, visits


def referral(chart: Chart) -> Paper | None:
    """Return the letter of a clinic's patient; None where the story or the patient knows no hospital."""
    reason = chart.story.referral
    hospital = next((known.site for known in chart.person.patients if known.site.startswith("hospital")), None)
    if reason is None or hospital is None or chart.site.kind != "clinic":
        return None
    day = chart.event - timedelta(days=reason.days_before)
    visit = _sampled(chart, visits(chart), day)
    if visit is None:
        return None
    return _letter(chart, reason, visit, chart.region.site(hospital), day)


def _letter(chart: Chart, reason: Referral, visit: Visit, to_site: Site, day: date) -> Paper:
    author = chart.doctor(visit.department)
    doctor = chart.region.doctor(to_site.slug, chart.story.hospital.department)
    sender = [place(chart, chart.site), staff(chart, author, chart.site)]
    addressee = [place(chart, to_site), staff(chart, doctor, to_site)]
    seen, content = encounter(chart, visit), _content(chart, visit, day)
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
            section("910", f"{to_site.name} {doctor.name}", addressee),
            _structured(chart, reason, seen, content),
        ],
        entries=[*addressee, *(entry for entries in content.values() for entry in entries)],
    )


def _content(chart: Chart, visit: Visit, day: date) -> dict[str, list[Entry]]:
    """Return the resources of a letter by the code of their section."""
    return {
        "340": known_problems(chart, day),
        "510": intolerances(chart),
        "430": prescriptions(chart, visit),
        "620": laboratory.panel(chart, visit, chart.visits.panel, visit.day)[:-1],
    }


def _sampled(chart: Chart, found: tuple[Visit, ...], day: date) -> Visit | None:
    """Return the last visit up to a day at which blood was taken."""
    every = chart.visits.panel_every
    taken = [visit for visit in found if visit.day <= day and visit.number % every == 0]
    return taken[-1] if taken else None


def _structured(chart: Chart, reason: Referral, seen: Entry, content: dict[str, list[Entry]]) -> Json:
    problems, allergies, medicines, results = (content[code] for code in ("340", "510", "430", "620"))
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

from app.demo.chart import chart
from app.demo.procedures import procedures
from app.demo.region import region
from app.demo.visits import visits

REGION = region()
CHART = chart(REGION, "hospital-b", REGION.person("fumi").at("hospital-b"))


def test_a_stay_has_its_operation_on_its_day():
    stay = next(visit for visit in visits(CHART) if visit.inpatient)

    (_, operation), (_, therapy) = procedures(CHART, stay)

    assert operation["code"]["text"] == "人工骨頭挿入術（右股）"
    assert operation["code"]["coding"][0]["code"] == "81.52"
    assert stay.day.isoformat() < operation["performedDateTime"] < therapy["performedDateTime"]


def test_an_outpatient_visit_has_none():
    visit = next(visit for visit in visits(CHART) if not visit.inpatient)

    assert procedures(CHART, visit) == []

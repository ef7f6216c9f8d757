"""乳児健診と予防接種: grows along the curve, gets the vaccines of the national schedule."""

from app.demo.story import Course, Problem, Story, Trend, Visits

_GROWING = Visits(
    "小児科",
    every_days=28,
    years=1,
    vitals=("weight", "height", "temperature"),
    courses=(Course("acetaminophen-suppository", begins="event"),),
)

STORY = Story(
    name="infant",
    event_days=(20, 40),
    clinic=_GROWING,
    hospital=_GROWING,
    problems=(Problem("upper-respiratory-infection", resolved_after_days=7),),
    trends={"temperature": Trend(36.8, 36.9, 0.2, peak=38.4)},
    allergies=("kiwifruit",),
    vaccines=("rotavirus", "hib-dtap-ipv", "pcv", "hepatitis-b", "hib-dtap-ipv", "pcv", "bcg"),
    past="在胎３９週、正常分娩で出生",
    social="両親と同居、家族に喫煙者なし。",
)

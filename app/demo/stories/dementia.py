"""アルツハイマー型認知症: donepezil, weight slowly lost, a working diagnosis kept at the site."""

from app.demo.story import Course, Image, Problem, Story, Trend, Visits

STORY = Story(
    name="dementia",
    event_days=(500, 900),
    clinic=Visits(
        "内科",
        every_days=98,
        years=2.5,
        vitals=("bp", "weight"),
        panel=("ALB", "Hb", "Na", "Cre"),
        courses=(Course("donepezil", begins="event"), Course("magnesium-oxide")),
    ),
    hospital=Visits(
        "内科",
        every_days=120,
        years=4,
        around_event=(60, 1_000),
        vitals=("bp", "weight"),
        panel=("ALB", "Hb", "Na", "AST", "ALT"),
        courses=(Course("donepezil", begins="event"),),
    ),
    problems=(
        Problem("alzheimer"),
        Problem("constipation", years_before=3),
        Problem("frontotemporal-dementia-suspected", tags=("UNDELIVERED",)),
    ),
    trends={
        "weight": Trend(58, 50, 0.6),
        "ALB": Trend(4.1, 3.5, 0.1),
        "Hb": Trend(12.9, 11.7, 0.3),
        "systolic": Trend(134, 122, 7),
    },
    images=(
        Image("MR", "HEAD", "頭部ＭＲＩ（海馬萎縮の評価）", day=-20),
        Image("CT", "HEAD", "頭部単純ＣＴ（転倒後）", day=200),
    ),
    vaccines=("influenza", "influenza", "influenza"),
    past="胃潰瘍（６０歳台）",
    social="喫煙なし、飲酒なし。要介護１、デイサービス週２回。",
)

"""健康診断: once a year, mostly well; LDL creeps up."""

from app.demo.story import Image, Problem, Story, Trend, Visits

_YEARLY = Visits(
    "内科",
    every_days=364,
    years=4,
    vitals=("bp", "height", "weight"),
    panel=("Hb", "WBC", "PLT", "AST", "ALT", "LDL", "TG", "HbA1c", "Cre"),
    panel_every=1,
)

STORY = Story(
    name="checkup",
    event_days=(30, 60),
    clinic=_YEARLY,
    hospital=_YEARLY,
    problems=(Problem("dyslipidemia"),),
    trends={
        "LDL": Trend(128, 151, 6),
        "TG": Trend(118, 148, 20),
        "weight": Trend(63, 66, 0.6),
        "systolic": Trend(118, 126, 6),
    },
    images=(Image("CR", "CHEST", "胸部単純Ｘ線（健診）"),),
    vaccines=("influenza", "influenza"),
)

"""うつ病: its records carry the PSY label, so nobody else sees them without a grant that names it."""

from app.demo.story import Course, Problem, Story, Trend, Visits

STORY = Story(
    name="depression",
    event_days=(400, 600),
    clinic=Visits(
        "内科",
        every_days=91,
        years=2,
        vitals=("bp",),
        panel=("TG", "LDL", "AST", "ALT"),
        courses=(Course("fexofenadine"),),
    ),
    hospital=Visits(
        "精神科",
        every_days=42,
        years=4,
        around_event=(10, 700),
        vitals=("weight",),
        panel=("Na", "AST", "ALT", "Hb"),
        panel_every=4,
        courses=(Course("escitalopram", begins="event"), Course("zolpidem", begins="event")),
    ),
    problems=(
        Problem("depression", labels=("PSY",)),
        Problem("insomnia", labels=("PSY",)),
        Problem("allergic-rhinitis", years_before=7),
    ),
    trends={"weight": Trend(55, 52, 0.5), "Na": Trend(141, 140, 1)},
    past="特記すべきことなし",
    social="喫煙なし、飲酒なし。休職を経て復職。",
)

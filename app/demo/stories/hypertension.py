"""高血圧症 with dyslipidemia: treated at the clinic for years; the pressure comes down."""

from app.demo.story import Course, Image, Problem, Referral, Story, Trend, Visits

STORY = Story(
    name="hypertension",
    event_days=(700, 900),
    clinic=Visits(
        "内科",
        every_days=112,
        years=3,
        panel=("LDL", "HDL", "TG", "Cre", "K"),
        courses=(Course("amlodipine"), Course("rosuvastatin", begins="event")),
    ),
    hospital=Visits(
        "循環器科",
        every_days=180,
        years=2,
        vitals=("bp", "pulse"),
        panel=("BNP", "Cre", "K", "Na", "Hb", "LDL"),
        panel_every=1,
        courses=(Course("candesartan"),),
    ),
    problems=(Problem("hypertension", years_before=5), Problem("dyslipidemia")),
    trends={
        "systolic": Trend(156, 131, 6),
        "diastolic": Trend(94, 79, 4),
        "LDL": Trend(158, 101, 8),
        "TG": Trend(186, 142, 22),
        "BNP": Trend(28, 22, 4),
    },
    referral=Referral(
        "心臓超音波検査など、高血圧性臓器障害の評価をお願いします。",
        "降圧薬で血圧は低下傾向ですが、心電図で左室高電位を認めます。",
    ),
    images=(Image("CR", "CHEST", "胸部単純Ｘ線 正面", day=5),),
    past="虫垂炎（２０歳台、手術）",
)

"""乳癌: found at screening, operated, an aromatase inhibitor; one finding not yet told to the patient."""

from app.demo.story import Admission, Course, Image, Problem, Story, Treatment, Trend, Visits

STORY = Story(
    name="breast-cancer",
    event_days=(400, 800),
    clinic=Visits(
        "内科",
        every_days=120,
        years=3,
        panel=("Hb", "AST", "ALT", "LDL", "TG"),
        courses=(Course("rosuvastatin", begins="event"),),
    ),
    hospital=Visits(
        "外科",
        every_days=91,
        years=4,
        around_event=(30, 900),
        vitals=("weight",),
        panel=("WBC", "Hb", "PLT", "AST", "ALT", "CA15-3"),
        courses=(Course("anastrozole", begins="event"),),
    ),
    problems=(
        Problem("breast-cancer", tags=("LTS",)),
        Problem("suspected-bone-metastasis", years_before=-1, tags=("UNINFORMED",)),
        Problem("dyslipidemia", years_before=3),
    ),
    trends={
        "CA15-3": Trend(18, 34, 2.2),
        "WBC": Trend(5.4, 4.6, 0.5, peak=8.9),
        "Hb": Trend(12.9, 12.2, 0.3, peak=10.8),
        "LDL": Trend(132, 118, 8),
        "CRP": Trend(0.05, 0.06, 0.02, peak=4.2),
    },
    admission=Admission(
        "外科",
        days=9,
        complaint="検診で指摘された左乳房腫瘤",
        reason="左乳癌に対する手術",
        present_illness=(
            "自治体の乳がん検診で左乳房の腫瘤を指摘された。針生検で浸潤性乳管癌、ＥＲ陽性、ＨＥＲ２陰性と診断した。"
        ),
        hospital_course=("左乳房部分切除術とセンチネルリンパ節生検を施行した。転移はなく、術後経過は良好であった。"),
        instruction="放射線治療後にホルモン療法を５年間行う。３か月ごとに外科外来を受診。",
        panel=("WBC", "Hb", "PLT", "CRP", "AST", "ALT"),
        panel_days=(0, 2, 6),
        treatments=(Treatment("breast-conserving-surgery", 1), Treatment("sentinel-node-biopsy", 1)),
        medicines=("acetaminophen", "anastrozole"),
    ),
    images=(
        Image("CT", "CHEST", "胸腹部造影ＣＴ（病期診断）", day=-10),
        Image("MR", "BREAST", "乳房造影ＭＲＩ", day=-8),
        Image("CT", "CHEST", "胸腹部造影ＣＴ（経過観察）", day=360),
    ),
    allergies=("povidone-iodine",),
    past="子宮筋腫",
)

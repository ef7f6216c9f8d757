"""２型糖尿病 with kidney disease: HbA1c and creatinine rise, medicines are added, one stay to learn."""

from app.demo.story import Admission, Course, Image, Problem, Referral, Story, Treatment, Trend, Visits

STORY = Story(
    name="diabetes",
    event_days=(200, 400),
    clinic=Visits(
        "内科",
        every_days=98,
        years=3.5,
        vitals=("bp",),
        panel=("HbA1c", "Glucose", "Cre", "eGFR", "K", "LDL"),
        courses=(Course("metformin"), Course("rosuvastatin"), Course("sitagliptin", begins="event")),
    ),
    hospital=Visits(
        "内科",
        every_days=120,
        years=2.5,
        vitals=("bp",),
        panel=("HbA1c", "Glucose", "Cre", "eGFR", "U-A/C", "K", "Na", "UA"),
        courses=(Course("candesartan"),),
    ),
    problems=(
        Problem("type-2-diabetes", years_before=9),
        Problem("diabetic-nephropathy", years_before=2),
        Problem("ckd-g3"),
        Problem("dyslipidemia", years_before=6),
    ),
    trends={
        "HbA1c": Trend(6.9, 8.1, 0.12, peak=9.4, fades_days=45, leads_days=60),
        "Glucose": Trend(142, 178, 14, peak=268),
        "Cre": Trend(0.98, 1.36, 0.03),
        "U-A/C": Trend(62, 310, 18),
        "K": Trend(4.3, 4.9, 0.12),
        "UA": Trend(6.4, 7.3, 0.25),
        "LDL": Trend(148, 96, 7),
        "systolic": Trend(138, 132, 6),
        "weight": Trend(74, 71, 0.6),
    },
    admission=Admission(
        "内科",
        days=10,
        complaint="口渇、全身倦怠感",
        reason="血糖コントロール不良に対する教育入院",
        present_illness=(
            "９年前から２型糖尿病で通院中。半年前からＨｂＡ１ｃが上昇し、口渇が出現したため入院となった。"
        ),
        hospital_course=(
            "食事療法と運動療法の指導を行い、シタグリプチンを追加した。"
            "血糖値は空腹時１３０ｍｇ／ｄＬ台に改善した。"
            "腎症は第３期と診断した。"
        ),
        instruction="塩分１日６ｇ未満。かかりつけ医で月１回の採血を継続し、４か月ごとに当院腎臓外来を受診。",
        panel=("HbA1c", "Glucose", "Cre", "eGFR", "Na", "K", "AST", "ALT"),
        panel_days=(0, 4, 9),
        vitals=("bp", "weight"),
        treatments=(Treatment("dietary-guidance", 2),),
        medicines=("metformin", "sitagliptin", "candesartan"),
    ),
    referral=Referral(
        "血糖コントロール不良および腎機能低下の精査加療をお願いします。",
        ("食事・運動療法とメトホルミンで加療していましたが、ＨｂＡ１ｃと血清クレアチニンが徐々に上昇しています。"),
    ),
    images=(Image("CT", "ABDOMEN", "腹部単純ＣＴ（腎萎縮の評価）", day=1),),
    allergies=("mackerel",),
    vaccines=("influenza", "influenza", "pneumococcal"),
    past="高血圧症（４８歳）",
    social="喫煙２０本／日×３０年（１０年前に禁煙）、飲酒はビール３５０ｍＬ／日。",
)

"""心原性脳塞栓症: atrial fibrillation, thrombolysis, three weeks in hospital, an anticoagulant for life."""

from app.demo.story import Admission, Course, Image, Problem, Story, Treatment, Trend, Visits

STORY = Story(
    name="stroke",
    event_days=(300, 700),
    clinic=Visits(
        "内科",
        every_days=112,
        years=3,
        panel=("Cre", "eGFR", "Hb", "LDL"),
        courses=(Course("amlodipine"), Course("edoxaban", begins="event")),
    ),
    hospital=Visits(
        "循環器科",
        every_days=120,
        years=4,
        around_event=(0, 800),
        vitals=("bp", "pulse"),
        panel=("Cre", "eGFR", "Hb", "BNP", "PLT"),
        courses=(Course("edoxaban", begins="event"),),
    ),
    problems=(
        Problem("cardioembolic-stroke"),
        Problem("atrial-fibrillation"),
        Problem("hypertension", years_before=10),
    ),
    trends={
        "systolic": Trend(150, 128, 7, peak=188),
        "diastolic": Trend(92, 76, 5, peak=104),
        "pulse": Trend(78, 72, 6, peak=118),
        "BNP": Trend(86, 64, 8, peak=240),
        "Glucose": Trend(104, 101, 8, peak=158),
        "LDL": Trend(138, 104, 8),
    },
    admission=Admission(
        "内科",
        days=21,
        complaint="左上下肢の脱力、構音障害",
        reason="急性期脳梗塞の治療",
        present_illness=(
            "朝食中に突然左手足が動かなくなり、発症後７０分で救急搬送された。"
            "頭部ＭＲＩで右中大脳動脈領域に拡散強調像高信号を認めた。"
        ),
        hospital_course=(
            "アルテプラーゼ静注療法を行い、麻痺は著明に改善した。"
            "心電図モニターで発作性心房細動を認め、エドキサバンを開始した。"
        ),
        instruction="抗凝固薬を自己判断で中止しない。血圧は１３０／８０ｍｍＨｇ未満を目標とする。",
        panel=("Glucose", "Hb", "PLT", "Na", "K", "Cre", "eGFR", "BNP"),
        panel_days=(0, 2, 10),
        vitals=("bp", "pulse", "spo2"),
        treatments=(Treatment("thrombolysis", 0), Treatment("rehabilitation", 2)),
        medicines=("edoxaban", "amlodipine", "lansoprazole"),
    ),
    images=(
        Image("CT", "HEAD", "頭部単純ＣＴ"),
        Image("MR", "HEAD", "頭部ＭＲＩ・ＭＲＡ"),
        Image("CR", "CHEST", "胸部単純Ｘ線 正面", day=1),
        Image("MR", "HEAD", "頭部ＭＲＩ（経過観察）", day=90),
    ),
    vaccines=("influenza", "influenza"),
    past="高血圧症",
    social="喫煙１５本／日×４０年（発症後禁煙）、飲酒は日本酒１合／日。",
)

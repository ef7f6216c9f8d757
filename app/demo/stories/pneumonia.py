"""肺炎 of old age: fever, CRP and white cells spike and settle; the appetite and albumin do not quite."""

from app.demo.story import Admission, Course, Image, Problem, Referral, Story, Treatment, Trend, Visits

STORY = Story(
    name="pneumonia",
    event_days=(60, 300),
    clinic=Visits(
        "内科",
        every_days=98,
        years=2.5,
        vitals=("bp", "spo2"),
        panel=("CRP", "WBC", "ALB", "Cre", "Hb"),
        courses=(Course("amlodipine"), Course("magnesium-oxide")),
    ),
    hospital=Visits(
        "内科",
        every_days=60,
        years=1,
        vitals=("bp", "spo2"),
        panel=("CRP", "WBC", "ALB", "Cre"),
        around_event=(0, 200),
    ),
    problems=(
        Problem("pneumonia", resolved_after_days=21),
        Problem("hypertension", years_before=15),
        Problem("constipation", years_before=4),
    ),
    trends={
        "CRP": Trend(0.12, 0.10, 0.04, peak=16.8),
        "WBC": Trend(6.1, 6.0, 0.5, peak=15.9),
        "ALB": Trend(3.9, 3.5, 0.1, peak=2.9),
        "Hb": Trend(12.4, 11.6, 0.3),
        "Na": Trend(140, 139, 1.2, peak=132),
        "temperature": Trend(36.3, 36.4, 0.2, peak=38.9),
        "spo2": Trend(97, 96, 0.7, peak=88),
    },
    admission=Admission(
        "内科",
        days=14,
        complaint="発熱、咳嗽、食欲低下",
        reason="肺炎に対する抗菌薬治療",
        present_illness=(
            "３日前から咳と３８℃台の発熱があり、食事がとれなくなったため受診した。胸部ＣＴで右下葉に浸潤影を認めた。"
        ),
        hospital_course=(
            "酸素投与と抗菌薬の点滴を行い、３日目に解熱した。"
            "嚥下評価のうえ食形態を調整し、ＣＲＰの陰性化を確認して退院した。"
        ),
        instruction="口腔ケアと食後の座位保持を続ける。発熱時は早めにかかりつけ医を受診。",
        panel=("CRP", "WBC", "Hb", "PLT", "Na", "K", "Cre", "ALB"),
        panel_days=(0, 3, 7, 12),
        vitals=("temperature", "spo2", "pulse", "bp"),
        treatments=(Treatment("oxygen-therapy", 0),),
        medicines=("levofloxacin", "carbocisteine"),
    ),
    referral=Referral(
        "肺炎が疑われ、入院加療をお願いします。",
        "昨日から３８℃台の発熱と咳があり、右下肺野に水泡音を聴取します。ＳｐＯ２は室内気で８８％です。",
        days_before=0,
    ),
    images=(
        Image("CR", "CHEST", "胸部単純Ｘ線 ポータブル"),
        Image("CT", "CHEST", "胸部単純ＣＴ（右下葉浸潤影）"),
        Image("CR", "CHEST", "胸部単純Ｘ線（治療後）", day=12),
    ),
    allergies=("amoxicillin",),
    vaccines=("influenza", "influenza", "influenza", "pneumococcal"),
    past="高血圧症、慢性便秘",
    social="喫煙なし、飲酒なし。要介護２、家族と同居。",
)

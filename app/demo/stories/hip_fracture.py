"""大腿骨頸部骨折: a fall, a hemiarthroplasty, a month in hospital, osteoporosis treated afterwards."""

from app.demo.story import Admission, Course, Image, Problem, Story, Treatment, Trend, Visits

STORY = Story(
    name="hip-fracture",
    event_days=(250, 500),
    clinic=Visits(
        "内科",
        every_days=91,
        years=3,
        panel=("Hb", "ALB", "Cre", "K"),
        courses=(
            Course("amlodipine"),
            Course("alendronate", begins="event"),
            Course("eldecalcitol", begins="event"),
        ),
    ),
    hospital=Visits(
        "整形外科",
        every_days=91,
        years=4,
        around_event=(0, 420),
        panel=("Hb", "CRP", "ALB"),
        courses=(Course("loxoprofen", begins="event"),),
    ),
    problems=(
        Problem("femoral-neck-fracture", resolved_after_days=120),
        Problem("osteoporosis", years_before=1),
        Problem("hypertension", years_before=8),
    ),
    trends={
        "Hb": Trend(12.1, 11.8, 0.25, peak=8.9),
        "CRP": Trend(0.08, 0.06, 0.02, peak=9.6),
        "WBC": Trend(5.8, 5.9, 0.5, peak=11.2),
        "ALB": Trend(4.0, 3.8, 0.1, peak=3.0),
        "systolic": Trend(142, 136, 7),
        "temperature": Trend(36.4, 36.4, 0.2, peak=37.8),
    },
    admission=Admission(
        "整形外科",
        days=32,
        complaint="右股関節痛、歩行困難",
        reason="右大腿骨頸部骨折に対する手術",
        present_illness=(
            "自宅の玄関で転倒し、右股関節痛のため歩けなくなり救急搬送された。単純Ｘ線で右大腿骨頸部骨折を認めた。"
        ),
        hospital_course=(
            "入院２日目に人工骨頭挿入術を施行した。"
            "術後貧血は鉄剤で改善し、術翌日からリハビリテーションを開始、杖歩行が可能となった。"
        ),
        instruction=("転倒予防。骨粗鬆症治療を継続し、３か月後に整形外科外来を受診。股関節の過度の内旋を避ける。"),
        panel=("Hb", "WBC", "PLT", "CRP", "ALB", "Na", "K", "Cre"),
        panel_days=(0, 2, 5, 14),
        treatments=(Treatment("hip-hemiarthroplasty", 1), Treatment("rehabilitation", 2)),
        medicines=("alendronate", "eldecalcitol", "loxoprofen", "rebamipide"),
    ),
    images=(
        Image("CR", "HIP", "右股関節単純Ｘ線 ２方向"),
        Image("CT", "HIP", "股関節ＣＴ（術前計画）", day=1),
        Image("CR", "HIP", "右股関節単純Ｘ線（術後）", day=7),
    ),
    vaccines=("influenza", "influenza", "pneumococcal"),
    past="高血圧症、白内障手術（両眼）",
    social="喫煙なし、飲酒なし。屋内は伝い歩き。",
)

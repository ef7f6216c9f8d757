"""妊娠と分娩: check-ups every few weeks, anaemia treated, a delivery at the hospital."""

from app.demo.story import Admission, Course, Image, Problem, Story, Treatment, Trend, Visits

STORY = Story(
    name="pregnancy",
    event_days=(60, 120),
    clinic=Visits("内科", every_days=180, years=2, vitals=("bp", "weight"), panel=("Hb",), panel_every=1),
    hospital=Visits(
        "産婦人科",
        every_days=28,
        years=4,
        around_event=(230, 45),
        vitals=("bp", "weight"),
        panel=("Hb", "PLT", "Glucose", "WBC"),
        panel_every=3,
        courses=(Course("ferrous-citrate", ends="event"),),
    ),
    problems=(
        Problem("pregnancy", years_before=0.75, resolved_after_days=0),
        Problem("anemia-of-pregnancy", years_before=0.5, resolved_after_days=60),
    ),
    trends={
        "Hb": Trend(12.4, 11.9, 0.25, peak=9.6, fades_days=25, leads_days=60),
        "WBC": Trend(7.4, 7.0, 0.6, peak=13.5),
        "CRP": Trend(0.1, 0.08, 0.03, peak=2.4),
        "weight": Trend(53, 56, 0.5, peak=64, fades_days=40, leads_days=90),
        "systolic": Trend(108, 110, 6),
        "diastolic": Trend(64, 66, 4),
    },
    admission=Admission(
        "産婦人科",
        days=6,
        complaint="陣痛発来",
        reason="妊娠３９週、分娩管理",
        present_illness=(
            "妊婦健診で妊娠貧血を指摘され鉄剤を内服していた。妊娠３９週２日、陣痛発来のため入院となった。"
        ),
        hospital_course="同日、経腟分娩で出生した。母児ともに経過は良好で、産後５日目に退院した。",
        instruction="産後１か月健診を受診。鉄剤を１４日間継続。",
        panel=("Hb", "WBC", "PLT", "CRP"),
        panel_days=(0, 1, 4),
        vitals=("temperature", "bp", "pulse"),
        treatments=(Treatment("vaginal-delivery", 0),),
        medicines=("ferrous-citrate", "acetaminophen"),
        disposition="9",
    ),
    images=(Image("MR", "PELVIS", "骨盤ＭＲＩ（胎盤位置の評価）", day=-40),),
    allergies=("mackerel",),
    past="特記すべきことなし",
    social="喫煙なし、妊娠後は飲酒なし。",
)

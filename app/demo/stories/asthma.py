"""小児の気管支喘息: a controller every season, one night of an attack in hospital."""

from app.demo.story import Admission, Course, Image, Problem, Story, Treatment, Trend, Visits

STORY = Story(
    name="asthma",
    event_days=(150, 250),
    clinic=Visits(
        "小児科",
        every_days=91,
        years=3,
        vitals=("weight", "height"),
        panel=("WBC", "CRP"),
        panel_every=6,
        courses=(Course("montelukast"), Course("fluticasone-inhaler", begins="event")),
    ),
    hospital=Visits("小児科", every_days=120, years=1, vitals=("weight", "spo2"), courses=(Course("montelukast"),)),
    problems=(Problem("asthma", years_before=2), Problem("allergic-rhinitis", years_before=1)),
    trends={
        "WBC": Trend(7.2, 7.0, 0.8, peak=12.8),
        "CRP": Trend(0.06, 0.05, 0.02, peak=1.9),
        "spo2": Trend(98, 98, 0.5, peak=91),
        "temperature": Trend(36.7, 36.7, 0.2, peak=37.6),
        "pulse": Trend(92, 88, 6, peak=134),
        "systolic": Trend(98, 102, 4),
        "diastolic": Trend(58, 60, 4),
    },
    admission=Admission(
        "小児科",
        days=4,
        complaint="喘鳴、呼吸困難",
        reason="気管支喘息発作（中等症）",
        present_illness="感冒を契機に夜間から喘鳴が強くなり、吸入後もＳｐＯ２が低下したため入院となった。",
        hospital_course="酸素投与、β２刺激薬の吸入、ステロイドの全身投与を行い、２日目に喘鳴は消失した。",
        instruction="吸入ステロイドを毎日続ける。発作時の対応を家族に説明した。",
        panel=("WBC", "CRP", "Na", "K"),
        panel_days=(0, 2),
        vitals=("temperature", "spo2", "pulse"),
        treatments=(Treatment("nebulization", 0),),
        medicines=("montelukast", "fluticasone-inhaler"),
    ),
    images=(Image("CR", "CHEST", "胸部単純Ｘ線 小児"),),
    allergies=("kiwifruit",),
    vaccines=("influenza", "japanese-encephalitis", "measles-rubella"),
    past="アトピー性皮膚炎（乳児期）",
    social="兄弟姉妹あり、家族に喫煙者なし。",
)

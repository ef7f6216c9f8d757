"""Made messages of every kind of a standard store, the same for the same numbers; nobody in them is real."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

FAMILIES = (("佐藤", "サトウ"), ("鈴木", "スズキ"), ("高橋", "タカハシ"), ("田中", "タナカ"), ("伊藤", "イトウ"))
GIVEN = (("太郎", "タロウ"), ("花子", "ハナコ"), ("一郎", "イチロウ"), ("幸子", "サチコ"), ("健", "ケン"))
ITEMS = (
    ("3A010000002327101", "総蛋白", "g/dL", "6.70-8.3", 7.2),
    ("3A015000002327101", "アルブミン", "g/dL", "3.7-5.5", 4.9),
    ("3B035000002327201", "ＡＳＴ(ＧＯＴ)", "U/L", "10-40", 22.0),
    ("3B045000002327201", "ＡＬＴ(ＧＰＴ)", "U/L", "5-45", 19.0),
    ("3C015000002327101", "クレアチニン", "mg/dL", "0.61-1.04", 0.8),
    ("3D010000001926101", "グルコース", "mg/dL", "70-109", 98.0),
)
DRUGS = (
    ("108665201", "ダーゼン錠（５ｍｇ）"),
    ("110626901", "パンスポリンＴ錠（１００ｍｇ）"),
    ("100607002", "アレビアチン１０倍散"),
)
DISEASES = (("20054174", "胃炎", "K297"), ("20061424", "高血圧症", "I10"), ("20061538", "２型糖尿病", "E11"))


@dataclass(frozen=True, slots=True)
class About:
    """What a message is about."""

    kind: str
    patient: int
    number: str
    """The patient's."""
    day: str
    occurred: str
    """17 digits."""
    order: str
    salt: int
    """Varies what it says."""

    @property
    def minute(self) -> str:
        """When, `YYYYMMDDHHMM`."""
        return self.occurred[:12]


Body = Callable[[About], Sequence[str]]
"""The segments of a message behind its header."""


def message(about: About) -> bytes:
    """Return a message in ISO-2022-JP, its segments ended by CR."""
    kind, body = _BODIES[about.kind]
    structure = f"{kind}^{kind.replace('^', '_')}"
    header = (
        f"MSH|^~\\&|HIS|SEND|GW|RCV|{about.occurred[:14]}||{structure}|{about.occurred}{about.salt % 1000:03d}|P|2.5"
        "||||||~ISO IR87||ISO 2022-1994|SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO"
    )
    lines = [header, *body(about)]
    return "".join(f"{line}\r" for line in lines).encode("iso2022_jp")


def _pid(about: About, *, whole: bool = False) -> str:
    family, given = FAMILIES[about.patient % 5], GIVEN[about.patient // 5 % 5]
    born = f"{1930 + about.patient % 80}{about.patient % 12 + 1:02d}{about.patient % 28 + 1:02d}"
    sex = "MF"[about.patient % 2]
    names = f"{family[0]}^{given[0]}^^^^^L^I~{family[1]}^{given[1]}^^^^^L^P"
    address = (
        f"|||^^^^060-00{about.patient % 90 + 10}^JPN^H^北海道札幌市中央区北{about.patient % 30}条西１" if whole else ""
    )
    phone = f"||^PRN^PH^^^^^^^^^011-000-{about.patient % 10000:04d}" if whole else ""
    return f"PID|0001||{about.number}^^^^PI||{names}||{born}|{sex}{address}{phone}"


def _visit(kind: str, **at: str) -> str:
    """Return PV1; `at` names fields by their numbers: `f44`."""
    fields = [""] * 46
    fields[1], fields[2], fields[3] = "0001", kind, "32^302^1^^^N" if kind == "I" else "01^^^^^C"
    fields[7] = "110^医師^一郎^^^^^^^L^^^^^I"
    fields[10] = "01"
    for name, value in at.items():
        fields[int(name[1:])] = value
    return "PV1|" + "|".join(fields[1:]).rstrip("|")


def _order(about: About, control: str = "NW", rp: str = "") -> str:
    return (
        f"ORC|{control}|{about.order}||{rp}|||||{about.minute}|058^入力者^花子^^^^^^^L^^^^^I||110^医師^一郎^^^^^^^L^^^^^I"
        "|01^^^^^C||||01^内科^99XY1|||||||||||||O^外来患者オーダ^HL70482"
    )


def _basic(about: About) -> Sequence[str]:
    return (
        f"EVN||{about.minute}",
        _pid(about, whole=True),
        f"NK1|1|{FAMILIES[about.patient % 5][0]}^母^^^^^L^I|MTH^母^HL70063|^^^^0600001^JPN^H^北海道札幌市中央区",
        "PV1|0001|N",
        "DB1|1|PT||N",
        f"OBX|1|NM|9N001000000000001^身長^JC10||{150 + about.patient % 35}.{about.salt % 10}|cm^cm^ISO+|||||F",
        "AL1|1|DA^薬剤アレルギー^HL70127|1^ペニシリン^99XYZ",
        "IN1|1|67^国民健康保険^JHSD0001|67999991|||||||||20091201|||||SEL^本人^HL70063",
    )


def _allergies(about: About) -> Sequence[str]:
    return (
        f"EVN||{about.minute}",
        _pid(about),
        "IAM|1|LA^花粉アレルギー^HL70127|5A1002216023023^スギ^JC10|MI^軽度^HL70128|目のかゆみ|A^追加^HL70323|||||199601",
        "IAM|2|FA^食物アレルギー^HL70127|5A1002411023006^ソバ^JC10|MO^中等度^HL70128|湿疹|A^追加^HL70323",
    )


def _diseases(about: About) -> Sequence[str]:
    lines = [_pid(about)]
    for number in range(2):
        code, name, icd = DISEASES[(about.patient + number) % 3]
        since = f"{2010 + about.patient % 10}0{about.patient % 9 + 1}15"
        lines.append(
            f"PRB|AD|{since}|{code}^{name}^MDCDX2|{about.number}{number:05d}|||{since}||{since}|{icd}^^I10"
            f"^O^外来時^JHSD0004||||N^回復せず^HL70241|||{name}|1^主診断^JHSD0007"
        )
        lines.append(f"ZPR||{code}^{name}^MDCDX2")
    return lines


def _adt(kind: str, **at: str) -> Body:
    def body(about: About) -> Sequence[str]:
        told = {name: {"minute": about.minute, "day": about.day}[value] for name, value in at.items()}
        planned = f"PV2||||||||{about.day}|{about.day}"
        return (f"EVN||{about.minute}||||{about.minute}|SEND001", _pid(about), _visit(kind, **told), planned)

    return body


def _prescription(about: About) -> Sequence[str]:
    lines = [_pid(about), _visit("O")]
    for rp in range(1, 3):
        code, name = DRUGS[(about.salt + rp) % 3]
        drug = (
            f"RXE||{code}^{name}^HOT9|{rp}||TAB^錠^MR9P|||||{rp * 21}|TAB^錠^MR9P||||{about.order}"
            f"||||{rp * 3}^TAB&錠&MR9P||OHP^外来処方^MR9P~OHI^院内処方^MR9P"
        )
        lines += [
            _order(about, rp=f"{about.order}_{rp:02d}"),
            drug,
            f"TQ1|1||1013044400000000&内服・経口・１日３回朝昼夕食後&JAMISDP01|||7^D|{about.day}",
            "RXR|PO^口^HL70162",
        ]
    return lines


def _injection(about: About) -> Sequence[str]:
    return (
        _pid(about),
        _visit("I"),
        _order(about, rp=f"{about.order}_01"),
        f"RXE||00^一般注射^99I01|510||ML^ミリリッター^MR9P|||||||||{about.order}|||||||IHP^入院処方^MR9P|||102.0|ML/HR",
        f"TQ1|1||||||{about.minute}|{about.day}1800",
        "RXR|IV^静脈内^HL70162|ARM^腕^HL70550",
        "RXC|B|107750602^ソリタＴ３号輸液５００ｍＬ^HOT9|500|ML^ミリリッター^MR9P",
        "RXC|A|108010001^アドナ注１０ｍＬ^HOT9|10|ML^ミリリッター^MR9P",
    )


def _given(about: About) -> Sequence[str]:
    code, name = DRUGS[about.salt % 3]
    return (
        _pid(about),
        _visit("I"),
        _order(about, "OK", rp=f"{about.order}_01"),
        f"RXA|0|1|{about.minute}|{about.minute}|{code}^{name}^HOT9|3|TAB^錠^MR9P||||W32^^^^^N||||||||CP",
        "RXR|PO^口^HL70162",
    )


def _meal(about: About) -> Sequence[str]:
    return (
        _pid(about),
        _visit("I"),
        _order(about),
        f"TQ1|1||||||{about.minute}",
        "ODS|D||1001^常食^99XYZ|米飯",
    )


def _laboratory_order(about: About) -> Sequence[str]:
    code, name, *_ = ITEMS[about.salt % 6]
    return (
        _pid(about),
        _visit("O"),
        f"SPM|1|{about.order}||023^血清^JC10|||||||||||||{about.minute}",
        _order(about),
        "TQ1|1||||||||R^^HL70485",
        f"OBR|1|{about.order}||{code}^{name}^JC10|||{about.minute}",
    )


def _laboratory_results(about: About) -> Sequence[str]:
    lines = [
        _pid(about),
        _visit("O"),
        f"SPM|1|{about.order}||023^血清^JC10|||||||||||||{about.minute}",
        f"OBR|1|{about.order}|{about.order}|E001^血液学的検査^99O03|||{about.day}|{about.day}||||||||||||||{about.minute}",
        f"ORC|SC|{about.order}|{about.order}||CM||||{about.minute}|||110^医師^一郎^^^^^^^L^^^^^I|01^^^^^C",
    ]
    for number in range(4):
        code, name, unit, usual, value = ITEMS[(about.salt + number) % 6]
        shown = f"{value + (about.salt % 17) / 10:.2f}"
        lines.append(
            f"OBX|{number + 1}|NM|{code}^{name}^JC10||{shown}|{unit}^{unit}^99XYZ|{usual}||||F|||{about.minute}"
        )
    return lines


def _examination(code: str, name: str, system: str) -> Body:
    def body(about: About) -> Sequence[str]:
        return (
            _pid(about),
            _visit("O"),
            _order(about),
            "TQ1|1||||||||R^^HL70485",
            f"OBR||{about.order}||{code}^{name}^{system}||||||||||||110^医師^一郎^^^^^^^L^^^^^I",
        )

    return body


def _performed(code: str, name: str, system: str) -> Body:
    def body(about: About) -> Sequence[str]:
        return (
            _pid(about),
            _visit("O"),
            _order(about, "SC"),
            f"TQ1|1||||||{about.minute}",
            f"OBR||{about.order}||{code}^{name}^{system}|||{about.minute}|{about.minute}",
            f"ZE1|1|{code}^{name}^{system}",
        )

    return body


def _physiology(about: About) -> Sequence[str]:
    return (
        _pid(about),
        _visit("O"),
        _order(about, "SC"),
        f"OBR|1|{about.order}||9A110000000000000^１２誘導心電図^JC10|||{about.minute}|{about.minute}",
        f"OBX|1|NM|9A110160000000001^心拍数^JC10||{60 + about.salt % 40}|/min^/min^ISO+|||||F",
        "OBX|2|ST|9A110161000000049^所見^JC10||正常範囲||||||F",
    )


_XRAY, _ENDOSCOPY = ("1000000000000000", "Ｘ線単純撮影", "JJ1017"), ("E100", "上部消化管内視鏡", "LENDO")

_BODIES = {
    "ADT-00": ("ADT^A08", _basic),
    "ADT-01": ("ADT^A54", _adt("I", f44="day")),
    "ADT-12": ("ADT^A04", _adt("O", f44="minute")),
    "ADT-21": ("ADT^A14", _adt("I", f44="day")),
    "ADT-22": ("ADT^A01", _adt("I", f44="day")),
    "ADT-31": ("ADT^A21", _adt("I", f44="day")),
    "ADT-32": ("ADT^A22", _adt("I", f44="day")),
    "ADT-41": ("ADT^A15", _adt("I", f44="day")),
    "ADT-42": ("ADT^A02", _adt("I", f44="day")),
    "ADT-51": ("ADT^A16", _adt("I", f44="day")),
    "ADT-52": ("ADT^A03", _adt("I", f44="day", f45="minute")),
    "ADT-61": ("ADT^A60", _allergies),
    "PPR-01": ("PPR^ZD1", _diseases),
    "OMD": ("OMD^O03", _meal),
    "OMP-01": ("RDE^O11", _prescription),
    "OMP-02": ("RDE^O11", _injection),
    "OMP-11": ("RAS^O17", _given),
    "OMP-12": ("RAS^O17", _given),
    "OML-01": ("OML^O33", _laboratory_order),
    "OML-11": ("OUL^R22", _laboratory_results),
    "OMG-01": ("OMG^O19", _examination(*_XRAY)),
    "OMG-02": ("OMG^O19", _examination(*_ENDOSCOPY)),
    "OMG-03": ("OMG^O19", _examination("9A110", "１２誘導心電図", "99PHY")),
    "OMG-11": ("OMI^Z23", _performed(*_XRAY)),
    "OMG-12": ("OMI^Z23", _performed(*_ENDOSCOPY)),
    "OMG-13": ("ORU^R01", _physiology),
}
"""The message of each kind, and what is in it."""

"""A made-up message of each type of a standard store, of one patient of one made-up hospital."""

from app.exchange.hl7v2.message import parse
from app.exchange.hl7v2.to_fhir.resources import resources
from app.exchange.hl7v2.to_fhir.source import Source

SITE = Source(custodian="minato", institution="0110123456")
NUMBER = "urn:renkei:site:0110123456:order-number"

PID = "PID|0001||0001234^^^^PI||北野^花子^^^^^L^I~キタノ^ハナコ^^^^^L^P||19620305|F"
DOCTOR = "110^港^一郎^^^^^^^L^^^^^I"
ORC = f"20240510103045|058^入力^次郎^^^^^^^L^^^^^I||{DOCTOR}|01^^^^^C||||01^内科^99XY1"
PV1 = f"PV1|0001|O|01^^^^^C||||{DOCTOR}|||01"
PV1_IN = f"PV1|0001|I|32^302^1^^^N||||{DOCTOR}|||01|||||||{DOCTOR}"
STAY = "|" * 27


def line(name: str, **fields: str) -> str:
    """A segment of the fields given by number: `line("PRB", f3="…")`."""
    by_number = {int(number.removeprefix("f")): text for number, text in fields.items()}
    return "|".join([name, *(by_number.get(number, "") for number in range(1, max(by_number) + 1))])


def header(kind: str, at: str = "20240510110000") -> str:
    return (
        f"MSH|^~\\&|HIS|MINATO|GW|HUB|{at}||{kind}|{at}1|P|2.5||||||~ISO IR87||ISO 2022-1994|"
        "SS-MIX2_1.20^SS-MIX2^1.2.392.200250.2.1.100.1.2.120^ISO"
    )


GIVEN = {
    "f5": "108665201^ダーゼン錠（５mg)^HOT9",
    "f6": "1",
    "f7": "TAB^錠^MR9P",
    "f10": "200^看護^春子",
    "f11": "32^302^1^^^N",
}

MESSAGES = {
    "ADT-00": (
        header("ADT^A08^ADT_A01"),
        "EVN||20240510105900|||||SEND001",
        f"{PID}|||^^^^060-0001^JPN^H^北海道札幌市中央区北一条１−２||^PRN^PH^^^^^^^^^011-200-0000|^WPN^PH^^^^^^^^^011-200-0001",
        "NK1|1|北野^太郎^^^^^L^I|SPO^配偶者^HL70063||^PRN^CP^^^^^^^^^090-0000-0000",
        "PV1|0001|O",
        "DB1|1|PT||Y",
        "OBX|1|NM|9N001000000000001^身長^JC10||158.0|cm^cm^ISO+|||||F",
        "AL1|1|DA^薬剤アレルギー^HL70127|1^ペニシリン^99XYZ",
        "IN1|1|67^国民健康保険退職者^JHSD0001|67999991|||||||12^01|345|20230401|20250331||||SEL^本人^HL70063",
    ),
    "ADT-01": (header("ADT^A54^ADT_A54"), "EVN||202405101000||||202405100900", PID, PV1_IN),
    "ADT-12": (header("ADT^A04^ADT_A01"), "EVN||202405100900", PID, f"{PV1}{'|' * 34}202405100855"),
    "ADT-21": (header("ADT^A14^ADT_A05"), "EVN||202405101000", PID, PV1_IN, "PV2|||||||| 20240601".replace(" ", "")),
    "ADT-22": (header("ADT^A01^ADT_A01"), "EVN||202406011000", PID, f"{PV1_IN}{STAY}202406011030"),
    "ADT-31": (header("ADT^A21^ADT_A21"), "EVN||202406031000||||202406031200", PID, f"{PV1_IN}{STAY}202406011030"),
    "ADT-32": (header("ADT^A22^ADT_A21"), "EVN||202406041000||||202406041800", PID, f"{PV1_IN}{STAY}202406011030"),
    "ADT-41": (
        header("ADT^A15^ADT_A15"),
        "EVN||202406051000",
        PID,
        f"{PV1_IN}{STAY}202406011030",
        "PV2||||||||20240606",
    ),
    "ADT-42": (
        header("ADT^A02^ADT_A02"),
        "EVN||202406061000||||202406061100",
        PID,
        f"PV1|0001|I|41^410^2^^^N|||32^302^1^^^N|{DOCTOR}|||08|||||||{DOCTOR}{STAY}202406011030",
    ),
    "ADT-51": (
        header("ADT^A16^ADT_A16"),
        "EVN||202406081000",
        PID,
        f"{PV1_IN}{STAY}202406011030",
        "PV2|||||||||20240610",
    ),
    "ADT-52": (
        header("ADT^A03^ADT_A03"),
        "EVN||202406101000||||202406101000",
        PID,
        f"{PV1_IN}{'|' * 19}01{'|' * 8}202406011030|202406101000",
    ),
    "ADT-61": (
        header("ADT^A60^ADT_A60"),
        "EVN||20240510105900",
        PID,
        "IAM|1|FA^食物アレルギー^HL70127|5A1002411023006^ソバ^JC10|MO^中等度^HL70128|湿疹|A^追加^HL70323||||||小学校低学年の頃",
        "IAM|2|DA^薬剤アレルギー^HL70127|106824501^アリナミン^HOT9|SV^重度^HL70128|呼吸困難~発疹|A^追加^HL70323|||||20070710",
        "IAM|3|LA^花粉アレルギー^HL70127|5A1002216023023^スギ^JC10|||D^削除^HL70323|||||1996",
    ),
    "PPR-01": (
        header("PPR^ZD1^PPR_ZD1"),
        PID,
        line(
            "PRB",
            f1="AD",
            f2="20240510",
            f3="20054174^胃炎^MDCDX2",
            f4="700001",
            f7="20240510",
            f9="20240601",
            f10="K297^^I10^O^外来時^JHSD0004^2013",
            f14="F^治癒^HL70241",
            f15="20240601",
            f16="20240501",
            f17="慢性胃炎の疑い",
            f18="1^主診断^JHSD0007",
        ),
        "ZPR|4012^慢性^MDCMD2|20054174^胃炎^MDCDX2|8002^の疑い^MDCMD2||TSQF^胃炎^MDCDX2||経過観察",
        f"ORC|NW|700001|||||||{ORC}",
        line("PRB", f1="AD", f3="20059239^高血圧症^MDCDX2", f4="700002", f7="202405", f14="N^不変^HL70241", f16="2019"),
    ),
    "OMD": (
        header("OMD^O03^OMD_O03"),
        PID,
        PV1_IN,
        f"ORC|NW|400001|||||||{ORC}",
        "TQ1|1||TID&１日３回&HL70335||||20240601|20240603||R^ルーチン^HL70485",
        "ODS|D||001^減塩食^99XY3|塩分６ｇ",
    ),
    "OMP-01": (
        header("RDE^O11^RDE_O11"),
        PID,
        PV1,
        f"ORC|NW|100001||1|||||{ORC}",
        "RXE||108665201^ダーゼン錠（５mg)^HOT9|1||TAB^錠^MR9P|||||15|TAB^錠^MR9P||||20240510123||||3^TAB&錠&MR9P||OHP^外来処方^MR9P",
        "TQ1|1||1013044400000000&内服・経口・１日３回朝昼夕食後&JAMISDP01|||5^d|20240510",
        "RXR|PO^口^HL70162",
        f"ORC|NW|100001||1|||||{ORC}",
        "RXE||110626901^パンスポリンＴ錠（１００mg)^HOT9|2||TAB^錠^MR9P|||||30|TAB^錠^MR9P||||||||6^TAB&錠&MR9P||OHP^外来処方^MR9P",
        "TQ1|1||1013044400000000&内服・経口・１日３回朝昼夕食後&JAMISDP01|||5^d|20240510",
        "RXR|PO^口^HL70162",
        f"ORC|NW|100001||2|||||{ORC}",
        "RXE||^院内製剤軟膏|0.50||G^グラム^MR9P|||||10|G^グラム^MR9P",
        "TQ1|1||&１日２回塗布",
    ),
    "OMP-02": (
        header("RDE^O11^RDE_O11"),
        PID,
        PV1_IN,
        f"ORC|NW|200001||200001_01_001|||||{ORC}",
        (
            "RXE||00^一般^99I02|510||ML^ミリリットル^MR9P|INJ^注射剤^MR9P|^５時間一定速度で^99IC6||||||||20240601-001"
            "||||||IHP^入院処方^MR9P|H1|102|ml/hr^ミリリッター／時間^ISO+"
        ),
        "TQ1|1||||||202406010800|202406011300",
        "RXR|IV^静脈内^HL70162||IVP^点滴ポンプ^HL70164",
        "RXC|B|620007329^ソリタ−Ｔ３号輸液５００ｍＬ^HOT9|1|HON^本^MR9P",
        "RXC|A|620002559^アドナ注（静脈用）50mg^HOT9|1|AMP^アンプル^MR9P",
    ),
    "OMP-11": (
        header("RAS^O17^RAS_O17"),
        PID,
        PV1_IN,
        f"ORC|NW|100001||1|||||{ORC}",
        line("RXA", f3="202406020830", f4="202406020830", **GIVEN, f20="CP"),
        line("RXA", f3="202406021230", f4="202406021230", **GIVEN, f20="RE"),
        "RXR|PO^口^HL70162",
    ),
    "OMP-12": (
        header("RAS^O17^RAS_O17"),
        PID,
        PV1_IN,
        f"ORC|NW|200001||200001_01_001|||||{ORC}",
        (
            "RXA|0|1|20240601080521|20240601130543|620007329^ソリタ−Ｔ３号輸液５００ｍＬ^HOT9|1|HON^本^MR9P||^左手に実施^99IC2|"
            "200^看護^春子|32^302^1^^^N|102ml/hr|||LOT77|||||CP"
        ),
        "RXR|IV^静脈内^HL70162||IVP^点滴ポンプ^HL70164",
    ),
    "OML-01": (
        header("OML^O33^OML_O33"),
        PID,
        PV1,
        "SPM|1|||023^血清^JC10|||||||||||||202405100900",
        f"ORC|NW|300001|||||||{ORC}",
        "OBR|1|300001||E002^生化学的検査^99O03",
        "OBX|1||3A010000002327101^総蛋白^JC10^10222^ＴＰ^99X03||||||||O",
        "OBX|2||3B035000002327201^AST^JC10||||||||O",
        "SPM|2|||022^血漿^JC10|||||||||||||202405100900",
        f"ORC|NW|300001|||||||{ORC}",
        "OBR|1|300001||E001^血液学的検査^99O03",
        "OBX|1||2B0300000022311^ＰＴ^JC10||||||||O",
    ),
    "OML-11": (
        header("OUL^R22^OUL_R22"),
        PID,
        PV1,
        "SPM|1|S0001||023^血清^JC10|||||||||||||202405100900",
        line(
            "OBR", f2="300001", f3="S0001", f4="E002^生化学的検査^99O03", f7="20240510", f22="20240510103059", f25="F"
        ),
        f"ORC|SC|300001|S0001||CM||||{ORC}",
        "OBX|1|NM|3A010000002327101^総蛋白^JC10^10222^ＴＰ^99X03||6.30|g/dl^g/dl^99XYZ|6.70-8.3|L|||F|||202405100905",
        "NTE|1||再検済",
        "OBX|2|SN|5C070000002306201^ＣＲＰ^JC10||<^0.5|mg/dL|||||F",
        "OBX|3|ST|1A990000000190111^尿蛋白^JC10||  +-||-||||P",
        "OBX|4|CWE|5H010000001999911^血液型^JC10||A^Ａ型^JSHR002||||||F",
        "OBX|5|NM|2A010000001966101^白血球数^JC10||62|×10\\S\\2/μL|33-86||||F",
        "OBX|6|NM|2A020000001930101^赤血球数^JC10||溶血|||||| X".replace(" ", ""),
    ),
    "OMG-01": (
        header("OMG^O19^OMG_O19"),
        PID,
        PV1,
        f"ORC|NW|500100|||||||{ORC}",
        "TQ1|1||||||||R^^HL70485",
        "OBR||500100||1000000000000000^Ｘ線単純撮影^JJ1017",
        f"ORC|PA|500100|||||||{ORC}",
        "TQ1|1||||||||R^^HL70485",
        f"OBR||500100||1000000000000000^Ｘ線単純撮影^JJ1017||||||||||||{DOCTOR}",
        "OBX||NM|01-02^体重^JSHR001||62|kg^kg^ISO+|||||F",
        f"ORC|CH|500101||||||500100|{ORC}",
        "TQ1|1||||||||S^^HL70485",
        "OBR||500101||10000002000102000000010000000000^胸部.Ｘ線単純撮影.立位正面(A→P)^JJ1017",
    ),
    "OMG-02": (
        header("OMG^O19^OMG_O19"),
        PID,
        f"ORC|NW|510100|||||||{ORC}",
        "OBR||510100||11000000000^検査.上部^LENDO|||202405151300",
    ),
    "OMG-03": (
        header("OMG^O19^OMG_O19"),
        PID,
        f"ORC|NW|520100|||||||{ORC}",
        "OBR||520100||9A110^標準１２誘導心電図^JC10",
    ),
    "OMG-11": (
        header("OMI^Z23^OMI_Z23"),
        PID,
        f"ORC|PA|500100|||||||{ORC}",
        "OBR||500100||1000000000000000^Ｘ線単純撮影^JJ1017|||20240510|||||||||||||||20240510113540|||F",
        "IPC|A202405100001|P1|1.2.392.200036.9999.1||CR^^DCM",
        f"ORC|CH|500101||||||500100|{ORC}",
        "OBR||500101||10000002000102000000010000000000^胸部.Ｘ線単純撮影.立位正面(A→P)^JJ1017|||20240510|||||||||||||||20240510113540|||F",
        "ZE1|1|RS|10000002000102000000010000000000^胸部^JJ1017|||RT-01^EM-01||T01^技師^三郎^^^^^^^L^^^^^I",
        "IPC|A202405100001|P1|1.2.392.200036.9999.1||CR^^DCM",
    ),
    "OMG-12": (
        header("OMI^Z23^OMI_Z23"),
        PID,
        f"ORC|NW|510100|||||||{ORC}",
        "OBR||510100||11000000000^検査.上部^LENDO|||20240515",
        "ZE1|1|RS|11000001000^検査.上部.上部通常内視鏡^LENDO",
        "OBX|1|XCN|DR-02.EM-01^実施医師^JSHR||123456^大江^信吉^^^^^^^L^^^^^I||||||F",
        "OBX|2|TS|TM-P1^開始時間^JSHR||20240515144512||||||F",
        "OBX|3|TS|TM-P2^終了時間^JSHR||20240515151056||||||F",
        "OBX|4|ZRD|DE-02^薬品^JSHR||100555401^セルシン5mg^HOT9^1^AMP&管&MR9P||||||F",
        "IPC|A202405150001|P2|1.2.392.200036.9999.2||ES^^DCM",
    ),
    "OMG-13": (
        header("ORU^R01^ORU_R01"),
        PID,
        PV1,
        f"OBR|1|520100||9A110^標準１２誘導心電図^JC10|||20240511|||||||||{DOCTOR}||||||20240511152000|||F",
        "OBX|1|TX|9A100&IMP^心電図所見^JC10|1|正常範囲~左室肥大なし||||||F",
        "OBX|2|NM|58368&7^R 振幅&V5^99MFR|2|2.505|mV|||||F",
        "OBX|3|ED|PDF^報告書^99MFR||^application^PDF^Base64^JVBERi0xLjQK||||||F",
    ),
}
"""The lines of each."""


def the_bytes(*lines: str) -> bytes:
    return "\r".join((*lines, "")).encode("iso2022_jp")


def mapped(kind: str, *lines: str, flag: str = "1"):
    """What the message of a type becomes, or other lines of that type."""
    return resources(parse(the_bytes(*(lines or MESSAGES[kind]))), SITE, kind=kind, flag=flag)


def of_type(found, type_: str) -> list[dict]:
    return [entry.resource for entry in found.entries if entry.key.type == type_]

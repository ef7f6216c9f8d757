"""The types of a standard store, and which of them a message is.

SS-MIX2 standard store; JAHIS data exchange.
"""

from app.exchange.hl7v2.message import Message
from app.exchange.hl7v2.to_fhir.radiology import is_imaging

KINDS = {
    "ADT-00": "ADT^A08 ADT^A23",
    "ADT-01": "ADT^A54 ADT^A55",
    "ADT-12": "ADT^A04",
    "ADT-21": "ADT^A14 ADT^A27",
    "ADT-22": "ADT^A01 ADT^A11",
    "ADT-31": "ADT^A21 ADT^A52",
    "ADT-32": "ADT^A22 ADT^A53",
    "ADT-41": "ADT^A15 ADT^A26",
    "ADT-42": "ADT^A02 ADT^A12",
    "ADT-51": "ADT^A16 ADT^A25",
    "ADT-52": "ADT^A03 ADT^A13",
    "ADT-61": "ADT^A60",
    "PPR-01": "PPR^ZD1",
    "OMD": "OMD^O03",
    "OMP-01": "RDE^O11",
    "OMP-02": "RDE^O11",
    "OMP-11": "RAS^O17",
    "OMP-12": "RAS^O17",
    "OML-01": "OML^O33",
    "OML-11": "OUL^R22",
    "OMG-01": "OMG^O19",
    "OMG-02": "OMG^O19",
    "OMG-03": "OMG^O19",
    "OMG-11": "OMI^Z23",
    "OMG-12": "OMI^Z23",
    "OMG-13": "ORU^R01",
}
"""The message types of each type of a standard store."""

_BY_MESSAGE = {
    message: kind for kind, messages in reversed(KINDS.items()) for message in messages.split() if kind != "ADT-12"
} | {
    "ADT^A04": "ADT-12",
    # What a line carries and a store does not.
    "ADT^A05": "ADT-00",
    "ADT^A28": "ADT-00",
    "ADT^A31": "ADT-00",
    "ADT^A06": "ADT-22",
    "ADT^A07": "ADT-12",
    "ADT^A40": "ADT-00",
    "ADT^A47": "ADT-00",
    "ADT^A24": "ADT-00",
    "ADT^A37": "ADT-00",
    "PPR^PC1": "PPR-01",
    "OML^O21": "OML-01",
    "OUL^R21": "OML-11",
    "OUL^R24": "OML-11",
}


def kind_of(message: Message) -> str:
    """Return the type that a message would have in a standard store, empty where it has none.

    Two types of one message are told by what is in it: an injection by its mixture (RXC) or its rate, an examination by
    the system of its code, or the section that does it.
    """
    found = _BY_MESSAGE.get(message.kind, "")
    if found == "OMP-01" and (message.first("RXC") or any(each.text(23) for each in message.all("RXE"))):
        return "OMP-02"
    if found == "OMP-11" and any(each.text(12) for each in message.all("RXA")):
        return "OMP-12"
    if found in {"OMG-01", "OMG-11"}:
        systems = {each.text(4, 3) for each in message.all("OBR")}
        if "LENDO" in systems:
            return "OMG-02" if found == "OMG-01" else "OMG-12"
        if found == "OMG-01" and systems - {""} and not any(map(is_imaging, message.all("OBR"))):
            return "OMG-03"
    return found

"""Stored worlds for tests."""

import hashlib
import itertools

from dicom.part10 import read_instance
from dicom.store.write import FixedColumns, store_instance
from tests.dicom.making import element, image, instance, item

NOW = 1_700_000_000_000_000


class Store:
    """Stores instances with the columns given, and hands out row ids."""

    def __init__(self, database):
        self.database = database
        self.rows = itertools.count(1_000)

    async def __call__(self, data, patient_key=1, custodian=1, author=0, category=0, labels=0, clinical_date=0):
        fixed = FixedColumns(patient_key, custodian, author, category, labels, clinical_date)
        return await store_instance(
            self.database,
            fixed,
            read_instance(data),
            digest=hashlib.sha256(data).hexdigest(),
            size=len(data),
            now=NOW,
            new_row=self.rows.__next__,
        )


def an_instance(study="1.2", series="1.2.1", sop="1.2.1.1", number=1, modality="CT", **more):
    """A CT slice of two by three pixels; `more` are elements by keyword."""
    tags = {
        "patient_id": (0x00100020, "LO"),
        "patient_name": (0x00100010, "PN"),
        "accession": (0x00080050, "SH"),
        "date": (0x00080020, "DA"),
        "time": (0x00080030, "TM"),
        "description": (0x00081030, "LO"),
        "series_number": (0x00200011, "IS"),
        "referrer": (0x00080090, "PN"),
        "study_id": (0x00200010, "SH"),
        "sop_class": (0x00080016, "UI"),
    }
    changes = {
        0x00080005: ("CS", b"ISO_IR 192"),
        0x00080060: ("CS", modality.encode()),
        0x0020000D: ("UI", study.encode()),
        0x0020000E: ("UI", series.encode()),
        0x00080018: ("UI", sop.encode()),
        0x00200013: ("IS", str(number).encode()),
        0x00400275: ("SQ", item(element(0x00400009, "SH", b"S1"))),
        **image(),
        0x7FE00010: ("OB", b"123456"),
    }
    for name, value in more.items():
        tag, vr = tags[name]
        changes[tag] = (vr, str(value).encode())
    return instance(changes)

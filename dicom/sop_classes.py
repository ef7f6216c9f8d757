"""What a SOP class says of its instances: the modality they usually have, and whether there is anything to be seen.

https://dicom.nema.org/medical/dicom/current/output/chtml/part04/sect_B.5.html
"""

_STORAGE = "1.2.840.10008.5.1.4.1.1."

_MODALITIES = (
    *(("1", "CR"), ("1.1", "DX"), ("1.1.1", "DX"), ("1.2", "MG"), ("1.2.1", "MG"), ("1.3", "IO"), ("1.3.1", "IO")),
    *(("2", "CT"), ("2.1", "CT"), ("2.2", "CT"), ("3.1", "US"), ("4", "MR"), ("4.1", "MR"), ("4.2", "MR")),
    *(("4.3", "MR"), ("4.4", "MR"), ("6.1", "US"), ("6.2", "US"), ("12.1", "XA"), ("12.1.1", "XA"), ("12.2", "RF")),
    *(("12.2.1", "RF"), ("13.1.1", "XA"), ("13.1.3", "MG"), ("20", "NM"), ("66.4", "SEG"), ("66", "REG")),
    *(("77.1.1", "ES"), ("77.1.1.1", "ES"), ("77.1.2", "GM"), ("77.1.4", "XC"), ("77.1.5.1", "OP")),
    *(("77.1.6", "SM"), ("77.1.5.4", "OPT"), ("128", "PT"), ("130", "PT"), ("128.1", "PT"), ("481.1", "RTIMAGE")),
    *(("481.2", "RTDOSE"), ("481.3", "RTSTRUCT"), ("481.5", "RTPLAN"), ("88.59", "KO"), ("104.1", "DOC")),
)
MODALITY = {f"{_STORAGE}{end}": modality for end, modality in _MODALITIES}
"""Of the SOP classes that have one; a header may say otherwise."""

_NOT_SEEN = ("88.", "11.", "9.", "104.", "66.1", "66.2", "66.3", "66.5", "481.3", "481.4", "481.5", "481.6", "481.7")
"""Reports, presentation states, waveforms, documents, registrations, plans."""


def modality_of(sop_class_uid: str) -> str:
    """Return the modality that instances of a SOP class have; `SR` of reports, empty when nobody can say."""
    if sop_class_uid.startswith(f"{_STORAGE}88.") and sop_class_uid not in MODALITY:
        return "SR"
    return "PR" if sop_class_uid.startswith(f"{_STORAGE}11.") else MODALITY.get(sop_class_uid, "")


def has_frames(sop_class_uid: str) -> bool:
    """Return whether instances of a SOP class can be expected to have pixels."""
    end = sop_class_uid.removeprefix(_STORAGE)
    return end != sop_class_uid and end != "66" and not end.startswith(_NOT_SEEN)


def is_seen(sop_class_uid: str, rows: int | None) -> bool:
    """Return whether an instance is an image: by its class, or if that is no standard one by its rows of pixels."""
    return has_frames(sop_class_uid) if sop_class_uid.startswith(_STORAGE) else rows is not None

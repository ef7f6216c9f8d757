"""A demo study as the body of a STOW-RS request."""

from dataclasses import replace

from app.demo.imaging import ImagingOrder
from dicom.phantom import CR, CT, MR, Modality, Patient, Study, instances

BOUNDARY = "renkei-demo"
_MODALITIES = {"CT": CT, "MR": MR, "CR": CR}
_SEXES = {"male": "M", "female": "F"}


def study(order: ImagingOrder) -> Study:
    """Return the phantom that an order describes."""
    modality: Modality = replace(_MODALITIES[order.modality], body_part=order.body_part, description=order.description)
    name = f"{order.alphabetic}={order.ideographic}={order.phonetic}".rstrip("=")
    patient = Patient(
        order.patient_id, name, order.birth_date.strftime("%Y%m%d"), _SEXES.get(order.sex, "O"), order.issuer
    )
    return Study(
        order.seed,
        patient,
        modality,
        slices=order.slices,
        date=order.study_date.strftime("%Y%m%d"),
        accession_number=order.accession,
    )


def study_body(order: ImagingOrder) -> tuple[str, bytes]:
    """Return content type and body of the request that stores an order's study.

    https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_10.5.html
    """
    head = f"--{BOUNDARY}\r\nContent-Type: application/dicom\r\n\r\n".encode()
    parts = [head + instance + b"\r\n" for instance in instances(study(order))]
    body = b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()
    return f'multipart/related; type="application/dicom"; boundary={BOUNDARY}', body

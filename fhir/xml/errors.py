"""What reading XML can fail with."""

from fhir.errors import FhirError


class InvalidXml(FhirError):
    """The bytes are not XML, or not the XML of one resource."""

    status = 400
    code = "structure"

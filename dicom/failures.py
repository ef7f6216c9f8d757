"""The ways in which an instance, a query or a request for pixels is refused.

https://dicom.nema.org/medical/dicom/current/output/chtml/part18/sect_I.2.2.html (Failure Reason)
"""

PROCESSING_FAILURE = 0x0110
"""The instance may be sound; it could not be handled."""
DUPLICATE_SOP_INSTANCE = 0x0111
"""The same SOP Instance UID was stored before with other content."""
DATA_SET_DOES_NOT_MATCH_SOP_CLASS = 0xA900
"""The data set contradicts itself or its class."""
CANNOT_UNDERSTAND = 0xC000
"""The bytes are not a data set."""


class InvalidInstance(Exception):
    """An instance was refused.

    Attributes:
        reason: One English sentence part for the sender; holds no patient data.
        code: The DICOM failure reason, a 16-bit number for (0008,1197).
    """

    def __init__(self, reason: str, code: int = CANNOT_UNDERSTAND) -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code

    def __reduce__(self) -> tuple[type["InvalidInstance"], tuple[str, int]]:
        """Let the failure cross the border of a worker process whole."""
        return type(self), (self.reason, self.code)


class IdentityConflict(InvalidInstance):
    """An instance says that it is of another patient than what is there; a person may say whose it is.

    Attributes:
        uid: Of the study or series that is there.
        patient_key: Whose that is.
    """

    def __init__(self, reason: str, uid: str, patient_key: int) -> None:
        super().__init__(reason, DUPLICATE_SOP_INSTANCE)
        self.uid = uid
        self.patient_key = patient_key

    def __reduce__(self) -> tuple[type["IdentityConflict"], tuple[str, str, int]]:  # type: ignore[override]
        """Let the failure cross the border of a worker process whole."""
        return type(self), (self.reason, self.uid, self.patient_key)

"""What the DIMSE door counts."""

from prometheus_client import Counter, Gauge

ASSOCIATIONS = Gauge("renkei_dimse_associations", "DICOM associations, and connections that may become one")
REFUSED = Counter("renkei_dimse_refused", "DICOM connections that were turned away or rejected, by why", ["reason"])
MESSAGES = Counter("renkei_dimse_messages", "DIMSE requests, by what they ask and by the status", ["kind", "status"])

"""What the MLLP door counts."""

from prometheus_client import Counter, Gauge

CONNECTIONS = Gauge("renkei_mllp_connections", "MLLP connections that are open")
REFUSED = Counter("renkei_mllp_refused", "MLLP connections that were turned away or ended, by why", ["reason"])
MESSAGES = Counter(
    "renkei_mllp_messages", "HL7 v2 messages, by MSH-9 and by how they were answered", ["kind", "outcome"]
)
SKIPPED = Counter("renkei_mllp_skipped_octets", "Octets outside of frames that were passed over")

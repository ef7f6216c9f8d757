"""Messages of a feed of Patients (IHE PMIR, ITI-93)."""

from typing import Any

EVENT = "urn:ihe:iti:pmir:2019:patient-feed"


def a_change(method: str, url: str, resource: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an entry of a history."""
    status = {"POST": "201", "PUT": "200", "DELETE": "204"}[method]
    entry: dict[str, Any] = {"request": {"method": method, "url": url}, "response": {"status": status}}
    return entry | ({"resource": resource} if resource else {})


def a_message(*changes: dict[str, Any], event: str = EVENT) -> dict[str, Any]:
    """Return a message Bundle with a header and a history."""
    header = {
        "resourceType": "MessageHeader",
        "id": "header-1",
        "eventUri": event,
        "destination": [{"endpoint": "http://hub.example/fhir"}],
        "source": {"endpoint": "http://ehr.example/fhir"},
        "focus": [{"reference": "Bundle/history-1"}],
    }
    history = {"resourceType": "Bundle", "id": "history-1", "type": "history", "entry": list(changes)}
    entries = [
        {"fullUrl": "http://ehr.example/fhir/MessageHeader/header-1", "resource": header},
        {"fullUrl": "http://ehr.example/fhir/Bundle/history-1", "resource": history},
    ]
    return {"resourceType": "Bundle", "type": "message", "entry": entries}

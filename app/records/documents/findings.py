"""What is wrong with a document that is stored, by the profiles that are loaded now and by the rules of its kind."""

from app.hub import Hub
from app.records.checked import checked
from fhir.documents.kind import kind_of_tree
from fhir.documents.rules import broken
from fhir.envelope import read_bundle
from fhir.issue import Issue
from fhir.profiles.conformance import conformance
from fhir.profiles.definitions import Definitions
from fhir.resource import parse


async def findings(hub: Hub, body: bytes) -> list[Issue]:
    """Return what is wrong with a Bundle; profiles that are not loaded are not spoken of."""
    definitions = await hub.packages.current()
    return await checked(hub, lambda: _found(body, definitions, hub.settings.bundle_entries), len(body))


def _found(body: bytes, definitions: Definitions, most: int) -> list[Issue]:
    tree = parse(body)
    by_profiles = [one for one in conformance(tree, definitions) if one.severity in ("error", "warning")]
    loaded = [one for one in by_profiles if one.code != "not-found"]
    return [*loaded, *broken(kind_of_tree(tree), read_bundle(body, most=most))]

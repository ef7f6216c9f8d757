"""A manifest that comes in by any door: what it refers to is known from then on, where a registered source has it.

The manifest itself is an instance like others, and kept. IHE RAD-68 (XDS-I.b) and MADO.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.imaging.filing import file_instances
from app.imaging.keep import Failure, Received
from app.imaging.sources.references import of_manifest
from dicom.failures import InvalidInstance
from dicom.manifest.model import Manifest
from dicom.manifest.read import is_manifest, read_kos
from dicom.part10 import read_instance
from dicom.reports.kinds import KEY_OBJECT_SELECTION

if TYPE_CHECKING:
    from app.hub import Hub
    from app.records.writing import Writing

MOST_MANIFEST_BYTES = 32_000_000

logger = logging.getLogger(__name__)


async def referred_to(hub: "Hub", custodian: int, received: Sequence[Received]) -> list[Received]:
    """Return references to what the manifests among `received` say that the site's sources have.

    Args:
        hub: The running hub.
        custodian: Who sent them.
        received: Instances whose bytes are durable, or references.
    """
    # A key object that is itself a reference has no bytes here to read.
    here = [one for one in received if one.digest and one.size <= MOST_MANIFEST_BYTES]
    named = [one for one in here if one.sop_class_uid == KEY_OBJECT_SELECTION]
    sources = await hub.sources.of_site(custodian) if named else []
    found: list[Received] = []
    for one in named if sources else ():
        data = await hub.blobs.read(custodian, one.digest)
        manifest = await asyncio.to_thread(manifest_in, data)
        if manifest is not None:
            found += of_manifest(manifest, sources)
    return found


def manifest_in(data: bytes) -> Manifest | None:
    """Return the manifest that a file is; None when it is none."""
    try:
        instance = read_instance(data)
        return read_kos(instance) if is_manifest(instance) else None
    except InvalidInstance as error:
        logger.info("A manifest that came in refers to nothing: %s", error.reason)
        return None
    except Exception:
        # It is stored all the same, and what came with it.
        logger.exception("A manifest that came in cannot be read")
        return None


def without_references(
    stored: Sequence[Received], failures: Sequence[Failure], references: Sequence[Received]
) -> tuple[list[Received], list[Failure]]:
    """Return what was sent among what was stored, and what was refused of it: references are not the sender's parts.

    Args:
        stored: What was stored, of both.
        failures: What was refused, of both: the references, which were filed last, are the last of it.
        references: To what manifests named.
    """
    ours = {id(one) for one in references}
    own = [one for one in stored if id(one) not in ours]
    of_sender = len(failures) - (len(references) - (len(stored) - len(own)))
    if refused := failures[of_sender:]:
        logger.warning("%d references of a manifest are not taken: %s", len(refused), refused[0].reason)
    return own, list(failures[:of_sender])


async def refer(writing: "Writing", manifest: Manifest, *, labels: int = 0) -> int:
    """Return how many instances of a manifest are referred to from now on: in the caller's own transaction.

    For a manifest that comes in as a document, in either of its encodings.

    Args:
        writing: On behalf of the site that sends it.
        manifest: Whose patient is the one that its header names.
        labels: Those of the document that holds it, as bits.
    """
    sources = await writing.request.hub.sources.of_site(writing.request.authority.custodian)
    found = of_manifest(manifest, sources)
    if not found:
        return 0
    filed = await file_instances(writing, found, labels=labels)
    without_references(filed.stored, filed.failures, found)
    return len(filed.stored)

"""Hidden images change no answer of an association: a stranger is answered as before they were stored."""

from collections.abc import Iterator
from typing import Any

import pytest
from pydicom import Dataset
from pynetdicom import build_role

from tests.app.imaging.images import CT, a_file, stored
from tests.canary import found_in
from tests.canary_images import (
    INSTANCE,
    OWN_SERIES,
    OWNER,
    SERIES,
    SHARED_INSTANCE,
    SHARED_STUDY,
    STRANGER,
    STUDY,
    VALUES,
    plant,
)
from tests.dimse import (
    COMMITMENT,
    PATIENT_ROOT_FIND,
    STUDY_ROOT_FIND,
    STUDY_ROOT_GET,
    STUDY_ROOT_MOVE,
    a_node,
    aside,
    asking,
    associated,
    associating,
    taking,
)
from tests.world import World

pytestmark = pytest.mark.anyio

UIDS = (
    (STUDY, SERIES, INSTANCE),
    (SHARED_STUDY, OWN_SERIES, SHARED_INSTANCE),
    (SHARED_STUDY, "1.2.392.77702.4", "1.2.392.77702.5"),
)
CT_CLASS = "1.2.840.10008.5.1.4.1.1.2"


def questions() -> Iterator[tuple[str, Dataset]]:
    """Yield what is searched for, each with its model: every level, by UIDs, by values, and everything."""
    keys = {
        "StudyInstanceUID": "",
        "PatientName": "",
        "PatientID": "",
        "StudyDate": "",
        "NumberOfStudyRelatedInstances": "",
    }
    for model, level in ((PATIENT_ROOT_FIND, "PATIENT"), (STUDY_ROOT_FIND, "STUDY"), (PATIENT_ROOT_FIND, "STUDY")):
        yield model, asking(level, **keys)
    yield STUDY_ROOT_FIND, asking("SERIES", SeriesInstanceUID="", NumberOfSeriesRelatedInstances="")
    yield STUDY_ROOT_FIND, asking("IMAGE", SOPInstanceUID="")
    for study, series, instance in UIDS:
        yield STUDY_ROOT_FIND, asking("STUDY", **keys | {"StudyInstanceUID": study})
        yield STUDY_ROOT_FIND, asking("SERIES", StudyInstanceUID=study, SeriesInstanceUID=series)
        yield STUDY_ROOT_FIND, asking("IMAGE", StudyInstanceUID=study, SOPInstanceUID=instance)
    for keyword in ("PatientID", "PatientName", "AccessionNumber", "StudyDescription"):
        if keyword in VALUES:
            yield STUDY_ROOT_FIND, asking("STUDY", SpecificCharacterSet="ISO_IR 192", **{keyword: str(VALUES[keyword])})


def wanted() -> Iterator[Dataset]:
    for study, series, instance in UIDS:
        yield asking("STUDY", StudyInstanceUID=study)
        yield asking("SERIES", StudyInstanceUID=study, SeriesInstanceUID=series)
        yield asking("IMAGE", StudyInstanceUID=study, SeriesInstanceUID=series, SOPInstanceUID=instance)


def answers(door: Any, title: str) -> list[Any]:
    """Return all that a node is answered: searches, moves, fetches, and what is committed."""
    found: list[Any] = []
    contexts = (STUDY_ROOT_FIND, PATIENT_ROOT_FIND, STUDY_ROOT_MOVE, STUDY_ROOT_GET, CT_CLASS, COMMITMENT)
    roles = [build_role(CT_CLASS, scp_role=True)]
    with associated(door, *contexts, title=title, ext_neg=roles) as association:
        for model, asked in questions():
            found += [
                (status.to_json(), one and one.to_json()) for status, one in association.send_c_find(asked, model)
            ]
        for one in wanted():
            for move in (True, False):
                given = (
                    association.send_c_move(one, "WS", STUDY_ROOT_MOVE)
                    if move
                    else association.send_c_get(one, STUDY_ROOT_GET)
                )
                found += [(status.to_json(), failed and failed.to_json()) for status, failed in given]
    return found


async def test_a_stranger_is_answered_as_before_hidden_images_were_stored(world: World) -> None:
    own = a_file(CT, StudyInstanceUID=SHARED_STUDY, SeriesInstanceUID=OWN_SERIES, SOPInstanceUID=SHARED_INSTANCE)
    await stored(world, await world.client(STRANGER), own)
    with taking("WS") as (port, came):
        await a_node(world, STRANGER)
        await a_node(world, STRANGER, name="ws", title="WS", host="127.0.0.1", port=port)
        await a_node(world, OWNER)
        async with associating(world.hub) as door:
            before = await aside(answers, door, STRANGER.upper())
            sent = len(came)

            await plant(world)
            after = await aside(answers, door, STRANGER.upper())
            owners = await aside(answers, door, OWNER.upper())

    assert before == after
    assert len(came) == 2 * sent > 0
    assert owners != after
    assert any(STUDY in str(answer) for answer in owners)
    assert not any(found_in(str(answer).encode()) for answer in after)

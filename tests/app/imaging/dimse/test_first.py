import subprocess
from pathlib import Path
import pytest
from tests.app.imaging.images import FILES, CT, MR, CHR_H31, CHR_H32, stored, a_file, address
from tests.dimse import a_node, associating, dcmtk
from tests.world import World
pytestmark = pytest.mark.anyio

async def test_it(world: World, tmp_path: Path) -> None:
    await a_node(world)
    headers = await world.client("hospital-a")
    async with associating(world.hub) as door:
        me = ("-aet", "HOSPITAL-A", "-aec", "RENKEI", "127.0.0.1", str(door.port))
        print(await dcmtk("echoscu", "-v", *me))
        print(await dcmtk("storescu", "-v", *me, FILES / CT, FILES / MR, FILES/CHR_H31))
        print(await dcmtk("findscu", "-v","-S", *me, "-k", "QueryRetrieveLevel=STUDY", "-k", "PatientName", "-k", "StudyInstanceUID", "-k", "ModalitiesInStudy", "-k", "0008,1032"))
        print(await dcmtk("getscu", "-v","-S", *me, "-od", tmp_path, "-k", "QueryRetrieveLevel=STUDY", "-k", "StudyInstanceUID=1.3.6.1.4.1.5962.1.2.1.20040119072730.12322"))
        print(list(tmp_path.iterdir()))
    assert (await world.http.get(address(a_file(CT)), headers=headers)).status_code == 200
    assert 0

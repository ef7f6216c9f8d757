import asyncio
import os
import resource
import signal
import time

import numpy as np
import pytest

from dicom.decoding import DecodingPool
from dicom.failures import InvalidInstance
from dicom.frames import frame
from dicom.part10 import read_instance
from dicom.presentation import presentation
from dicom.rendering import Picture, render_frame
from tests.dicom.making import pydicom_file

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend():
    return "asyncio"


@pytest.fixture(scope="module")
def pool():
    pool = DecodingPool(1, max_memory_bytes=2 * 1024**3, max_seconds=20)
    yield pool
    pool.close()


async def test_a_worker_that_dies_is_replaced(pool):
    with pytest.raises(InvalidInstance, match="a frame could not be decoded within its limits"):
        await pool.run(os._exit, 7)

    assert await pool.run(abs, -1) == 1


async def test_a_frame_is_rendered_in_a_worker(pool):
    found = read_instance(pydicom_file("CT_small.dcm"))
    work = (
        found.pixels.image,
        found.file.transfer_syntax.uid,
        frame(found, 0),
        presentation(found),
        Picture(),
    )

    assert await pool.run(render_frame, *work) == render_frame(*work)


async def test_a_refusal_comes_back_with_its_code(pool):
    found = read_instance(pydicom_file("CT_small.dcm"))

    with pytest.raises(InvalidInstance) as caught:
        await pool.run(render_frame, found.pixels.image, "1.2.840.10008.1.2.4.50", b"", presentation(found), Picture())

    assert caught.value.code == 0xA900


async def test_too_much_memory_is_a_refusal(pool):
    with pytest.raises(InvalidInstance, match="a frame needs too much memory"):
        await pool.run(np.ones, 3 * 1024**3 // 8)


async def test_a_task_that_takes_too_long_is_ended():
    pool = DecodingPool(1, max_memory_bytes=2 * 1024**3, max_seconds=0.2)

    with pytest.raises(InvalidInstance, match="within its limits"):
        await asyncio.wait_for(pool.run(time.sleep, 60), 30)

    pool.close()
    pool.close()


async def test_a_worker_has_its_limits(pool):
    assert await pool.run(resource.getrlimit, resource.RLIMIT_AS) == (2 * 1024**3, 2 * 1024**3)
    assert await pool.run(resource.getrlimit, resource.RLIMIT_CORE) == (0, 0)
    assert await pool.run(signal.getsignal, signal.SIGINT) == signal.SIG_IGN


async def test_frames_that_shared_a_pool_with_a_bad_one_are_tried_again():
    pool = DecodingPool(1, max_memory_bytes=2 * 1024**3, max_seconds=20)

    bad, good, other = await asyncio.gather(
        pool.run(os._exit, 7), pool.run(abs, -2), pool.run(abs, -3), return_exceptions=True
    )

    assert isinstance(bad, InvalidInstance)
    assert (good, other) == (2, 3)
    pool.close()

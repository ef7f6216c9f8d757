import os
import signal
import subprocess
import sys
import time

import pytest

from app.beside import Beside

pytestmark = pytest.mark.anyio


async def test_work_beside_the_hub_is_done_in_another_process_and_goes_on_when_that_ends():
    beside = Beside()
    try:
        first = await beside.start(os.getpid)
        os.kill(first, signal.SIGKILL)
        with pytest.raises(Exception, match="abruptly"):
            await beside.start(time.sleep, 60)

        again = [await beside.start(os.getpid) for _ in range(2)]

        assert first != os.getpid()
        assert first not in again
    finally:
        beside.close()


def test_the_process_beside_ends_with_a_hub_that_is_killed():
    program = (
        "import asyncio, os, signal\n"
        "from app.beside import Beside\n"
        "async def main():\n"
        "    print(await Beside().start(os.getpid), flush=True)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "if __name__ == '__main__':\n"
        "    asyncio.run(main())\n"
    )

    # The pipe is at its end when nobody holds it any more.
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout.strip().isdigit()) == (-signal.SIGKILL, True)

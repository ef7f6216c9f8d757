import os
import subprocess
import sys

from benchmarks.servers import children_seconds, parent

BUSY = "import time; began = time.process_time()\nwhile time.process_time() - began < 0.2: pass"


def test_a_process_knows_who_started_it():
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert parent(child.pid) == os.getpid()
        child.communicate(b"\n")


def test_the_time_of_children_counts_after_they_ended():
    before = children_seconds(os.getpid())

    subprocess.run([sys.executable, "-c", BUSY], check=True)

    assert children_seconds(os.getpid()) - before >= 0.2

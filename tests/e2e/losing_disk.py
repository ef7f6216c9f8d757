"""A disk that forgets, when the power is cut, what was not flushed; a real ext4 lies on it.

`kill -9` takes nothing from the kernel's cache, so it does not show a flush that is missing. Here the kernel keeps a
file system in a loop device, and the file of that device is served by this program (FUSE): each write is kept aside
until the kernel asks for a flush, as it does for each fsync. A cut forgets what is aside, or all but some of the
writes, in any order, as a disk's own cache does. Then ext4 recovers by its journal, and the database by its own.

Run it as root: `python -m tests.e2e.losing_disk FOLDER BYTES`; it reads `cut SEED SHARE` and `end` from its input.

https://www.kernel.org/doc/html/latest/filesystems/fuse.html
https://www.kernel.org/doc/html/latest/block/writeback_cache_control.html
"""

import contextlib
import ctypes
import errno
import os
import random
import stat
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT, FILE = 1, 2
NAME = b"image"
FOREVER = 100_000
MOST_WRITE = 1 << 17
UNMOUNTS_SECONDS = 20

_IN = struct.Struct("<IIQQ16x")
_OUT = struct.Struct("<IiQ")
_ATTRIBUTES = struct.Struct("<QQQQQQIIIIIIIIII")
_IO = struct.Struct("<QQI")
_DIRENT = struct.Struct("<QQII")


class LosingDisk:
    """The bytes of a disk: as the kernel sees them, and as they are once the power is cut."""

    def __init__(self, size: int) -> None:
        self.data = bytearray(size)
        self.flushed = bytearray(size)
        self.pending: list[tuple[int, bytes]] = []
        """Writes since the last flush."""
        self.flushes = 0
        self.powered = True

    def cut(self) -> None:
        """Take the power away: what comes now is not written."""
        self.powered = False

    def back(self, seed: str, share: float) -> None:
        """Give the power back: what was not flushed is gone, but for a share of the writes, by the throw of a die."""
        chance = random.Random(seed)
        for offset, octets in self.pending:
            if chance.random() < share:
                self.flushed[offset : offset + len(octets)] = octets
        for offset, octets in self.pending:
            self.data[offset : offset + len(octets)] = self.flushed[offset : offset + len(octets)]
        self.pending.clear()
        self.powered = True

    # What the kernel asks, by the numbers of its protocol.

    def init(self, _: int, body: bytes) -> bytes:
        major, minor, ahead, _ = struct.unpack("<IIII", body[:16])
        # Large writes.
        flags = 1 << 5 | 1 << 22
        return struct.pack("<IIIIHHIIHHI28x", major, min(minor, 31), ahead, flags, 16, 12, MOST_WRITE, 1, 32, 0, 0)

    def _attributes(self, node: int) -> bytes:
        folder = node == ROOT
        size = 0 if folder else len(self.data)
        mode = stat.S_IFDIR | 0o755 if folder else stat.S_IFREG | 0o600
        return _ATTRIBUTES.pack(node, size, size // 512, 0, 0, 0, 0, 0, 0, mode, 2 if folder else 1, 0, 0, 0, 4096, 0)

    def lookup(self, _: int, body: bytes) -> bytes:
        if body[:-1] != NAME:
            raise FileNotFoundError(errno.ENOENT, "")
        return struct.pack("<QQQQII", FILE, 0, FOREVER, FOREVER, 0, 0) + self._attributes(FILE)

    def getattr(self, node: int, _: bytes) -> bytes:
        return struct.pack("<QII", FOREVER, 0, 0) + self._attributes(node)

    def open(self, _: int, __: bytes) -> bytes:
        return struct.pack("<QIi", 0, 0, 0)

    def read(self, _: int, body: bytes) -> bytes:
        _, offset, size = _IO.unpack(body[:20])
        return bytes(self.data[offset : offset + size])

    def write(self, _: int, body: bytes) -> bytes:
        _, offset, size = _IO.unpack(body[:20])
        octets = body[40 : 40 + size]
        if self.powered:
            self.data[offset : offset + size] = octets
            self.pending.append((offset, octets))
        return struct.pack("<II", size, 0)

    def flush(self, _: int, __: bytes) -> bytes:
        if self.powered:
            self.flushes += 1
            for offset, octets in self.pending:
                self.flushed[offset : offset + len(octets)] = octets
            self.pending.clear()
        return b""

    def statfs(self, _: int, __: bytes) -> bytes:
        return struct.pack("<QQQQQIIII24x", len(self.data) // 4096, 0, 0, 2, 0, 4096, 255, 4096, 0)

    def readdir(self, _: int, body: bytes) -> bytes:
        one = _DIRENT.pack(FILE, 1, len(NAME), 8) + NAME
        return b"" if _IO.unpack(body[:20])[1] else one + bytes(-len(one) % 8)

    def nothing(self, _: int, __: bytes) -> bytes:
        return b""


OPERATIONS: dict[int, Callable[[LosingDisk, int, bytes], bytes]] = {
    1: LosingDisk.lookup,
    3: LosingDisk.getattr,
    4: LosingDisk.getattr,
    14: LosingDisk.open,
    15: LosingDisk.read,
    16: LosingDisk.write,
    17: LosingDisk.statfs,
    18: LosingDisk.nothing,
    20: LosingDisk.flush,
    25: LosingDisk.nothing,
    26: LosingDisk.init,
    27: LosingDisk.open,
    28: LosingDisk.readdir,
    29: LosingDisk.nothing,
    38: LosingDisk.nothing,
}
UNANSWERED = {2, 36, 42}
"""Forgetting and interrupting."""


def _answer(disk: LosingDisk, request: bytes) -> bytes | None:
    length, operation, unique, node = _IN.unpack(request[:40])
    if operation in UNANSWERED:
        return None
    asked = OPERATIONS.get(operation)
    try:
        if asked is None:
            raise OSError(errno.ENOSYS, "")
        body = asked(disk, node, request[40:length])
    except OSError as failure:
        return _OUT.pack(16, -(failure.errno or errno.EIO), unique)
    return _OUT.pack(16 + len(body), 0, unique) + body


def _serve(disk: LosingDisk, device: int) -> None:
    """Answer the kernel until the disk is unmounted."""
    while True:
        try:
            request = os.read(device, MOST_WRITE + 65536)
        except OSError as failure:
            if failure.errno in (errno.ENOENT, errno.EINTR, errno.EAGAIN):
                continue
            os.close(device)
            return
        answer = _answer(disk, request)
        if answer is not None:
            with contextlib.suppress(FileNotFoundError):  # who asked was killed
                os.write(device, answer)


def main() -> None:
    """Mount the disk on a folder and do what is said."""
    folder, disk = Path(sys.argv[1]), LosingDisk(int(sys.argv[2]))
    device = os.open("/dev/fuse", os.O_RDWR)
    options = f"fd={device},rootmode=40000,user_id=0,group_id=0".encode()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"losing", os.fsencode(folder), b"fuse.losing", 0, options):
        raise OSError(ctypes.get_errno(), "the disk cannot be mounted")
    threading.Thread(target=_serve, args=(disk, device), daemon=True).start()
    _say("ready")
    for order in sys.stdin:
        verb, *arguments = order.split()
        if verb == "cut":
            disk.cut()
        elif verb == "back":
            disk.back(arguments[0], float(arguments[1]))
        _say(str(disk.flushes))


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


@dataclass
class Disk:
    """A losing disk in a process of its own, with the file system on it."""

    place: Path
    process: "subprocess.Popen[str]"

    @property
    def folder(self) -> Path:
        """Where the file system is."""
        return self.place / "disk"

    @property
    def _image(self) -> Path:
        return self.place / "served" / NAME.decode()

    def say(self, order: str) -> int:
        """Give an order and return how many flushes there were so far."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(order + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def make(self) -> None:
        """Make the file system."""
        _run("mkfs.ext4", "-q", "-F", "-m", "0", str(self._image))
        self.mount()
        self.folder.chmod(0o755)

    def sync(self) -> None:
        """Flush everything."""
        _run("sync", "-f", str(self.folder))

    def mount(self) -> None:
        """Mount the file system; it recovers by its journal."""
        _run("mount", "-o", "loop", str(self._image), str(self.folder))

    def cut(self, seed: str, share: float = 0.0) -> None:
        """Cut the power and bring it back; nobody uses the disk any more."""
        self.say("cut")
        # What the kernel writes when it lets go is not written. Who was killed may take a moment to end.
        deadline = time.monotonic() + UNMOUNTS_SECONDS
        while subprocess.run(["umount", str(self.folder)], check=False, capture_output=True).returncode:
            assert time.monotonic() < deadline, "the disk is busy"
            time.sleep(0.05)
        self.say(f"back {seed} {share}")
        self.mount()


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)


@contextlib.contextmanager
def losing_disk(place: Path, size: int) -> Iterator[Disk]:
    """Mount an ext4 on a losing disk of so many bytes, below an empty folder."""
    for name in ("served", "disk"):
        (place / name).mkdir()
    command = [sys.executable, "-m", "tests.e2e.losing_disk", str(place / "served"), str(size)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        disk = Disk(place, process)
        try:
            disk.make()
            yield disk
        finally:
            for name in ("disk", "served"):
                subprocess.run(["umount", "--lazy", str(place / name)], check=False, capture_output=True)
            process.kill()


if __name__ == "__main__":
    main()

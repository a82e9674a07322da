"""What a link's delay costs a restore with restic over SFTP, and what each way of asking saves.

    .venv/bin/python tests/benchmarks/restic_link.py [--directories 65536] [--round-trips 0,5,20,50]
        [--restic /usr/bin/restic] [--restic FILE] [--deadline 1800] [--only WAY …]

A tree as Moodle's filedir has it (two levels of folders, one small file in each) is backed up, and
restored as the playbooks do: from a real sshd on this machine, through a relay that keeps each byte
for half of the round trip (a kernel may lack `netem`). Prints a line for each restic, delay and
way: seconds until the first file is there, until the end ("no end": the deadline came first), and
the cache's size. Exits with 1 when the playbooks' way takes more than a quarter longer than the
quickest one. Wants a quiet machine; nothing of it stays.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.integration.hosts.sshd import Sshd

AT_MOST = 1.25
SHIPPED = "cache"
WAYS: dict[str, tuple[str, ...]] = {
    "no cache": ("--no-cache",),
    "no cache, 20 connections": ("--no-cache", "-o", "sftp.connections=20"),
    SHIPPED: ("--cache-dir", "{cache}"),
    "cache, 20 connections": ("--cache-dir", "{cache}", "-o", "sftp.connections=20"),
}
_CHUNK = 262_144
_LOOK = 0.05


class Measurement(NamedTuple):
    """Seconds from the start until the first file, and until the end; none: the deadline came."""

    first_file: float | None
    end: float | None
    cache: int
    """Bytes that the cache's folder holds at the end."""


class Link:
    """A relay to a port of this machine that keeps each byte for a while, each way."""

    def __init__(self, port: int, delay: float) -> None:
        self._far = port
        self._delay = delay
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._join, "127.0.0.1", 0, limit=_CHUNK), self._loop
        ).result()
        self.port = int(server.sockets[0].getsockname()[1])

    def close(self) -> None:
        """Stop carrying."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _join(self, near: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        far, forth = await asyncio.open_connection("127.0.0.1", self._far, limit=_CHUNK)
        await asyncio.gather(self._carry(near, forth), self._carry(far, back))

    async def _carry(self, source: asyncio.StreamReader, to: asyncio.StreamWriter) -> None:
        """Write what comes once its time has come: as much as wants may be under way."""
        under_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def deliver() -> None:
            while True:
                due, piece = await under_way.get()
                await asyncio.sleep(due - self._loop.time())
                if not piece:
                    break
                to.write(piece)
                await to.drain()
            to.close()

        delivery = asyncio.ensure_future(deliver())
        with suppress(OSError):
            while piece := await source.read(_CHUNK):
                under_way.put_nowait((self._loop.time() + self._delay, piece))
        under_way.put_nowait((self._loop.time() + self._delay, b""))
        with suppress(OSError):
            await delivery


def fill(top: Path, directories: int) -> None:
    """Make folders of two levels, as many below as said, one file of some hundred bytes in each."""
    for number in range(directories):
        folder = top / f"{number // 256:02x}" / f"{number % 256:02x}"
        folder.mkdir(parents=True)
        name = hashlib.sha1(str(number).encode(), usedforsecurity=False).hexdigest()
        (folder / name).write_bytes(os.urandom(200 + number % 100))


def measure(command: list[str], tree: Path, cache: Path, deadline: float) -> Measurement:
    """Run a restore; look for its first file meanwhile."""
    first = None
    start = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as restic:
        while restic.poll() is None and time.monotonic() - start < deadline:
            if first is None and _has_content(tree):
                first = time.monotonic() - start
            time.sleep(_LOOK)
        if restic.poll() is None:
            restic.kill()
            return Measurement(first, None, _size(cache))
    if restic.returncode != 0:
        sys.exit(f"restic ended with {restic.returncode}")
    return Measurement(first, time.monotonic() - start, _size(cache))


def _has_content(tree: Path) -> bool:
    """Tell whether one of the first folders has a file with bytes."""
    with suppress(OSError):
        for folder in list(tree.iterdir())[:2]:
            for below in list(folder.iterdir())[:8]:
                if any(file.stat().st_size for file in below.iterdir()):
                    return True
    return False


def _size(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def main() -> int:
    """Measure each restic, round trip and way; 1 when the playbooks' way is not among the best."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--directories", type=int, default=65_536)
    parser.add_argument("--round-trips", default="0,5,20,50", help="milliseconds")
    parser.add_argument("--restic", action="append", help="a restic to measure; several by name")
    parser.add_argument("--deadline", type=float, default=1800, help="seconds for one restore")
    parser.add_argument("--only", action="append", choices=WAYS, help="a way to measure")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="restic-link-") as name:
        return _measure_all(args, Path(name))


def _measure_all(args: argparse.Namespace, folder: Path) -> int:
    os.environ.update(RESTIC_PASSWORD="benchmark", RESTIC_PROGRESS_FPS="0.1")  # noqa: S106 of minutes
    tree, repository = folder / "filedir", folder / "repository"
    fill(tree, args.directories)
    programs = args.restic or ["restic"]
    for words in (["init"], ["--no-cache", "backup", str(tree)]):
        command = [programs[0], "-q", "-r", str(repository), *words]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    shutil.rmtree(tree)
    (folder / "sshd").mkdir()
    sshd = Sshd(folder / "sshd")
    sshd.start()
    missed = False
    try:
        for program in programs:
            version = subprocess.check_output([program, "version"], text=True).split()[1]
            for milliseconds in map(float, args.round_trips.split(",")):
                link = Link(sshd.port, milliseconds / 2000)
                ends = _measure_ways(args, program, f"{version}, {milliseconds:g} ms", folder, link)
                link.close()
                if SHIPPED in ends:
                    missed |= ends[SHIPPED] > AT_MOST * min(ends.values())
    finally:
        sshd.stop()
    return int(missed)


def _measure_ways(
    args: argparse.Namespace, program: str, title: str, folder: Path, link: Link
) -> dict[str, float]:
    key, hosts = folder / "sshd/login", folder / "sshd/known_hosts"
    ssh = (
        f"ssh -F /dev/null -o HostKeyAlias=backup -o UserKnownHostsFile={hosts} -o BatchMode=yes "
        f"-i {key} -p {link.port} {os.environ.get('USER', 'root')}@127.0.0.1 -s sftp"
    )
    words = hosts.read_text("utf-8").split()
    if words[0] != "backup":
        hosts.write_text(f"backup {' '.join(words[1:])}\n", "utf-8")
    ends = {}
    for way, options in WAYS.items():
        if args.only and way not in args.only:
            continue
        target, cache = folder / "target", folder / "cache"
        cache.mkdir()
        command = [
            program,
            *(each.format(cache=cache) for each in options),
            *("--no-lock", "-q", "-o", f"sftp.command={ssh}"),
            *("-r", f"sftp:backup:{folder / 'repository'}", "restore", "latest"),
            *("--target", str(target)),
        ]
        figures = measure(
            command, target / (folder / "filedir").relative_to("/"), cache, args.deadline
        )
        first = f"{figures.first_file:.1f} s" if figures.first_file is not None else "none"
        end = f"{figures.end:.1f} s" if figures.end is not None else "no end"
        print(f"{title}, {way}: {first}, {end}, {figures.cache / 2**20:.0f} MB", flush=True)
        ends[way] = figures.end if figures.end is not None else float("inf")
        shutil.rmtree(target, ignore_errors=True)
        shutil.rmtree(cache)
    return ends


if __name__ == "__main__":
    sys.exit(main())

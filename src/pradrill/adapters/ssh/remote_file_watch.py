"""Write down which files a service opens (fanotify); started on the standby by remote_files.py.

Standard library only, Python 3.8 or later, never imported by pradrill. One word, a JSON object:
`socket`, the abstract name at which root may `end` it, for which it tells all that it has seen;
`mark` and `run`: what carries that mark is a command of the drill, not the service, unless its
program goes on as one; so is all of every login where the `run` is empty (a machine of the drill's
own, on which commands carry no mark). Prints one line first: "+", or why files cannot be watched
here.

Containers are not looked at, nor what lies in memory below /dev, /run and /tmp. A file that is not
there is not opened: the kernel tells nothing of who looks for it.
"""

from __future__ import annotations

import ctypes
import json
import os
import resource
import select
import socket
import stat
import struct
import sys
import time
from contextlib import suppress

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from typing import Any

NOTIFY = 0x01 | 0x02  # FAN_CLOEXEC, FAN_NONBLOCK; FAN_CLASS_NOTIF: nobody waits for us
FILES = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOATIME
ADD, WHOLE = 0x01, 0x100  # FAN_MARK_ADD, FAN_MARK_FILESYSTEM: services have mounts of their own
OPEN, OPEN_EXEC, OVERFLOW = 0x20, 0x1000, 0x4000
COARSE = 5  # CLOCK_REALTIME_COARSE, which Python has no name for
DIGITS = 10  # of a process's number; Python reads no thousands of them
HERE = -100  # AT_FDCWD
EVENT = struct.Struct("=IBBHQii")
IN_MEMORY = {
    *("autofs", "binfmt_misc", "bpf", "cgroup", "cgroup2", "configfs", "debugfs", "devpts"),
    *("devtmpfs", "efivarfs", "fusectl", "hugetlbfs", "mqueue", "nsfs", "proc", "pstore"),
    *("rpc_pipefs", "securityfs", "sysfs", "tracefs"),
}
VOLATILE = ("/dev", "/run", "/tmp")  # noqa: S108 where a machine keeps its own in memory
SYSTEM = {
    *("init", "udevd", "agetty", "login", "cron", "crond", "rsyslogd", "chronyd", "ntpd", "atd"),
    *("qemu-ga", "polkitd", "dhclient", "dhcpcd", "NetworkManager", "mandb", "logrotate"),
    *("dbus-daemon", "dbus-broker", "auditd", "irqbalance", "snapd"),
}
SYSTEM_BEGINNINGS = ("systemd", "(sd-", "sshd", "apt", "dpkg", "unattended-upgr", "pradrill")
INTERPRETERS = ("python", "perl", "ruby", "php", "node", "bash", "dash", "sh", "java")
SERVICE, COMMAND, OTHER, GONE = "service", "command", "other", "gone"
FRESH = 0.5  # seconds for which a command is not looked at again: it may become a service
PATHS, OF_COMMANDS, PROGRAMS, EACH = 20_000, 40_000, 200, 5_000
PASSING = (" /var/lib/dpkg/", " /var/tmp/rpm-tmp.", "/ansible-tmp-")
"""In the names of programs of which there are hundreds, and that do not become a service."""
AT_ONCE = 256  # events in one read: each has an open file, and one too many is lost without a word
READS = 1_000
LIFE = 86_400  # seconds
PROC = "/proc"


def read(path: str) -> bytes:
    """Return a file of /proc; nothing of a process that is gone."""
    try:
        with open(path, "rb") as file:  # noqa: PTH123 quick: one for each process
            return file.read()
    except OSError:
        return b""


def link(path: str) -> str:
    """Return where a link of /proc leads; nothing of a process that is gone."""
    try:
        return os.readlink(path)  # noqa: PTH115 quick
    except OSError:
        return ""


def parent(pid: int) -> int:
    """Return a process's parent; 0 of one that is gone."""
    words = read(f"{PROC}/{pid}/stat").rpartition(b")")[2].split()
    return int(words[1]) if len(words) > 1 else 0


def program(pid: int) -> str:
    """Return what a process runs: its program, and of an interpreter the script."""
    path = link(f"{PROC}/{pid}/exe")
    name = path.rpartition("/")[2]
    if name.startswith(INTERPRETERS):
        return f"{path} {script(pid)}".strip()
    return path


def stamp(handle: int) -> dict[str, float]:
    """Return an open file's path → when it was changed; nothing of what is no file, or gone."""
    path, status = link(f"{PROC}/self/fd/{handle}"), os.fstat(handle)
    if not path.startswith("/") or not stat.S_ISREG(status.st_mode) or not status.st_nlink:
        return {}
    return {path: status.st_ctime}


def sign(mark: str, run: str) -> str:
    """Return what begins a command's mark; nothing where commands carry none."""
    return f"{mark}={run}:" if run else ""


def is_passing(name: str) -> bool:
    """Tell whether a program is a package's script or a module of Ansible's."""
    return any(each in name for each in PASSING)


def script(pid: int) -> str:
    """Return which script or module an interpreter runs; no text that stands in its words."""
    words = read(f"{PROC}/{pid}/cmdline").decode("utf-8", "replace").split("\0")[1:]
    for number, word in enumerate(words):
        if word in {"-m", "-jar"}:
            return " ".join(words[number + 1 : number + 2])
        if word in {"-c", "-e", "-r"}:
            return ""
        if not word.startswith("-"):
            return word
    return ""


class Processes:
    """Who the processes are that open files."""

    def __init__(self, mark: str) -> None:
        self.mark = mark.encode()  # empty: commands carry none, and every login is the drill's
        self.kinds: dict[int, tuple[str, str, float]] = {}
        self.places = {each: link(f"{PROC}/self/ns/{each}") for each in ("pid", "net", "mnt")}

    def forget(self, pid: int) -> None:
        """Look at a process anew: it runs another program."""
        self.kinds.pop(pid, None)

    def kind(self, pid: int) -> tuple[str, str]:
        """Return what a process is, and what it runs."""
        now = time.monotonic()
        if pid in self.kinds:
            kind, name, until = self.kinds[pid]
            if now < until:
                return kind, name
        if len(self.kinds) > PATHS:
            self.kinds.clear()
        kind, name = self.look(pid)
        self.kinds[pid] = (kind, name, now + FRESH)
        return kind, name

    def look(self, pid: int) -> tuple[str, str]:
        """Look at a process."""
        name = program(pid)
        if not name:
            return GONE, ""
        here = {each: link(f"{PROC}/{pid}/ns/{each}") == of for each, of in self.places.items()}
        title = read(f"{PROC}/{pid}/comm").decode("utf-8", "replace").strip()
        if pid == 1 or not here["pid"] or not (here["net"] or here["mnt"]):
            return OTHER, ""
        if title in SYSTEM or title.startswith(SYSTEM_BEGINNINGS):
            return OTHER, ""
        return self.of_whom(pid), name

    def of_whom(self, pid: int) -> str:
        """Tell a service from what a command of the drill, or a login, still runs."""
        marks = [
            each[len(self.mark) :]
            for each in read(f"{PROC}/{pid}/environ").split(b"\0")
            if self.mark and each.startswith(self.mark)
        ]
        is_number = marks and marks[0].isdigit() and len(marks[0]) <= DIGITS
        leader = int(marks[0]) if is_number else 0
        above = pid
        for _ in range(64):
            if above == leader:
                return COMMAND
            if above <= 1:
                return SERVICE
            if read(f"{PROC}/{above}/comm").startswith(b"sshd"):
                return COMMAND if marks or not self.mark else OTHER
            above = parent(above)
        return SERVICE


def is_passed_over(kind: str, place: str) -> bool:
    """Tell whether what lies in a file system is the running machine's own, and no data."""
    if kind in {"tmpfs", "ramfs"}:
        return any(f"{place}/".startswith(f"{each}/") for each in VOLATILE)
    return kind in IN_MEMORY and place != "/"


class Watch:
    """What was opened so far."""

    def __init__(self, processes: Processes, descriptor: int, mark: Any) -> None:
        self.processes = processes
        self.descriptor = descriptor
        self.mark = mark
        self.devices: set[str] = set()
        self.unmarked: dict[str, str] = {}
        self.began = time.clock_gettime(COARSE)  # as files are stamped
        self.files: dict[str, tuple[float, list[str]]] = {}
        self.of_commands: dict[str, dict[str, float]] = {}
        self.services: set[str] = set()
        self.starts: dict[int, dict[str, float]] = {}
        self.dropped: set[str] = set()
        self.many_dropped = False
        self.aside = self.unkept = self.nameless = 0
        self.overflow = False

    def mark_all(self) -> None:
        """Mark each file system that is mounted here and not marked yet."""
        for line in read(f"{PROC}/self/mountinfo").decode("utf-8", "surrogateescape").split("\n"):
            words = line.split(" ")
            if " - " not in line or len(words) < 5:  # noqa: PLR2004 up to the place
                continue
            device, place = words[2], words[4].replace("\\040", " ")
            kind = line.partition(" - ")[2].split(" ")[0]
            if device in self.devices or is_passed_over(kind, place):
                continue
            if self.mark(place):
                self.devices.add(device)
                self.unmarked.pop(device, None)
            else:
                self.unmarked[device] = place

    def take(self) -> None:
        """Take what the kernel has to tell."""
        try:
            events = os.read(self.descriptor, AT_ONCE * EVENT.size)
        except BlockingIOError:
            return
        except OSError:  # what could not be opened for us is gone
            self.unkept += 1
            return
        while len(events) >= EVENT.size:
            length, _, _, _, mask, handle, pid = EVENT.unpack_from(events)
            events = events[max(length, EVENT.size) :]
            if mask & OVERFLOW:
                self.overflow = True
            elif handle < 0:
                self.unkept += 1
            if handle < 0:
                continue
            try:
                self.note(mask, handle, pid)
            finally:
                os.close(handle)

    def note(self, mask: int, handle: int, pid: int) -> None:
        """Note that a process has opened a file."""
        if mask & OPEN_EXEC:
            self.note_start(handle, pid)
            return
        if pid in self.starts and link(f"{PROC}/self/fd/{handle}") in self.starts[pid]:
            return  # older kernels tell both apart
        start = self.starts.pop(pid, {})
        kind, name = self.processes.kind(pid) if pid > 0 else (OTHER, "")
        if kind == OTHER:
            return
        if kind == GONE:
            self.nameless += 1
            return
        if kind == COMMAND and name in self.dropped:
            return
        self.sort(kind, name, {**start, **stamp(handle)})

    def note_start(self, handle: int, pid: int) -> None:
        """Note what a process begins to run: it is told while that is still the program before."""
        self.processes.forget(pid)
        if pid <= 0:
            return
        if pid not in self.starts and len(self.starts) >= PATHS:
            self.unkept += 1
            return
        self.starts.setdefault(pid, {}).update(stamp(handle))

    def sort(self, kind: str, name: str, files: dict[str, float]) -> None:
        """Keep files for whom they are."""
        for path, changed in files.items():
            if kind == SERVICE:
                self.keep(name, path, changed)
            elif kind == COMMAND:
                self.keep_aside(name, path, changed)

    def keep(self, name: str, path: str, changed: float) -> None:
        """Keep what the service has opened, as it was when it was first opened."""
        if path not in self.files and len(self.files) >= PATHS:
            self.unkept += 1
            return
        self.services.add(name)
        _, programs = self.files.setdefault(path, (changed, []))
        if name not in programs and len(programs) < 3:  # noqa: PLR2004 that are told
            programs.append(name)

    def keep_aside(self, name: str, path: str, changed: float) -> None:
        """Keep what a command has opened: it may be how a service starts."""
        paths = self.of_commands.get(name, {})
        if path in paths:
            return
        full = self.aside >= OF_COMMANDS or len(paths) >= EACH
        if full or (not paths and len(self.of_commands) >= PROGRAMS) or is_passing(name):
            self.drop(name)
            return
        self.of_commands.setdefault(name, paths)[path] = changed
        self.aside += 1

    def drop(self, name: str) -> None:
        """Note that not all is kept of what a command has opened."""
        if len(self.dropped) < PATHS:
            self.dropped.add(name)
        else:
            self.many_dropped = True

    def join(self) -> None:
        """Give services what their programs opened while a command was still starting them."""
        pids = [int(each) for each in os.listdir(PROC) if each.isdigit()]  # noqa: PTH208
        for pid, files in self.starts.items():
            self.sort(*self.processes.look(pid), files)
        self.starts.clear()
        kinds = [self.processes.look(pid) for pid in pids]
        services = self.services | {name for kind, name in kinds if kind == SERVICE}
        self.unkept += len(services & self.dropped) + self.many_dropped
        for name in services & set(self.of_commands):
            for path, changed in self.of_commands[name].items():
                self.keep(name, path, changed)

    def as_json(self) -> dict[str, Any]:
        """Return all of it."""
        for _ in range(READS):  # of what is waiting, not of what comes meanwhile without end
            if not select.select([self.descriptor], [], [], 0)[0]:
                break
            self.take()
        self.join()
        return {
            "began": self.began,
            "files": [[path, *words] for path, words in self.files.items()],
            "unkept": self.unkept,
            "gone": self.nameless,
            "overflow": self.overflow,
            "unmarked": list(self.unmarked.values()),
        }


def is_to_end(listener: socket.socket, watch: Watch) -> bool:
    """Tell root what was seen; tell whether it was root that asked."""
    connection, _ = listener.accept()
    with connection:
        connection.settimeout(10)
        size = struct.calcsize("3i")
        credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        if struct.unpack("3i", credentials)[1] != os.geteuid():
            return False
        if connection.recv(64).strip() != b"end":
            return False
        connection.sendall(json.dumps(watch.as_json()).encode())
    return True


def fanotify() -> tuple[int, Any]:
    """Return what the kernel's events come from, and what marks a file system. Raises OSError."""
    library = ctypes.CDLL(None, use_errno=True)
    if not hasattr(library, "fanotify_init"):
        raise OSError("the C library has no fanotify")
    descriptor = library.fanotify_init(NOTIFY, FILES)
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), f"fanotify: {os.strerror(ctypes.get_errno())}")

    def mark(place: str) -> bool:
        mask = ctypes.c_uint64(OPEN | OPEN_EXEC)
        words = (descriptor, ADD | WHOLE, mask, HERE, os.fsencode(place))
        return bool(library.fanotify_mark(*words) == 0)

    if not mark("/"):
        raise OSError(ctypes.get_errno(), f"fanotify: {os.strerror(ctypes.get_errno())}")
    return descriptor, mark


def main(words: str) -> None:
    """Write down until somebody says that it is over."""
    request = json.loads(words)
    with open(f"{PROC}/self/comm", "w", encoding="ascii") as file:  # noqa: PTH123
        file.write("pradrill-files")
    try:
        descriptor, mark = fanotify()
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(f"\0{request['socket']}")
        listener.listen(4)
    except OSError as error:
        os.write(1, f"{error.strerror or error}\n".encode())
        return
    with suppress(OSError, ValueError):
        _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    watch = Watch(Processes(sign(request["mark"], request["run"])), descriptor, mark)
    watch.mark_all()
    os.write(1, b"+\n")
    nothing = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nothing, number)

    follow(watch, listener)


def follow(watch: Watch, listener: socket.socket) -> None:
    """Take events, new mounts and questions, until the end."""
    mounts = os.open(f"{PROC}/self/mountinfo", os.O_RDONLY)
    waiting = select.poll()
    for handle in (watch.descriptor, listener.fileno()):
        waiting.register(handle, select.POLLIN)
    waiting.register(mounts, select.POLLPRI)
    end = time.monotonic() + LIFE
    while time.monotonic() < end:
        for handle, _ in waiting.poll(60_000):
            try:
                if handle == watch.descriptor:
                    watch.take()
                elif handle == mounts:
                    watch.mark_all()
                elif is_to_end(listener, watch):
                    return
            except OSError:
                continue  # one who asks and goes hinders nobody


if __name__ == "__main__":
    main(sys.argv[1])

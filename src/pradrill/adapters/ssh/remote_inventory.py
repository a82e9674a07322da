"""Take stock of a standby; sent to it and run there, as root or as a login that may sudo.

Standard library only, Python 3.8 or later, never imported by pradrill. The one argument is this
script itself, for sudo. Prints lines KIND, VALUE, NAME with tabs between, or "!KIND" and why it
cannot be seen, or not all of it. It reads files and starts nothing where that will do: on a slow
machine starting is what costs. What it prints is read by domain/run/inventory_answers.py.
"""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Iterator

LOOK = 20  # seconds for each program
SUDO = ("sudo", "-n", "python3", "-I", "-S", "-c")
JOBS = (
    *("/etc/crontab", "/etc/anacrontab", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily"),
    *("/etc/cron.weekly", "/etc/cron.monthly", "/var/spool/cron", "/var/spool/at"),
)
UNITS = ("/etc/systemd/system", "/usr/local/lib/systemd")
DPKG = "/var/lib/dpkg/status"


def line(kind: str, value: str, name: str) -> None:
    """Print one thing; a line feed in its name is no end of it."""
    name = name.replace("\n", "?")
    sys.stdout.write(f"{kind}\t{value}\t{name}\n")


def cannot(kind: str, reason: object) -> None:
    """Print why a kind cannot be seen."""
    sys.stdout.write(f"!{kind}\t{reason}\n")


def lines_of(path: str) -> list[str]:
    """Return the lines of a file."""
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 pathlib costs time
        return file.read().split("\n")


def output_of(*words: str) -> str:
    """Return what a program prints; raises OSError or SubprocessError when it fails."""
    devnull = subprocess.DEVNULL
    result = subprocess.run(
        words, stdin=devnull, stdout=subprocess.PIPE, stderr=devnull, timeout=LOOK, check=True
    )
    return result.stdout.decode("utf-8", "replace")


def accounts() -> None:
    """Print users with ids, home and shell, and groups with their members; no password."""
    for fields in (each.split(":") for each in lines_of("/etc/passwd")):
        if len(fields) > 6:  # noqa: PLR2004 seven fields
            line("user", ":".join((*fields[2:4], *fields[5:7])), fields[0])
    for fields in (each.split(":") for each in lines_of("/etc/group")):
        if len(fields) > 3:  # noqa: PLR2004 four fields
            line("group", ":".join(fields[2:4]), fields[0])


def packages() -> None:
    """Print packages with what became of them, as dpkg-query abbreviates it."""
    if not os.path.exists(DPKG):  # noqa: PTH110 pathlib costs time
        for name in output_of("rpm", "-qa", "--qf", "%{NAME}\\n").split():
            line("package", "ii ", name)
        return

    name = ""
    for each in lines_of(DPKG):
        if each.startswith("Package: "):
            name = each[9:]
        elif each.startswith("Status: ") and each.endswith(" installed"):
            line("package", "ii ", name)


def files_below(top: str) -> Iterator[str]:
    """Yield the path of every file below a folder, or the file's own."""
    if os.path.isfile(top):  # noqa: PTH113 pathlib costs time
        yield top
    for folder, _, names in os.walk(top):
        for name in names:
            yield f"{folder}/{name}"


def content_of(path: str) -> str:
    """Return what tells one content from another; of a pipe nothing."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # a pipe would hold it up
    except OSError:
        return ""
    with open(file, "rb") as content:  # noqa: PTH123 a descriptor
        return f"{zlib.crc32(content.read()):x}" if stat.S_ISREG(os.fstat(file).st_mode) else ""


def jobs() -> None:
    """Print files of scheduled jobs, with what tells one content from another."""
    if os.geteuid() != 0:
        cannot("cron", "only root sees the crontabs of others")
    for path in (each for top in JOBS for each in files_below(top)):
        if path.endswith("/.SEQ"):  # at's count
            continue
        line("cron", content_of(path), path)


def units() -> None:
    """Print files of units; those that wait are listed with the services."""
    for path in (each for top in UNITS for each in files_below(top)):
        line("unit", "", path)


def mounts() -> None:
    """Print mount points with the kind of their file system, each as often as it is there."""
    for fields in (each.split(" ") for each in lines_of("/proc/self/mounts")):
        if len(fields) > 2:  # noqa: PLR2004 what, where, kind
            line("mount", fields[2], fields[1])


def sockets() -> None:
    """Print UDP sockets that wait for anybody, with the first port that clients get."""
    ephemeral = lines_of("/proc/sys/net/ipv4/ip_local_port_range")[0].split()[0]
    for table in ("/proc/net/udp", "/proc/net/udp6"):
        if not os.path.exists(table):  # noqa: PTH110 pathlib costs time
            continue
        for fields in (each.split() for each in lines_of(table)):
            if len(fields) > 3 and fields[3] == "07":  # noqa: PLR2004 number local remote state
                line("socket", ephemeral, fields[1])


LOOKS = {
    "user": accounts,
    "package": packages,
    "cron": jobs,
    "unit": units,
    "mount": mounts,
    "socket": sockets,
}


def main(itself: str) -> None:
    """Look at each kind; what one look cannot see hinders no other."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # names are bytes
    if os.geteuid() != 0 and itself:
        try:
            sys.stdout.write(output_of(*SUDO, itself, ""))
        except (OSError, subprocess.SubprocessError):
            pass  # it sees less, and says so
        else:
            return

    for kind, look in LOOKS.items():
        try:
            look()
        except FileNotFoundError as error:
            cannot(kind, f"{error.filename} is not there")
        except OSError as error:
            cannot(kind, f"{error.filename}: {os.strerror(error.errno or 0).lower()}")
        except (ValueError, IndexError, subprocess.SubprocessError) as error:
            cannot(kind, error)


if __name__ == "__main__":
    main(sys.argv[1])

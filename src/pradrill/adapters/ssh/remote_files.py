"""Watch which files a service opens, and tell where they come from; run on the standby as root.

Standard library only, Python 3.8 or later, never imported by pradrill. Words: this script itself,
for sudo, and a JSON object that says what to `do`, with the `socket` of the run's own:

watch  start what watches (its source is `watcher`) under the run's `mark`
read   end it, and tell of each file that a service opened its origin: `restored` (new since, below
       one of `roots`), `written` (new since, elsewhere), `system` (what a machine makes itself),
       `package` (of dpkg, ucf or rpm, as it was delivered), `neither`, or `unknown` where packages
       cannot be asked

New is what the file system says: when a file was last changed in any way (ctime), which no
restore can set. Prints one JSON object; with `fault` in it, it could not be done.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import socket
import struct
import subprocess
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Callable, Iterable
    from typing import Any

    Words = Any  # a dictionary

CONTROL, ASK = 20, 60  # seconds
PASSWORD: str = globals().get("PASSWORD", "")  # given by who carries it out; never a word
SUDO = ("sudo", "-S", "-k", "-p", "") if PASSWORD else ("sudo", "-n")
ITSELF = "import sys;exec(sys.stdin.read().partition('# of root\\n')[2])"
PATH = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin:/usr/local/bin"
DPKG = "/var/lib/dpkg"
RPM = ("/var/lib/rpm/*", "/usr/lib/sysimage/rpm/*")  # its list of packages
UCF = "/var/lib/ucf/hashfile"
LONGEST, LARGEST = 300, 2_000_000  # characters of a path; bytes of a file whose sum is taken
MOST = {"neither": 300, "unknown": 300, "restored": 100, "written": 100, "package": 50}
DIGESTS = {32: "md5", 40: "sha1", 64: "sha256", 96: "sha384", 128: "sha512"}  # by their length
SETTING, GHOST = 1, 64  # rpm's flags of a file
ROOM = 180_000  # characters of all that is told of single files
MERGED = ("/usr/bin/", "/usr/sbin/", "/usr/lib/", "/usr/lib32/", "/usr/lib64/", "/usr/libx32/")
MADE = (
    *("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow", "/etc/subuid", "/etc/subgid"),
    *("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/machine-id"),
    *("/etc/localtime", "/etc/timezone", "/etc/ld.so.cache", "/etc/fstab", "/etc/mtab"),
    *("/etc/environment", "/etc/default/locale", "/etc/locale.conf", "/etc/locale.gen"),
    *("/etc/ssl/certs/ca-certificates.crt", "/etc/ssl/certs/java/cacerts", "/etc/pki/ca-trust/"),
    *("/etc/adjtime", "/etc/.pwd.lock", "/etc/shells", "/usr/lib/locale/", "/usr/share/mime/"),
    *("/var/cache/", "/var/log/", "/run/", "/var/run/", "/dev/", "/boot/"),
    *("/var/lib/dpkg/", "/var/lib/apt/", "/var/lib/ucf/", "/var/lib/pam/", "/var/lib/systemd/"),
    *("/etc/mysql/debian.cnf", "/etc/ssl/certs/ssl-cert-snakeoil.pem"),
    "/etc/ssl/private/ssl-cert-snakeoil.key",
    *("/var/lib/dbus/", "/var/lib/rpm/", "/usr/share/fonts/.uuid", "/etc/pradrill/"),
)  # a folder ends with a slash
MADE_NAMES = (
    ".pyc",
    "/gconv-modules.cache",
    "/giomodule.cache",
    "/loaders.cache",
    "/icon-theme.cache",
)


CATALOGUES = re.compile(
    r"/var/lib/mysql/(?:(?:mysql|sys|performance_schema)/"
    r"|ib_|ibdata|ibtmp|aria_log|undo|(?:mysql|mariadb)_upgrade_info$|multi-master\.info$|tc\.log$"
    r"|ddl_recovery)"
    r"|/var/lib/(?:postgresql/[^/]+/[^/]+|pgsql/(?:[^/]+/)?data)/"
    r"(?:base/[145]/|global/|pg_\w+/|PG_VERSION$|postmaster\.)"
)
"""What a database server keeps of its own, beside the databases that people put into it."""


class FileFaultError(Exception):
    """Why it cannot be done: a kind, and what it is about."""


def control(name: str) -> Words:
    """Tell what watches that it is over, and return what it has seen."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(CONTROL)
            connection.connect(f"\0{name}")
            size = struct.calcsize("3i")
            credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
            if struct.unpack("3i", credentials)[1] != os.geteuid():  # whoever took its name
                raise FileFaultError("ended", "")
            connection.sendall(b"end\n")
            parts = []
            while chunk := connection.recv(1 << 20):
                parts.append(chunk)
        return dict(json.loads(b"".join(parts)))
    except (OSError, ValueError) as error:
        raise FileFaultError("ended", "") from error


def watch(request: Words) -> Words:
    """Start what watches."""
    words = json.dumps({key: request[key] for key in ("socket", "mark", "run")})
    # Of no process's number: it is no command whose shell still runs.
    environment = {"PATH": PATH, request["mark"]: f"{request['run']}:0"}
    process = subprocess.Popen(
        ["python3", "-I", "-S", "-", words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env=environment,
    )
    assert process.stdin is not None  # noqa: S101 pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(request["watcher"].encode())
    process.stdin.close()
    answer = process.stdout.readline().decode("utf-8", "replace").strip()
    process.stdout.close()
    if answer != "+":
        raise FileFaultError("fanotify", answer or "what watches does not start")
    return {}


def is_below(path: str, roots: Iterable[str]) -> bool:
    """Tell whether a path is one of several, or lies below it."""
    return any(path == each or path.startswith(f"{each.rstrip('/')}/") for each in roots)


def is_made(path: str) -> bool:
    """Tell whether a machine makes it itself, from its packages, accounts and settings."""
    if path.endswith(MADE_NAMES) or CATALOGUES.match(path):
        return True
    return any(path.startswith(each) if each.endswith("/") else path == each for each in MADE)


def of_dpkg(paths: set[str]) -> set[str]:
    """Return those of the paths that a package of Debian's has brought."""
    names = {path: path for path in paths}
    for path in paths:
        if path.startswith(MERGED):  # a package may still call it by its name before the merge
            names[path[4:]] = path
    with_diversions(names)
    owned: set[str] = set()
    for each in glob.iglob(f"{DPKG}/info/*.list"):  # noqa: PTH207 pathlib costs time
        with open(each, encoding="utf-8", errors="surrogateescape") as file:  # noqa: PTH123
            owned.update(names[name] for name in names.keys() & set(file.read().split("\n")))
    return owned


def with_diversions(names: dict[str, str]) -> None:
    """Add where a package's file was put aside for another's: dpkg lists its own place."""
    try:
        with open(f"{DPKG}/diversions", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            lines = file.read().split("\n")
    except OSError:
        return
    for place, aside in zip(lines[::3], lines[1::3]):  # noqa: B905 Python 3.8
        if aside in names:
            names.setdefault(place, aside)


def delivered() -> dict[str, str]:
    """Return the sums of settings as packages brought them: conffiles, and what ucf put there."""
    sums: dict[str, str] = {}
    try:
        with open(UCF, encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            pairs = [line.split(None, 1) for line in file]
        sums.update({each[1].strip(): each[0] for each in pairs if len(each) == 2})  # noqa: PLR2004
    except OSError:
        pass  # a machine without ucf
    try:
        with open(f"{DPKG}/status", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            for line in file:
                words = line.split()
                if line.startswith(" /") and len(words) > 1:
                    sums[words[0]] = words[1]
    except OSError:
        pass
    return sums


def is_changed(path: str, digest: str) -> bool:
    """Tell whether a file is not what was delivered; False where that cannot be told."""
    kind = DIGESTS.get(len(digest))
    try:
        if kind is None or os.path.getsize(path) > LARGEST:  # noqa: PTH202
            return False
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.new(kind, file.read()).hexdigest() != digest
    except (OSError, ValueError):  # gone, or no MD5 on this machine
        return False


def of_rpm(paths: set[str]) -> tuple[set[str] | None, set[str]]:
    """Return those of the paths that an rpm has delivered, and which settings were changed since.

    None where it knows of no file: rpm is there, and is not what this machine is made of. Raises
    OSError without rpm, and without packages of its own: rpm would make an empty list of them.
    """
    if not any(map(glob.glob, RPM)):
        raise FileNotFoundError("rpm")
    result = subprocess.run(
        ["rpm", "-qa", "--qf", "[%{FILEFLAGS} %{FILEDIGESTS} %{FILENAMES}\n]"],
        capture_output=True,
        timeout=ASK,
        check=True,
        cwd="/",
        env={"PATH": PATH, "LC_ALL": "C.UTF-8"},
    )
    names = {each: path for path in paths for each in before_merge(path)}
    owned, sums, is_empty = set(), {}, True
    for line in result.stdout.decode("utf-8", "surrogateescape").split("\n"):
        flags, _, rest = line.partition(" ")
        digest, _, name = rest.partition(" ")
        if not re.fullmatch("[0-9]{1,10}", flags):  # a name's second line is none
            continue
        is_empty = False
        path = names.get(name)
        if path is None or int(flags) & GHOST:  # a name that a package keeps, but does not bring
            continue
        owned.add(path)
        if int(flags) & SETTING:
            sums[path] = digest
    return None if is_empty else owned, {p for p, each in sums.items() if is_changed(p, each)}


def before_merge(path: str) -> set[str]:
    """Return the names that a package may list a file by: /usr/bin/x is /bin/x of old."""
    return {path, path[4:]} if path.startswith(MERGED) else {path}


def of_packages(paths: set[str]) -> tuple[set[str] | None, set[str]]:
    """Return which paths are of packages, None where nobody can say; and which were changed."""
    if not paths:
        return set(), set()
    if glob.glob(f"{DPKG}/info/*.list"):  # noqa: PTH207 dpkg alone makes the folder, too
        sums = delivered()
        owned = of_dpkg(paths) | (paths & sums.keys())
        return owned, {path for path in owned & sums.keys() if is_changed(path, sums[path])}
    try:
        return of_rpm(paths)
    except (OSError, subprocess.SubprocessError):
        return None, set()


def origins(files: list[list[Any]], began: float, roots: list[str]) -> dict[str, tuple[str, bool]]:
    """Return where each file comes from, and whether it is a package's that was changed."""
    every: dict[str, tuple[str, bool]] = {}
    for path, changed, _ in files:
        if changed >= began:
            every[path] = ("restored" if is_below(path, roots) else "written", False)
        elif is_made(path):
            every[path] = ("system", False)
    rest = {path for path, *_ in files if path not in every}
    owned, altered = of_packages(rest)
    for path in rest:
        if owned is None:
            every[path] = ("unknown", False)
        elif path in altered or path not in owned:
            every[path] = ("neither", path in altered)
        else:
            every[path] = ("package", False)
    return every


def plain(text: str) -> str:
    """Return a path as it can be written anywhere; what a name hides is spelled out."""
    letters = (c if c.isprintable() else f"\\x{ord(c) & 0xFF:02x}" for c in text[:LONGEST])
    return "".join(letters)


def tell(request: Words) -> Words:
    """End what watches, and tell where the files come from that it has seen."""
    sight = control(request["socket"])
    every = origins(sight["files"], sight["began"], request["roots"])
    counts: dict[str, int] = {}
    for origin, _ in every.values():
        counts[origin] = counts.get(origin, 0) + 1
    lines, room = [], ROOM
    numbers = dict.fromkeys(MOST, 0)
    order = {origin: number for number, origin in enumerate(MOST)}
    for path, _, programs in sorted(
        sight["files"], key=lambda f: (order.get(every[f[0]][0], 9), f[0])
    ):
        origin, altered = every[path]
        entry = [plain(path), origin, [plain(each)[:100] for each in programs], altered]
        length = len(json.dumps(entry))
        if numbers.get(origin, 0) < MOST.get(origin, 0) and length <= room:
            numbers[origin] += 1
            room -= length
            lines.append(entry)
    for _ in range(50):
        if not is_there(request["socket"]):
            break
        time.sleep(0.05)
    keys = ("unkept", "gone", "overflow")
    return {
        "files": lines,
        "counts": counts,
        "unmarked": [plain(each) for each in sight["unmarked"][:20]],
        **{key: sight[key] for key in keys},
    }


def is_there(name: str) -> bool:
    """Tell whether what watches still listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        return connection.connect_ex(f"\0{name}") == 0


DOES: dict[str, Callable[[Words], Words]] = {"watch": watch, "read": tell}


def answer(itself: str, request: Words) -> Words:
    """Do what is asked, as root; where the login is not root, by sudo."""
    if os.geteuid() == 0:
        return DOES[request["do"]](request)
    if not itself:
        raise FileFaultError("root", "sudo")
    words = (*SUDO, sys.executable, "-I", "-S", "-c", ITSELF, "", json.dumps(request))
    text = f"{PASSWORD}\n# of root\n{itself}"  # sudo takes the first line, if it asks
    try:
        result = subprocess.run(
            words,
            input=text.encode(),
            capture_output=True,
            timeout=ASK,
            check=True,
            cwd="/",
            env={"PATH": PATH, "LC_ALL": "C"},
        )
        return dict(json.loads(result.stdout.rpartition(b"\n")[2]))
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise FileFaultError("root", "sudo") from error


def main(itself: str, words: str) -> None:
    """Print what came of it."""
    try:
        payload = answer(itself, json.loads(words))
    except FileFaultError as error:
        payload = {"fault": str(error.args[0]), "because": str(error.args[1])}
    except (OSError, ValueError, KeyError, subprocess.SubprocessError) as error:
        payload = {"fault": "refused", "because": f"{type(error).__name__}: {error}"}
    sys.stdout.write(f"\n{json.dumps(payload)}")  # what sudo or its modules say stands before


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Take stock of a standby; sent to it and run there, as root or as a login that may sudo.

Standard library only, Python 3.8 or later, never imported by pradrill. The first argument is this
script itself, for sudo; folders whose files are compared follow, and after an empty one the paths
that must be gone afterwards. Prints lines KIND, VALUE, NAME with tabs between (without a name: the
kind was looked at), or "!KIND" and why it cannot be seen, or not all of it. It reads files and
starts nothing where that will do: on a slow machine starting is what costs. What it prints is read
by domain/run/inventory_answers.py.
"""

from __future__ import annotations

import errno
import hmac
import os
import pwd
import socket
import stat
import struct
import subprocess
import sys
import zlib

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Callable, Iterator

LOOK, ASK = 20, 5  # seconds for each program, and for a database server's answer
MOST, LONGEST = 2_000, 200_000  # files that are compared, and bytes of all lines of a kind
ALL = 450_000  # bytes of all lines: of an answer that is cut nothing at all is known
LARGEST = 65_536  # bytes of a file whose content is compared, too
READ = 16_777_216  # bytes of any other, like keys and crontabs: a user's may never end
PASSWORD: str = globals().get("PASSWORD", "")  # given by who carries it out; never a word
SUDO = ("sudo", "-S", "-k", "-p", "") if PASSWORD else ("sudo", "-n")
JOBS = (
    *("/etc/crontab", "/etc/anacrontab", "/etc/cron.d", "/etc/cron.hourly", "/etc/cron.daily"),
    *("/etc/cron.weekly", "/etc/cron.monthly", "/var/spool/cron", "/var/spool/at"),
)
KEYS = ("authorized_keys", "authorized_keys2")
RIGHTS = ("/etc/sudoers", "/etc/sudoers.d", "/etc/ssh/authorized_keys", "/etc/ssh/sshd_config.d")
UNITS = ("/etc/systemd/system", "/usr/local/lib/systemd")
USER_UNITS = ("/etc/systemd/user", "/var/lib/systemd/linger")  # whose run on without a login
OF_USER = "/.config/systemd/user"  # in a home
OF_A_HOME = 500  # files and folders of a user's own units that are looked at
SETTINGS = (
    *("/etc/hosts", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/environment"),
    *("/etc/ld.so.preload", "/etc/rc.local", "/etc/modules-load.d", "/etc/sysctl.conf"),
    *("/etc/sysctl.d", "/etc/network", "/etc/netplan", "/etc/systemd/network"),
    "/etc/NetworkManager/system-connections",
)
SYSTEM = (
    *("/etc/fstab", "/etc/crypttab", "/etc/exports", "/etc/udev/rules.d", "/etc/modprobe.d"),
    *("/etc/pam.d", "/etc/security", "/etc/polkit-1/rules.d", "/etc/ssh/sshd_config"),
    *("/etc/profile", "/etc/profile.d", "/etc/bash.bashrc", "/etc/ld.so.conf.d", "/etc/hostname"),
    *("/etc/apt/sources.list", "/etc/apt/sources.list.d", "/etc/apt/trusted.gpg.d"),
    *("/etc/apt/keyrings", "/etc/yum.repos.d", "/etc/localtime", "/etc/timezone"),
    *("/usr/local/share/ca-certificates", "/etc/pki/ca-trust/source/anchors"),
    *("/usr/local/bin", "/usr/local/sbin"),
)
"""Who may enter, what starts, which programs and authorities are trusted."""
KERNEL = ("net/core", "net/ipv4", "vm")  # of these folders the files that lie in them
KERNEL_FILES = ("hostname", "domainname", "sem", "shmmax", "shmall", "shmmni", "core_pattern")
KERNEL_MOVES = ("available", "allowed")  # with the modules that are loaded
KERNEL_SECRETS = ("_key", "_seed")  # drawn when first needed, after each boot
SYSCTLS = ("net/ipv6", "net/bridge")  # more of them
LINKS = ("net/ipv4/conf", "net/ipv6/conf")  # a folder for each interface
BRIEF_LINKS = ("veth", "vnet", "tap", "cali", "br-")  # of containers and virtual machines
MOST_LINKS = 16  # beside all and default: the oldest, so that a new one takes nobody's place
LEARNT_SETTINGS = ("mtu", "hop_limit", "stable_secret")  # from a router; a secret
CONTAINERS = (
    *("/var/lib/docker/containers", "/var/lib/docker/volumes", "/var/lib/machines", "/var/lib/lxc"),
    *("/var/lib/containers/storage/overlay-containers", "/var/lib/containers/storage/volumes"),
)
MACHINES = "/etc/libvirt/qemu"
QUEUES = {
    "/var/spool/postfix": ("maildrop", "incoming", "active", "deferred", "hold"),
    "/var/spool/exim4": ("input",),
    "/var/spool/exim": ("input",),
    "/var/spool/mqueue": ("",),
    "/var/spool/mqueue-client": ("",),
    "/var/spool/clientmqueue": ("",),
    "/var/spool/nullmailer": ("queue",),
}
BODIES = ("-D", "-J")  # of Exim's mails, beside their heads
SENDMAIL, HEAD = "mqueue", "qf"  # what its folders end with, and a mail's head begins with
BLOCK, DEV = "/sys/block", "/dev"  # a container sees all devices of its host in the first alone
SNAPS = "/var/lib/snapd/"  # whose files come and go
MACHINE, DELETED = "/etc/machine-id", " (deleted)"
DPKG = "/var/lib/dpkg/status"
RPM = ("/var/lib/rpm", "/usr/lib/sysimage/rpm")
MARIADB = "/var/lib/mysql"
POSTGRESQL = ("/var/lib/postgresql", "/var/lib/pgsql")
ROUTING, NETFILTER = 0, 12  # protocols of netlink
DUMP, FAULT, DONE = 0x301, 2, 3  # what asks for all, an error, the end of an answer
NFT_GETTABLE, GET_ADDRESS, GET_ROUTE, GET_RULE = 0xA01, 22, 26, 34
MOST_MESSAGES = 20_000  # of one answer: a router may know the whole internet
SIZES: dict[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 16}  # bytes of an address
TEMPORARY, PERMANENT, OF_LINK = 0x01, 0x80, 253  # flags and the scope of an address
LEARNT = {1, 8, 9, *range(11, 16), 17, 42, *range(186, 193)}  # from neighbours, as by RA and BGP
KINDS_OF_ROUTE = {1: "", 6: "blackhole ", 7: "unreachable ", 8: "prohibit ", 9: "throw "}
CACHED, MAIN = 0x200, 254  # a flag of a route, a table
NOT_KNOWN = {errno.EOPNOTSUPP, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}  # to this kernel
LISTENING = "00010000"  # a Unix socket that somebody waits at
NO_DATABASES = ("lost+found", "#")
ASK_MARIADB = """
select 'folder', '', @@datadir;
select 'account', hex(concat(p.Priv, coalesce(group_concat(d.Db order by d.Db), ''))),
  concat(p.User, '@', p.Host)
  from mysql.global_priv p left join mysql.db d on d.User = p.User and d.Host = p.Host
  group by p.User, p.Host, p.Priv;
"""
ASK_MYSQL = """
select 'folder', '', @@datadir;
select 'account', hex(concat_ws(',', plugin, authentication_string, Super_priv, Grant_priv)),
  concat(User, '@', Host)
  from mysql.user;
"""
ASK_POSTGRESQL = """
select 'folder', '', current_setting('data_directory')
union all select 'database', oid::text, translate(datname, E'\\n\\t', '??') from pg_database
union all select 'account', encode(textsend(a::text), 'hex'), translate(rolname, E'\\n\\t', '??')
  from pg_authid a where rolname !~ '^pg_'
"""
"""Of what an account may, and its password, a digest alone leaves the machine. No line begins as an
import: remote_interpreter.py would take it for one."""
HOST_KEYS = tuple(f"/etc/ssh/ssh_host_{kind}_key" for kind in ("ed25519", "ecdsa", "rsa"))
BOOT = "/proc/sys/kernel/random/boot_id"  # recorded nowhere
UNREADABLE = (ValueError, LookupError, ArithmeticError, struct.error)  # what a line or answer is
SECRET: list[bytes] = []  # once it was read; it never leaves the machine
LENGTHS: dict[str, int] = {}  # kind → bytes of its lines
UNSEEN: set[str] = set()  # kinds of which it was said


def line(kind: str, value: str, name: str) -> bool:
    """Print one thing, and tell whether there was room; a line feed in its name is no end of it.

    A kind without end is cut, and said to be: the others are seen all the same.
    """
    name = name.replace("\n", "?")
    text = f"{kind}\t{value}\t{name}\n"
    length = len(text.encode(errors="backslashreplace"))
    LENGTHS[kind] = LENGTHS.get(kind, 0) + length
    if LENGTHS[kind] > LONGEST or sum(LENGTHS.values()) > ALL:
        LENGTHS[kind] -= length
        cannot(kind, f"there is more than can be told, from {name} on")
        return False
    sys.stdout.write(text)
    return True


def begin(kind: str) -> None:
    """Print that a kind was looked at, also where nothing of it is: older versions did not."""
    line(kind, "", "")


def cannot(kind: str, reason: object) -> None:
    """Print why a kind cannot be seen, the first time."""
    if kind not in UNSEEN:
        UNSEEN.add(kind)
        sys.stdout.write(f"!{kind}\t{reason}\n")


def why(error: OSError) -> str:
    """Return what an error says, after the path that it is about."""
    words = (error.strerror or str(error)).lower()
    return f"{error.filename}: {words}" if error.filename else words


def may_be_there(path: str) -> bool:
    """Tell whether something is there, or lies where this login cannot look."""
    try:
        os.stat(path)  # noqa: PTH116 pathlib costs time
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        pass
    return True


def lines_of(path: str) -> list[str]:
    """Return the lines of a file."""
    with open(path, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 pathlib costs time
        return file.read().split("\n")


def secret() -> bytes:
    """Return what makes digests tell nothing elsewhere: a key of the machine's, or of this boot's.

    Who may read no private key of the machine can compare until its next start.
    """
    for path in () if SECRET else (*HOST_KEYS, BOOT):
        try:
            with open(path, "rb") as file:  # noqa: PTH123 pathlib costs time
                SECRET.append(hmac.new(file.read(), b"pradrill inventory", "sha256").digest())
            break
        except OSError:
            if path == BOOT:
                raise
    return SECRET[0]


def digest(name: str, content: bytes) -> str:
    """Return what tells one content of a thing from another, after eight digits of its key.

    The same content has another one by another name: nobody learns whose passwords are alike.
    """
    text = name.encode(errors="surrogateescape") + b"\0" + content
    key, state = (hmac.new(secret(), each, "sha256").hexdigest() for each in (b"", text))
    return f"{key[:8]}~{state[:16]}"


def output_of(
    *words: str,
    within: float = LOOK,
    text: str = "",
    become: Callable[[], None] | None = None,
) -> str:
    """Return what a program prints; raises OSError or SubprocessError when it fails."""
    devnull = subprocess.DEVNULL
    result = subprocess.run(
        words,
        input=text.encode(),
        stdout=subprocess.PIPE,
        stderr=devnull,
        timeout=within,
        check=True,
        cwd="/",
        env={**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin:/usr/bin"},
        preexec_fn=become,
    )
    return result.stdout.decode("utf-8", "replace")


def accounts() -> None:
    """Print users with ids, home, shell and the password's digest, groups with their members."""
    passwords = {}
    if os.geteuid() == 0 and os.path.exists("/etc/shadow"):  # noqa: PTH110 pathlib costs time
        shadows = (each.split(":") for each in lines_of("/etc/shadow"))
        passwords = {each[0]: each[1] for each in shadows if each[1:]}
    for fields in (each.split(":") for each in lines_of("/etc/passwd")):
        if len(fields) > 6:  # noqa: PLR2004 seven fields
            name, password, *ids = fields[:4]
            state = digest(name, f"{password}:{passwords.get(name, '')}".encode())
            line("user", ":".join((*ids, *fields[5:7], state)), name)
    for fields in (each.split(":") for each in lines_of("/etc/group")):
        if len(fields) > 3:  # noqa: PLR2004 four fields
            line("group", ":".join(fields[2:4]), fields[0])


def keys() -> None:
    """Print files of keys that open a login, and of what sudo grants, with their digests."""
    if os.geteuid() != 0:
        cannot("key", "only root sees the keys of others")
    paths = [f"{home.rstrip('/')}/.ssh/{name}" for home in sorted(homes()) for name in KEYS]
    for path in (*paths, *(each for top in RIGHTS for each in files_below(top))):
        try:
            is_file = stat.S_ISREG(os.stat(path).st_mode)  # noqa: PTH116 pathlib costs time
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            cannot("key", f"{path}: {error.strerror}")
            continue
        content = content_of(path)
        if is_file and content:
            line("key", content, path)
        elif is_file:
            cannot("key", f"{path} cannot be read")


def packages() -> None:
    """Print packages with what became of them, as dpkg-query abbreviates it."""
    if not os.path.exists(DPKG):  # noqa: PTH110 pathlib costs time
        if not any(os.path.isdir(each) and os.listdir(each) for each in RPM):  # noqa: PTH112, PTH208
            raise FileNotFoundError(errno.ENOENT, "no list of packages", DPKG)  # rpm makes one
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
        status = os.fstat(file)
        most = READ if status.st_size > READ else -1  # the kernel's own files bear no large read
        return digest(path, content.read(most)) if stat.S_ISREG(status.st_mode) else ""


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


def user_units() -> None:
    """Print files of units that users start, and who has them without a login."""
    begin("user_unit")
    for path in (each for top in USER_UNITS for each in files_below(top)):
        line("user_unit", "", path)
    for home in sorted(homes()):
        units_below(home)


def units_below(home: str) -> None:
    """Print a user's own units: root is led nowhere else by a link, and looks at so many."""
    top = f"{home.rstrip('/')}{OF_USER}"
    if os.path.realpath(top) != os.path.realpath(home).rstrip("/") + OF_USER:
        if os.path.isdir(top):  # noqa: PTH112 pathlib costs time
            cannot("user_unit", f"{top} leads elsewhere by a link")
        return

    count = 0
    for folder, _, names in os.walk(top):
        count += 1 + len(names)
        if count > OF_A_HOME:
            cannot("user_unit", f"there are more than {OF_A_HOME} below {top}")
            return
        for name in names:
            line("user_unit", "", f"{folder}/{name}")


def homes() -> set[str]:
    """Return the folders of all users."""
    return {each.split(":")[5] for each in lines_of("/etc/passwd") if each.count(":") > 5}  # noqa: PLR2004 seven fields


def settings() -> None:
    """Print what says how the machine finds others and how it boots, and the kernel's settings."""
    begin("setting")
    for path in (each for top in SETTINGS for each in files_below(top)):
        line("setting", content_of(path), path)
    paths = [f"{top}/{name}" for top in KERNEL for name in sorted(names_in(f"/proc/sys/{top}"))]
    for path in (*paths, *(f"kernel/{name}" for name in KERNEL_FILES)):
        if not (path.endswith(KERNEL_SECRETS) or any(each in path for each in KERNEL_MOVES)):
            line("setting", content_of(f"/proc/sys/{path}"), path.replace("/", "."))


def system() -> None:
    """Print what else says who may enter, what starts and what is trusted."""
    begin("system")
    for path in (each for top in SYSTEM for each in files_below(top)):
        line("system", state_of(path), path)


def devices() -> None:
    """Print files that are devices, volumes that are open, and where is swapped."""
    begin("device")
    for name in folders_in(BLOCK):
        if not os.path.exists(f"{DEV}/{name.replace('!', '/')}"):  # noqa: PTH110 pathlib costs time
            continue
        for file in ("loop/backing_file", "dm/name"):
            try:
                content = lines_of(f"{BLOCK}/{name}/{file}")[0]
            except OSError:  # it is none
                continue
            if not content.startswith(SNAPS):
                line("device", "", content)
    for path in (each.split(None, 1)[0] for each in lines_of("/proc/swaps")[1:] if each.strip()):
        if not path.startswith("/dev/") or os.path.exists(path):  # noqa: PTH110
            line("device", "", f"{path} (swap)")


def containers() -> None:
    """Print containers and volumes of engines, running or not, and virtual machines."""
    begin("container")
    if os.geteuid() != 0:
        if any(map(may_be_there, (*CONTAINERS, MACHINES))):
            cannot("container", "only root sees them")
        return
    for top in CONTAINERS:
        for name in folders_in(top):
            line("container", "", f"{top}/{name}")
    for name in sorted(names_in(MACHINES)):
        line("container", "", f"{MACHINES}/{name}")


def mails() -> None:
    """Print mail that waits in a queue of this machine: it goes out once the way is open."""
    begin("mail")
    if os.geteuid() != 0:
        if any(map(may_be_there, QUEUES)):
            cannot("mail", "only root sees what waits")
        return
    waiting = {
        (top, path.rpartition("/")[2])
        for top in QUEUES
        for folder in QUEUES[top]
        for path in files_below(f"{top}/{folder}")
    }
    names = sorted(
        f"{name} in {top}"
        for top, name in waiting
        if (name.startswith(HEAD) if top.endswith(SENDMAIL) else not name.endswith(BODIES))
    )
    if len(names) > MOST:
        cannot("mail", f"more than {MOST} wait")
        return
    for name in names:
        line("mail", "", name)


def open_files(*roots: str) -> None:
    """Print what processes of this machine hold of paths that must be gone, and who does."""
    begin("open_file")
    if not roots:
        return
    if os.geteuid() != 0:
        cannot("open_file", "only root sees what others hold")
    tops = {
        (f"{path.rstrip('/')}/", each.rstrip("/"))
        for each in roots
        for path in (each, os.path.realpath(each))
    }
    for pid in filter(str.isdigit, folders_in("/proc")):
        try:
            links = {f"{each.replace(DELETED, '')}/" for each in held_by(pid)}
            below = {
                f"{declared}/{each[len(top) :]}".rstrip("/")
                for each in links
                for top, declared in tops
                if each.startswith(top)
            }
            if below and is_here(pid):
                name = lines_of(f"/proc/{pid}/comm")[0]
                for each in sorted(below):
                    line("open_file", "", f"{each}, held by {name}")
        except PermissionError as error:
            if pid != "1":  # it opens no data, and may be a container engine's
                cannot("open_file", why(error))
        except OSError:  # it has ended
            continue


def held_by(pid: str) -> set[str]:
    """Return what a process holds; what it closes meanwhile is none of it."""
    links = ["exe", "cwd", "root", *(f"fd/{each}" for each in os.listdir(f"/proc/{pid}/fd"))]  # noqa: PTH208 as above
    paths = set()
    for each in links:
        try:
            paths.add(os.readlink(f"/proc/{pid}/{each}"))  # noqa: PTH115 quick
        except PermissionError:
            raise
        except OSError:
            continue
    return paths


def is_here(pid: str) -> bool:
    """Tell whether a process sees this machine's files, and not a container's of the same names."""
    if os.path.samefile(f"/proc/{pid}/ns/mnt", "/proc/self/ns/mnt"):  # noqa: PTH121
        return True
    return os.path.samefile(f"/proc/{pid}/root{MACHINE}", MACHINE)  # noqa: PTH121


def routes() -> None:
    """Print the routes of IPv4, as the kernel has them."""
    begin("route")
    for fields in (each.split() for each in lines_of("/proc/net/route")[1:]):
        if len(fields) > 7:  # noqa: PLR2004 link, to, by, ..., mask
            to, by, mask = (address_of(fields[place]) for place in (1, 2, 7))
            line("route", "", f"{to}/{mask} via {by} dev {fields[0]}")


def address_of(number: str) -> str:
    """Return an address as people write it: the kernel tells its bytes as they lie in memory."""
    return socket.inet_ntoa(struct.pack("=I", int(number, 16)))


def sysctls() -> None:
    """Print the kernel's settings of IPv6, of bridges and of each interface, as they are."""
    begin("sysctl")
    lasting = sorted(each for each in socket.if_nameindex() if not each[1].startswith(BRIEF_LINKS))
    names = ("all", "default", *(name for _, name in lasting[:MOST_LINKS]))
    for top in (*SYSCTLS, *(f"{top}/{name}" for top in LINKS for name in names)):
        for name in sorted(names_in(f"/proc/sys/{top}")):
            if name not in LEARNT_SETTINGS and not name.endswith(KERNEL_SECRETS):
                line("sysctl", setting(f"{top}/{name}"), f"{top}/{name}".replace("/", "."))


def setting(path: str) -> str:
    """Return a setting of the kernel; nothing of one that cannot be read."""
    try:
        return " ".join(" ".join(lines_of(f"/proc/sys/{path}")).split())
    except OSError:
        return ""


def messages(protocol: int, kind: int, family: int = 0) -> Iterator[bytes]:
    """Yield what the kernel answers, message by message; raises OSError, ValueError of too many."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as kernel:
        kernel.settimeout(ASK)
        kernel.send(struct.pack("=IHHIIB3x", 20, kind, DUMP, 1, 0, family))
        count = 0
        while count < MOST_MESSAGES:
            answer = kernel.recv(65_536)
            while answer:
                length, what = struct.unpack_from("=IH", answer)
                if what == DONE:
                    return
                if what == FAULT:
                    code = -struct.unpack_from("=i", answer, 16)[0]
                    raise OSError(code, os.strerror(code), "netlink")
                count += 1
                if count > MOST_MESSAGES:
                    break
                yield answer[16:length]
                answer = answer[length + 3 & ~3 :]
    raise ValueError(f"there are more than {MOST_MESSAGES}")


def answers(kind: int, size: int) -> Iterator[tuple[bytes, dict[int, bytes]]]:
    """Yield addresses, routes or rules of both families: `size` bytes, and the attributes."""
    for family in SIZES:
        try:
            for message in messages(ROUTING, kind, family):
                rest, attributes = message[size:], {}
                while len(rest) > 3:  # noqa: PLR2004 length and kind
                    length, what = struct.unpack_from("=HH", rest)
                    attributes[what] = rest[4:length]
                    rest = rest[max(length, 4) + 3 & ~3 :]
                if message[0] == family:
                    yield message[:size], attributes
        except OSError as error:
            if error.errno not in NOT_KNOWN:
                raise


def network(family: int, address: bytes | None, bits: int) -> str:
    """Return an address with its bits, as people write it; without one every address."""
    return f"{socket.inet_ntop(family, address or bytes(SIZES[family]))}/{bits}"


def number_in(attributes: dict[int, bytes], what: int) -> int:
    """Return a number of an attribute; nought where it is not given."""
    return int.from_bytes(attributes.get(what, b"")[:4], sys.byteorder)


def link(number: int) -> str:
    """Return an interface's name, or its number when it has gone."""
    try:
        return socket.if_indextoname(number)
    except OSError:
        return str(number)


def addresses() -> None:
    """Print addresses that were given for good: no leases, nothing of a link's own."""
    begin("address")
    for (family, bits, short, scope, *index), attributes in answers(GET_ADDRESS, 8):
        flags = number_in(attributes, 8) or short
        if scope != OF_LINK and flags & PERMANENT and not flags & TEMPORARY:
            name = network(family, attributes.get(2) or attributes.get(1), bits)
            place = link(int.from_bytes(bytes(index), sys.byteorder))
            line("address", "", f"{name} dev {place}")


def routing() -> None:
    """Print routes of IPv6, those of IPv4 in tables that routes() does not see, and rules."""
    begin("routing")
    for (family, bits, _, _, low, origin, _, kind, *flags), attributes in answers(GET_ROUTE, 12):
        table, to, by = number_in(attributes, 15) or low, attributes.get(1), attributes.get(5)
        is_cached = int.from_bytes(bytes(flags), sys.byteorder) & CACHED
        if is_cached or origin in LEARNT or any(attributes.get(12, b"")[8:12]):  # it expires
            continue
        is_seen = family == socket.AF_INET and table == MAIN
        is_of_link = family == socket.AF_INET6 and not by and (to or b"")[:1] in {b"\xfe", b"\xff"}
        if kind in KINDS_OF_ROUTE and not is_seen and not is_of_link:
            words = f"{KINDS_OF_ROUTE[kind]}{network(family, to, bits)}"
            words += f" via {socket.inet_ntop(family, by)}" if by else ""
            words += f" dev {link(number_in(attributes, 4))}" if 4 in attributes else ""  # noqa: PLR2004 of its way out
            words += f" table {table}" if table != MAIN else ""
            line("routing", "", words)

    for (family, to_bits, from_bits, _, low, _, _, action, *_), attributes in answers(GET_RULE, 12):
        words = f"from {network(family, attributes.get(2), from_bits)}"
        words += f" to {network(family, attributes.get(1), to_bits)}"
        words += f" mark {number_in(attributes, 10):#x}" if 10 in attributes else ""  # noqa: PLR2004 of packets
        for number, where in ((3, "in"), (17, "out")):
            place = attributes.get(number, b"").rstrip(b"\0").decode(errors="replace")
            words += f" {where} {place}" if place else ""
        words += f" action {action} table {number_in(attributes, 15) or low}"
        line("routing", "", f"rule {number_in(attributes, 6)}: {words}")


def names_in(path: str) -> list[str]:
    """Return the names of the files in a folder that can be read; none where there is none."""
    try:
        with os.scandir(path) as entries:
            return [each.name for each in entries if each.is_file(follow_symlinks=False)]
    except FileNotFoundError:
        return []


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


def folders_in(path: str) -> list[str]:
    """Return the names of the folders in a folder; none where there is none."""
    try:
        with os.scandir(path) as entries:
            return sorted(each.name for each in entries if each.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def listening() -> list[str]:
    """Return the paths of Unix sockets at which somebody waits, each once."""
    fields = (each.split(None, 7) for each in lines_of("/proc/net/unix"))
    return sorted({each[7] for each in fields if len(each) > 7 and each[3] == LISTENING})  # noqa: PLR2004 the path is the eighth


def databases() -> None:
    """Print databases and accounts of the servers here; of one that does not run, its folders.

    No server, nothing started: whether one runs, its socket tells.
    """
    waiting = [(os.path.basename(path), path) for path in listening()]  # noqa: PTH119 as above
    mariadb = [path for name, path in waiting if name in {"mysqld.sock", "mysql.sock"}]
    postgresql = [path for name, path in waiting if name.startswith(".s.PGSQL.")]
    clusters = [path for top in POSTGRESQL for path in clusters_below(top)]
    there = bool(folders_in(MARIADB)) if os.geteuid() == 0 else os.path.exists(MARIADB)  # noqa: PTH110
    if os.geteuid() != 0:
        if mariadb or postgresql or there or any(map(folders_in, POSTGRESQL)):
            cannot("database", "only root sees the databases")
            cannot("account", "only root sees the accounts of databases")
        return

    mariadbs = [ask_mariadb(path) for path in mariadb]  # None: it gave no answer
    postgresqls = [ask_postgresql(path) for path in postgresql]
    if there and not mariadbs:
        line("stopped", "", MARIADB)
    for folder in sorted({*filter(None, mariadbs), *([MARIADB] if there else [])}):
        mariadb_databases(folder)
    for folder in clusters if None not in postgresqls else ():
        if folder not in postgresqls:
            line("stopped", "", folder)
            for number in folders_in(f"{folder}/base"):
                line("database", number, f"{number} ({folder})")


def clusters_below(top: str) -> list[str]:
    """Return PostgreSQL's data folders, where Debian and Red Hat have them."""
    paths = [f"{top}/{one}" for one in folders_in(top)]
    paths += [f"{path}/{other}" for path in paths for other in folders_in(path)]
    return [path for path in paths if os.path.exists(f"{path}/PG_VERSION")]  # noqa: PTH110


def mariadb_databases(folder: str) -> None:
    """Print MariaDB's databases: each is a folder, whether it runs or not."""
    for name in folders_in(folder):
        if not name.startswith(NO_DATABASES):
            line("database", "", f"{decoded(name)} ({folder})")


def decoded(name: str) -> str:
    """Return a database's name as people write it: @002d is a hyphen."""
    first, *others = name.split("@")
    for each in others:
        try:
            first += chr(int(each[:4], 16)) + each[4:]
        except ValueError:
            first += f"@{each}"
    return first


def ask_mariadb(path: str) -> str | None:
    """Print the accounts of a server that runs, and return its data folder; None: no answer."""
    for client in ("mariadb", "mysql"):
        for sql in (ASK_MARIADB, ASK_MYSQL):
            try:
                return answered(output_of(client, f"--socket={path}", "-NBe", sql, within=ASK))
            except FileNotFoundError:
                break
            except (OSError, subprocess.SubprocessError, IndexError):
                continue

    cannot("account", f"the server at {path} does not answer root")
    return None


def ask_postgresql(path: str) -> str | None:
    """Print databases and roles of a cluster that runs, asked as its owner; return its folder."""
    where, _, port = path.rpartition("/.s.PGSQL.")
    words = ("psql", "-XAtq", "-F\t", f"-h{where}", f"-p{port}", "-dpostgres", "-c", ASK_POSTGRESQL)
    try:
        owner = pwd.getpwuid(os.stat(path).st_uid)  # noqa: PTH116 as above

        def become() -> None:
            os.setgroups([])
            os.setgid(owner.pw_gid)
            os.setuid(owner.pw_uid)

        return answered(output_of(*words, f"-U{owner.pw_name}", within=ASK, become=become))
    except (OSError, subprocess.SubprocessError, LookupError):
        for kind in ("database", "account"):
            cannot(kind, f"the server at {path} does not answer its owner")
        return None


def answered(answer: str) -> str:
    """Print what a server tells of itself, and return its data folder, which comes first."""
    lines = [each.split("\t", 2) for each in answer.splitlines()]
    folder = lines[0][2].rstrip("/")
    for kind, value, name in lines[1:]:
        name = f"{name} ({folder})"  # noqa: PLW2901 that of its server's
        line(kind, digest(name, value.encode()) if kind == "account" else value, name)
    return folder


def firewall() -> None:
    """Print the chains of packet filters, with what tells one content from another: no counters.

    Nothing is started where the kernel has none.
    """
    if os.geteuid() != 0:
        cannot("firewall", "only root sees it")
        return

    legacy = [
        program
        for program, path in (
            ("iptables-save", "/proc/net/ip_tables_names"),
            ("ip6tables-save", "/proc/net/ip6_tables_names"),
        )
        if os.path.exists(path) and any(lines_of(path))  # noqa: PTH110
    ]
    for program in legacy:
        chains_of(program, output_of(program))
    if has_nft():
        nft_chains(output_of("nft", "-s", "list", "ruleset"))


def has_nft() -> bool:
    """Tell whether the kernel has a table of nftables; nft itself takes long to start."""
    try:
        return any(messages(NETFILTER, NFT_GETTABLE))
    except PermissionError:
        raise
    except OSError:  # it has no netfilter at all
        return False


def chains_of(program: str, answer: str) -> None:
    """Print the chains that iptables-save tells of."""
    family = program[: -len("tables-save")]
    chains: dict[str, str] = {}
    table = ""
    for each in answer.split("\n"):
        words = each.split()
        if each.startswith("*"):
            table = each[1:]
        elif each.startswith((":", "-A ")):  # :NAME POLICY [packets:bytes], -A NAME rule
            name = words[0][1:] if each[0] == ":" else words[1]
            rule = words[1] if each[0] == ":" else each
            chains[name] = chains.get(name, "") + rule
        elif each == "COMMIT":
            for name, rules in chains.items():
                line("firewall", f"{zlib.crc32(rules.encode()):x}", f"{family} {table} {name}")
            chains = {}


def nft_chains(answer: str) -> None:
    """Print the tables and chains that nft tells of, and its sets, whose elements come and go."""
    table = name = ""
    rules: list[str] = []
    for each in answer.split("\n"):
        words = each.split()
        if each.startswith("table "):
            table = " ".join(words[1:-1])
            line("firewall", "", table)
        elif each[:1] == "\t" and each[1:2] not in {"\t", "}", ""}:
            name, rules = " ".join(words[:-1]), []
        elif each == "\t}":
            content = "".join(rules).encode() if name.startswith("chain ") else b""
            line("firewall", f"{zlib.crc32(content):x}", f"{table} {name}")
        else:
            rules.append(each)


def files(*roots: str) -> None:
    """Print the files below declared folders with their state, in an order that stays."""

    def refuse(error: OSError) -> None:
        if not isinstance(error, FileNotFoundError):
            cannot("file", why(error))

    count = 0
    for root in roots:
        if not os.path.isdir(root) and os.path.lexists(root):  # noqa: PTH112 as above
            line("file", state_of(root), root)
        for folder, folders, names in os.walk(root, onerror=refuse):
            links = [each for each in folders if os.path.islink(f"{folder}/{each}")]  # noqa: PTH114
            folders.sort()
            for name in sorted((*names, *links)):
                path = f"{folder}/{name}"
                count += 1
                if count > MOST:
                    cannot("file", f"there are more than {MOST} below {', '.join(roots)}")
                if count > MOST or not line("file", state_of(path), path):
                    return


def state_of(path: str) -> str:
    """Return a file's size, rights and owners, and its content's digest; nothing of one gone."""
    try:
        status = os.lstat(path)
        parts = [str(status.st_size), f"{status.st_mode:o}", str(status.st_uid), str(status.st_gid)]
        if stat.S_ISLNK(status.st_mode):
            parts.append(f"{zlib.crc32(os.readlink(path).encode(errors='surrogateescape')):x}")  # noqa: PTH115 as above
        elif stat.S_ISREG(status.st_mode) and status.st_size <= LARGEST:
            parts.append(content_of(path))
        return ":".join(parts)
    except OSError:
        return ""


LOOKS = {
    "user": accounts,
    "key": keys,
    "package": packages,
    "cron": jobs,
    "unit": units,
    "user_unit": user_units,
    "setting": settings,
    "system": system,
    "device": devices,
    "container": containers,
    "mail": mails,
    "route": routes,
    "sysctl": sysctls,
    "address": addresses,
    "routing": routing,
    "mount": mounts,
    "socket": sockets,
    "database": databases,
    "firewall": firewall,
}


def main(itself: str, *roots: str) -> None:
    """Look at each kind; what one look cannot see hinders no other."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # names are bytes
    if os.geteuid() != 0 and itself:
        try:
            words = (*SUDO, sys.executable, "-I", "-S", "-c", itself, "", *roots)
            sys.stdout.write(output_of(*words, text=f"{PASSWORD}\n"))
        except (OSError, subprocess.SubprocessError):
            pass  # it sees less, and says so
        else:
            return

    end = roots.index("") if "" in roots else len(roots)
    below, absent = roots[:end], roots[end + 1 :]
    looks: dict[str, Callable[[], None]] = {**LOOKS, "file": lambda: files(*below)}
    looks["open_file"] = lambda: open_files(*absent)
    for kind, look in looks.items():
        try:
            look()
        except FileNotFoundError as error:
            cannot(kind, f"{error.filename} is not there")
        except OSError as error:
            cannot(kind, why(error))
        except (*UNREADABLE, subprocess.SubprocessError) as error:
            cannot(kind, error)


if __name__ == "__main__":
    main(*sys.argv[1:])

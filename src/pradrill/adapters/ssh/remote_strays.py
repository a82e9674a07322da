"""Find and end what a run has started; sent to the standby and run there.

Standard library only, Python 3.8 or later, never imported by pradrill. One argument, JSON: the
name of the `mark` in environments, the `run`, `since` (seconds since boot when the host was looked
at before anything was changed; null: not known), `boot` (which boot that was), `daemons` (the
names of those that ran then, each as often: one that the run has only started anew is left alone,
one more of that name is not; below a keeper with that one's name before it) and `commands`: whether
only commands are ended whose shell still runs, with all below them, and not what they have put into
the background, unless it is `younger` than so many seconds.

With `all` it only tells what carries the `mark` of any run, as [run, pid, name, start] in `marked`.
With `before` it only tells the `uptime`, the `boot` and the names of the `daemons` as they are now.

Prints one JSON object, each process as [pid, name, start]: `ours` (of the run, and told to end),
`stayed` (of those, what still runs) and `others`: new, not of the run as far as is seen, of no
service, of no scheduler whose jobs nobody has touched, and of no login that lasts. Those are told
only; what was there before is not even told.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter

from pradrill.adapters.ssh.remote_looks.crontabs import CRONTABS

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from typing import Any

    Seen = Any  # a dictionary of pid → its words; Python 3.8 cannot say so outside annotations

PASSWORD: str = globals().get("PASSWORD", "")  # given by who carries it out; never a word
SUDO = ("sudo", "-S", "-k", "-p", "") if PASSWORD else ("sudo", "-n")
PROC = "/proc"
MACHINE = "/etc/machine-id"
KERNEL_THREAD = 0x00200000  # PF_KTHREAD, of the flags in /proc/PID/stat
TICKS = os.sysconf("SC_CLK_TCK")  # a second, of a process's start
FOREVER = float("inf")
RUN = "/run/user"
UNITS = "/run/systemd/units"  # of each unit that systemd has begun, a link; not in old versions
SESSION = re.compile(
    rb"/user-([0-9]+)\.slice/(?:session-|user@[0-9]+\.service/(?:[^/\n]+/)*tmux-spawn-)"
    rb"[^/\n]*\.scope"
)
"""A login, and a window of its tmux, which has itself put there by its user's systemd."""
OF_AT = {"atjobs", "atspool"}  # beside cron's tables: they change as at carries out its jobs
LONGEST = 10  # digits of a process's number; Python reads no thousands of them
TICK = 0.05  # seconds between two looks
SCHEDULERS = ("cron", "crond", "cronie", "anacron", "atd")
KEEPERS = frozenset(
    {
        *("tmux: server", "screen", "dtach", "abduco", "zellij"),
        *("supervisord", "circusd", "runsvdir", "runsv", "s6-svscan", "s6-supervise", "svscan"),
        *("supervise", "incrond", "pueued", "tsp"),
    }
)
"""Programs that begin by themselves what a command asks them for, and wait for it."""
FOR_OTHERS = frozenset(f"{each}.service".encode() for each in (*SCHEDULERS, "ssh", "sshd"))
OF_CRON = [[f"{each}.service".encode()] for each in SCHEDULERS if each != "atd"]
OF_A_LOGIN = (b"ssh@", b"sshd@")
OF_A_CONSOLE = {"", "/bin/login", "/usr/bin/login"}
"""Services that carry out what others want, and keep it beside them; jobs of systemd-cron, whose
units begin with `cron-`, are services like any other."""
JOBS = (*CRONTABS, "/var/spool/cron/crontabs", "/var/spool/cron/tabs")
"""Where cron's jobs are: a folder changes with each that comes or goes, a file with its words."""
QUEUED = ("/var/spool/cron/atjobs/.SEQ", "/var/spool/at/.SEQ")
"""At's counts of jobs: one changes with each that somebody queues, and with none that begins."""
BOOT = "/proc/sys/kernel/random/boot_id"  # what it is does not leave the machine
SHIM = "containerd-shim"  # keeps a container: one more than before is one more of those
POLITE, PATIENT = 30, 60  # looks until KILL, and until giving up
AGAIN = 10  # looks between two signals


def read(pid: int, name: str) -> bytes:
    """Return one of a process's files; nothing of one that is gone or not to be seen."""
    try:
        with open(f"{PROC}/{pid}/{name}", "rb") as file:  # noqa: PTH123 quick: hundreds of them
            return file.read()
    except OSError:
        return b""


def process(pid: int, request: Seen) -> Seen | None:
    """Return what is to be known of a process; None of one that is gone, or as good as."""
    head, _, tail = read(pid, "stat").rpartition(b")")
    words = tail.split()
    if not words or words[0] in {b"Z", b"X"} or int(words[6]) & KERNEL_THREAD:
        return None

    marking = f"{request['mark']}={request['run']}:".encode()
    marks = [each for each in read(pid, "environ").split(b"\0") if each.startswith(marking)]
    leader = marks[0][len(marking) :] if marks else b""

    return {
        "name": head.partition(b"(")[2].decode("utf-8", "replace"),
        "parent": int(words[1]),
        "session": int(words[3]),
        "start": int(words[19]),
        "of": int(leader) if leader.isdigit() and len(leader) <= LONGEST else None,
    }


def uptime() -> float:
    """Return the seconds since the boot, by the clock that a process's start is told by.

    /proc/uptime may be another one's: LXC has a container's there, beside starts since its host's.
    """
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def boot() -> float:
    """Return when the machine was booted by its clock as it is now, in seconds since 1970."""
    return time.time() - uptime()


def this_boot() -> str:
    """Return what tells this boot from every other one."""
    with open(BOOT, "rb") as file:  # noqa: PTH123
        return hashlib.sha256(b"pradrill" + file.read()).hexdigest()[:16]


def of_this_boot(request: Seen) -> Seen:
    """Return a request as it is for this boot: since another one everything is new."""
    if request["since"] is None or request["boot"] in {"", this_boot()}:
        return request
    return {**request, "since": 0.0}


def look(request: Seen) -> Seen:
    """Return every process, but for the kernel's and dead ones."""
    pids = [int(name) for name in os.listdir(PROC) if name.isdigit()]  # noqa: PTH208
    processes = {pid: process(pid, request) for pid in pids}
    return {pid: words for pid, words in processes.items() if words is not None}


def above(pid: int, processes: Seen) -> list[int]:
    """Return a process's ancestors, the nearest first."""
    ancestors: dict[int, None] = {}  # in order; what calls itself without end lies deep
    while pid in processes:
        pid = processes[pid]["parent"]
        if pid == 0 or pid in ancestors:
            break
        ancestors[pid] = None
    return list(ancestors)


def ours(request: Seen, processes: Seen) -> list[int]:
    """Return the run's processes: those that carry its mark, all below them, their sessions.

    A command's first process carries its own pid in its mark.
    """
    first = {pid for pid, words in processes.items() if words["of"] == pid}
    since = uptime() - request["younger"] if request["commands"] else 0.0
    roots = first | {
        pid
        for pid, words in processes.items()
        if words["of"] is not None and words["start"] >= since * TICKS
    }
    spared = {os.getpid(), *above(os.getpid(), processes), *daemons(request, processes)}

    def is_ours(pid: int) -> bool:
        in_session = processes[pid]["session"] in first
        return pid in roots or in_session or not roots.isdisjoint(above(pid, processes))

    return [pid for pid in processes if pid not in spared and is_ours(pid)]


def daemons(request: Seen, processes: Seen) -> set[int]:
    """Return the daemons of names that ran before anything was changed: as many, the oldest.

    Whatever takes such a name can be one that was started anew; one more than there were is not.
    """
    mounts = mounts_of(processes, FOREVER if request["since"] is None else request["since"])
    counts = Counter(request["daemons"])
    spared: set[int] = set()
    for pid in sorted(processes, key=lambda pid: int(processes[pid]["start"])):
        name = daemon_name(pid, processes)
        if counts[name] and not elsewhere(pid, mounts):
            counts[name] -= 1
            spared.add(pid)
    return spared


def daemon_name(pid: int, processes: Seen) -> str:
    """Return the name of what the first process or a keeper answers for; nothing of any other."""
    name, keeper = str(processes[pid]["name"]), keeper_of(pid, processes)
    if keeper:
        return f"{keeper}/{name}"
    return name if is_orphan(pid, processes) else ""


def is_orphan(pid: int, processes: Seen) -> bool:
    """Tell whether the first process answers for it, or the one that is a user's first."""
    parent = processes[pid]["parent"]
    if parent in {0, 1}:
        return True
    is_systemd = parent in processes and processes[parent]["name"] == "systemd"
    return is_systemd and is_of_manager(parent) and is_here(parent)


def is_of_manager(pid: int) -> bool:
    """Tell whether it is systemd itself, or what that one keeps beside it."""
    return read(pid, "cgroup").strip().endswith(b"/init.scope")


def keeper_of(pid: int, processes: Seen) -> str:
    """Return the name of the keeper that a process is directly below; nothing of any other."""
    parent = processes[pid]["parent"]
    if parent not in processes or processes[parent]["name"] not in KEEPERS:
        return ""
    return str(processes[parent]["name"]) if is_here(parent) else ""


def is_here(pid: int) -> bool:
    """Tell whether what begins programs is this machine's own, as far as that is seen.

    A container's systemd or supervisor begins its own anew; of a new one it is seen what keeps it.
    """
    return namespace(pid, "mnt") in {None, namespace("self", "mnt")}


def send(pids: list[int], number: int) -> None:
    """Send a signal; to what another user runs by sudo."""
    refused = []
    for pid in pids:
        try:
            os.kill(pid, number)
        except PermissionError:
            refused.append(str(pid))
        except ProcessLookupError:
            continue

    if refused:
        try:
            subprocess.run(
                [*SUDO, "kill", f"-{number}", *refused],
                input=f"{PASSWORD}\n".encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=5,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return


def end(request: Seen) -> tuple[Seen, list[int]]:
    """End the run's processes, politely and then not; return them, and which stayed.

    One that was seen once stays on the list when the one above it has gone.
    """
    ending: Seen = {}
    for tick in range(PATIENT + 1):
        processes = look(request)
        ending.update(
            {pid: processes[pid] for pid in ours(request, processes) if pid not in ending}
        )
        stayed = [
            p for p in ending if p in processes and processes[p]["start"] == ending[p]["start"]
        ]
        if not stayed:
            break

        if tick % AGAIN == 0:
            send(stayed, signal.SIGTERM if tick < POLITE else signal.SIGKILL)
        time.sleep(TICK)

    return ending, stayed


def units_of(pid: int) -> list[bytes]:
    """Return the services that systemd has it in, from outside to inside."""
    words = read(pid, "cgroup").strip().replace(b"\n", b"/").split(b"/")
    return [each for each in words if each.endswith(b".service")]


def in_service(pid: int, name: str) -> bool:
    """Tell whether systemd has it in a service: those are compared by themselves.

    Of what others had started by a service, only what keeps it is: the rest is nobody's service.
    """
    units = units_of(pid)
    managers = [each for each in units if each.startswith(b"user@")]
    if managers:
        return is_of_manager(pid) or is_written(managers[0], units[-1])
    if name.startswith(SHIM):
        return False
    if any(each in FOR_OTHERS or each.startswith(OF_A_LOGIN) for each in units):
        return is_scheduler(pid, name)
    return any(map(has_begun, units))


def has_begun(unit: bytes) -> bool:
    """Tell whether systemd has begun a unit: whoever is root makes a group of any name."""
    link = os.path.join(os.fsencode(UNITS), b"invocation:" + unit)  # noqa: PTH118 bytes
    return os.path.lexists(link) or not os.path.isdir(UNITS)  # noqa: PTH112


def is_anothers_login(pid: int) -> bool:
    """Tell whether it belongs to a session of another user's than the one that this login has."""
    here, there = (SESSION.search(read(each, "cgroup")) for each in (os.getpid(), pid))
    return here is not None and there is not None and here[1] != there[1]


def is_scheduler(pid: int, name: str) -> bool:
    """Tell whether it is what the service itself is, and nobody's job: anacron is begun anew.

    Of another user's a login that is not root sees the name alone.
    """
    folders = ("/usr/sbin", "/usr/bin", "/sbin", "/bin")
    return name in SCHEDULERS and program(pid) in {"", *(f"{each}/{name}" for each in folders)}


def is_job(pid: int, words: Seen, processes: Seen, since: float) -> bool:
    """Tell whether a scheduler waits for it, it is none itself, and somebody has touched its jobs.

    The standby's own jobs run as they did when nobody has touched what is written down of them.
    """
    parent = words["parent"]
    if parent not in processes or not is_scheduler(parent, processes[parent]["name"]):
        return False
    places = QUEUED if processes[parent]["name"] == "atd" else JOBS
    return not is_scheduler(pid, words["name"]) and have_changed(places, since)


def is_of_untouched_jobs(pid: int, since: float) -> bool:
    """Tell whether a scheduler of before has begun it, although it is nobody's child any more.

    As its job is once the scheduler was begun anew, or what a job has left in the background.
    """
    units = units_of(pid)
    if units[-1:] == [b"atd.service"]:
        return not have_changed(QUEUED, since)
    return units[-1:] in OF_CRON and not have_changed(JOBS, since)


def have_changed(places: tuple[str, ...], since: float) -> bool:
    """Tell whether jobs have come, gone or changed: then one that runs may be the run's."""
    instant = boot() + since
    for place in places:
        try:
            inside = os.listdir(place) if os.path.isdir(place) else []  # noqa: PTH112, PTH208
        except OSError:  # only root sees those of others
            inside = []
        for path in (place, *(f"{place}/{name}" for name in inside if name not in OF_AT)):
            try:
                if os.lstat(path).st_ctime > instant:
                    return True
            except OSError:
                continue
    return False


def older(processes: Seen, since: float) -> list[int]:
    """Return the processes that ran when the host was looked at."""
    return [pid for pid, words in processes.items() if words["start"] <= since * TICKS]


def services_of(processes: Seen, since: float) -> set[bytes]:
    """Return the groups of services that ran before, by what keeps them, which waits for its own.

    What is new there and nobody's child is no service: a web server's script has put it into the
    background.
    """
    groups = {read(pid, "cgroup") for pid in older(processes, since)}
    return {each for each in groups if b".service" in each}


def is_begun_by_systemd(pid: int) -> bool:
    """Tell whether systemd has begun it as its service: older versions do not say so.

    As libvirtd is when somebody asks for it, beside what one that was idle has left there.
    """
    return f"SYSTEMD_EXEC_PID={pid}".encode() in read(pid, "environ").split(b"\0")


def is_written(manager: bytes, unit: bytes) -> bool:
    """Tell whether a user's service stands in a file, and is not made up by systemd-run --user."""
    number = manager[len(b"user@") : -len(b".service")]
    unit_file = os.path.join(os.fsencode(RUN), number, b"systemd/transient", unit)  # noqa: PTH118 bytes
    return unit != manager and not unit.startswith(b"run-") and not os.path.lexists(unit_file)


def mounts_of(processes: Seen, since: float) -> Seen:
    """Return the mount namespaces in which somebody was before."""
    return {namespace(pid, "mnt") for pid in older(processes, since)}


def elsewhere(pid: int, mounts: Seen) -> bool:
    """Tell whether it lives on another machine than this login, as a container's does.

    Namespaces and a root of its own are no other machine: whoever wants them has them with
    `unshare`. It is one where somebody was before; of a new container it is seen what keeps it.
    """
    mount = namespace(pid, "mnt")
    if mount in (None, namespace("self", "mnt")):
        return False
    try:
        if os.path.samefile(f"{PROC}/{pid}/root{MACHINE}", MACHINE):  # noqa: PTH121
            return False
    except OSError:  # a root that is no machine's
        pass
    return mount in mounts


def namespace(pid: int | str, kind: str) -> tuple[int, int] | None:
    """Return what tells a process's namespace from another; None: another user's, or gone."""
    try:
        status = os.stat(f"{PROC}/{pid}/ns/{kind}")  # noqa: PTH116
    except OSError:
        return None
    return status.st_dev, status.st_ino


def others(request: Seen, processes: Seen) -> list[int]:
    """Return the new processes that nothing answers for: their parent is gone."""
    if request["since"] is None:
        return []

    since, spared = request["since"], daemons(request, processes)
    mounts, services = mounts_of(processes, since), services_of(processes, since)
    logins = {program(pid) for pid in above(os.getpid(), processes)}
    new = {
        pid: words
        for pid, words in processes.items()
        if pid != 1 and words["start"] > since * TICKS and pid not in spared
    }

    return [
        pid
        for pid, words in new.items()
        if (
            (
                (is_orphan(pid, processes) or keeper_of(pid, processes))
                and not is_anothers_login(pid)
            )
            or is_job(pid, words, processes, since)
        )
        and not is_login(pid, words, logins)
        and not is_of_untouched_jobs(pid, since)
        and (
            keeper_of(pid, processes)
            or (read(pid, "cgroup") in services and not is_begun_by_systemd(pid))
            or not in_service(pid, words["name"])
        )
        and not elsewhere(pid, mounts)
    ]


def is_login(pid: int, words: Seen, programs: set[str]) -> bool:
    """Tell whether it is somebody's login: it has the name and the program of one."""
    if words["name"] == "login":
        return program(pid) in OF_A_CONSOLE
    return words["name"].startswith("sshd") and program(pid) in {"", *programs}


def program(pid: int) -> str:
    """Return the path of a process's program; nothing of another user's."""
    try:
        return os.readlink(f"{PROC}/{pid}/exe").replace(" (deleted)", "")  # noqa: PTH115
    except OSError:
        return ""


def before() -> Seen:
    """Return what tells later which processes are new: the time, and which daemons run."""
    processes = look({"mark": "", "run": ""})
    mounts = mounts_of(processes, FOREVER)
    names = [
        name
        for pid in processes
        if pid != 1
        if (name := daemon_name(pid, processes)) and not elsewhere(pid, mounts)
    ]
    return {"uptime": uptime(), "boot": this_boot(), "daemons": sorted(names)}


def marked(request: Seen) -> Seen:
    """Return every process that carries the mark of any run, but for this command's own."""
    prefix = f"{request['mark']}=".encode()
    spared = {os.getpid(), *above(os.getpid(), look({"mark": "", "run": ""}))}
    processes = []
    for pid, words in look({"mark": "", "run": ""}).items():
        for each in read(pid, "environ").split(b"\0"):
            if each.startswith(prefix) and pid not in spared:
                run = each[len(prefix) :].rpartition(b":")[0].decode("utf-8", "replace")
                processes.append([run, pid, words["name"], words["start"]])
    return {"marked": processes}


def after(request: Seen) -> Seen:
    """End what is the run's, look, and return all that was seen."""
    ending, stayed = end(request)
    processes = look(request)
    groups = {"ours": ending, "stayed": {pid: ending[pid] for pid in stayed}}
    groups["others"] = {
        pid: processes[pid] for pid in others(request, processes) if pid not in ending
    }
    return {
        key: [[pid, words["name"], words["start"]] for pid, words in group.items()]
        for key, group in groups.items()
    }


if __name__ == "__main__":
    request = json.loads(sys.argv[1])
    if request.get("all"):
        answer = marked(request)
    else:
        answer = before() if request["before"] else after(of_this_boot(request))
    sys.stdout.write(json.dumps(answer))

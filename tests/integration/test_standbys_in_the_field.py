"""Standbys as they are in the field: how others have set up sshd, sudo, shells, disks and Python.

Each situation is tried with a whole drill against a real sshd: it passes with the same answers as
on a plain host, or is refused early, with the cause and what mends it, and nothing is touched.
"""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import cache
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from tests.integration.hosts.field_host import LOGIN, FieldHost, Situation, field_host
from tests.integration.house import pradrill

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.domain.run.host import Host, Site
from pradrill.domain.run.ssh_config import ssh_config
from pradrill.errors import NotReadyError, PradrillError

HOME = f"/home/{LOGIN}"
SECURE = 'Defaults secure_path="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"'
RULE = f"{LOGIN} ALL=(ALL:ALL) NOPASSWD: ALL"
EVERYTHING = r"""
for i in $(seq 300); do printf '\033[31mAcc\350s r\351serv\351 %s\033[0m\r\n' $i; done > /etc/banner
head -c 70000 /dev/urandom > /etc/motd
"""


def bashrc(line: str) -> str:
    """Return the script that puts a line first into what bash reads at a login by ssh."""
    return f"{{ cat <<'END'\n{line}\nEND\ncat /etc/skel/.bashrc; }} > {HOME}/.bashrc"


def shell(path: str) -> str:
    """Return the script that gives the login another shell."""
    return f"sed -i 's,{HOME}:/bin/bash,{HOME}:{path},' /etc/passwd"


def environment(*lines: str) -> str:
    """Return the script that writes what sshd adds to the login's environment."""
    words = " ".join(f"'{line}'" for line in lines)
    return f"mkdir {HOME}/.ssh; printf '%s\\n' {words} > {HOME}/.ssh/environment"


def sudoers(*lines: str) -> str:
    """Return the script that writes other rules."""
    words = " ".join(f"'{line}'" for line in ("root ALL=(ALL:ALL) ALL", *lines))
    return f"printf '%s\\n' {words} > /etc/sudoers"


def program(name: str, script: str) -> str:
    """Return the script that puts a program of somebody's before the system's own."""
    path = f"/usr/local/bin/{name}"
    return f"printf '%s\\n' '#!/bin/sh' '{script}' > {path}; chmod 755 {path}"


def pam(service: str, *lines: str) -> str:
    """Return the script that puts lines before those of a service of PAM's."""
    return "".join(f"sed -i '1i {line}' /etc/pam.d/{service}\n" for line in reversed(lines))


USER_ENVIRONMENT = "PermitUserEnvironment yes"
NO_PYTHON = """\
mkdir /run/bin /run/new; mount --bind /usr/bin /run/bin
ln -s /run/bin/* /run/new/; rm /run/new/python3*
mount --bind /run/new /usr/bin
"""
FULL = """\
head -c 20M /dev/zero > /tmp/full || :
mount -t tmpfs -o size=4k,mode=1777 none /run/lock; head -c 8k /dev/zero > /run/lock/full || :
"""

WORKS = {
    "bash ends no line": Situation(bashrc("printf hello")),
    "a banner with colours, not UTF-8": Situation(EVERYTHING, "Banner /etc/banner"),
    "a MOTD and the last login": Situation(
        EVERYTHING + pam("sshd", "session optional pam_motd.so motd=/etc/motd"),
        "UsePAM yes\nPrintMotd yes\nPrintLastLog yes",
    ),
    "one session a connection": Situation(sshd="MaxSessions 1"),
    "a hostile environment": Situation(
        environment(
            "LD_PRELOAD=/no.so", "PYTHONPATH=/no", "PYTHONHOME=/no", "LC_ALL=xx_YY.KOI8-R",
            "BASH_ENV=/etc/noise", "ENV=/etc/noise", "TMPDIR=/no", "POSIXLY_CORRECT=1",
        ) + "; echo 'echo noise' > /etc/noise", USER_ENVIRONMENT,
    ),
    "bash is strict": Situation(bashrc("set -eu -o pipefail; umask 077")),
    "bash traces": Situation(bashrc("set -xv")),
    "bash prints what is no text": Situation(
        bashrc("{ head -c 200000 /dev/urandom | tr -d {; echo; } | tee /dev/stderr")
    ),
    "bash starts in a folder that goes": Situation(bashrc("mkdir /tmp/x; cd /tmp/x; rmdir /tmp/x")),
    "bash takes its time": Situation(bashrc("sleep 0.3")),
    "a profile is read, prints and fails": Situation(
        "echo 'echo hello; umask 077; cd /tmp; false' > /etc/profile.d/x.sh",
        'ForceCommand bash -lc "$SSH_ORIGINAL_COMMAND"',
    ),
    "dash": Situation(shell("/bin/dash")),
    "fish": Situation(shell("/usr/bin/fish")),
    "zsh": Situation(shell("/usr/bin/zsh")),
    "no file is anybody's": Situation(bashrc("umask 777")),
    "nothing runs from /tmp": Situation(
        "for each in /tmp /var/tmp /run; do mount -o remount,noexec,nosuid,nodev $each; done"
    ),
    "/tmp and /var/tmp are read-only": Situation(
        "for each in /tmp /var/tmp; do mount -o remount,ro $each; done"
    ),
    "/tmp is full": Situation("head -c 20M /dev/zero > /tmp/full || :"),
    "the home is read-only": Situation("mount -o remount,ro /home"),
    "the home is missing": Situation(f"rm -r {HOME}"),
    "root's home is missing": Situation(
        "umount /root; sed -i 's,:/root:,:/run/no:,' /etc/passwd", login="root"
    ),
    "sudo in a terminal of its own": Situation(sudoers("Defaults use_pty", SECURE, RULE)),
    "sudo lectures": Situation(
        sudoers("Defaults lecture=always", "Defaults lecture_file=/etc/passwd", SECURE, RULE)
    ),
    "sudo never asks": Situation(
        sudoers(SECURE, f"Defaults:{LOGIN} !authenticate", f"{LOGIN} ALL=(ALL:ALL) ALL")
    ),
    "sudo keeps the environment": Situation(
        sudoers("Defaults !env_reset", SECURE, RULE)
        + f"\n{bashrc('export PYTHONPATH=/no LC_ALL=xx')}"
    ),
    "sudo greets": Situation(pam("sudo", "session optional pam_echo.so welcome")),
    "sudo is a wrapper that prints": Situation(
        program("sudo", 'echo audited; exec /usr/bin/sudo "$@"')
    ),
    "sudo does not know its host": Situation("hostname nobody; : > /etc/hosts"),
    "sudo finds no Python": Situation(
        f"{NO_PYTHON}ln -s /run/bin/python3 /usr/local/bin/\n"
        + sudoers("Defaults secure_path=/usr/sbin:/usr/bin", RULE)
    ),
    "a python3 that prints": Situation(
        program("python3", 'echo shim; echo shim >&2; exec /usr/bin/python3 "$@"')
    ),
    "no forwarding, no terminal": Situation(sshd="DisableForwarding yes\nPermitTTY no"),
    "no sftp": Situation(sshd="Subsystem nothing /bin/false"),
    "idle logins are ended": Situation(sshd="ClientAliveInterval 1\nClientAliveCountMax 1"),
    "sessions close slowly": Situation(
        pam("sshd", "session optional pam_exec.so type=close_session /bin/sleep 0.5"), "UsePAM yes"
    ),
    "blocks for some": Situation(
        sshd=f"Match User root\nForceCommand /bin/false\nMatch User {LOGIN}\nPermitTTY no"
    ),
    "another name": Situation("hostname localhost; echo localhost > /etc/hostname"),
    "another time zone": Situation(
        "ln -sf /usr/share/zoneinfo/Asia/Kathmandu /etc/localtime; "
        + bashrc("export TZ='<+0330>-3:30'")
    ),
    "small limits": Situation(bashrc("ulimit -n 64; ulimit -f 100000")),
}  # fmt: skip

FIT = "without a terminal"
REFUSED = {
    "python3 is not in the PATH": Situation(
        environment("PATH=/nowhere"), USER_ENVIRONMENT, code=4, hint="needs Python 3.8 or later",
        reason="the login's shell on field-dr starts no python3: bash: line 1: python3: command",
    ),
    "python3 is not there": Situation(
        NO_PYTHON, code=4, reason="starts no python3: bash: line 1: python3: command not found",
        hint="needs Python 3.8 or later",
    ),
    "python3 is too old": Situation(
        program("python3", "echo pradrill-python 3.6.15 >&2; exit 1"), code=4,
        reason="python3 on field-dr is 3.6.15, which is too old", hint="needs Python 3.8 or later",
    ),
    "BASH_ENV ends the shell": Situation(
        environment("BASH_ENV=/etc/noise") + "; echo 'echo no; exit 3' > /etc/noise",
        USER_ENVIRONMENT, code=4, hint="BASH_ENV",
        reason="on field-dr /bin/bash -c 'exit 0' ends with exit code 3: no",
    ),
    "bash becomes fish": Situation(
        bashrc("exec fish"), code=4, hint="nor become another shell",
        reason="the login's shell on field-dr has not started Python in 30 s",
    ),
    "bash reads what is sent": Situation(
        bashrc("echo Your name?; read name; read name"), code=4, hint="nor read what is sent",
        reason="has not started Python in 30 s: Your name?",
    ),
    "bash ends": Situation(
        bashrc("exit 0"), code=4, hint=FIT,
        reason="the login's shell on field-dr ends with exit code 0 before Python starts",
    ),
    "bash mixes its streams": Situation(
        bashrc("exec > >(tee -a /tmp/log) 2>&1"), code=4, hint="exec 2>&1",
        reason="what the login on field-dr reads sends errors where the output goes",
    ),
    "bash prints JSON": Situation(
        bashrc("""echo '{"a": 1}'"""), code=4, hint="let no line begin with {",
        reason='what the login on field-dr prints for a module\'s answer: {"a": 1}',
    ),
    "rbash": Situation(
        shell("/bin/rbash"), code=4, hint="chsh", reason="login's shell on field-dr is /bin/rbash"
    ),
    "nologin": Situation(
        shell("/usr/sbin/nologin"), code=4, hint=FIT,
        reason="This account is currently not available",
    ),
    "the shell is not there": Situation(
        shell("/bin/gone"), code=4, hint="journalctl -u ssh", reason="refuses the login of pd-field"
    ),
    "nowhere is room": Situation(
        FULL, code=4, hint="in /run/lock or in /tmp",
        reason="the lease on field-dr cannot be written: /etc/pradrill: Permission denied, "
        "/run/lock: No space left on device, /tmp: No space left on device",
    ),
    "sudo wants a terminal": Situation(
        sudoers("Defaults requiretty", SECURE, RULE), code=4,
        reason="sudo: sorry, you must have a tty to run sudo", hint="take requiretty from",
    ),
    "sudo finds nothing": Situation(
        sudoers("Defaults secure_path=/opt/none", RULE), code=4,
        reason="sudo: env: command not found", hint="secure_path in /etc/sudoers",
    ),
    "sudo allows some commands": Situation(
        sudoers(SECURE, f"{LOGIN} ALL=(ALL:ALL) NOPASSWD: /usr/bin/true, /usr/bin/id"), code=4,
        reason="sudo: a password is required", hint="become_password",
    ),
    "sudo lets nothing start another": Situation(
        sudoers(SECURE, f"{LOGIN} ALL=(ALL:ALL) NOEXEC: NOPASSWD: ALL"), code=4,
        reason="does not become root on field-dr: env: 'timeout': Permission denied",
        hint="sudo -n -u root env timeout",
    ),
    "sudo wants a password": Situation(
        sudoers(SECURE, f"{LOGIN} ALL=(ALL:ALL) ALL"), code=4,
        reason="sudo: a password is required", hint="become_password",
    ),
    "sftp alone": Situation(
        sshd="ForceCommand internal-sftp", code=4, hint=FIT, reason="allows sftp connections only"
    ),
    "one command alone": Situation(
        sshd="ForceCommand /bin/echo only backups", code=4, hint=FIT,
        reason="exit code 0 before Python starts: only backups",
    ),
    "a jail": Situation(
        "mkdir /run/jail", "ChrootDirectory /run/jail", code=4, hint=FIT,
        reason="/bin/bash: No such file or directory",
    ),
    "the login is denied": Situation(
        sshd=f"DenyUsers {LOGIN}", code=4, hint="journalctl -u ssh",
        reason="refuses the login of pd-field",
    ),
    "the account has expired": Situation(
        f"sed -i 's/^{LOGIN}:.*/{LOGIN}:*:1:0:1:1:1:1:/' /etc/shadow\n"
        + pam("sshd", "account required pam_unix.so"), "UsePAM yes", code=4,
        reason="it says: Your account has expired", hint="journalctl -u ssh",
    ),
    "nobody may log in": Situation(
        "echo 'maintenance until monday' > /run/nologin\n"
        + pam("sshd", "account required pam_nologin.so"),
        "UsePAM yes", code=4, reason="it says: maintenance until monday", hint="journalctl -u ssh",
    ),
    "every connection is closed": Situation(
        "echo 'sshd: ALL' > /etc/hosts.deny", code=4,
        reason="closes connections before a login", hint="MaxStartups",
    ),
    "no cipher in common": Situation(
        sshd="Ciphers chacha20-poly1305@openssh.com", code=4,
        reason="have no way to speak in common", hint="Ciphers aes256-gcm@openssh.com",
    ),
    "no machine-id": Situation(": > $BASE/machine-id", code=4, reason="machine-id"),
    "another machine's id": Situation(
        "echo 0123456789abcdef0123456789abcdef > $BASE/machine-id", code=4, reason="marker"
    ),
}  # fmt: skip

ALL_AT_ONCE = (
    "a banner with colours, not UTF-8", "a hostile environment", "bash is strict",
    "nothing runs from /tmp", "the home is read-only", "sudo greets", "a python3 that prints",
    "no sftp", "another name",
)  # fmt: skip
SLOW = {"bash becomes fish", "bash reads what is sent", "every connection is closed"}
BY_GUARDS = {"nowhere is room", "no machine-id", "another machine's id"}
"""What is not seen when a host is only asked who it is."""


@pytest.fixture(scope="module")
def standby() -> Iterator[FieldHost]:
    """Make the host for this file's tests."""
    with field_host() as host:
        yield host


def drill(standby: FieldHost, folder: Path, situation: Situation) -> tuple[int, str, list[str]]:
    """Run a drill there; return its code, what it says, and what it came to."""
    standby.begin(situation)
    house = standby.house(folder, situation.login)
    result = pradrill(house, "run", "shop", timeout=600)
    (path,) = house.glob("state/runs/*/record.json")
    output = " ".join((result.stdout + result.stderr).split())
    return result.returncode, output, list(answers(json.loads(path.read_text("utf-8"))))


def answers(record: dict[str, Any]) -> Iterator[str]:
    """Yield what a run found: no time, no name of its own."""
    yield record["verdict"]
    for step in record["steps"]:
        yield f"{step['name']}: {step['outcome']}"
    for check in record["checks"]:
        yield f"{check['title']}: {check['outcome']} {check['detail']}"
    for guard in record["guards"]:
        yield f"{guard['guard']}: {guard['outcome']}"
    for limit in record["limits"]:
        yield limit["code"]
    for each in record["files"].values():
        yield f"files: {each['watched']} {each['complete']}"
    yield f"left: {record['residue']}"


@pytest.fixture(scope="module")
def plain(
    standby: FieldHost, tmp_path_factory: pytest.TempPathFactory
) -> Callable[[str], list[str]]:
    """Return what tells what a login's drill comes to where nobody has done anything."""

    @cache
    def of(login: str) -> list[str]:
        folder = tmp_path_factory.mktemp(login)
        code, output, results = drill(standby, folder, Situation(login=login))
        assert code == 0, output
        return results

    return of


def test_a_standby_with_many_habits_gives_the_same_answers(
    standby: FieldHost, plain: Callable[[str], list[str]], tmp_path: Path
) -> None:
    """A banner, a noisy environment, a strict shell, a wrapper, a lecture: all on one host."""
    scripts = [WORKS[name].script for name in ALL_AT_ONCE]
    settings = [WORKS[name].sshd for name in ALL_AT_ONCE if WORKS[name].sshd]
    every = Situation("\n".join(scripts), "\n".join([*settings, "MaxSessions 1", "PermitTTY no"]))
    code, output, results = drill(standby, tmp_path, every)
    assert code == 0, output
    assert results == plain(LOGIN)


@pytest.mark.nightly
@pytest.mark.parametrize("name", WORKS)
def test_a_habit_changes_no_answer(
    standby: FieldHost, plain: Callable[[str], list[str]], tmp_path: Path, name: str
) -> None:
    """A drill comes to what it comes to on a plain host."""
    code, output, results = drill(standby, tmp_path, WORKS[name])
    assert code == 0, output
    assert results == plain(WORKS[name].login)


@pytest.mark.nightly
@pytest.mark.parametrize("name", REFUSED)
def test_a_drill_ends_early_with_the_cause(standby: FieldHost, tmp_path: Path, name: str) -> None:
    """It is not ready, in one sentence with what mends it; nothing is touched."""
    situation = REFUSED[name]
    code, output, _ = drill(standby, tmp_path, situation)
    assert code == situation.code, output
    assert situation.reason in output
    assert situation.hint in output
    assert "Traceback" not in output
    assert standby.host.touched() == []


@pytest.fixture
def reached(standby: FieldHost, tmp_path: Path, control_folder: Path) -> tuple[Host, Site]:
    """Return the host as a login's that becomes root, and its site."""
    site = standby.host.server.site(tmp_path, control_folder)
    host = site.hosts[0].model_copy(update={"user": LOGIN, "become": "root"})
    pins = standby.host.server.known_hosts
    site.ssh_config.write_text(ssh_config((host,), pins, control_folder))
    return host, site.model_copy(update={"hosts": (host,)})


@pytest.mark.parametrize("name", [each for each in REFUSED if each not in SLOW | BY_GUARDS])
def test_a_login_that_does_not_do_is_told_with_its_cause(
    standby: FieldHost, reached: tuple[Host, Site], name: str
) -> None:
    """The first question and the first sudo find it: what is wrong, and what mends it."""
    situation = REFUSED[name]
    standby.begin(situation)
    probe = SshProbe(SteadyClock(), lambda name: name)
    with pytest.raises(PradrillError) as refusal, closing(probe):
        ask(probe, *reached)
    assert situation.reason in refusal.value.message
    assert situation.hint in str(refusal.value.hint)


def ask(probe: SshProbe, host: Host, site: Site) -> None:
    """Ask a host who it is, and have its login become root."""
    fault = probe.facts(host, site).login_fault
    if fault is not None:  # which a run is refused with, and a teardown is not
        raise NotReadyError(fault.what, hint=fault.hint)
    probe.check_become(host, site)


def half_open(address: tuple[str, int]) -> socket.socket:
    """Return a connection that sshd waits for; what looked for its start may be there before."""
    while True:
        other = socket.create_connection(address)
        if other.recv(3) == b"SSH":
            return other
        other.close()
        time.sleep(0.05)


def test_a_login_that_is_dropped_at_random_is_tried_again(
    standby: FieldHost, reached: tuple[Host, Site]
) -> None:
    """Somebody else's half-open login takes the only place for a second (MaxStartups)."""
    standby.begin(Situation(sshd="MaxStartups 1:100:1"))
    server = standby.host.server
    probe = SshProbe(SteadyClock(), lambda name: name)
    with half_open((server.address, server.port)) as other, closing(probe):
        end = Timer(0.8, other.shutdown, [socket.SHUT_RDWR])
        end.start()
        assert probe.facts(*reached).machine_id == standby.host.machine_id
        assert end.finished.is_set(), "it was not dropped"

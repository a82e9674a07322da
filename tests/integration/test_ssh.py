"""The probe, against a real sshd on loopback."""

from __future__ import annotations

import os
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.hosts.sshd import free_port
from tests.integration.house import UNREACHED
from tests.support.living import goes_on

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh import connection
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.domain.declared.drill import NewestData
from pradrill.domain.run.guard import Reach
from pradrill.domain.run.host import Site
from pradrill.errors import PradrillError, UnreachableError
from pradrill.testing.reasons import texts

if TYPE_CHECKING:
    from tests.integration.hosts.sshd import Sshd
    from tests.integration.hosts.two_hosts import TwoHosts


@pytest.fixture
def clock() -> SteadyClock:
    """Return the clock that the probe has."""
    return SteadyClock()


@pytest.fixture
def probe(clock: SteadyClock) -> Iterator[SshProbe]:
    """Return a probe, closed at the end."""
    probe_made = SshProbe(clock, resolve)
    yield probe_made
    probe_made.close()


def newest(command: str, deadline: float = 20.0) -> NewestData:
    """Declare a command that prints the newest data's epoch."""
    return NewestData(command=command, format="epoch", deadline=timedelta(seconds=deadline))


# ---------------------------------------------------------------- facts


def test_facts_are_the_machines_own(probe: SshProbe, sshd: Sshd, site: Site) -> None:
    """Host key, machine-id and marker are those of the machine that answers."""
    facts = probe.facts(sshd.host, site)
    assert facts.host == "standby-1"
    assert facts.host_key == " ".join(sshd.host_key.split()[:2])
    path = Path("/etc/machine-id")
    expected = path.read_text().strip() if path.exists() else ""
    assert facts.machine_id == (expected if len(expected) == 32 else "")
    assert not any(address.startswith(("127.", "fe80:", "::1")) for address in facts.addresses)
    marker = Path("/etc/pradrill/standby")
    assert facts.marker == (marker.read_text() if marker.exists() else None)


def same(seconds: float, truth: float, within: float) -> bool:
    """Tell whether a skew contains the truth, which is itself read from two clocks in turn."""
    return abs(seconds - truth) <= within + 1e-4


def test_skew_contains_the_truth(
    clock: SteadyClock, probe: SshProbe, sshd: Sshd, site: Site
) -> None:
    """Of two clocks that are one, the measured skew contains zero and is tight."""
    for _ in range(3):
        skew = probe.facts(sshd.host, site).skew
        assert same(skew.seconds, clock.stepped(), skew.within)
        assert skew.within < 0.5


FAST = {
    "date": 'exec /bin/date -d "+90 seconds" "$@"',
    "python3": """for word; do
    shift
    case $word in
    import*) word="import time; now = time.time; time.time = lambda: 90 + now(); $word" ;;
    esac
    set -- "$@" "$word"
done
exec /usr/bin/python3 "$@\"""",
}
"""Programs of a host whose clock is 90 s ahead, as everything there sees it."""


def test_skew_sees_a_clock_that_is_off(
    clock: SteadyClock,
    probe: SshProbe,
    another_sshd: Callable[..., Sshd],
    tmp_path: Path,
    control_folder: Path,
) -> None:
    """A host whose clock is 90 s ahead has a skew of plus 90 s, within its bound."""
    for name, content in FAST.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{content}\n")
        (tmp_path / name).chmod(0o755)
    path = f"PATH={tmp_path}:/usr/bin:/bin"  # after what the login's own files make of it
    server = another_sshd(f'ForceCommand {path} exec sh -c "$SSH_ORIGINAL_COMMAND"')
    site = server.site(tmp_path, control_folder)
    for skew in (probe.facts(server.host, site).skew, probe.skew(server.host, site)):
        assert same(skew.seconds, 90 + clock.stepped(), skew.within)


# ---------------------------------------------------------------- connecting


def test_wrong_pinned_key_is_refused(
    probe: SshProbe, sshd: Sshd, site: Site, tmp_path: Path, another_sshd: Callable[..., Sshd]
) -> None:
    """A host that shows another key than the pinned one is told so, and nothing is run on it."""
    other = another_sshd()
    wrong = tmp_path / "wrong"
    wrong.write_text(f"[127.0.0.1]:{sshd.port} {other.host_key}\n")
    witness = tmp_path / "witness"
    with pytest.raises(UnreachableError, match="is not the pinned one"):
        probe.read_instant(
            sshd.host,
            site.model_copy(update={"known_hosts": wrong}),
            newest(f"touch {witness}; date +%s"),
        )
    assert not witness.exists()


def test_key_of_another_type_is_refused(
    probe: SshProbe, sshd: Sshd, site: Site, tmp_path: Path
) -> None:
    """With only an RSA key pinned, an ed25519 host is not the pinned one either."""
    wrong = tmp_path / "wrong"
    wrong.write_text(f"[127.0.0.1]:{sshd.port} ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC7\n")
    with pytest.raises(UnreachableError, match="is not the pinned one"):
        probe.facts(sshd.host, site.model_copy(update={"known_hosts": wrong}))


def test_second_pinned_key_is_accepted(
    probe: SshProbe, sshd: Sshd, site: Site, tmp_path: Path, another_sshd: Callable[..., Sshd]
) -> None:
    """While keys are rotated two of one type are pinned, and either is right."""
    both = tmp_path / "both"
    name = f"[127.0.0.1]:{sshd.port}"
    both.write_text(f"{name} {another_sshd().host_key}\n{name} {sshd.host_key}\n")
    facts = probe.facts(sshd.host, site.model_copy(update={"known_hosts": both}))
    assert facts.host_key == " ".join(sshd.host_key.split()[:2])


def test_host_without_a_pinned_key_is_refused(
    probe: SshProbe, sshd: Sshd, site: Site, tmp_path: Path
) -> None:
    """A key pinned for the same address on another port is no pin; nor is a missing file."""
    empty = tmp_path / "empty"
    empty.write_text(f"127.0.0.1 {sshd.host_key}\n")
    with pytest.raises(UnreachableError, match="no host key is pinned"):
        probe.facts(sshd.host, site.model_copy(update={"known_hosts": empty}))
    with pytest.raises(UnreachableError, match="cannot be read"):
        probe.facts(sshd.host, site.model_copy(update={"known_hosts": tmp_path / "absent"}))


def test_dead_host_does_not_answer(
    probe: SshProbe, another_sshd: Callable[..., Sshd], tmp_path: Path, control_folder: Path
) -> None:
    """A host that is gone is unreachable, also when it goes between two commands or in one."""
    server = another_sshd()
    site = server.site(tmp_path, control_folder)
    probe.facts(server.host, site)
    threading.Timer(0.5, server.stop).start()
    with pytest.raises(UnreachableError, match="went away"):
        probe.read_instant(server.host, site, newest("sleep 20; date +%s"))
    with pytest.raises(UnreachableError, match="does not answer over SSH"):
        probe.facts(server.host, site)


def test_connection_is_opened_again(
    probe: SshProbe, another_sshd: Callable[..., Sshd], tmp_path: Path, control_folder: Path
) -> None:
    """After a host's reboot the next command goes through."""
    server = another_sshd()
    site = server.site(tmp_path, control_folder)
    probe.state(server.host, site, ())
    server.restart()
    assert probe.state(server.host, site, ()).listening


def test_port_that_is_no_sshd(probe: SshProbe, sshd: Sshd, site: Site, tmp_path: Path) -> None:
    """Something that accepts connections and closes them is unreachable, not a crash."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        threading.Thread(
            target=lambda: server.accept()[0].shutdown(socket.SHUT_RDWR), daemon=True
        ).start()
        known_hosts = tmp_path / "known"
        known_hosts.write_text(f"[127.0.0.1]:{port} {sshd.host_key}\n")
        host = sshd.host.model_copy(update={"port": port})
        with pytest.raises(UnreachableError, match="does not answer over SSH"):
            probe.facts(host, site.model_copy(update={"known_hosts": known_hosts}))


def test_a_crowded_jump_host_is_tried_again_by_itself(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As often as any host, however many hosts are behind it."""
    monkeypatch.setattr(connection, "_PAUSES", (0.0, 0.0))
    with socket.create_server(("127.0.0.1", 0)) as server:
        port, logins = server.getsockname()[1], list[int]()

        def drop() -> None:
            with suppress(OSError):
                while True:
                    server.accept()[0].shutdown(socket.SHUT_RDWR)
                    logins.append(1)

        threading.Thread(target=drop, daemon=True).start()
        known_hosts = tmp_path / "known"
        known_hosts.write_text(f"[127.0.0.1]:{port} {sshd.host_key}\n")
        jump = sshd.host.model_copy(update={"port": port})
        middle = jump.model_copy(update={"name": "middle", "via": jump})
        with pytest.raises(UnreachableError, match="closes connections before a login"):
            connection.connect(middle.model_copy(update={"via": middle}), known_hosts)
        assert len(logins) == 3
        server.shutdown(socket.SHUT_RDWR)


def test_login_that_is_refused(
    probe: SshProbe, sshd: Sshd, site: Site, another_sshd: Callable[..., Sshd]
) -> None:
    """A login key that the host does not know is said to be refused, for which user."""
    stranger = sshd.host.model_copy(update={"private_key": another_sshd().key})
    with pytest.raises(UnreachableError, match="refuses the login of"):
        probe.facts(stranger, site)


def test_nothing_is_written_to_stderr(sshd: Sshd, tmp_path: Path) -> None:
    """Paramiko's tracebacks do not reach the terminal of a run that handles the error."""
    known_hosts = tmp_path / "known"
    script = """if True:
        import sys
        from pathlib import Path
        from pradrill.adapters.ssh.sessions import Sessions
        from pradrill.domain.run.host import Host, Site
        from pradrill.errors import UnreachableError
        host = Host.model_validate_json(sys.argv[1])
        nowhere = Path("/nowhere")
        site = Site(hosts=(host,), inventory=nowhere, known_hosts=sys.argv[2], ssh_config=nowhere)
        try:
            Sessions().script(host, site, "remote_command.py", ["true"], 5)
        except UnreachableError:
            print("unreachable")
        """
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        known_hosts.write_text(f"[127.0.0.1]:{port} {sshd.host_key}\n")
        threading.Thread(target=lambda: server.accept()[0].sendall(b"no\n"), daemon=True).start()
        host = sshd.host.model_copy(update={"port": port}).model_dump_json()
        result = subprocess.run(
            [sys.executable, "-c", script, host, known_hosts],
            env={"PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert (result.stdout, result.stderr) == ("unreachable\n", "")


# ---------------------------------------------------------------- commands


def test_instant_is_read(probe: SshProbe, sshd: Sshd, site: Site) -> None:
    """The command's last line is the recovery point."""
    at = probe.read_instant(sshd.host, site, newest("echo warning >&2; echo 1773108000"))
    assert at == datetime(2026, 3, 10, 2, 0, tzinfo=UTC)


def test_megabytes_of_stderr(probe: SshProbe, sshd: Sshd, site: Site) -> None:
    """A command that writes 5 MB to stderr before its answer does not block."""
    noisy = "head -c 5000000 /dev/zero | tr '\\0' x >&2; echo 1773108000"
    started = time.monotonic()
    assert probe.read_instant(sshd.host, site, newest(noisy)).year == 2026
    assert time.monotonic() - started < 20


def test_megabytes_of_stdout(probe: SshProbe, sshd: Sshd, site: Site) -> None:
    """Of an endless answer the end is kept, where the instant is."""
    noisy = "yes warning | head -c 5000000; echo; echo 1773108000"
    assert probe.read_instant(sshd.host, site, newest(noisy)).year == 2026


def test_hanging_command_meets_its_deadline(
    probe: SshProbe, sshd: Sshd, site: Site, tmp_path: Path
) -> None:
    """A query that hangs ends at its deadline on both sides, and the next one works."""
    started = time.monotonic()
    pid = tmp_path / "pid"
    with pytest.raises(PradrillError, match=r"did not end within 1 s") as refusal:
        probe.read_instant(sshd.host, site, newest(f"echo $$ > {pid}; exec sleep 60", 1))
    assert not isinstance(refusal.value, UnreachableError)
    assert time.monotonic() - started < 15
    assert not goes_on(pid.read_text().strip())
    assert probe.read_instant(sshd.host, site, newest("echo 1773108000")).year == 2026


def test_command_that_ignores_its_end(probe: SshProbe, sshd: Sshd, site: Site) -> None:
    """A background process that goes on writing cannot hold the drill up."""
    dribble = "setsid sh -c 'for n in $(seq 150); do echo; sleep 0.2; done' & echo 1773108000"
    started = time.monotonic()
    with pytest.raises(PradrillError, match="did not end"):
        probe.read_instant(sshd.host, site, newest(dribble, 1))
    assert time.monotonic() - started < 15


def test_failing_command_says_why(probe: SshProbe, sshd: Sshd, site: Site) -> None:
    """A command that fails is no instant, whatever it printed; its last word is quoted."""
    with pytest.raises(PradrillError, match=r"exit code 3: no such table\?\[2J") as refusal:
        probe.read_instant(
            sshd.host,
            site,
            newest("echo 1773108000; printf 'no such table\\033[2J\\n' >&2; exit 3"),
        )
    assert refusal.value.message.isprintable()


# ---------------------------------------------------------------- state


def test_state_lists_listeners_and_mounts(probe: SshProbe, sshd: Sshd, site: Site) -> None:
    """A port opened between two looks is among the differences: other tests open ports, too."""
    before = probe.state(sshd.host, site, ())
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        now = probe.state(sshd.host, site, ())
    assert f"listens on 127.0.0.1:{port}" in texts(now.left_by(before))
    assert f"127.0.0.1:{sshd.port}" in now.listening
    assert all(mount.startswith("/") for mount in now.mounts)


def test_hostile_paths(probe: SshProbe, sshd: Sshd, site: Site, tmp_path: Path) -> None:
    """Declared paths are looked for letter by letter: nothing in them is run."""
    witness = tmp_path / "witness"
    names = [
        f"$(touch {witness.name})",
        f"`touch {witness.name}`",
        f"a; touch {witness.name}",
        'it\'s "quoted"',
        "line\nbreak",
        "-rf",
        "*",
        "é\udcff",
    ]
    there = [f"{tmp_path}/{name}" for name in names[:-1]]
    for path in there:
        Path(path).touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    absent = [f"{tmp_path}/no/such/{name}" for name in names[:-1]]
    state = probe.state(sshd.host, site, [*absent, *there, f"{tmp_path}/dangling"])
    assert state.present == (*there, f"{tmp_path}/dangling")
    assert not witness.exists()


# ---------------------------------------------------------------- isolation


@pytest.fixture
def listener() -> Iterator[int]:
    """Return the port of something that listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_open_closed_and_unresolvable(
    probe: SshProbe, sshd: Sshd, site: Site, listener: int, hosts: TwoHosts
) -> None:
    """From inside the host each endpoint is open or closed, and why; its own proves nothing."""
    free = free_port()
    addresses = ("127.0.0.1", "127.9.9.9", "localhost", "[::1]", "0x7f000001", _own_address(hosts))
    itself = [f"{address}:{free}" for address in addresses]
    opened = [f"127.0.0.1:{listener}", f"localhost:{listener}"]
    endpoints = [*opened, UNREACHED, "no.such.invalid:443", *itself]
    answers = probe.reaches(sshd.host, site, endpoints)
    assert list(answers) == endpoints
    assert [answers[each].reach for each in opened] == [Reach.OPEN, Reach.OPEN]
    assert answers[UNREACHED].reach is Reach.CLOSED
    assert answers["no.such.invalid:443"].reach is Reach.UNRESOLVED
    assert {answers[each].reach for each in itself} == {Reach.ITSELF}


def _own_address(hosts: TwoHosts) -> str:
    """Return an address of this machine that is not loopback."""
    with socket.socket(type=socket.SOCK_DGRAM) as nothing_sent:
        nothing_sent.connect((hosts.production.server.address, 9))
        return str(nothing_sent.getsockname()[0])


_FULL = """
import socket, time
full = socket.create_server(("", 0), backlog=0)
fillers = [socket.socket() for _ in range(4)]
for filler in fillers:
    filler.setblocking(False)
    filler.connect_ex(full.getsockname())
print(full.getsockname()[1], flush=True)
time.sleep(60)
"""
"""A port whose queue is full: it does not answer whoever comes."""


def test_silent_endpoint_is_closed_in_three_seconds(
    probe: SshProbe, sshd: Sshd, site: Site, hosts: TwoHosts
) -> None:
    """Endpoints that never answer are closed, all of them within one limit of 3 s."""
    inside = ["nsenter", f"--net=/proc/{hosts.production.network}/ns/net", sys.executable]
    with subprocess.Popen([*inside, "-c", _FULL], stdout=subprocess.PIPE, text=True) as full:
        assert full.stdout is not None
        address, port = hosts.production.server.address, full.stdout.readline().strip()
        endpoints = [f"{address}:{port}", f"[::ffff:{address}]:{port}"]
        started = time.monotonic()
        answers = probe.reaches(sshd.host, site, endpoints)
        seconds = time.monotonic() - started
        full.kill()
    assert {each.detail.text for each in answers.values()} == {"closed: no answer in 3 s"}
    assert seconds < 6


def test_hostile_endpoints(probe: SshProbe, sshd: Sshd, site: Site, tmp_path: Path) -> None:
    """An endpoint is data: what looks like shell in it is not run, and proves nothing."""
    witness = tmp_path / "witness"
    hostile = [f"$(touch {witness}):1", f"';touch {witness};':1", "x" * 300 + ":1"]
    answers = probe.reaches(sshd.host, site, hostile)
    assert not witness.exists()
    assert {answer.reach for answer in answers.values()}.isdisjoint({Reach.OPEN, Reach.CLOSED})


def test_broken_control_makes_everything_unknown(
    probe: SshProbe, another_sshd: Callable[..., Sshd], tmp_path: Path, control_folder: Path
) -> None:
    """When the host cannot even reach its own SSH port, a closed endpoint proves nothing."""
    script = tmp_path / "lie.sh"
    script.write_text(
        f'SSH_CONNECTION="127.0.0.1 1 127.0.0.1 {free_port()}"; export SSH_CONNECTION\n'
        'exec sh -c "$SSH_ORIGINAL_COMMAND"\n'
    )
    server = another_sshd(f"ForceCommand sh {script}")
    answers = probe.reaches(
        server.host, server.site(tmp_path, control_folder), [f"127.0.0.1:{free_port()}"]
    )
    (answer,) = answers.values()
    assert answer.reach is Reach.UNKNOWN
    assert "own SSH port was found closed: refused" in answer.detail.text


def test_missing_tool_makes_everything_unknown(
    probe: SshProbe, another_sshd: Callable[..., Sshd], tmp_path: Path, control_folder: Path
) -> None:
    """A host without python3 proves no isolation."""
    server = another_sshd(f"SetEnv PATH={shlex.quote(str(tmp_path))}")
    answers = probe.reaches(server.host, server.site(tmp_path, control_folder), ["192.0.2.1:1"])
    assert answers["192.0.2.1:1"].reach is Reach.UNKNOWN
    assert answers["192.0.2.1:1"].detail.text.startswith("unknown: the login's shell on ")

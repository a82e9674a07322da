"""What watches files loses none without a word; run here as it is on the standby."""

from __future__ import annotations

import os
import resource
import select
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from pradrill.adapters.ssh import remote_file_watch as script

OPENED = 0x20
QUEUE_FULL = 0x4000


class Named(script.Processes):
    """Processes that are what a test says: id → kind and program."""

    def __init__(self, programs: dict[int, tuple[str, str]]) -> None:
        super().__init__("MARK=run:")
        self.programs = programs

    def kind(self, pid: int) -> tuple[str, str]:
        """Return what the test says."""
        return self.programs.get(pid, (script.OTHER, ""))


def watch_of(descriptor: int, mark: Any, programs: dict[int, tuple[str, str]]) -> script.Watch:
    """Return a watch whose processes are these."""
    return script.Watch(Named(programs), descriptor, mark)


@pytest.mark.skipif(os.geteuid() != 0, reason="fanotify takes root")
def test_no_event_is_lost_where_few_files_may_be_open(tmp_path: Path) -> None:
    """Each event has an open file; one too many is thrown away by the kernel."""
    paths = [tmp_path / str(number) for number in range(700)]
    for path in paths:
        path.touch()
    few, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(600, few), most))
    descriptor, mark = script.fanotify()
    try:
        assert mark(str(tmp_path))
        watch = watch_of(descriptor, mark, {os.getpid(): (script.SERVICE, "us")})
        for path in paths:
            path.read_bytes()
        while select.select([descriptor], [], [], 0)[0]:
            watch.take()
    finally:
        os.close(descriptor)
        resource.setrlimit(resource.RLIMIT_NOFILE, (few, most))
    assert {str(path) for path in paths} <= watch.files.keys()
    assert (watch.unkept, watch.overflow) == (0, False)


@pytest.mark.parametrize(
    ("mask", "unkept", "overflow"), [(OPENED, 2, False), (QUEUE_FULL, 0, True)]
)
def test_an_event_without_a_file_is_a_gap(mask: int, unkept: int, overflow: bool) -> None:
    """It could not be opened for the watch; or so many came that the kernel kept no more."""
    there, here = os.pipe()
    os.write(here, script.EVENT.pack(script.EVENT.size, 3, 0, 24, mask, -1, 0) * 2)
    watch = watch_of(there, None, {})
    watch.take()
    os.close(there)
    os.close(here)
    assert (watch.unkept, watch.overflow) == (unkept, overflow)


def gaps(watch: script.Watch, services: set[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how much is not kept, once these programs have become services."""
    monkeypatch.setattr(script, "os", SimpleNamespace(listdir=lambda _place: ()))
    watch.services = services
    watch.join()
    return watch.unkept


def test_what_is_not_kept_of_a_command_is_told_once_it_is_a_service(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of programs past the number, of files past theirs, and of none that stayed a command."""
    monkeypatch.setattr(script, "PROGRAMS", 2)
    monkeypatch.setattr(script, "EACH", 2)
    watch = watch_of(-1, None, {})
    for name, path in [*(("a", each) for each in "xyyxz"), ("b", "x"), ("c", "x"), ("d", "x")]:
        watch.keep_aside(name, f"/{path}", 0.0)
    assert gaps(watch, {"b"}, monkeypatch) == 0
    assert watch.files.keys() == {"/x"}
    assert gaps(watch, {"a", "c"}, monkeypatch) == 2
    assert watch.files.keys() == {"/x", "/y"}


def test_scripts_of_packages_take_no_room_of_a_services_commands(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A hundred packages have more scripts than programs are kept; so have Ansible's modules."""
    watch = watch_of(-1, None, {})
    for number in range(300):
        watch.keep_aside(f"/usr/bin/dash /var/lib/dpkg/info/p{number}.postinst", "/x", 0.0)
        watch.keep_aside(f"/usr/bin/python3 /root/ansible-tmp-{number}/module.py", "/y", 0.0)
    watch.keep_aside("/usr/sbin/apache2", "/etc/apache2/apache2.conf", 0.0)
    assert gaps(watch, {"/usr/sbin/apache2"}, monkeypatch) == 0
    assert watch.files.keys() == {"/etc/apache2/apache2.conf"}


def test_too_many_names_of_what_is_not_kept_are_a_gap(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any service may be one of them."""
    monkeypatch.setattr(script, "PROGRAMS", 0)
    monkeypatch.setattr(script, "PATHS", 3)
    watch = watch_of(-1, None, {})
    for name in "abcd":
        watch.keep_aside(name, "/x", 0.0)
    assert gaps(watch, {"other"}, monkeypatch) == 1


@pytest.mark.parametrize(
    ("run", "environment", "kind"),
    [
        ("run", b"A=b\0", script.OTHER),
        ("run", b"A=b\0MARK=run:9\0", script.COMMAND),
        ("", b"A=b\0", script.COMMAND),
    ],
)
def test_where_commands_carry_no_mark_every_login_is_the_drills(
    run: str, environment: bytes, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What they open is kept aside there, too, for a service that they start."""
    monkeypatch.setattr(script, "PROC", str(tmp_path))
    for pid, above, title in ((30, 20, "apachectl"), (20, 1, "sshd")):
        folder = tmp_path / str(pid)
        folder.mkdir()
        (folder / "stat").write_text(f"{pid} ({title}) S {above} 0")
        (folder / "comm").write_text(f"{title}\n")
        (folder / "environ").write_bytes(environment)
    assert script.Processes(script.sign("MARK", run)).of_whom(30) == kind


class Starting(script.Processes):
    """A process that runs another program a moment after the kernel tells that it begins to."""

    program = "/usr/bin/setsid"

    def look(self, pid: int) -> tuple[str, str]:
        """Return what it runs now."""
        del pid
        return script.COMMAND, self.program


def test_what_a_program_opens_first_is_not_taken_for_the_one_before(tmp_path: Path) -> None:
    """The kernel tells of a start before it is done: a quick watch still sees who starts it."""
    process = Starting("MARK=run:")
    watch = script.Watch(process, -1, None)
    paths = [tmp_path / name for name in ("shop", "settings")]
    for path, mask in zip(paths, (OPENED | script.OPEN_EXEC, OPENED), strict=True):
        path.touch()
        with path.open() as file:
            watch.note(mask, file.fileno(), 5)
        process.program = "/usr/sbin/shop"
    assert {name: set(each) for name, each in watch.of_commands.items()} == {
        "/usr/sbin/shop": set(map(str, paths))
    }


@pytest.mark.parametrize(
    ("kind", "place", "passed_over"),
    [
        ("tmpfs", "/run/user/0", True),
        ("tmpfs", "/tmp", True),
        ("tmpfs", "/srv", False),
        ("tmpfs", "/", False),
        ("tmpfs", "/runner", False),
        ("proc", "/proc", True),
        ("ext4", "/tmp", False),
    ],
)
def test_data_in_memory_are_watched_where_no_machine_keeps_its_own(
    kind: str, place: str, passed_over: bool
) -> None:
    """A database on a tmpfs is watched; /run, /tmp and what the kernel makes are not."""
    assert script.is_passed_over(kind, place) is passed_over

"""What older runs have left anywhere is found, shown, and removed by whoever says so."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from tests.integration.hosts.sshd import descendants
from tests.integration.hosts.two_hosts import NamespaceHost, TwoHosts
from tests.integration.house import pradrill
from tests.integration.test_leases import MEMORY, lease, slow_run, until

from pradrill.domain.run.owner import Doing
from pradrill.domain.values.run_names import folder_prefix
from pradrill.system.leftovers import is_deserted
from pradrill.system.ownership import sign, this_process
from pradrill.system.ssh_sockets import folder_for


@contextmanager
def sleeping(*wrap: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process with a mark in its environment."""
    with subprocess.Popen([*wrap, "sleep", "600"], env={**os.environ, **environment}) as process:
        try:
            yield process
        finally:
            process.kill()


@contextmanager
def sleeping_on(host: NamespaceHost, run: str) -> Iterator[tuple[subprocess.Popen[bytes], int]]:
    """Run a process of a run's among those of a host; yield what it is called there, too."""
    first = descendants(host.server.pid)[0]
    inside = ("nsenter", f"--pid=/proc/{first}/ns/pid")
    with sleeping(*inside, PRADRILL_SCOPE=f"{run}:1") as process:
        until(lambda: len(descendants(process.pid)) == 1, "it has not begun")
        yield process, host.own_number(*descendants(process.pid))


def test_what_older_runs_left_is_shown_then_removed(hosts: TwoHosts, tmp_path: Path) -> None:
    """Folders, sockets, processes here and there, a lease: of runs that are over, nobody else's.

    Without a terminal and without --yes it only shows; what a living run holds is not looked at.
    """
    house, other = tmp_path / "a", tmp_path / "b"
    house.mkdir()
    other.mkdir()
    hosts.house(house)
    assert pradrill(house, "run", "shop").returncode == 0
    record = json.loads(pradrill(house, "show", "--json").stdout)
    run_id, tmpdir = record["run_id"], tmp_path / "tmp"
    assert run_id not in pradrill(house, "gc").stdout
    tmpdir.mkdir()
    folders = [base / f"{folder_prefix(run_id)}abcdefgh" for base in (MEMORY, tmpdir)]
    unknown = tmpdir / f"{folder_prefix('a run of a state that is gone')}abcdefgh"
    foreign = tmpdir / f"{folder_prefix(run_id)}stranger"
    plain = tmpdir / "pradrill-checkout"
    for each in (*folders, unknown, foreign, plain, folder_for(run_id)):
        each.mkdir(mode=0o700)
        (each / "left").touch()
    dead = this_process(Doing.RUN).model_copy(update={"boot": "of another boot"})
    (unknown / ".owner").write_text(dead.model_dump_json())
    os.chown(foreign, 65_534, 65_534)
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    words = {"run": run_id, "controller": record["launch"]["controller"], "boot": boot}
    ours = json.dumps({**words, "state": str(house / "state"), "until": 0.0})
    environment = {**os.environ, "TMPDIR": str(tmpdir)}

    with (
        sleeping_on(hosts.standby, run_id) as (there, number),
        sleeping(PRADRILL_RUN=run_id) as here,
    ):
        hosts.house(other)
        with slow_run(hosts, other, tmp_path / "tmp2") as living:
            theirs = folder_prefix(json.loads(lease(hosts).read_text())["run"])
            assert list(MEMORY.glob(f"{theirs}*"))
            beside = pradrill(house, "gc", environment=environment)
            assert "web-dr was not looked at: web-dr is held by run" in beside.stderr
            assert theirs not in beside.stdout
            (hosts.standby.srv / "go").touch()
            assert living.wait(60) == 0
        lease(hosts).write_text(ours)
        listing = pradrill(house, "gc", environment=environment)
        assert listing.returncode == 0, listing.stderr
        for line in (
            *(f"this machine: {each} of run {run_id}" for each in folders),
            f"this machine: {folder_for(run_id)} of run {run_id}",
            f"this machine: {unknown} of a run or command that is over",
            f"this machine: processes {here.pid} of run {run_id}",
            f"web-dr: lease of run {run_id}",
            f"web-dr: process sleep ({number}) of run {run_id}",
        ):
            assert line in listing.stdout.splitlines(), listing.stdout + listing.stderr
        assert "nothing was removed" in listing.stdout
        assert (here.poll(), there.poll(), lease(hosts).exists()) == (None, None, True)
        result = pradrill(house, "gc", "--yes", environment=environment)
        assert result.returncode == 0, result.stdout + result.stderr
        assert here.wait(5) < 0
        assert there.wait(5) < 0
    assert not any(each.exists() for each in (*folders, unknown, folder_for(run_id)))
    assert not lease(hosts).exists()
    assert foreign.exists()
    assert plain.exists()
    assert run_id not in pradrill(house, "gc", environment=environment).stdout


def test_a_folder_that_goes_while_it_is_looked_at_is_nobodys(tmp_path: Path) -> None:
    """Another run that ends meanwhile takes its folder with it, and breaks no command."""
    assert not is_deserted(tmp_path / "gone", datetime.now(UTC))


def test_a_folder_of_a_container_that_shares_it_is_left_alone(tmp_path: Path) -> None:
    """A process with numbers of its own may live where nobody here sees it, until the next boot."""
    sign(tmp_path)
    dead = this_process(Doing.RUN).model_copy(update={"pid": 2**30})
    elsewhere = dead.model_copy(update={"pids": "pid:[1]"})
    before = elsewhere.model_copy(update={"boot": "0" * 36})
    for owner, deserted in ((dead, True), (elsewhere, False), (before, True)):
        (tmp_path / ".owner").write_text(owner.model_dump_json())
        assert is_deserted(tmp_path, datetime.now(UTC)) is deserted

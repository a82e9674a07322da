"""However a run's words, its process or its reader end: record and exit code are the run's."""

from __future__ import annotations

import json
import os
import pty
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, write

from pradrill.cli import main

COMMAND = f"{shlex.quote(sys.executable)} -m pradrill --state state"
BROKEN = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back
      ansible.builtin.raw: "false"
"""


def in_shell(house: Path, line: str) -> int:
    """Run a line of bash; return the exit code of the first command of its last pipe."""
    result = subprocess.run(
        ["bash", "-c", line.replace("pradrill", COMMAND) + "\nexit ${PIPESTATUS[0]}"],
        cwd=house,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    return result.returncode


def wait_for(house: Path, word: str) -> None:
    """Wait until a run's journal holds a word."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if any(word in path.read_text() for path in house.glob("state/runs/2*/journal.jsonl")):
            return
        time.sleep(0.01)
    pytest.fail(f"the journal never held {word}")


@contextmanager
def running(house: Path) -> Iterator[subprocess.Popen[str]]:
    """Start the drill; whatever becomes of it, it is over at the end."""
    with subprocess.Popen(
        [*shlex.split(COMMAND), "run", "shop"],
        cwd=house,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize(
    "line",
    [
        "pradrill --log /dev/full due --run | true",
        pytest.param(
            "PRADRILL_PROGRESS=plain pradrill run shop 2>&1 | head -1", marks=pytest.mark.nightly
        ),
        "pradrill run shop <&- >&- 2>&-",
        pytest.param(
            "PRADRILL_PROGRESS=plain pradrill --log /proc/none/log run shop >/dev/full 2>/dev/full",
            marks=pytest.mark.nightly,
        ),
    ],
)
def test_no_lost_word_changes_what_a_run_comes_to(
    hosts: TwoHosts, tmp_path: Path, line: str
) -> None:
    """Closed pipes, closed descriptors, full disks, a log that cannot be: FAILED stays 10.

    Nothing that was meant for a reader is in a journal or in the register.
    """
    house = hosts.house(tmp_path)
    write(house, "playbooks/restore.yml", BROKEN)
    assert in_shell(house, line) == 10
    records = [json.loads(t) for t in pradrill(house, "runs", "--json").stdout.splitlines()]
    assert [record["exit_code"] for record in records] == [10]
    (journal,) = house.glob("state/runs/*/journal.jsonl")
    assert all(json.loads(each) for each in journal.read_text().splitlines())
    assert pradrill(house, "register", "verify").returncode == 0
    assert hosts.standby.touched() == ["torn-down"]

    assert in_shell(house, "pradrill show >/dev/full") == 1
    assert in_shell(house, "pradrill show | true") == 0
    assert in_shell(house, "pradrill show >&-") == 0
    assert in_shell(house, "pradrill show nothing >/dev/full 2>/dev/full") == 2


def test_a_terminal_that_hangs_up_does_not_end_a_run(hosts: TwoHosts, tmp_path: Path) -> None:
    """The live view goes on into nothing; the code is the record's."""
    house = hosts.house(tmp_path)
    write(house, "playbooks/restore.yml", BROKEN)
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*shlex.split(COMMAND), "run", "shop"],
        cwd=house,
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        wait_for(house, '"event": "guard"')
        assert os.read(ours, 1)
        os.close(ours)
        assert process.wait(60) == 10
    assert hosts.standby.touched() == ["torn-down"]


def test_a_storm_of_signals_does_not_reach_the_teardown(hosts: TwoHosts, tmp_path: Path) -> None:
    """Interrupted in its restore, then under fire while it tears down: it tears down."""
    house = hosts.house(tmp_path)
    edit(house, "playbooks/restore.yml", "mkdir", "sleep 20; mkdir")
    edit(house, "playbooks/teardown.yml", "rm -rf", "sleep 2; rm -rf")
    with running(house) as process:
        wait_for(house, '"step_started", "phase": "restore"')
        process.send_signal(signal.SIGINT)
        wait_for(house, '"step_started", "phase": "teardown"')
        end = time.monotonic() + 2
        while time.monotonic() < end:
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
                process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, out + err
    assert "Traceback" not in err
    assert "torn-down" in hosts.standby.touched()
    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert (record["state"], record["signal"]) == ("INTERRUPTED", signal.SIGINT)


def test_a_run_killed_just_before_its_record_is_recorded_as_it_ended(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """The next command writes the very record from the journal, and tears nothing down again."""
    house = hosts.house(tmp_path)
    assert pradrill(house, "run", "shop").returncode == 0
    (path,) = house.glob("state/runs/2*/record.json")
    before = path.read_bytes()
    hosts.standby.empty()
    for without in ([path], []):
        for each in [*without, *house.glob("state/register*")]:
            each.unlink()
        result = pradrill(house, "runs")
        assert result.returncode == 0
        assert "CRASHED" not in result.stdout + result.stderr
        assert path.read_bytes() == before
        assert pradrill(house, "register", "verify").returncode == 0
    assert hosts.standby.touched() == []


def test_a_reader_is_told_of_a_run_that_has_no_record(
    hosts: TwoHosts,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A first run that is under way, or killed in a state that is read-only, is told as that.

    A name that no run has is a wrong command line, whatever is asked of it.
    """
    house = hosts.house(tmp_path)
    edit(house, "playbooks/restore.yml", "mkdir", "sleep 60; mkdir")
    with running(house) as process:
        wait_for(house, '"step_started", "phase": "restore"')
        listed = pradrill(house, "runs")
        assert (listed.returncode, "is running" in listed.stdout) == (0, True)
        assert "No run" not in listed.stdout
        output = pradrill(house, "show")
        assert (output.returncode, "is running" in output.stderr) == (2, True)
        process.send_signal(signal.SIGKILL)
        process.wait()

    read_only = tmp_path / "read-only"
    read_only.mkdir()
    subprocess.run(["mount", "--bind", house / "state", read_only], check=True)
    try:
        subprocess.run(["mount", "-o", "remount,bind,ro", read_only], check=True)
        for words in ("runs", "findings", "register list", "show", "due"):
            result = pradrill(house, "--state", str(read_only), *words.split())
            assert result.returncode == (2 if words == "show" else 0), result
            assert "Traceback" not in result.stderr
            if words not in {"due", "show"}:
                assert "was killed" in result.stderr
        attempt = pradrill(house, "--state", str(read_only), "run", "shop")
        # Two errors, of the killed run and of this attempt: what mends both is said once.
        assert (attempt.returncode, attempt.stderr.count("HINT: ")) == (14, 1), attempt.stderr
        assert "is not torn down yet: cannot write" in attempt.stderr
        assert "Traceback" not in attempt.stderr
    finally:
        subprocess.run(["umount", "--lazy", read_only], check=True)

    assert "recorded as CRASHED" in pradrill(house, "runs").stderr
    monkeypatch.chdir(house)
    capsys.readouterr()
    for words in (
        "show nothing",
        "report nothing",
        "annotate nothing --deviation x",
        "bundle nothing --output out",
        "bundle --output playbooks",
        "bundle --output playbooks/restore.yml",
        "finding close F-1 --run nothing",
        "finding open x --service shop --run nothing",
        "answer nothing step --yes",
        "verify playbooks",
        "verify nowhere",
    ):
        code = main(["--state", str(house / "state"), *words.split()])
        assert (code, "HINT: " in capsys.readouterr().err) == (2, True), words

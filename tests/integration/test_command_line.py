"""The command line as its users meet it: help, exit codes, cron, a whole drill on loopback."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.hosts.machines import network
from tests.integration.hosts.sshd import LOGIN, Sshd
from tests.integration.house import PLAY, UNREACHED, build, edit, pradrill, write

from pradrill.cli import main
from pradrill.errors import ExitCode
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_drill, a_run_plan, a_sealed_run, a_service

REPOSITORY = Path(__file__).parents[2]
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
SOURCES_README = (REPOSITORY / "src/README.md").read_text(encoding="utf-8")
MARKED = pytest.mark.skipif(os.geteuid() != 0, reason="marking a standby takes root")


@pytest.fixture
def house(tmp_path: Path, machine: Sshd) -> Path:
    """Return a house whose standby is a machine of its own."""
    build(tmp_path)
    machine.serve(tmp_path, "web-dr", login=LOGIN)
    return tmp_path


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Sshd]:
    """Return a machine of its own: another network, and a standby's marker."""
    with network(tmp_path) as start:
        yield start("web-dr")


def record(house: Path) -> dict[str, object]:
    """Return the newest record, read as a program reads it."""
    output = pradrill(house, "show", "--json")
    assert output.returncode == 0, output.stderr
    return dict(json.loads(output.stdout))


def test_the_sources_readme_shows_the_help_as_it_is() -> None:
    """The help block in src/README.md is what `pradrill --help` prints on 80 columns."""
    output = _help()
    block = re.search(r"\$ pradrill --help\n(.*?)```", SOURCES_README, re.DOTALL)
    assert block is not None
    if sys.version_info < (3, 13):  # later ones write option lists in another way
        assert block[1] == output


def test_the_readme_lists_every_exit_code_and_no_other() -> None:
    """A code that is missing from the table, or told otherwise there, misleads at night."""
    listed = re.findall(r"^\| (\d+) \| (.+) \|$", README, re.MULTILINE)
    assert listed == [(str(int(code)), code.meaning) for code in ExitCode]


def test_every_command_has_a_help_with_an_example(capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever knows a command's name can see how it is called."""
    names = re.findall(r"^    ([a-z]+)  ", _help(), re.MULTILINE)
    assert len(names) >= 10
    for name in names:
        assert main([name, "--help"]) == ExitCode.PASSED
        assert f"example:\n  pradrill {name}" in capsys.readouterr().out


def test_a_wrong_command_line_is_said_in_one_sentence_and_a_hint() -> None:
    """Usage errors end with 2 and point to the help."""
    result = subprocess.run(
        [sys.executable, "-m", "pradrill", "rnu"], capture_output=True, text=True, check=False
    )
    assert result.returncode == ExitCode.USAGE
    assert result.stderr.splitlines()[-1] == "HINT: Read pradrill --help."


def test_no_traceback_reaches_a_reader_who_leaves_early(tmp_path: Path) -> None:
    """`pradrill schema | head -1` ends quietly."""
    result = subprocess.run(
        f"{sys.executable} -m pradrill --state {tmp_path} schema | head -1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (result.stdout, result.stderr) == ("{\n", "")


@MARKED
def test_a_passed_drill_from_cron_prints_nothing(house: Path) -> None:
    """`due --run` needs no PATH, HOME or terminal; when the drill passed, no mail is sent."""
    result = pradrill(house, "due", "--run", environment={"LANG": "C"})
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")
    facts = record(house)
    assert facts["verdict"] == "PASSED"
    log = (house / "state" / "log.jsonl").read_text(encoding="utf-8").splitlines()
    assert {"phase", "step", "step_ended", "checks"} <= {json.loads(line)["event"] for line in log}
    again = pradrill(house, "due")
    assert again.stdout == "nothing is due\n"
    assert len(list((house / "state" / "runs").iterdir())) == 1


def test_a_drill_that_was_due_says_since_when(house: Path) -> None:
    """The record holds the day on which the plan's drill_every had the service due."""
    edit(house, "drills/shop.yml", f'["{UNREACHED}"]', f'["{UNREACHED}"]\n  deadline: 5s')
    edit(house, "drills/shop.yml", "  deadline: 1m\n", "")
    plan = a_run_plan(services={"shop": a_service()}, drill=a_drill(services=("shop",)))
    a_sealed_run(FileRunStore(house / "state"), plan=plan)
    pradrill(house, "due", "--run", environment={"LANG": "C"})
    launch = record(house)["launch"]
    assert isinstance(launch, dict)
    assert (launch["trigger"], launch["due"]) == ("due", "2026-06-10T02:00:00Z")


@MARKED
def test_a_failed_drill_from_cron_prints_a_mail(house: Path) -> None:
    """The first line says how it went, the rest why, and where the record is."""
    edit(house, "drills/checks/shop/test_shop.py", '== "yes"', '== "no"')
    edit(house, "drills/shop.yml", "deadline: 1m", "deadline: 3s")
    result = pradrill(house, "due", "--run", environment={"LANG": "C"})
    assert result.returncode == ExitCode.FAILED
    assert result.stdout.startswith("FAILED  shop  RTA not measured (RTO 15m00s)")
    assert "The machine answers." in result.stdout
    assert "pradrill show" in result.stdout
    assert len(result.stdout.splitlines()) <= 40
    listed = pradrill(house, "due")
    assert listed.stdout == "nothing is due\n", "a failed run is a finished run"


@MARKED
def test_a_standby_without_its_marker_is_not_restored_on(house: Path) -> None:
    """The machine itself must say that it is a standby: the drill stops before the restore."""
    write(house, "playbooks/unmark.yml", PLAY.replace("true", "rm /etc/pradrill/standby"))
    edit(
        house,
        "drills/shop.yml",
        "restore:",
        "prepare: [{playbook: ../playbooks/unmark.yml}]\nrestore:",
    )
    result = pradrill(house, "run", "shop")
    assert result.returncode == ExitCode.INCONCLUSIVE, result.stdout
    assert "/etc/pradrill/standby is missing" in result.stdout
    steps = record(house)["not_executed"]
    assert isinstance(steps, list)
    assert "restore" in [step["name"] for step in steps]


@MARKED
def test_a_host_key_that_is_not_the_pinned_one_is_refused(
    house: Path, another_sshd: Callable[..., Sshd]
) -> None:
    """A machine with another key may be anything: not ready, nothing touched."""
    other = another_sshd(name="impostor").host_key
    pinned = (house / "known_hosts").read_text(encoding="utf-8")
    (house / "known_hosts").write_text(f"{pinned.split()[0]} {other}\n", encoding="utf-8")
    result = pradrill(house, "run", "shop")
    assert result.returncode == ExitCode.NOT_READY
    assert record(house)["refusal"] == "not_ready"


@MARKED
def test_a_primary_is_refused_by_its_machine_id(house: Path) -> None:
    """A standby that turns out to be the primary's own machine is never written to."""
    machine_id = Path("/etc/machine-id").read_text(encoding="ascii").strip()
    edit(house, "drills/plan.yml", "primary: none", f"primary: {{machine_ids: [{machine_id}]}}")
    result = pradrill(house, "run", "shop")
    assert result.returncode == ExitCode.NOT_READY
    assert "shares its machine-id with the primary" in result.stdout


@MARKED
def test_a_watched_run_shows_its_progress_and_the_verdict(house: Path) -> None:
    """On a terminal: each phase and step, the time left of the objective, then the summary."""
    leader, follower = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "pradrill", "--state", "state", "run", "shop"],
        cwd=house,
        stdin=follower,
        stdout=follower,
        stderr=follower,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
    ) as running:
        os.close(follower)
        output = _read_all(leader, running)
    assert running.returncode == 0, output
    for expected in ("readiness", "restore", "check the service", "RTO", "PASSED  shop  RTA"):
        assert expected in output


@MARKED
def test_a_second_ctrl_c_does_not_skip_the_teardown(house: Path) -> None:
    """However often Ctrl-C is pressed, the teardown playbook runs to its end: 130."""
    asleep = house / "asleep"
    tasks = f"{{ansible.builtin.shell: touch {asleep} && exec sleep 60}}"
    write(house, "playbooks/restore.yml", re.sub(r"\{.*\}", tasks, PLAY))
    write(house, "playbooks/teardown.yml", PLAY.replace('"true"', "touch " + str(house / "torn")))
    running = subprocess.Popen(
        [sys.executable, "-m", "pradrill", "--state", "state", "run", "shop"],
        cwd=house,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    _until(asleep.exists)
    running.send_signal(signal.SIGINT)
    time.sleep(0.5)
    running.send_signal(signal.SIGINT)
    running.send_signal(signal.SIGTERM)
    printed, _ = running.communicate(timeout=60)
    assert running.returncode == ExitCode.INTERRUPTED, printed
    assert (house / "torn").exists()
    facts = record(house)
    assert (facts["state"], facts["residue"]) == ("INTERRUPTED", [])


def _help() -> str:
    return subprocess.run(
        [sys.executable, "-m", "pradrill", "--help"],
        env={**os.environ, "COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def _journal(house: Path) -> str:
    files = (house / "state" / "runs").glob("*/evidence/*restore*/events.jsonl")
    return "".join(path.read_text(encoding="utf-8") for path in files)


def _until(true: Callable[[], bool], deadline: float = 60) -> None:
    end = time.monotonic() + deadline
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


def _read_all(leader: int, running: subprocess.Popen[bytes]) -> str:
    content = b""
    while running.poll() is None or select.select([leader], [], [], 0.2)[0]:
        if select.select([leader], [], [], 0.2)[0]:
            try:
                content += os.read(leader, 65_536)
            except OSError:  # the terminal's other side is closed
                break
    os.close(leader)
    running.wait()
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", content.decode(errors="replace"))

"""An estate drilled for real: several sshd, ansible-playbook side by side, signals, kill -9."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.machines import network
from tests.integration.hosts.sshd import Sshd
from tests.integration.house import UNREACHED, write

from pradrill.domain.run.record import RunRecord, RunState
from pradrill.errors import ExitCode
from pradrill.system import processes

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="marking a standby takes root")

_LONG = 600  # seconds; far more than a run takes on a machine that does nothing else
DEPENDS_ON = {"directory": "[]", "database": "[]", "application": "[directory, database]"}
CHECK = '''\
from pathlib import Path

FOLDER = Path(__file__).parents[3]


def test_it_is_there(host):
    """What was restored is there."""
    name = host.check_output("cat {folder}/{service}.restored")
    assert name == "{service}"
'''


class Estate:
    """A house with one drill of three services, on three machines or on fewer."""

    def __init__(self, folder: Path, machines: list[Sshd]) -> None:
        self.folder = folder
        names = list(DEPENDS_ON)
        hosts = {name: machines[n % len(machines)] for n, name in enumerate(names)}
        services = "".join(
            f"  {name}:\n    objectives: {{rto: 10m, rpo: 1h}}\n    primary: none\n"
            f"    depends_on: {needed}\n"
            for name, needed in DEPENDS_ON.items()
        )
        for part in ("drills/checks", "playbooks"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        write(folder, "drills/plan.yml", f"plan: 1\norganisation: Exemple\nservices:\n{services}")
        (folder / "inventory.yml").write_text(_inventory(machines), encoding="utf-8")
        pins = "".join(machine.known_hosts.read_text("utf-8") for machine in machines)
        (folder / "known_hosts").write_text(pins, encoding="utf-8")
        ways = {}
        for name in names:
            (folder / "drills/checks" / name).mkdir()
            check = CHECK.replace("{folder}", str(folder)).replace("{service}", name)
            (folder / "drills/checks" / name / "test_it.py").write_text(check, encoding="utf-8")
            self.play(f"restore_{name}", f"echo -n {name} > {folder}/{name}.restored")
            self.play(
                f"teardown_{name}",
                f"rm -f {folder}/{name}.restored; echo {name} >> {folder}/torn",
            )
            ways[name] = {
                "hosts": hosts[name].host.name,
                "restore": [{"playbook": f"../playbooks/restore_{name}.yml", "deadline": "4m"}],
                "verify": {
                    "checks": f"checks/{name}",
                    "deadline": "2m",
                    "stable_for": "0s",
                    "newest_data": {"command": "date -u -d -5min +%FT%TZ"},
                    "must_not_reach": [UNREACHED],
                },
                "teardown": [{"playbook": f"../playbooks/teardown_{name}.yml", "deadline": "2m"}],
            }
        drill = {
            "drill": "estate",
            "scenario": {"name": "loss of the site"},
            "standby": {
                "inventory": "../inventory.yml",
                "hosts": "standby",
                "known_hosts": "../known_hosts",
            },
            "recover": ways,
        }
        (folder / "drills/estate.yml").write_text(json.dumps(drill), encoding="utf-8")

    def play(self, name: str, *commands: str, always: str = "true") -> None:
        """Write a playbook of shell commands, and one that follows whatever they come to."""
        tasks = [{"ansible.builtin.shell": command} for command in commands]
        block = {"block": tasks, "always": [{"ansible.builtin.shell": always}]}
        content = [{"hosts": "all", "gather_facts": False, "tasks": [block]}]
        path = self.folder / "playbooks" / f"{name}.yml"
        path.write_text(json.dumps(content), encoding="utf-8")

    def run(self, *words: str) -> tuple[int, str]:
        """Run the drill, or another command, to its end; return its exit code and its words."""
        running = self.start(*words)
        printed, _ = running.communicate(timeout=_LONG)
        return running.returncode, printed

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Run the drill, or another command, in the background."""
        return subprocess.Popen(
            [sys.executable, "-m", "pradrill", "--state", "state", *(words or ("run", "estate"))],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def record(self) -> RunRecord:
        """Return the only run's record; nothing of the run is alive."""
        (path,) = (self.folder / "state" / "runs").glob("*/record.json")
        record = RunRecord.model_validate_json(path.read_text(encoding="utf-8"))
        assert processes.carrying(record.run_id) == []
        return record

    def torn(self) -> list[str]:
        """Return the services that were torn down, in order."""
        return (self.folder / "torn").read_text(encoding="utf-8").split()


def _inventory(machines: list[Sshd]) -> str:
    hosts = {
        machine.host.name: {
            "ansible_host": machine.address,
            "ansible_port": machine.port,
            "ansible_user": machine.host.user,
            "ansible_ssh_private_key_file": str(machine.key),
            "ansible_python_interpreter": "/usr/bin/python3",
            "dr_role": "standby",
        }
        for machine in machines
    }
    return json.dumps({"standby": {"hosts": hosts}})


@pytest.fixture
def machines(tmp_path: Path) -> Iterator[Callable[[int], list[Sshd]]]:
    """Return a function that starts machines: one network of their own, a marker for each."""
    with network(tmp_path) as start:
        yield lambda count: [start(f"dr-{number}") for number in range(count)]


def _until(true: Callable[[], bool], deadline: float = _LONG) -> None:
    end = time.monotonic() + deadline
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.05)


def meets(folder: Path, service: str, other: str) -> str:
    """Return a command that ends well only while the other service's is under way too."""
    return (
        f"touch {folder}/{service}.here; for n in $(seq 1200); do "
        f"[ -e {folder}/{other}.here ] && exit 0; sleep 0.1; done; exit 1"
    )


def verdicts(record: RunRecord) -> dict[str, str]:
    """Return each service's verdict."""
    return {name: str(result.verdict) for name, result in record.services.items()}


def lines(folder: Path) -> list[dict[str, Any]]:
    """Return the JSON log."""
    text = (folder / "state" / "log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("count", [3, pytest.param(1, marks=pytest.mark.nightly)])
def test_an_estate_is_recovered_side_by_side(
    tmp_path: Path, machines: Callable[[int], list[Sshd]], count: int
) -> None:
    """Two real plays are under way at once, the third waits; on three machines and on one."""
    estate = Estate(tmp_path, machines(count))
    for service, other in (("directory", "database"), ("database", "directory")):
        estate.play(
            f"restore_{service}",
            meets(tmp_path, service, other),
            "sleep 3"
            if service == "database"
            else "true",  # its play goes on after the other's end
            f"echo -n {service} > {tmp_path}/{service}.restored",
        )
    estate.play(
        "restore_application",
        f"cat {tmp_path}/directory.restored {tmp_path}/database.restored",
        f"echo -n application > {tmp_path}/application.restored",
    )
    code, printed = estate.run()
    assert code == ExitCode.PASSED, printed
    record = estate.record()
    assert verdicts(record) == dict.fromkeys(DEPENDS_ON, "PASSED")
    assert record.residue == ()
    assert estate.torn() == ["application", "database", "directory"]
    rtas = {name: result.recovery.rta for name, result in record.services.items()}
    assert record.recovery.rta == rtas["application"]
    steps = [line for line in lines(tmp_path) if line["event"] == "step" and "service" in line]
    assert {line["service"] for line in steps} == set(DEPENDS_ON)


@pytest.mark.nightly  # by day on fakes: unit/engine/test_estate_run.py
def test_a_branch_that_fails_leaves_the_others_alone(
    tmp_path: Path, machines: Callable[[int], list[Sshd]]
) -> None:
    """A real play that fails early does not end the play beside it; dependents are not tried."""
    estate = Estate(tmp_path, machines(3))
    estate.play("restore_directory", meets(tmp_path, "directory", "database"), "false")
    estate.play(
        "restore_database",
        meets(tmp_path, "database", "directory"),
        "sleep 4",
        f"echo -n database > {tmp_path}/database.restored",
    )
    code, printed = estate.run()
    assert code == ExitCode.FAILED, printed
    record = estate.record()
    assert verdicts(record) == {
        "directory": "FAILED",
        "database": "PASSED",
        "application": "INCONCLUSIVE",
    }
    assert record.services["application"].held_by == ("directory",)
    assert not (tmp_path / "application.restored").exists()
    assert estate.torn() == ["application", "database", "directory"]
    assert "application was not recovered" in printed


@pytest.mark.nightly  # by day on fakes, and of one service: test_ends_of_a_drill.py
def test_ctrl_c_stops_every_branch_at_once(
    tmp_path: Path, machines: Callable[[int], list[Sshd]]
) -> None:
    """Two plays are stopped in the time of one, their always: blocks run, one teardown follows."""
    estate = Estate(tmp_path, machines(3))
    for service, other in (("directory", "database"), ("database", "directory")):
        estate.play(
            f"restore_{service}",
            meets(tmp_path, service, other),
            f"touch {tmp_path}/{service}.busy; exec sleep 120",
            always=f"touch {tmp_path}/{service}.always",
        )
    running = estate.start()
    _until(lambda: all((tmp_path / f"{name}.busy").exists() for name in ("directory", "database")))
    running.send_signal(signal.SIGINT)
    printed, _ = running.communicate(timeout=_LONG)
    assert running.returncode == ExitCode.INTERRUPTED, printed
    record = estate.record()
    assert record.state is RunState.INTERRUPTED
    restores = {s.service: str(s.outcome) for s in record.steps if s.phase == "restore"}
    assert restores == {"directory": "cancelled", "database": "cancelled"}
    stopped = [s for s in record.steps if s.phase == "restore"]
    assert max(s.started for s in stopped) < min(s.ended for s in stopped)
    assert all((tmp_path / f"{name}.always").exists() for name in ("directory", "database"))
    assert estate.torn() == ["application", "database", "directory"]
    assert record.residue == ()


@pytest.mark.nightly  # by day on fakes, and of one service: test_leases.py
def test_a_killed_estate_is_put_back_by_the_next_command(
    tmp_path: Path, machines: Callable[[int], list[Sshd]]
) -> None:
    """After kill -9 with two plays under way, the next command tears down and records."""
    estate = Estate(tmp_path, machines(3))
    for service, other in (("directory", "database"), ("database", "directory")):
        estate.play(
            f"restore_{service}",
            meets(tmp_path, service, other),
            f"touch {tmp_path}/{service}.busy; exec sleep 120",
        )
    running = estate.start()
    _until(lambda: all((tmp_path / f"{name}.busy").exists() for name in ("directory", "database")))
    running.kill()
    running.communicate(timeout=30)
    (run,) = (tmp_path / "state" / "runs").iterdir()
    left = processes.carrying(run.name)
    assert left, "there was nothing to end"
    _, printed = estate.run("runs")
    assert "CRASHED" in printed
    record = estate.record()
    assert record.state is RunState.CRASHED
    assert set(verdicts(record).values()) == {"INCONCLUSIVE"}
    assert estate.torn() == ["application", "database", "directory"]

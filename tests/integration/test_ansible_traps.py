"""The traps of ansible-runner and ansible-core, each with a real play on a real sshd."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pexpect
import pytest

from pradrill.adapters.ansible.runner import AnsibleRunner
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.run.host import Site
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.ports import Play
from pradrill.system import processes

if TYPE_CHECKING:
    from tests.integration.hosts.sshd import Sshd

HIDDEN = 'pa$$ "wörd" l0ng'


class Stage:
    """Runs playbooks written in a test, and keeps what comes of them."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder = folder
        self.site = site
        self.evidence = folder / "evidence"
        self.temporary = Path(tempfile.mkdtemp(prefix="pd-", dir="/tmp"))  # Ansible's sockets fit
        self.marker = f"run-{folder.name}"
        self.seconds = 0.0
        self.lines: list[str] = []

    def play(  # noqa: PLR0913 each is a part of a play that some test is about
        self,
        tasks: str,
        *,
        header: str = "",
        hosts: str = "standby",
        deadline: float = 30.0,
        grace: float = 2.0,
        cancelled: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] | None = None,
        variables: dict[str, Any] | None = None,
        secrets: dict[str, str] | None = None,
        controller: bool = False,
    ) -> PlaybookResult:
        """Run a play of these tasks."""
        playbook = self.folder / "play.yml"
        playbook.write_text(
            f"- hosts: {hosts}\n  gather_facts: false\n"
            + textwrap.indent(textwrap.dedent(header).lstrip("\n"), "  ")
            + "  tasks:\n"
            + textwrap.indent(textwrap.dedent(tasks).lstrip("\n"), "    ")
        )
        return self.run(
            Play(
                playbook,
                self.site,
                variables or {},
                secrets or {},
                self.marker,
                controller=controller,
            ),
            deadline=deadline,
            grace=grace,
            cancelled=cancelled,
            say=say or self.lines.append,
        )

    def run(
        self,
        play: Play,
        *,
        deadline: float = 30.0,
        grace: float = 2.0,
        cancelled: Callable[[], bool] = lambda: False,
        say: Callable[[str], None] = lambda _line: None,
    ) -> PlaybookResult:
        """Run a play and time it."""
        runner = AnsibleRunner(SteadyClock(), resolve, grace=grace)
        started = time.monotonic()
        result = runner.run(
            play, deadline=deadline, cancelled=cancelled, say=say, evidence=self.evidence
        )
        self.seconds = time.monotonic() - started
        return result


@pytest.fixture
def stage(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    """Return a stage whose temporary files can be looked at afterwards."""
    stage_here = Stage(tmp_path, site)
    monkeypatch.setattr(tempfile, "tempdir", str(stage_here.temporary))
    yield stage_here
    shutil.rmtree(stage_here.temporary)


def test_a_long_temporary_folder_is_no_obstacle(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Newer Ansibles put a socket into the temporary folder, and a socket's path is short."""
    far = tmp_path / ("long" * 20)
    far.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(far))
    assert stage.play("- ansible.builtin.ping:").outcome is StepOutcome.PASSED


# ---------------------------------------------------------------- judging


def test_no_hosts_matched_is_not_passed(stage: Stage) -> None:
    """A play that matched no host ends with code 0, and proves nothing."""
    result = stage.play("- ansible.builtin.ping:", hosts="elsewhere")
    assert result.outcome is StepOutcome.UNKNOWN
    assert result.detail.text == "the playbook did nothing on standby-1"


def test_rescued_and_ignored_tasks_pass(stage: Stage) -> None:
    """A failed task that the playbook rescues or ignores does not fail the step."""
    result = stage.play("""
        - block:
            - ansible.builtin.command: "false"
          rescue:
            - ansible.builtin.command: "true"
        - ansible.builtin.command: "false"
          ignore_errors: true
        """)
    assert result.outcome is StepOutcome.PASSED
    assert result.failures == ()


def test_failure_names_its_task(stage: Stage) -> None:
    """The failure that ended the play is told, not one that was rescued before it."""
    result = stage.play("""
        - block:
            - name: try the fast way
              ansible.builtin.command: "false"
          rescue:
            - ansible.builtin.command: "true"
        - name: load the dump
          ansible.builtin.shell: "echo starting; echo no space left >&2; exit {{ item }}"
          loop: [0, 4]
        """)
    assert result.outcome is StepOutcome.FAILED
    assert [(f.host, f.task) for f in result.failures] == [("standby-1", "load the dump")]
    assert "no space left" in result.failures[0].message
    assert "load the dump" in result.detail.text


def test_unreachable_is_not_failed(
    stage: Stage, control_folder: Path, another_sshd: Callable[..., Sshd]
) -> None:
    """A host that goes away in the middle leaves the step without an answer."""
    server = another_sshd(name="standby-1")
    stage.site = server.site(stage.folder, control_folder)
    killer = threading.Timer(5.0, server.stop)
    killer.start()
    result = stage.play("""
        - name: restore
          ansible.builtin.command: timeout 20 sleep 20
        """)
    killer.join()
    assert result.outcome is StepOutcome.UNREACHABLE
    assert result.failures[0].task == "restore"


def test_missing_playbook_is_unknown(stage: Stage) -> None:
    """A playbook that is not there gives code 1 and no statistics: nothing is known."""
    result = stage.run(Play(stage.folder / "no.yml", stage.site, {}, {}, stage.marker))
    assert result.outcome is StepOutcome.UNKNOWN
    assert "no final statistics" in result.detail.text
    assert "no.yml" in result.detail.text


def test_wrong_host_key_is_unreachable(
    stage: Stage, sshd: Sshd, another_sshd: Callable[..., Sshd], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host with another key is not played on, even if the inventory and the caller allow it."""
    wrong = stage.folder / "wrong"
    wrong.write_text(f"[127.0.0.1]:{sshd.port} {another_sshd().host_key}\n")
    config = stage.site.ssh_config
    config.write_text(config.read_text().replace(str(stage.site.known_hosts), str(wrong)))
    inventory = stage.site.inventory
    careless = (
        "      ansible_host_key_checking: false\n      ansible_ssh_host_key_checking: false\n"
    )
    inventory.write_text(inventory.read_text() + careless)
    monkeypatch.setenv("ANSIBLE_HOST_KEY_CHECKING", "False")
    witness = stage.folder / "witness"
    result = stage.play(f"- ansible.builtin.command: touch {witness}")
    assert result.outcome is StepOutcome.UNREACHABLE
    assert not witness.exists()


# ---------------------------------------------------------------- stopping


def test_deadline_is_kept_and_nothing_survives(stage: Stage) -> None:
    """A deadline of 1.5 s is one, not none and not five, and no process outlives it."""
    result = stage.play("- ansible.builtin.command: timeout 9 sleep 9", deadline=1.5)
    assert result.outcome is StepOutcome.TIMED_OUT
    assert result.failures == ()
    assert stage.seconds < 5
    assert processes.carrying(stage.marker) == []


def test_always_blocks_run_on_cancel(stage: Stage) -> None:
    """A cancelled play runs its always: blocks, and ends at once: long before its grace is over."""
    start_file, cleaned = stage.folder / "begun", stage.folder / "cleaned"
    result = stage.play(
        f"""
        - block:
            - ansible.builtin.shell: touch {start_file}; timeout 90 sleep 90
            - ansible.builtin.command: touch {stage.folder}/next
          always:
            - ansible.builtin.command: touch {cleaned}
        """,
        cancelled=start_file.exists,
        grace=80,
    )
    assert result.outcome is StepOutcome.CANCELLED
    assert cleaned.exists()
    assert not (stage.folder / "next").exists()
    assert stage.seconds < 40  # nothing else would have ended it by then, however busy all is


def test_stubborn_play_and_its_survivors_end(stage: Stage) -> None:
    """A play that answers its end with more work is killed, with what left its group."""
    start_file = stage.folder / "begun"
    result = stage.play(
        f"""
        - block:
            - ansible.builtin.shell: touch {start_file}; timeout 15 sleep 15
              delegate_to: localhost
          rescue:
            - ansible.builtin.shell: setsid sh -c 'trap "" INT TERM ALRM; sleep 15; sleep 15'
              delegate_to: localhost
          always:
            - ansible.builtin.command: timeout 15 sleep 15
        """,
        cancelled=start_file.exists,
        grace=2,
        controller=True,
    )
    assert result.outcome is StepOutcome.CANCELLED
    assert processes.carrying(stage.marker) == []
    assert stage.seconds < 15  # the first of its sleeps alone would be more


def test_signal_handlers_are_untouched(stage: Stage) -> None:
    """SIGINT and SIGTERM still belong to the caller during and after a play."""
    refusal: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, lambda n, _f: refusal.append(n)) for number in numbers]
    handlers = [signal.getsignal(number) for number in numbers]
    try:
        killer = threading.Timer(0.8, lambda: os.kill(os.getpid(), signal.SIGTERM))
        killer.start()
        result = stage.play("- ansible.builtin.ping:")
        killer.join()
        assert [signal.getsignal(number) for number in numbers] == handlers
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
    assert refusal == [signal.SIGTERM]
    assert result.outcome is StepOutcome.PASSED


def test_prompt_does_not_hang(stage: Stage) -> None:
    """A question that nobody answers ends at the step's deadline."""
    result = stage.play(
        "- ansible.builtin.ping:",
        header="vars_prompt: [{name: word, prompt: password}]\n",
        deadline=2,
        grace=1,
    )
    assert result.outcome is StepOutcome.TIMED_OUT
    assert stage.seconds < 6


def test_last_read_that_times_out(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """When ansible-runner's last read times out, the statistics and the output still count."""
    read = pexpect.spawn.expect

    def too_late(child: Any, pattern: Any, *args: Any, **more: Any) -> Any:
        index = read(child, pattern, *args, **more)
        if pattern is pexpect.EOF:
            raise pexpect.TIMEOUT(None)
        return index

    monkeypatch.setattr(pexpect.spawn, "expect", too_late)
    result = stage.play("- ansible.builtin.set_stats: {data: {a: 1}, per_host: false}")
    assert result.outcome is StepOutcome.PASSED
    assert result.values == {"a": 1}
    assert "PLAY RECAP" in (stage.evidence / "stdout.txt").read_text()


# ---------------------------------------------------------------- telling


def test_slow_listener_does_not_stretch_the_play(stage: Stage) -> None:
    """Progress told to a terminal that stands still holds up neither play nor figures."""
    result = stage.play(
        "- ansible.builtin.ping:\n- ansible.builtin.ping:\n- ansible.builtin.ping:\n",
        say=lambda _line: time.sleep(20),
    )
    assert result.outcome is StepOutcome.PASSED
    assert result.started is not None
    assert result.ended is not None
    assert (result.ended - result.started).total_seconds() < 20
    assert stage.seconds < 40  # three times twenty seconds would be more


def test_listener_that_raises_does_not_orphan_the_play(stage: Stage) -> None:
    """An error while telling progress changes nothing in the play."""

    def broken(_line: str) -> None:
        raise OSError

    result = stage.play("- ansible.builtin.ping:\n- ansible.builtin.ping:\n", say=broken)
    assert result.outcome is StepOutcome.PASSED
    assert result.tasks_ok == 2


def test_values_come_back_and_secrets_do_not(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """set_stats hands values back; a secret reaches the task and nothing that is kept or seen."""
    monkeypatch.setenv("TEST_SECRET", HIDDEN)
    word_file, processes_file = stage.folder / "got", stage.folder / "seen"
    result = stage.play(
        f"""
        - ansible.builtin.copy: {{content: "{{{{ word }}}}", dest: {word_file}, mode: "0600"}}
        - ansible.builtin.shell: cat /proc/[0-9]*/cmdline > {processes_file} 2>/dev/null || true
        - ansible.builtin.shell: |
            for each in /proc/[0-9]*; do
              grep -qs {stage.marker} $each/environ && cat $each/environ >> {processes_file}
            done || true
        - ansible.builtin.debug: {{var: word}}
        - name: "say {{{{ word }}}}"
          ansible.builtin.set_stats:
            data: {{point: "2026-03-10T02:00:00Z", rows: 7, told: ["it is {{{{ word }}}}"]}}
            per_host: false
        - ansible.builtin.fail: {{msg: "cannot open with {{{{ word }}}}"}}
        """,
        secrets={"word": "env:TEST_SECRET"},
    )
    assert word_file.read_text() == HIDDEN
    assert result.values == {"point": "2026-03-10T02:00:00Z", "rows": 7, "told": ["it is ********"]}
    assert result.outcome is StepOutcome.FAILED
    evidence = [path.read_text() for path in stage.evidence.iterdir()]
    for text in (*evidence, result.model_dump_json(), *stage.lines, "".join(capfd.readouterr())):
        assert "l0ng" not in text
    assert b"l0ng" not in processes_file.read_bytes()
    assert stage.marker.encode() in processes_file.read_bytes()
    assert "cannot open with ********" in result.detail.text


def test_no_folder_is_left_or_used_twice(stage: Stage, capfd: pytest.CaptureFixture[str]) -> None:
    """Nothing of ansible-runner's own (env, command, job_events) stays, and it prints nothing."""
    stage.play("- ansible.builtin.ping:")
    assert list(stage.temporary.iterdir()) == []
    assert sorted(path.name for path in stage.evidence.iterdir()) == ["events.jsonl", "stdout.txt"]
    assert stage.evidence.stat().st_mode & 0o077 == 0
    assert capfd.readouterr() == ("", "")
    with pytest.raises(FileExistsError):
        stage.play("- ansible.builtin.ping:")


def test_bare_environment_of_cron(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without PATH, and with an Ansible configuration of the caller's, a play is the same."""
    monkeypatch.delenv("PATH")
    monkeypatch.setenv("ANSIBLE_STDOUT_CALLBACK", "minimal")
    monkeypatch.setenv("ANSIBLE_CONFIG", "/nowhere/ansible.cfg")
    monkeypatch.setenv("ANSIBLE_GATHERING", "nonsense")
    result = stage.play(
        "- ansible.builtin.command: echo {{ n }}\n", variables={"n": 3, "day": "2026-03-10"}
    )
    assert result.outcome is StepOutcome.PASSED, result.detail
    assert (result.tasks_ok, result.tasks_changed) == (1, 1)


def test_ansible_waits_without_haste(stage: Stage) -> None:
    """It looks a hundred times a second whether a task has ended, not a thousand times."""
    result = stage.play("""
        - ansible.builtin.set_stats:
            data: {interval: "{{ lookup('config', 'DEFAULT_INTERNAL_POLL_INTERVAL') }}"}
        """)
    assert float(str(result.values["interval"])) == 0.01, result


def test_hosts_of_the_site_are_the_limit(stage: Stage, another_sshd: Callable[..., Sshd]) -> None:
    """A playbook for all hosts of the inventory touches only those of the drill."""
    other = another_sshd(name="bystander")
    inventory = stage.site.inventory
    inventory.write_text(
        inventory.read_text()
        + f"    bystander:\n      ansible_host: 127.0.0.1\n      ansible_port: {other.port}\n"
        + f"      ansible_ssh_private_key_file: {other.key}\n"
    )
    result = stage.play("- ansible.builtin.ping:", hosts="all")
    assert result.hosts == ("standby-1",)
    assert result.outcome is StepOutcome.PASSED


def test_a_long_restore_says_how_far_it_is(stage: Stage) -> None:
    """A task that waits and shows what the tool prints: its figures are told, and nothing else."""
    status = '{"message_type": "status", "total_bytes": 4000000000, "bytes_restored": %s}'
    result = stage.play(
        f"""
        - name: Restore the snapshot
          ansible.builtin.shell: sleep 2
          async: 30
          poll: 0
          register: job
        - name: Restoring
          ansible.builtin.shell: >-
            echo '{{"row": 1}}'; echo '{status % 1_200_000_000}';
            grep -q '"rc"' {{{{ job.results_file }}}}
          register: look
          until: look.rc == 0
          retries: 60
          delay: 1
          changed_when: false
        """
    )
    assert result.outcome is StepOutcome.PASSED, result
    assert "Restoring: 1.2 GB of 4.0 GB" in stage.lines
    assert "row" not in "".join(stage.lines)

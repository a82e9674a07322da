"""What prints without end is cut while it prints, and neither disk nor memory fills."""

from __future__ import annotations

import json
import resource
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from tests.integration.hosts.sshd import Sshd

from pradrill.adapters.ansible import meter
from pradrill.adapters.ansible import runner as ansible
from pradrill.adapters.ansible.runner import AnsibleRunner
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.testinfra import verifier as testinfra
from pradrill.domain.declared.drill import NewestData
from pradrill.domain.run.host import Site
from pradrill.domain.run.outcome import CheckOutcome, PlaybookResult, StepOutcome
from pradrill.errors import PradrillError
from pradrill.ports import Play

OURS = "Read the machine-id"
"""The task of the plays that stand around the user's."""
CHECKS = """\
import os, subprocess

def test_prints():
    '''It prints 1.2 GB, by itself and by a child.'''
    for _ in range(600):
        print("x" * 1_000_000)
    ended = subprocess.run("head -c 600000000 /dev/zero", shell=True)
    assert ended.returncode == 0

def test_streams(host):
    '''Its command on the host has no end.'''
    assert host.run("cat /dev/zero").rc == 0

def test_writes():
    '''It fills the disk with one file.'''
    with open(os.environ["TMPDIR"] + "/big", "wb") as file:
        for _ in range(1200):
            assert file.write(b"x" * 1_000_000)

def test_explains():
    '''Its explanation is long.'''
    assert len("x") == 2, "x" * 50_000_000
"""


@pytest.fixture(autouse=True)
def memory() -> Iterator[None]:
    """Hold the test's own process and its children to a peak that has no 300 MB in it."""
    before = _peak()
    yield
    assert _peak() - before < 250_000, "kB"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 1_500_000


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def test_a_check_that_prints_or_writes_without_end_fills_nothing(
    site: Site, tmp_path: Path
) -> None:
    """What it prints is dropped; endless commands and files make it errored, and say so."""
    suite = tmp_path / "test_suite.py"
    suite.write_text(CHECKS)
    verifier = testinfra.TestinfraVerifier(SteadyClock())
    with verifier.open(suite, site, marker="run", evidence=tmp_path / "evidence") as opened:
        results = opened.run(None, deadline=100, cancelled=lambda: False)
    by_name = {result.check.partition("::")[2]: result for result in results}
    assert by_name["test_prints"].outcome is CheckOutcome.PASSED
    assert by_name["test_streams"].outcome is CheckOutcome.ERRORED
    assert "more than 8 MB and was ended" in by_name["test_streams"].detail
    assert by_name["test_writes"].outcome is CheckOutcome.ERRORED
    assert "File too large" in by_name["test_writes"].detail
    assert by_name["test_explains"].outcome is CheckOutcome.FAILED
    assert by_name["test_explains"].detail.endswith("…")
    assert sum(p.stat().st_size for p in (tmp_path / "evidence").iterdir()) < 1_000_000


def play(site: Site, folder: Path, task: str) -> PlaybookResult:
    """Run one task on the controller."""
    playbook = folder / "play.yml"
    playbook.write_text(
        "- hosts: all\n  connection: local\n  gather_facts: false\n  tasks:\n"
        f"    - {task}\n    - {{name: after, ansible.builtin.debug: {{msg: still here}}}}\n"
    )
    return AnsibleRunner(SteadyClock(), resolve).run(
        Play(playbook, site, {}, {}, f"bounds-{folder.name}"),
        deadline=90,
        cancelled=lambda: False,
        say=lambda _line: None,
        evidence=folder / "evidence",
    )


@pytest.mark.parametrize(
    "task",
    [
        "{ansible.builtin.debug: {msg: \"{{ 'x' * 3000000 }}\"}}",
        "{ansible.builtin.set_stats: {per_host: false, data: {big: \"{{ 'x' * 3000000 }}\"}}}",
    ],
    ids=["printed", "handed back"],
)
def test_a_play_that_tells_too_much_is_ended(
    site: Site, tmp_path: Path, task: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its output and its values are weighed before they are read.

    With a lower limit: Ansible itself takes a minute for 30 MB.
    """
    for module in (ansible, meter):
        monkeypatch.setattr(module, "PLAY_PRINTS", 2_000_000)
    result = play(site, tmp_path, task)
    assert result.outcome is StepOutcome.UNKNOWN
    assert result.detail.text == "it printed more than 2 MB and was ended"
    assert result.values == {}
    assert sum(p.stat().st_size for p in (tmp_path / "evidence").iterdir()) < 2_100_000


def test_a_play_that_hands_back_too_much_hands_back_nothing(site: Site, tmp_path: Path) -> None:
    """The record does not grow with it, and the step says why it did not pass."""
    task = "{ansible.builtin.set_stats: {per_host: false, data: {b: \"{{ 'x' * 2000000 }}\"}}}"
    result = play(site, tmp_path, task)
    assert (result.outcome, result.values) == (StepOutcome.UNKNOWN, {})
    assert result.detail.text == "it handed back more than 1 MB, of which nothing is kept"


def test_long_output_is_cut_and_the_evidence_says_so(site: Site, tmp_path: Path) -> None:
    """A play that prints 3 MB passes; what is kept of it ends with a word."""
    result = play(site, tmp_path, "{ansible.builtin.debug: {msg: \"{{ 'x' * 3000000 }}\"}}")
    assert result.outcome is StepOutcome.PASSED
    content = (tmp_path / "evidence/stdout.txt").read_text("utf-8")
    assert len(content) < 1_100_000
    assert "[cut after 1 MB of " in content


@pytest.mark.parametrize("stream", ["", " >&2"])
def test_a_standby_that_streams_for_ever_is_cut_off(sshd: Sshd, site: Site, stream: str) -> None:
    """newest_data whose command has no end is an error at once, not at its deadline."""
    probe = SshProbe(SteadyClock(), resolve)
    newest = NewestData(command=f"cat /dev/zero{stream}", deadline=timedelta(minutes=1))
    start = time.monotonic()
    try:
        with pytest.raises(PradrillError, match="printed more than 8 MB and was ended"):
            probe.read_instant(sshd.host, site, newest)
    finally:
        probe.close()
    assert time.monotonic() - start < 30


def test_evidence_of_events_is_bounded(site: Site, tmp_path: Path) -> None:
    """Its last line says that it was cut."""
    many = '{ansible.builtin.debug: {msg: a}, loop: "{{ range(3) | list }}"}'
    assert play(site, tmp_path, many).outcome is StepOutcome.PASSED
    lines = (tmp_path / "evidence/events.jsonl").read_text("utf-8").splitlines()
    events = [json.loads(line) for line in lines]
    assert [each["event"] for each in events if each["task"] != OURS] == ["ok", "ok"]

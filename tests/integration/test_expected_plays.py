"""Ansible is started before its play is wanted: it waits for its variables, and does nothing."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from textwrap import dedent

import pytest
from tests.support.living import goes_on

from pradrill.adapters.ansible.runner import AnsibleRunner
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.run.host import Site
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.errors import NotReadyError
from pradrill.ports import Play
from pradrill.system import in_memory, processes, scratch

MARKER = "expected-20261129T120000Z-0a1b"
LONGEST = 60.0

TASKS = """\
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.copy: {content: "{{ word }}", dest: "{{ place }}"}
"""


class Expecting:
    """A runner, and a play that it is told of before its variables are known."""

    def __init__(self, site: Site, folder: Path) -> None:
        self.runner = AnsibleRunner(SteadyClock(), resolve)
        self.site = site
        self.folder = folder
        self.place = folder / "word"

    def play(self, name: str = "play", **variables: str) -> Play:
        """Return a play of the name, written now."""
        path = self.folder / f"{name}.yml"
        path.write_text(TASKS, encoding="utf-8")
        return Play(path, self.site, variables, {}, MARKER)

    def run(self, play: Play, deadline: float = LONGEST) -> PlaybookResult:
        """Run it, and look that nothing of it is left."""
        return self.runner.run(
            play,
            deadline=deadline,
            cancelled=lambda: False,
            say=lambda _line: None,
            evidence=self.folder / "evidence",
        )

    def waits(self) -> int:
        """Return the Ansible that waits at its pipe, once there is one."""
        return waiting()

    def left(self) -> list[object]:
        """Return what there is of the run on this machine."""
        return [*processes.carrying(MARKER), *folders()]


def folders() -> list[Path]:
    """Return the folders of plays: each has one from the moment in which it is started."""
    return [
        path for base in scratch.places() for path in Path(base).glob(f"{scratch.prefix(MARKER)}*")
    ]


def waiting() -> int:
    """Return the process that has its pipe of variables open."""
    until = time.monotonic() + LONGEST
    while time.monotonic() < until:
        for pid in processes.carrying(MARKER):
            with suppress(OSError):  # it has closed one meanwhile, or has ended
                opened = map(os.readlink, Path(f"/proc/{pid}/fd").iterdir())
                if any(path.endswith("variables.json") for path in opened):
                    return pid
        time.sleep(0.05)
    raise AssertionError("no Ansible waits for its variables")


@pytest.fixture
def expecting(site: Site, tmp_path: Path) -> Iterator[Expecting]:
    """Return a runner of which nothing may be left."""
    expecting = Expecting(site, tmp_path)
    yield expecting
    expecting.runner.dismiss()
    assert expecting.left() == []


def test_it_waits_and_then_takes_the_variables_that_are_known_by_then(
    expecting: Expecting,
) -> None:
    """What was expected runs when it is wanted, in the process that waited, with what is given."""
    expecting.runner.expect(expecting.play(), deadline=LONGEST)
    pid = expecting.waits()
    assert expecting.runner.reap(MARKER) == 0, "what waits was ended"

    time.sleep(1.0)
    assert not expecting.place.exists()
    assert expecting.waits() == pid

    result = expecting.run(expecting.play(word="later", place=str(expecting.place)))
    assert result.outcome is StepOutcome.PASSED, result
    assert expecting.place.read_text() == "later"
    assert not goes_on(pid)


@pytest.mark.nightly
def test_one_that_was_ended_while_it_waited_is_started_anew(expecting: Expecting) -> None:
    """By kill -9, as for want of memory: a teardown does not go without its play by that."""
    expecting.runner.expect(expecting.play(), deadline=LONGEST)
    os.kill(expecting.waits(), signal.SIGKILL)
    time.sleep(1.0)  # until that is noticed
    result = expecting.run(expecting.play(word="later", place=str(expecting.place)))
    assert result.outcome is StepOutcome.PASSED, result
    assert expecting.place.read_text() == "later"


def test_it_waits_before_its_machine_is_known_and_the_next_one_after_it(
    expecting: Expecting,
) -> None:
    """Ansible starts before anything is proven; the next one once the first goes on, not before."""
    play = expecting.play(word="first", place=str(expecting.place))
    unknown = play.site.model_copy(update={"proven": ()})
    expecting.runner.expect(play._replace(site=unknown), deadline=LONGEST)
    first = expecting.waits()
    following = expecting.play("following", word="second", place=str(expecting.place))
    expecting.runner.expect(following, deadline=LONGEST)
    assert len(folders()) == 1

    result = expecting.run(play)
    assert result.outcome is StepOutcome.PASSED, result
    assert not goes_on(first)
    assert expecting.place.read_text() == "first"
    assert expecting.waits() != first

    (expecting.folder / "evidence").rename(expecting.folder / "evidence of the first")
    result = expecting.run(following)
    assert result.outcome is StepOutcome.PASSED, result
    assert expecting.place.read_text() == "second"


def test_a_machine_that_was_never_proven_gets_no_play(expecting: Expecting) -> None:
    """That Ansible waits for it changes nothing."""
    play = expecting.play(word="no", place=str(expecting.place))
    play = play._replace(site=play.site.model_copy(update={"proven": ()}))
    expecting.runner.expect(play, deadline=LONGEST)
    with pytest.raises(NotReadyError):
        expecting.run(play)
    assert not expecting.place.exists()


@pytest.mark.nightly
def test_another_play_than_the_expected_one_runs_by_itself(expecting: Expecting) -> None:
    """A play that differs in more than its variables is started anew, and the other one is not."""
    expecting.runner.expect(expecting.play("other"), deadline=LONGEST)
    expecting.waits()
    result = expecting.run(expecting.play(word="mine", place=str(expecting.place)))
    assert result.outcome is StepOutcome.PASSED, result
    assert expecting.place.read_text() == "mine"
    assert expecting.waits(), "the expected one still waits, and is ended with the run"


def test_one_whose_controller_is_gone_refuses(expecting: Expecting) -> None:
    """After kill -9 it reads no variables, and ends without having reached a host."""
    play = expecting.play()
    program = dedent("""
        import pickle, sys, time
        from pradrill.adapters.ansible.waiting_play import WaitingPlay
        play = pickle.loads(sys.stdin.buffer.read())
        WaitingPlay(play, 60.0)
        time.sleep(120)
        """)
    controller = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE)
    assert controller.stdin is not None
    controller.stdin.write(pickle.dumps(play))
    controller.stdin.close()
    waiting()
    controller.send_signal(signal.SIGKILL)
    controller.wait()

    until = time.monotonic() + 15.0
    while processes.carrying(MARKER) and time.monotonic() < until:
        time.sleep(0.1)
    assert processes.carrying(MARKER) == []
    assert not expecting.place.exists()
    in_memory.sweep(MARKER)

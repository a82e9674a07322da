"""The traps of testinfra and pytest, each with real checks over a real sshd."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.integration.written_suite import WrittenSuite, never

from pradrill.domain.run.outcome import CheckKey, CheckOutcome, Sample
from pradrill.system import processes

if TYPE_CHECKING:
    from tests.integration.hosts.sshd import Sshd

PASSED, FAILED = CheckOutcome.PASSED, CheckOutcome.FAILED
ERRORED, SKIPPED = CheckOutcome.ERRORED, CheckOutcome.SKIPPED


@pytest.fixture
def mortal(another_sshd: Callable[..., Sshd]) -> Sshd:
    """Return an sshd of this test's own, to be killed."""
    return another_sshd()


@pytest.fixture
def mortal_suite(tmp_path: Path, mortal: Sshd, control_folder: Path) -> WrittenSuite:
    """Return a suite that asks an sshd that may be killed."""
    folder = tmp_path / "mortal"
    folder.mkdir()
    return WrittenSuite(tmp_path, mortal.site(folder, control_folder))


# ---------------------------------------------------------------- a dead host


def test_a_dead_host_is_no_failed_service(mortal_suite: WrittenSuite, mortal: Sshd) -> None:
    """A host that dies during a check, or is dead before, leaves checks errored, not failed."""
    suite = mortal_suite

    def kill_once_begun() -> bool:
        if suite.noted():
            mortal.stop()
        return False

    with suite.open("""
        def test_long(host):
            open(NOTES, "a").write("begun")
            assert host.run("sleep 60").rc == 0
        def test_next(host):
            assert host.check_output("echo here") == "here"
    """) as opened:
        during = suite.ask(opened, cancelled=kill_once_begun)
        assert {r.outcome for r in during.values()} == {ERRORED}
        assert during["test_long"].detail.startswith("ssh ended with 255")
        after = suite.ask(opened)
        assert {r.outcome for r in after.values()} == {ERRORED}
        assert "cannot be reached over SSH: ssh: connect to host" in after["test_long"].detail
        assert suite.noted() == "begun", "the checks of an unreachable host do not run"
        mortal.start()
        assert (
            suite.ask(opened, [CheckKey("test_a.py::test_next", "standby-2")])["test_next"].outcome
            is PASSED
        )


def test_a_frozen_host_has_no_answer(mortal_suite: WrittenSuite, mortal: Sshd) -> None:
    """A host that accepts connections and says nothing costs a deadline, not a verdict."""
    assert mortal._process is not None
    os.kill(mortal._process.pid, signal.SIGSTOP)
    with mortal_suite.open("def test_true(host): assert host.run('true').rc == 0") as opened:
        result = mortal_suite.ask(opened, deadline=1.0)["test_true"]
    assert result.outcome is ERRORED
    assert result.detail == "cannot be reached over SSH: no answer within 1 s"
    assert mortal_suite.seconds < 2.5


_ENDED = "the login's shell ended with exit code 0 before the command: closed for repair"


def test_a_login_that_ends_before_the_command_is_no_answer(
    mortal_suite: WrittenSuite, mortal: Sshd
) -> None:
    """Its shell's 0 is not the command's, nor is its 1 a failure that the check expects."""
    with mortal_suite.open("""
        def test_true(host): assert host.run("true").rc == 0
        def test_false(host): assert host.run("false").rc == 1
        def test_absent(host): assert not host.file("/no").exists
    """) as opened:
        before = mortal_suite.ask(opened)
        assert {r.outcome for r in before.values()} == {PASSED}, before
        (mortal.folder / ".bashrc").write_text("echo closed for repair; exit 0\n", "utf-8")
        ended = mortal_suite.ask(opened)
        assert {(r.outcome, r.detail) for r in ended.values()} == {(ERRORED, _ENDED)}
        (mortal.folder / ".bashrc").write_text("exit 1\n", "utf-8")
        assert {r.outcome for r in mortal_suite.ask(opened).values()} == {ERRORED}


def test_only_an_assertion_of_the_check_itself_is_a_failure(suite: WrittenSuite) -> None:
    """FAILED needs a wrong answer; exceptions, fixtures, skips and expected failures are others."""
    suite.write(
        "conftest.py",
        """
        import pytest
        @pytest.fixture
        def wrong_before(): assert False, "in a fixture"
        @pytest.fixture
        def wrong_after():
            yield
            assert False, "in a teardown"
        """,
    )
    with suite.open("""
        import pytest
        def test_good(host): assert host.run("true").rc == 0
        def test_wrong(host): assert host.run("echo 3").stdout.strip() == "4", "rows are missing"
        def test_fail(host): pytest.fail("not the picture")
        def test_output(host): host.check_output("false")
        def test_subtest(host, subtests):
            with subtests.test(): assert host.run("false").rc == 0
        def test_error(host): raise ConnectionError("refused")
        def test_255(host): host.run("echo gone >&2; exit 255")
        def test_exit(host): raise SystemExit(0)
        def test_before(host, wrong_before): pass
        def test_after(host, wrong_after): pass
        def test_fixture(host, misspelt): assert host.backend.NAME == "ssh"
        @pytest.mark.skip(reason="no time")
        def test_skip(host): assert host.backend.NAME == "ssh"
        @pytest.mark.xfail(reason="known")
        def test_xfail(host): assert False
        @pytest.mark.xfail(reason="known")
        def test_xpass(host): assert host.backend.NAME == "ssh"
        @pytest.mark.xfail(strict=True, reason="known")
        def test_xpass_strict(host): assert host.backend.NAME == "ssh"
        @pytest.mark.parametrize("nothing", [])
        def test_nothing(host, nothing): assert host.backend.NAME == "ssh"
    """) as opened:
        results = suite.ask(opened)
    outcomes = {name.removeprefix("test_"): result.outcome for name, result in results.items()}
    assert outcomes.pop("nothing[NOTSET]") is SKIPPED
    assert outcomes == {
        "good": PASSED,
        **dict.fromkeys(("wrong", "fail", "output", "subtest"), FAILED),
        **dict.fromkeys(("error", "255", "exit", "before", "after", "fixture"), ERRORED),
        **dict.fromkeys(("skip", "xfail", "xpass", "xpass_strict"), SKIPPED),
    }
    assert results["test_wrong"].detail == "rows are missing; assert '3' == '4'; - 4; + 3"
    assert results["test_255"].detail == "ssh ended with 255: gone"
    assert results["test_xpass"].detail == "expected to fail, but did not: known"


# ---------------------------------------------------------------- nothing collected


def test_no_tests_collected_is_an_empty_suite(suite: WrittenSuite) -> None:
    """A folder without a test has no checks, so that the engine can say that it knows nothing."""
    with suite.open("def check_nothing(): pass") as opened:
        assert opened.checks() == ()
        assert opened.run(None, deadline=30, cancelled=never) == ()


def test_a_file_that_cannot_be_read_is_not_dropped(suite: WrittenSuite) -> None:
    """A broken file and one that skips itself each count; the rest of the suite still runs."""
    suite.write("test_broken.py", "def test_x(:\n")
    suite.write("test_skips.py", "import pytest\npytest.skip('later', allow_module_level=True)\n")
    with suite.open("def test_good(host): assert host.run('true').rc == 0") as opened:
        assert set(opened.checks()) == {
            CheckKey("test_broken.py", "controller"),
            CheckKey("test_skips.py", "controller"),
            CheckKey("test_a.py::test_good", "standby-1"),
        }
        results = suite.ask(opened)
        assert results["test_broken.py"].outcome is ERRORED
        assert results["test_broken.py"].detail.endswith("SyntaxError: invalid syntax")
        assert (results["test_skips.py"].outcome, results["test_skips.py"].detail) == (
            SKIPPED,
            "later",
        )
        assert results["test_good"].outcome is PASSED


def test_a_file_that_can_be_read_later_brings_its_checks(suite: WrittenSuite) -> None:
    """Once a broken file is mended, reading it is green and its checks are asked."""
    suite.write("test_a.py", "def test_x(:\n")
    with suite.open() as opened:
        assert suite.ask(opened)["test_a.py"].outcome is ERRORED
        suite.write("test_a.py", "def test_mended(host): assert False\n")
        results = suite.ask(opened)
        assert (results["test_a.py"].outcome, results["test_mended"].outcome) == (PASSED, FAILED)
        suite.write("test_a.py", "def test_y(:\n")
        results = suite.ask(opened)
        assert {result.outcome for result in results.values()} == {ERRORED}
        assert results["test_mended"].detail.startswith("its file cannot be read")


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("conftest.py", "import no_such_module", "No module named 'no_such_module'"),
        ("test_b.py", "import sys; sys.exit('no')", "no"),
        ("test_b.py", "import os; os._exit(0)", "exit code 0"),
    ],
)
def test_a_suite_that_ends_pytest_is_not_empty(
    suite: WrittenSuite, name: str, text: str, reason: str
) -> None:
    """A suite that cannot be collected at all is one errored check, with pytest's reason."""
    suite.write(name, text)
    with suite.open("def test_good(host): pass") as opened:
        assert opened.checks() == (CheckKey("suite", "controller"),)
        result = suite.ask(opened)["suite"]
    assert result.outcome is ERRORED
    assert reason in result.detail


# ---------------------------------------------------------------- deadlines


HANGING = """
    import subprocess
    def test_first(host): assert host.run("true").rc == 0
    def test_hangs(host):
        subprocess.Popen(["sleep", "3333"])
        open(NOTES, "a").write("begun")
        host.run("sleep 12")  # nothing ends it on the host when its connection is cut
    def test_last(host): assert host.run("true").rc == 0
"""


def test_a_command_without_an_end_is_ended_at_the_deadline(suite: WrittenSuite) -> None:
    """At the deadline a pass dies with all that it started; what it had answered is kept."""
    with suite.open(HANGING) as opened:
        results = suite.ask(opened, deadline=4.0)
        end = time.monotonic() + 5  # those killed beside the pass may end a moment after it
        while "sleep" in (left := suite.running()) and time.monotonic() < end:
            time.sleep(0.01)
        assert "worker.py" in left
        assert "sleep" not in left
    assert suite.seconds < 8.0
    assert [result.outcome for result in results.values()] == [PASSED, ERRORED, ERRORED]
    late = results["test_hangs"].detail
    assert re.match("no answer within [123]", late)
    assert results["test_last"].detail.startswith(
        f"not asked: test_a.py::test_hangs@standby-1: {late[:18]}"
    )
    assert results["test_hangs"].started > results["test_first"].ended
    assert results["test_hangs"].ended > results["test_hangs"].started


def test_a_cancelled_pass_ends_at_once(suite: WrittenSuite) -> None:
    """A cancelled pass waits for no check; its next one is whole again."""
    with suite.open(HANGING) as opened:
        start = 0.0

        def cancelled() -> bool:
            nonlocal start
            start = start or (time.monotonic() if suite.noted() else 0.0)
            return start > 0

        results = suite.ask(opened, cancelled=cancelled)
        assert time.monotonic() - start < 6
        assert results["test_hangs"].detail == "interrupted"
        again = suite.ask(opened, [CheckKey("test_a.py::test_last", "standby-1")])
        assert again["test_last"].outcome is PASSED
    assert [result.outcome for result in results.values()] == [PASSED, ERRORED, ERRORED]


def test_a_check_that_ends_the_process_leaves_no_answer(suite: WrittenSuite) -> None:
    """A check that kills its process, and those after it, are errored; a new pass runs."""
    with suite.open("""
        import os, pathlib
        def test_first(host): assert host.run("true").rc == 0
        def test_kills(host):
            if not pathlib.Path(NOTES).exists():
                pathlib.Path(NOTES).touch()
                os._exit(0)
            assert host.run("true").rc == 0
        def test_last(host): assert host.run("true").rc == 0
    """) as opened:
        results = suite.ask(opened)
        assert [result.outcome for result in results.values()] == [PASSED, ERRORED, ERRORED]
        assert "ended before it answered: exit code 0" in results["test_last"].detail
        assert {result.outcome for result in suite.ask(opened).values()} == {PASSED}


def test_a_worker_that_dies_is_replaced(suite: WrittenSuite) -> None:
    """A pass whose worker was killed has no answers, and the next pass has a new worker."""
    with suite.open("def test_true(host): assert host.run('true').rc == 0") as opened:
        for pid in processes.carrying(suite.marker):
            os.kill(pid, signal.SIGKILL)
        assert suite.ask(opened)["test_true"].outcome is ERRORED
        assert suite.ask(opened)["test_true"].outcome is PASSED


# ---------------------------------------------------------------- connections


def test_paramiko_is_not_used_so_a_wrong_host_key_is_refused(
    suite: WrittenSuite, sshd: Sshd
) -> None:
    """A host whose key is not the pinned one is unreachable, whatever the checks would say."""
    other = suite.folder / "other_known_hosts"
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
    other.write_text(f"[127.0.0.1]:{sshd.port} ssh-ed25519 {key}\n")
    config = suite.site.ssh_config
    config.write_text(config.read_text().replace(str(sshd.known_hosts), str(other)))
    with suite.open("def test_true(host): assert host.backend.NAME") as opened:
        result = suite.ask(opened)["test_true"]
    assert result.outcome is ERRORED
    assert "Host key verification failed" in result.detail


def test_paramiko_is_not_used_so_much_stderr_does_not_deadlock(suite: WrittenSuite) -> None:
    """A command that writes 3 MB to its stderr is read to its end."""
    with suite.open("""
        def test_loud(host):
            loud = host.run("head -c 3000000 /dev/zero | tr '\\\\0' x >&2")
            assert len(loud.stderr) == 3000000
            assert host.backend.NAME == "ssh"
    """) as opened:
        assert suite.ask(opened)["test_loud"].outcome is PASSED


def test_every_command_shares_one_connection(suite: WrittenSuite, sshd: Sshd) -> None:
    """Probe, checks and passes use one SSH connection, through the configured ControlPath."""

    def logins() -> int:
        return (sshd.folder / "sshd.log").read_text().count("Accepted publickey")

    before = logins()
    with suite.open("""
        def test_one(host): assert host.run("true").rc == 0
        def test_two(host): assert host.run("true").rc == 0
    """) as opened:
        for _ in range(2):
            assert {result.outcome for result in suite.ask(opened).values()} == {PASSED}
    assert logins() - before == 1


def test_hosts_come_from_the_site_and_not_from_the_suite(suite: WrittenSuite) -> None:
    """A suite cannot turn a check of the standby into one of the controller or of Ansible's."""
    with suite.open("""
        testinfra_hosts = ["local://", "ansible://all"]
        def test_where(host):
            assert host.backend.NAME == "ssh" and host.backend.hostname == "standby-1"
            assert host.run("true").rc == 0
    """) as opened:
        assert opened.checks() == (CheckKey("test_a.py::test_where", "standby-1"),)
        assert suite.ask(opened)["test_where"].outcome is PASSED


def test_hosts_are_not_cached_between_passes(suite: WrittenSuite) -> None:
    """Each pass starts without anything that the one before remembered of a host."""
    with suite.open("""
        import testinfra.host
        def test_fresh(host):
            assert not hasattr(testinfra.host.Host, "seen")
            testinfra.host.Host.seen = host.backend.seen = True
            assert host.run("true").rc == 0
    """) as opened:
        for _ in range(2):
            assert suite.ask(opened)["test_fresh"].outcome is PASSED


def test_not_up_yet_is_asked_again(suite: WrittenSuite) -> None:
    """Red checks alone are asked again, and answer for the service as it is now."""
    with suite.open("""
        def test_up(host): assert host.file(NOTES).exists, "not up yet"
        def test_other(host): assert open(NOTES + "-other", "a").write("x")
    """) as opened:
        first = suite.ask(opened)
        assert (first["test_up"].outcome, first["test_up"].detail.split(";")[0]) == (
            FAILED,
            "not up yet",
        )
        suite.notes.touch()
        again = suite.ask(opened, [first["test_up"].key])
        assert {name: result.outcome for name, result in again.items()} == {"test_up": PASSED}
        assert again["test_up"].started > first["test_up"].ended
    assert Path(f"{suite.notes}-other").read_text() == "x", "green checks are not asked again"


# ---------------------------------------------------------------- the caller


def test_the_callers_pytest_does_not_leak_in(
    suite: WrittenSuite,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The caller's options, ini, conftest and folder change nothing; its output stays clean."""
    caller = tmp_path / "caller"
    caller.mkdir()
    for folder in (caller, tmp_path):
        (folder / "conftest.py").write_text("raise RuntimeError('a conftest of the caller')\n")
        (folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
    (caller / "testinfra.py").write_text("raise RuntimeError('a module of the caller')\n")
    monkeypatch.chdir(caller)
    for name in ("PYTEST_ADDOPTS", "PYTEST_PLUGINS", "PYTHONPATH", "TESTINFRA_SECRET"):
        monkeypatch.setenv(name, f"--no-such-option-{name}")
    with suite.open("""
        import os, sys, subprocess
        print("noise while collecting")
        os.write(1, b"more noise")
        def test_clean(host):
            print("noise")
            subprocess.run(["echo", "noise"])
            sys.__stderr__.write("noise")
            assert not [name for name in os.environ if name.startswith("TESTINFRA")]
            assert os.environ.get("PYTEST_ADDOPTS") is None
            assert not [path for path in sys.path if path.endswith("adapters/testinfra")]
    """) as opened:
        result = suite.ask(opened)["test_clean"]
    assert (result.outcome, result.detail) == (PASSED, "")
    assert "noise" not in "".join(capfd.readouterr())
    assert not list(suite.folder.rglob("*cache*"))


def test_a_suite_may_be_one_file_with_parameters_and_titles(suite: WrittenSuite) -> None:
    """Ids are readable, titles come from docstrings, and checks are mandatory unless marked."""
    suite.write(
        "test_web.py",
        '''
        import pytest
        @pytest.mark.parametrize("page", ["index", "login-1"])
        def test_page(host, page):
            """The page is served.

            More of it.
            """
            assert page in ("index", "login-1")
        @pytest.mark.optional
        def test_nice_to_have(host): assert host.backend.NAME == "ssh"
        class TestOutside:
            def test_from_here(self): assert self is not None
        ''',
    )
    with suite.open(path=suite.folder / "test_web.py") as opened:
        results = opened.run(None, deadline=30, cancelled=never)
        assert [result.key for result in results] == list(opened.checks())
    assert [(r.check, r.host, r.title, r.mandatory) for r in results] == [
        ("test_web.py::test_page[index]", "standby-1", "The page is served.", True),
        ("test_web.py::test_page[login-1]", "standby-1", "The page is served.", True),
        ("test_web.py::test_nice_to_have", "standby-1", "nice to have", False),
        ("test_web.py::TestOutside::test_from_here", "controller", "from here", True),
    ]


def test_a_check_tells_how_much_it_looked_at(suite: WrittenSuite) -> None:
    """The last sample that a check records is in its result, passed or failed; most record none."""
    with suite.open("""
        def test_some(host, record_property):
            record_property("sampled", (1, 2))
            record_property("sampled", (200, 41873))
            record_property("other", "x")
            assert host.backend.NAME == "ssh"
        def test_red(host, record_property):
            record_property("sampled", [5, 5])
            assert False
        def test_silent(host): assert host.backend.NAME == "ssh"
    """) as opened:
        answers = {name: result.sample for name, result in suite.ask(opened).items()}
    assert answers == {
        "test_some": Sample(looked=200, of=41_873),
        "test_red": Sample(looked=5, of=5),
        "test_silent": None,
    }


def test_a_sample_that_means_nothing_is_no_answer(suite: WrittenSuite) -> None:
    """A check whose sample cannot be read is errored, and says what it should have been."""
    with suite.open("""
        import pytest
        TOLD = [3, "1/2", (3, 2), (-1, 2), (1, 2, 3), (True, 2), (0.5, 1)]
        @pytest.mark.parametrize("told", TOLD)
        def test_odd(host, record_property, told):
            record_property("sampled", told)
            assert host.backend.NAME == "ssh"
    """) as opened:
        results = suite.ask(opened).values()
    assert {result.outcome for result in results} == {ERRORED}
    assert {result.sample for result in results} == {None}
    assert all("sampled is not (looked at, of all)" in result.detail for result in results)


def test_a_negative_control_is_marked(suite: WrittenSuite) -> None:
    """A check that passes when something does not work says so by its marker."""
    with suite.open("""
        import pytest
        @pytest.mark.negative
        def test_wrong_password(host): assert host.backend.NAME == "ssh"
        def test_right_one(host): assert host.backend.NAME == "ssh"
    """) as opened:
        answers = {name: result.negative for name, result in suite.ask(opened).items()}
    assert answers == {"test_wrong_password": True, "test_right_one": False}


def test_what_hosts_say_is_made_harmless(suite: WrittenSuite) -> None:
    """Reasons are one line of bounded length, without escapes, controls or broken characters."""
    with suite.open(r"""
        def test_hostile(host):
            assert False, "a\x1b[31mb\x1b]0;t\x07\rc\u202ed\x9be\ud800\n" + "x" * 9999
    """) as opened:
        detail = suite.ask(opened)["test_hostile"].detail
    assert detail.startswith("ab; c d e?; xxx")
    assert len(detail) == 1000


def test_every_answer_is_kept_and_no_process_is_left(suite: WrittenSuite) -> None:
    """The evidence holds every pass, 0600; on leaving, no process of the run is alive."""
    with suite.open("""
        import subprocess
        def test_true(host):
            subprocess.Popen(["sleep", "3335"], start_new_session=True)
            assert host.run("true").rc == 0
    """) as opened:
        for _ in range(2):
            suite.ask(opened)
        assert len(processes.carrying(suite.marker)) >= 3
    assert processes.carrying(suite.marker) == []
    evidence = suite.evidence / "checks.jsonl"
    lines = [json.loads(line) for line in evidence.read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["passed", "passed"]
    assert evidence.stat().st_mode & 0o077 == 0

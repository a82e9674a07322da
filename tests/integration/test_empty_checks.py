"""Checks that cannot fail, each asked by the real worker over a real sshd: none of them passes."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, write
from tests.integration.written_suite import WrittenSuite

from pradrill.domain.run.outcome import CheckOutcome

PASSED, FAILED = CheckOutcome.PASSED, CheckOutcome.FAILED
ERRORED, SKIPPED = CheckOutcome.ERRORED, CheckOutcome.SKIPPED
HOLLOW = "it passes whatever the host answers"


def test_a_check_that_evaluated_nothing_is_no_answer(suite: WrittenSuite) -> None:
    """A returned value, no assertion, one that is swallowed, or an object: errored, with why."""
    results = suite.ask_once(
        {
            "conftest.py": """
                import pytest
                @pytest.fixture
                def asserts_before(host):
                    assert host.run("true").rc == 0
                @pytest.fixture
                def asserts_after(host):
                    yield
                    assert host.run("true").rc == 0
                """,
            "test_a.py": """
                import contextlib, unittest, pytest
                def test_return(host): return host.run("false").rc == 0
                async def test_async(host): assert host.run("false").rc == 0
                def test_empty(host): host.run("false")
                def test_branch(host):
                    if host.run("false").rc == 0: assert False
                def test_if(host):
                    for line in host.run("true").stdout.splitlines():
                        if line == "x": pytest.fail("it is down")
                def test_loop(host):
                    for line in host.run("true").stdout.splitlines(): assert line == "x"
                def test_early(host):
                    if host: return
                    assert host.run("false").rc == 0
                def test_nested(host):
                    def inner(): assert host.run("false").rc == 0
                def test_lambda(host):
                    inner = lambda: host.check_output("false")
                def test_try(host):
                    try: assert host.run("false").rc == 0
                    except AssertionError: pass
                def test_try_after_a_true_one(host):
                    assert host.run("true").rc == 0
                    try: assert host.run("false").rc == 0
                    except Exception: pass
                def test_suppress(host):
                    with contextlib.suppress(AssertionError): assert host.run("false").rc == 0
                def test_finally(host):
                    try: assert host.run("false").rc == 0
                    finally: return
                def test_swallowed_output(host):
                    try: host.check_output("false")
                    except AssertionError: pass
                def test_result(host): assert host.run("false")
                def test_named_result(host):
                    done = host.run("false")
                    assert done, "it does not answer"
                def test_object(host): assert host.file("/no/such/file")
                def test_bound(host): assert host.file("/etc/passwd").contains
                def test_either(host): host.run_test("false")
                def test_before(asserts_before): pass
                def test_after(asserts_after): pass
                def skipping(check):
                    def instead(host): pass
                    return instead
                @skipping
                def test_replaced(host): assert host.run("false").rc == 0
                class TestUnit(unittest.TestCase):
                    def test_nothing(self): pass
                """,
        }
    )
    assert {name for name, result in results.items() if result.outcome is not ERRORED} == set()
    assert results["test_return"].detail.startswith("TypeError: it returns a bool")
    assert results["test_empty"].detail == "it evaluated no assertion"
    assert (
        results["test_try"].detail == "an assertion failed, and the check went on as if it had not"
    )
    assert "compare what it says" in results["test_result"].detail
    assert len(results) == 23


def test_a_check_that_passes_whatever_the_host_answers_is_no_answer(suite: WrittenSuite) -> None:
    """Weak comparisons, own values, truth over nothing: no made-up answer makes them fail."""
    results = suite.ask_once(
        {
            "test_a.py": """
                import unittest, pytest, contextlib
                def test_own(host):
                    x = 1
                    assert x == 1
                class TestU(unittest.TestCase):
                    def test_true(self): self.assertTrue(True)
                    def test_eq(self):
                        a = [1]
                        self.assertEqual(a, [1])
                def test_weak(host):
                    code = host.run("false").rc
                    assert code < 1000
                def test_len(host):
                    out = host.run("false").stdout
                    n = len(out)
                    assert n > -1
                def test_or(host):
                    ok = host.run("false").rc == 0
                    assert ok or x()
                def x(): return True
                def test_isinst(host):
                    code = host.run("false").rc
                    assert isinstance(code, int)
                def test_all(host):
                    lines = [l for l in host.run("false").stdout.splitlines() if l == 7]
                    assert all(l for l in lines)
                def test_raises(host):
                    with pytest.raises(ZeroDivisionError): 1/0
                def test_swallow(host):
                    try: ok = host.run("false").rc == 0
                    except Exception: ok = True
                    ok = ok or not ok
                    assert ok
                def test_sleepy(host):
                    import time
                    for _ in range(5):
                        if host.run("false").rc == 0: break
                        time.sleep(1)
                    done = "yes"
                    assert done
                def test_enum(host):
                    assert host.run("false").rc in list(range(300))
                def test_default(host):
                    word = host.run("false").stdout or "x"
                    assert word
                @pytest.fixture
                def name(host): return host.run("hostname").stdout
                def test_fix(name): assert name is not None
                """,
        }
    )
    assert {result.detail for result in results.values()} == {HOLLOW}
    assert {result.outcome for result in results.values()} == {ERRORED}
    assert len(results) == 14


def test_a_check_that_waits_for_an_answer_hides_no_empty_one_after_it(suite: WrittenSuite) -> None:
    """With made-up answers it comes to no end; the others are tried all the same."""
    results = suite.ask_once(
        {
            "test_a.py": """
                import threading
                def test_patient(host):
                    while host.run("true").rc: pass
                    assert host.run("true").rc == 0
                def test_blocked(host):
                    if host.run("true").rc: threading.Event().wait()
                    assert host.run("true").rc == 0
                def test_empty(host): assert host.run("false").rc < 1000
                """,
        }
    )
    assert {name: each.detail for name, each in results.items() if each.detail} == {
        "test_empty": HOLLOW
    }
    assert len(results) == 3


def test_a_check_that_some_answer_makes_fail_is_let_be(suite: WrittenSuite) -> None:
    """What must not be there, stays the same, is short, or is seen elsewhere: all of it counts."""
    results = suite.ask_once(
        {
            "test_a.py": r"""
                import pytest, re, time, socket, pathlib, json, urllib.request
                WORDS = {"a": ["panic", "oops"]}
                def test_plain(host): assert host.run("true").rc == 0
                def test_not_in(host): assert "error" not in host.run("echo fine").stdout
                def test_words(host):
                    out = host.run("echo fine").stdout
                    for w in WORDS["a"]: assert w not in out
                def test_regex(host):
                    out = host.run("echo fine").stdout.strip()
                    assert not re.search(r"^\d+ (errors|faults)$", out)
                def test_ne(host): assert host.run("echo 3").stdout.strip() != "5"
                def test_ne_rc(host): assert host.run("exit 3").rc != 2
                def test_short(host): assert len(host.run("echo 3").stdout) < 90000
                def test_stable(host):
                    before = host.run("echo 3").stdout
                    assert host.run("echo 3").stdout == before
                @pytest.mark.negative
                def test_gone(host): assert not host.file("/no/such").exists
                def test_user(host): assert not host.user("nobodyhere").exists
                def test_port(host): assert not host.socket("tcp://127.0.0.1:9").is_listening
                def test_proc(host): assert not host.process.filter(comm="nosuch")
                def test_controller():
                    with pytest.raises(OSError): socket.create_connection(("127.0.0.1", 9), 1)
                def test_file(): assert pathlib.Path("/etc/passwd").read_text()
                def test_waits(host):
                    for _ in range(3):
                        if host.run("true").rc == 0: break
                        time.sleep(1)
                    else: pytest.fail("no")
                    assert host.run("true").rc == 0
                def test_lines(host):
                    for line in host.run("echo a; echo b").stdout.splitlines(): assert line != "c"
                @pytest.mark.parametrize("bad", ["x1", "x2"])
                def test_param(host, bad): assert bad not in host.run("echo fine").stdout
                def test_http(host):
                    host.run("true")
                    with pytest.raises(OSError): urllib.request.urlopen("http://127.0.0.1:9")
                import functools
                @functools.cache
                def said(host): return host.run("echo fine").stdout
                def test_remembered(host): assert "error" not in said(host)
                def test_remembered_again(host): assert "oops" not in said(host)
                def test_exists_os():
                    import os
                    assert os.path.exists("/etc/passwd")
                """,
        }
    )
    assert {name: each.detail for name, each in results.items() if each.outcome is not PASSED} == {}
    assert len(results) == 22


def test_every_honest_spelling_passes_and_is_counted(suite: WrittenSuite) -> None:
    """Asserts in the file, a helper, a fixture's function; raises; testinfra's own; unittest's."""
    results = suite.ask_once(
        {
            "__init__.py": "",
            "words.py": "def same(one, other): assert one == other\n",
            "conftest.py": """
                import pathlib, sys, pytest
                sys.path.insert(0, str(pathlib.Path(__file__).parent / "lib"))
                def pytest_configure(config):
                    config.addinivalue_line("markers", "slow: it takes a while")
                @pytest.fixture
                def answers(host):
                    def ask(command): assert host.run(command).rc == 0
                    return ask
                """,
            "lib/helping.py": "def holds(value): assert value\n",
            "test_a.py": """
                import unittest, pytest, helping
                from .words import same
                def test_plain(host):
                    assert host.run("true").rc == 0
                    assert host.file("/etc/passwd").exists
                def test_package(host): same(host.run("true").rc, 0)
                def test_path(host): helping.holds(host.run("true").rc == 0)
                def test_fixture(answers): answers("true")
                def test_output(host): host.check_output("true")
                def test_if(host):
                    if host.run("true").rc != 0: pytest.fail("it is down")
                def test_if_in_a_loop(host):
                    for page in "a":
                        if host.run("true").rc:
                            raise AssertionError(page)
                def test_expect(host): host.run_expect([3], "exit 3")
                def test_raises(host):
                    with pytest.raises(AssertionError, match="exit code 1"):
                        host.check_output("false")
                @pytest.mark.negative
                def test_negative(host): assert host.run("false").rc != 0
                @pytest.mark.optional
                def test_optional(host): assert host.run("true").succeeded
                def test_subtest(host, subtests):
                    with subtests.test(): assert host.run("true").rc == 0
                @pytest.mark.parametrize("n", [0, 3])
                def test_many(host, n): assert host.run(f"exit {n}").rc == n
                class TestUnit(unittest.TestCase):
                    def test_equal(self): self.assertEqual(1, len("x"))
                class TestBox:
                    def test_in_class(self, host): assert host.run("true").rc == 0
                class Common:
                    def test_shared(self, host): assert host.run("true").rc == 0
                class TestOne(Common): pass
                """,
        }
    )
    assert {name: r.detail for name, r in results.items() if r.outcome is not PASSED} == {}
    assert results["test_plain"].assertions == 2
    assert {result.assertions for name, result in results.items() if name != "test_plain"} == {1}


def test_what_pytest_does_not_collect_is_told_by_name(suite: WrittenSuite) -> None:
    """A class, a file or a function that the suite declares and pytest drops: skipped, with why."""
    results = suite.ask_once(
        {
            "shop_checks.py": "def test_shop(host): assert host.run('false').rc == 0\n",
            "conftest.py": """
                import os
                collect_ignore = ["test_left.py"]
                collect_ignore_glob = ["test_glob*"]
                def test_in_conftest(host): assert False
                """,
            "test_left.py": "def test_out(host): assert False\n",
            "test_glob_x.py": "def test_globbed(host): assert False\n",
            "test_off.py": "__test__ = False\ndef test_off(host): assert False\n",
            "test_a.py": """
                import sys
                def test_good(host): assert host.run("true").rc == 0
                class Shop:
                    def test_never(self, host): assert False
                class TestMade:
                    def __init__(self): pass
                    def test_made(self, host): assert False
                class TestOff:
                    __test__ = False
                    def test_off(self, host): assert False
                def test_twice(host): assert host.run("false").rc == 0
                def test_twice(host): assert host.run("true").rc == 0
                if sys.platform == "plan9":
                    def test_elsewhere(host): assert False
                def test_gone(host): assert False
                del test_gone
                def test_flag(host): assert False
                test_flag.__test__ = False
                """,
        }
    )
    assert results.pop("test_good").outcome is PASSED
    assert results["Shop::test_never"].detail.endswith("pytest did not collect it")
    assert "2 of this name" in results["test_twice"].detail
    assert {name for name, result in results.items() if result.outcome is SKIPPED} == {
        "shop_checks.py::test_shop",
        "conftest.py::test_in_conftest",
        "test_left.py::test_out",
        "test_glob_x.py::test_globbed",
        "test_off.py::test_off",
        "Shop::test_never",
        "TestMade::test_made",
        "TestOff::test_off",
        "test_twice",
        "test_elsewhere",
        "test_gone",
        "test_flag",
    }


MEDDLING = {
    "deselects": """
        def pytest_collection_modifyitems(items): items[:] = items[:1]
        """,
    "ignores": "def pytest_ignore_collect(collection_path): return True\n",
    "reports": """
        import pytest
        @pytest.hookimpl(wrapper=True)
        def pytest_runtest_makereport(item, call):
            report = yield
            report.outcome = "passed"
            return report
        """,
    "calls": "def pytest_pyfunc_call(pyfuncitem): return True\n",
    "protocol": "def pytest_runtest_protocol(item, nextitem): return True\n",
    "registers": """
        class Plugin:
            def pytest_runtest_call(self, item): item.obj = lambda host: None
        def pytest_configure(config): config.pluginmanager.register(Plugin())
        """,
    "configures": """
        def pytest_configure(config): config.option.keyword = "one"
        """,
    "fakes the host": """
        import pytest
        class Fake:
            def run(self, command): return self
            rc = 0
        @pytest.fixture
        def host(): return Fake()
        """,
}


@pytest.mark.parametrize("conftest", MEDDLING.values(), ids=MEDDLING)
def test_a_conftest_that_has_a_say_in_the_outcome_is_told(
    suite: WrittenSuite, conftest: str
) -> None:
    """A hook that deselects, reports or calls, or a host that is none: no pass without a word."""
    check = "def test_{0}(host): assert host.run('false').rc == 0\n"
    results = suite.ask_once(
        {"conftest.py": conftest, "test_a.py": check.format("one") + check.format("two")}
    )
    assert {result.outcome for result in results.values()} - {PASSED}, results


def test_a_drill_whose_checks_cannot_fail_is_not_run_and_one_that_asked_nothing_is_inconclusive(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """What the text shows is refused with exit 3; what only the pass shows ends INCONCLUSIVE."""
    house = hosts.house(tmp_path)
    suite = "drills/checks/shop/test_shop.py"
    write(house, suite, "def test_shop(host): return host.run('false').rc == 0\n")
    result = pradrill(house, "run", "shop")
    assert (result.returncode, hosts.standby.touched()) == (3, [])
    assert "test_shop.py:1: test_shop returns a value, which decides nothing" in result.stderr

    asks = "    for line in host.run('true').stdout.splitlines(): assert line == 'x'\n"
    weak = "def test_weak(host):\n    code = host.run('false').rc\n    assert code < 1000\n"
    write(house, suite, f"def test_shop(host):\n{asks}{weak}")
    edit(house, "drills/shop.yml", "deadline: 1m", "deadline: 4s")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 12, result.stdout + result.stderr
    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert record["verdict"] == "INCONCLUSIVE"
    (evidence,) = (house / "state").rglob(
        "checks.jsonl"
    )  # its last pass may be cut by the deadline
    first = [json.loads(line)["detail"] for line in evidence.read_text("utf-8").splitlines()[:2]]
    assert first == ["it evaluated no assertion", HOLLOW]

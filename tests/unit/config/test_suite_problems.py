"""What `validate` sees of a suite without importing it: each check that could not fail."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from pradrill.config.checks.suites import suite_problems
from pradrill.config.loader import Document

SHIPPED = Path(__file__).parents[3] / "drills" / "checks"


def messages_of(suite: Path) -> list[str]:
    """Return each problem of a suite as FILE:LINE: message, in order."""
    document = Document(suite.with_name("shop.yml"), {}, {(): 1})
    problems = suite_problems(document, (), suite)
    return sorted(f"{each.file.name}:{each.line}: {each.message}" for each in problems)


def suite_with(folder: Path, **files: str) -> Path:
    """Write the files of a suite, and return its folder."""
    suite = folder / "suite"
    suite.mkdir(exist_ok=True)
    for name, text in files.items():
        (suite / f"{name}.py").write_text(dedent(text), encoding="utf-8")
    return suite


CANNOT_FAIL = [
    "assert (host.run('false').rc == 0, 'it is up')",
    "assert (host.run('false').rc,)",
    "assert True",
    "assert 1",
    "assert not False",
    "assert 'the page is served'",
    "assert f'the page is served on {host}'",
    "assert [1, 2]",
    "assert {'rc': 0}",
    "assert not []",
    "assert 1 == 1",
    "assert lambda: host.run('false').rc == 0",
    "assert (line for line in [])",
    "assert host.run('false').rc == 0 or True",
    "assert host.run('false').rc == 0 or 'it is down'",
    "assert True or host.run('false').rc == 0",
    "assert True and not None",
    "assert (done := True)",
    "assert True if host else 1",
    "assert bool('x')",
    "assert all([])",
    "assert all(line for line in ())",
    "assert isinstance(host, object)",
    "assert host.run('false')",
    "assert host.file('/no/such/file')",
    "assert host.service('nginx')",
    "assert host.file('/etc/passwd').contains",
    "assert host.run('true').stdout.startswith",
    "assert host.run('false') is not None",
    "assert host.run('false').rc is not None",
    "assert host.run('false').stdout != None",
    "assert host.run('false').rc >= 0",
    "assert len(host.run('false').stdout) >= 0",
    "assert len(host.run('false').stdout) > -1",
    "assert host.run('a').rc == host.run('a').rc",
    "assert '' in host.run('false').stdout",
    "return host.run('false').rc == 0",
    "assert host.run('false').rc == 0 or host",
    "ok = host.run('false').rc == 0\nok = True\nassert ok",
    "done = host.run('false')\nassert done, 'it is down'",
    "assert host.run('a').rc == 0 or host.run('a').rc != 0",
    "up = host.service('a').is_running\nassert up or not up",
    "assert host.service('nginx').is_running is not None",
    "assert host.service('nginx').is_running in (True, False)",
    "assert isinstance(host.run('false').rc, int)",
    "return host",
    "host.run('false')",
    "pass",
    "'''It is up.'''",
    "host.run_test('false')",
    "print(host.run('false').stdout.strip())",
    "ok = host.run('false').rc == 0",
    "host.run('false').rc == 0",
    "if host.run('false').rc != 0: print('it is down')",
    "yield host.run('false').rc == 0",
    "return\nassert host.run('false').rc == 0",
    "raise SystemExit\nassert host.run('false').rc == 0",
    "pytest.skip('later')\nassert host.run('false').rc == 0",
    "if host: return\nelse: return\nassert host.run('false').rc == 0",
    "if False: assert host.run('false').rc == 0",
    "if 1: pass\nelse: assert host.run('false').rc == 0",
    "while 0: assert host.run('false').rc == 0",
    "for each in []: assert host.run(each).rc == 0",
    "for each in range(3):\n    continue\n    assert host.run('false').rc == 0",
    "def inner(): assert host.run('false').rc == 0",
    "def test_inner(): assert host.run('false').rc == 0",
    "check = lambda: host.check_output('false')",
    "try: assert host.run('false').rc == 0\nexcept AssertionError: pass",
    "try: assert host.run('false').rc == 0\nexcept: pass",
    "try: assert host.run('false').rc == 0\nexcept Exception as error: print(error)",
    "try: assert host.run('false').rc == 0\nexcept (OSError, AssertionError): pass",
    "try: assert host.run('false').rc == 0\nexcept* AssertionError: pass",
    "try:\n    for _ in range(3): assert host.run('false').rc == 0\nexcept BaseException: pass",
    "try: holds(host)\nexcept Exception: pass",
    "try: assert host.run('false').rc == 0\nfinally: return",
    "with contextlib.suppress(AssertionError): assert host.run('false').rc == 0",
    "with suppress(OSError, Exception): holds(host)",
    "with pytest.raises(Exception): host.check_output('false')",
    "host = Fake()\nassert host.run('false').rc == 0",
    "assert 0 <= host.run('false').rc",
    "assert -1 < len(host.run('false').stdout)",
    "assert not host.run('false').rc < 0",
    "assert 0 <= host.run('false').rc <= 255",
    "assert host.run('false').rc < 256",
    "assert host.run('false').rc in range(256)",
    "assert None is not host.run('false').stdout",
    "assert host.run('false').stdout.startswith('')",
    "assert str(host.run('false').rc)",
    "assert callable(host.run)",
    "assert not print('it is down')",
    "assert host.run('false').rc == 0 or not print('it is down')",
    "with pytest.raises((Exception, OSError)): host.check_output('false')",
    "with pytest.raises(expected_exception=Exception): host.check_output('false')",
    "with pytest.raises(Exception, match='.*'): host.check_output('false')",
    "host.run = Fake()\nassert host.run('false').rc == 0",
    "setattr(host, 'run', Fake())\nassert host.run('false').rc == 0",
    "with pytest.MonkeyPatch.context() as patch: assert host.run('false').rc == 0",
    "assert testinfra.get_host('local://').run('true').rc == 0",
    "if host: pytest.fail('it is down')",
    "if host.run('false').rc != 0: raise RuntimeError",
    "self.assertTrue(True)",
    "self.assertEqual(1, 1)",
    "self.assertIsNotNone(host)",
    "x = 1\nassert x == 1",
    "word = 'up'\nwords = (word, 1)\nassert word in words and len(words) == 2",
]


@pytest.mark.parametrize("body", CANNOT_FAIL)
def test_a_check_that_cannot_fail_is_refused(tmp_path: Path, body: str) -> None:
    """Each spelling is a problem at its line, in a function and in a method of a class alike."""
    indented = body.replace("\n", "\n    ")
    helper = "def holds(host): assert host.run('true').rc == 0\n\nholds(None)\n"
    plain = f"{helper}def test_it(host):\n    {indented}\n"
    in_class = body.replace("\n", "\n        ")
    method = f"{helper}class TestIt:\n    def test_it(self, host):\n        {in_class}\n"
    for text, first in ((plain, 4), (method, 5)):
        problems = messages_of(suite_with(tmp_path, test_a=text))
        assert problems
        assert all(int(each.split(":")[1]) >= first for each in problems), problems


HONEST = [
    "assert host.run('true').rc == 0",
    "assert host.run('true').rc == 0, 'it is down'",
    "assert (host.run('true').rc == 0), 'it is down'",
    "assert (host.run('true').rc, host.run('true').stdout) == (0, '')",
    "assert host.file('/etc/passwd').exists or host.file('/etc/group').exists",
    "assert host.file('/etc/passwd').contains('root')",
    "assert all(line for line in host.run('ls').stdout.splitlines())",
    "assert not host.run('ls').stdout",
    "assert host.run('true').stdout or None",
    "ok = True\nif host.run('false').rc: ok = False\nassert ok",
    "ok = True\nfor page in 'ab': ok = ok and host.run(page).rc == 0\nassert ok",
    "ok = True\nok &= host.run('true').rc == 0\nassert ok",
    "holds(host)",
    "if host.run('false').rc != 0: pytest.fail('it is down')",
    "for page in ('a', 'b'):\n    if host.run(page).rc: raise AssertionError(page)",
    "self.assertEqual(host.run('true').rc, 0)",
    "self.assertTrue(host.file('/x').exists)",
    "want = 3\nassert host.run('true').rc == want",
    "ok = 1\nif host.run('true').rc: ok = 0\nassert ok == 1",
    "low = 1\nhigh = [host.run('true').rc]\nassert low not in high",
    "found = []\nfor each in host.run('ls').stdout: found.append(each)\nassert found == []",
    "n = 0\ndef ask():\n    nonlocal n\n    n = host.run('true').rc\nask()\nassert n == 0",
    "assertive = holds\nassertive(host)",
    "host.check_output('true')",
    "host.run_expect([3], 'exit 3')",
    "from elsewhere import ask\nask(host)",
    "with pytest.raises(ValueError): int(host.run('true').stdout)",
    "with pytest.raises(Exception, match='1045'): host.check_output('false')",
    "try: out = host.check_output('false')\nexcept AssertionError: out = ''\nassert out == 'x'",
    "try: assert host.run('true').rc == 0\nexcept AssertionError as e: raise RuntimeError from e",
    "try: assert host.run('true').rc == 0\nexcept AssertionError: pytest.fail('it is down')",
    "try: assert host.run('true').rc == 0\nfinally: host.run('rm /tmp/x')",
    "if host.system_info.type != 'linux': return\nassert host.run('true').rc == 0",
    "for page in ('a', 'b'): assert host.run(page).rc == 0",
    "assert host.sysctl('kernel.hostname')",
    "assert 0 < host.run('wc').rc < 200",
    "assert host.run('false').rc in range(3)",
    "assert 'x'.startswith(host.run('ls').stdout)",
    "host_name = host.check_output('hostname')\nassert host_name",
    "with pytest.raises((ValueError, OSError)): int(host.run('true').stdout)",
    "return None\n",
]


@pytest.mark.parametrize("body", HONEST[:-1])
def test_an_honest_check_is_accepted(tmp_path: Path, body: str) -> None:
    """What can fail is no problem, however it is written."""
    indented = body.replace("\n", "\n    ")
    text = f"""def holds(host):\n    assert host.run('true').rc == 0\n\n
def test_it(host):\n    {indented}\n\n\ndef test_more(host): holds(host)\n"""
    assert messages_of(suite_with(tmp_path, test_a=text)) == []


CHECK = "def test_it(host): assert host.run('true').rc == 0\n"


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"test_a": CHECK + CHECK}, "test_a.py:2: test_it is already defined on line 1"),
        ({"test_a": f"{CHECK}if 1:\n    {CHECK}"}, "test_a.py:3: test_it is already defined"),
        ({"test_a": f"{CHECK}from b import test_it\n"}, "test_a.py:2: test_it is already defined"),
        ({"test_a": f"{CHECK}test_it = print\n"}, "test_a.py:2: test_it is already defined"),
        ({"test_a": f"{CHECK}del test_it\n"}, "test_a.py:2: test_it is already defined"),
        (
            {"test_a": f"class TestA:\n    {CHECK}    {CHECK}"},
            "test_a.py:3: test_it is already defined on line 2",
        ),
        (
            {"test_a": f"class TestA:\n    {CHECK}class TestA:\n    {CHECK}"},
            "test_a.py:3: TestA is already defined on line 1",
        ),
        ({"test_a": f"class Shop:\n    {CHECK}"}, "test_a.py:2: Shop::test_it is in a class that"),
        (
            {"test_a": f"class TestA:\n    class Inner:\n        {CHECK}"},
            "test_a.py:3: TestA::Inner::test_it is in a class that",
        ),
        (
            {"test_a": f"class TestA:\n    def __init__(self): pass\n    {CHECK}"},
            "test_a.py:2: a class with __init__ is not collected",
        ),
        (
            {"test_a": f"class B:\n def __new__(c): 0\nclass TestA(B):\n    {CHECK}"},
            "test_a.py:2: a class with __new__ is not collected",
        ),
        ({"shop_checks": CHECK, "test_a": CHECK}, "shop_checks.py:1: test_it is in a file that"),
        ({"tests_a": CHECK}, "tests_a.py:1: test_it is in a file that holds no checks"),
        ({"conftest": CHECK, "test_a": CHECK}, "conftest.py:1: test_it is in a file that"),
        (
            {"test_a": CHECK + CHECK.replace("test_it", "check_it")},
            "test_a.py:2: nothing calls check_it, though it holds an assertion",
        ),
        (
            {"test_a": CHECK + CHECK.replace("test_it", "Test_it")},
            "test_a.py:2: nothing calls Test_it, though it holds an assertion",
        ),
        ({"test_a": f"async {CHECK}"}, "test_a.py:1: test_it is async"),
        ({"test_a": f"{CHECK}test_it.__test__ = False\n"}, "test_a.py:2: __test__ changes which"),
        ({"test_a": f"__test__ = False\n{CHECK}"}, "test_a.py:1: __test__ changes which checks"),
        ({"test_a": f"pytest_plugins = ['x']\n{CHECK}"}, "test_a.py:1: pytest_plugins changes"),
        (
            {"test_a": CHECK, "conftest": "collect_ignore = ['test_b.py']\n"},
            "conftest.py:1: collect_ignore changes which checks are asked",
        ),
        (
            {
                "test_a": CHECK,
                "conftest": "def pytest_collection_modifyitems(items): items[:] = []",
            },
            "conftest.py:1: the hook pytest_collection_modifyitems could change",
        ),
        (
            {"test_a": CHECK, "conftest": "class P:\n    def pytest_runtest_call(s): pass\n"},
            "conftest.py:2: the hook pytest_runtest_call could change what a check comes to",
        ),
        (
            {"test_a": CHECK, "conftest": "import pytest\n@pytest.fixture\ndef host(): return 1\n"},
            "conftest.py:3: a fixture of its own takes the place of testinfra's host",
        ),
        (
            {
                "test_a": f"@pytest.fixture(name='host')\ndef fake(): return 1\n{CHECK}",
            },
            "test_a.py:2: a fixture of its own takes the place of testinfra's host",
        ),
        ({"test_a": f"from unittest import mock\n{CHECK}"}, "test_a.py:1: a check asks the host"),
        (
            {"test_a": CHECK.replace("host)", "host, monkeypatch)")},
            "test_a.py:1: test_it takes monkeypatch",
        ),
        ({"test_a": CHECK.replace("host)", "host=None)")}, "test_a.py:1: test_it gives host a"),
        ({"test_a": f"testinfra_hosts = ['x']\n{CHECK}"}, "test_a.py:1: testinfra_hosts changes"),
        (
            {"test_a": CHECK, "conftest": "from testinfra.host import Host\nHost.run = print\n"},
            "conftest.py:2: it replaces what answers for the host",
        ),
        (
            {"test_a": CHECK, "conftest": "@pytest.fixture\ndef fake(monkeypatch): pass\n"},
            "conftest.py:2: a check asks the host itself, and mocks nothing",
        ),
        (
            {"test_a": CHECK, "conftest": "def pytest_configure(config): config.x = 1\n"},
            "conftest.py:1: the hook pytest_configure could change",
        ),
        ({"test_a": f'"""PYTEST_DONT_REWRITE"""\n{CHECK}'}, "test_a.py:1: PYTEST_DONT_REWRITE"),
    ],
)
def test_what_is_not_asked_or_not_of_the_host_is_refused(
    tmp_path: Path, files: dict[str, str], expected: str
) -> None:
    """Names, classes, files and hooks that keep a declared check from its answer are told."""
    problems = messages_of(suite_with(tmp_path, **files))
    assert [each for each in problems if each.startswith(expected)], problems


def test_classes_helpers_and_fixtures_are_accepted(tmp_path: Path) -> None:
    """A base class, unittest, helper modules, autouse and nested functions are honest ways."""
    suite = suite_with(
        tmp_path,
        conftest="""
            import pytest
            @pytest.fixture(autouse=True)
            def ready(host):
                assert host.run("true").rc == 0
            def pytest_generate_tests(metafunc): pass
            def pytest_configure(config):
                config.addinivalue_line("markers", "slow: it takes a while")
            @pytest.fixture
            def page(host):
                def get(path): assert host.run(path).rc == 0
                return get
            """,
        helping="""
            def same(one, other):
                assert one == other
            def of_another_suite(one): assert one
            class Common:
                def test_shared(self, host): same(host.run("true").rc, 0)
            """,
        test_a="""
            import unittest
            from .helping import Common, same
            def setup_module(): assert True is not None
            class TestShared(Common): pass
            class Unit(unittest.TestCase):
                def __init__(self, name): super().__init__(name)
                def test_equal(self): self.assertEqual(int('1'), 1)
            def test_helped(host): same(host.run("true").rc, 0)
            def test_page(page): page("/")
            def test_inner(host):
                def ask(command): assert host.run(command).rc == 0
                ask("true")
            """,
    )
    assert messages_of(suite) == ["test_a.py:4: the assertion is true whatever the host answers"]


def test_a_suite_without_a_check_is_refused(tmp_path: Path) -> None:
    """Files without a test function, and a folder that is not there, are no suite."""
    suite = suite_with(tmp_path, test_a="NAME = 'shop'\n", helping="def ask(host): return host\n")
    assert messages_of(suite) == [f"shop.yml:1: {suite} holds no check"]
    assert messages_of(tmp_path / "none") == [f"shop.yml:1: {tmp_path / 'none'} does not exist"]


def test_a_single_file_is_read_with_the_conftest_beside_it(tmp_path: Path) -> None:
    """Pytest takes the conftest in for one file too."""
    suite = suite_with(tmp_path, test_a=CHECK, conftest="collect_ignore = []\n")
    assert messages_of(suite / "test_a.py") == [
        "conftest.py:1: collect_ignore changes which checks are asked"
    ]


@pytest.mark.parametrize("suite", sorted(SHIPPED.iterdir()), ids=lambda path: path.name)
def test_the_shipped_suites_can_fail(suite: Path) -> None:
    """None of the suites that come with pradrill is refused."""
    assert messages_of(suite) == []

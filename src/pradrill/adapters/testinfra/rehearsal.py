"""Try each check on made-up answers: one that passes whatever the host answers proves nothing.

It belongs to the worker, which loads it by path: it imports nothing of pradrill. No host is asked:
in the process that collects the checks, testinfra's commands get answers of ours. Whatever else a
check would do outside of this process is kept from it, and leaves it unjudged.
"""

from __future__ import annotations

import ast
import ctypes
import os
import re
import signal
import sys
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from testinfra.backend.base import BaseBackend, CommandResult

_EACH = 1.0  # seconds of the processor, which a busy machine gives in its own time
_BLOCKED = 5.0  # seconds; who waits for the worker ends it when all together take too long
_YES = 77  # an exit code of ours, which nothing else ends with
_MOST_WORDS = 300
_LARGEST_CODE = 254  # 255 is ssh's own
_ODD_CODE = 77
_REPEATED = 100
_NEW_USERS, _NEW_NETWORK = 0x10000000, 0x40000000  # of unshare(2)
_OUTSIDE = (
    *("socket.connect", "socket.getaddrinfo", "socket.gethostby", "socket.sendto", "socket.bind"),
    *("subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "pty."),
    *("os.remove", "os.rename", "os.mkdir", "os.rmdir", "os.link", "os.symlink", "os.truncate"),
    *("os.chmod", "os.chown", "os.kill", "shutil.", "ftplib.", "smtplib.", "http.client."),
)
"""Beginnings of the names of audit events."""
_CODE = (".py", ".pyc", ".so")

Word = str | int


class _Given(NamedTuple):
    """One way to answer all commands of a check."""

    code: int
    text: str
    alternating: bool = False


_FAILURE = _Given(1, "")


class Rehearsal:
    """A pytest plugin that runs each check against made-up answers, in the place of running it."""

    def __init__(
        self,
        name: Callable[[pytest.Item], str],
        tell: Callable[[pytest.Item], None],
        fault: Callable[[], str],
        suite: Path,
        libraries: Collection[str],
    ) -> None:
        self._name = name
        """Returns what a check is called, whichever host it asks."""
        self._tell = tell
        self._fault = fault
        self._suite = suite
        self._libraries = libraries
        """Modules that are there before the suite is imported."""
        self._runs = False
        self._outside = False
        self._given = _Given(0, "")
        self._commands: list[str] = []
        self._reports: list[pytest.TestReport] = []
        self._watch()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Tell of each check that passes whatever is answered."""
        if not _alone() and self._strangers():
            return True  # they might reach the standby itself, unseen
        session.config.pluginmanager.unregister(name="terminalreporter")
        session.config.option.tbstyle = "native"  # nobody reads why it fails here
        words = list(dict.fromkeys(_words_of(self._suite)))[:_MOST_WORDS]
        alike: dict[str, list[pytest.Item]] = {}
        for item in session.items:
            alike.setdefault(self._name(item), []).append(item)
        for items in self._passing([*alike.values()]):
            if _in_a_child(partial(self._is_hollow, items[0], words)):
                for item in items:
                    self._tell(item)
        return True

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Take in what a phase of a check came to."""
        self._reports.append(report)

    def _passing(self, every: list[list[pytest.Item]]) -> list[list[pytest.Item]]:
        """Return those that pass though every command fails: few honest checks do.

        They are all run in one process; a check that remembers what it was told may pass there.
        """
        passing: list[list[pytest.Item]] = []
        left = every
        while left:
            ends = self._ends(left)
            passing += [items for items, passes in zip(left, ends, strict=False) if passes]
            left = left[len(ends) + 1 :]  # one that ended the process takes none with it
        return passing

    def _ends(self, every: list[list[pytest.Item]]) -> list[bool]:
        """Tell of each whether it passes, up to one that does not come to its end."""
        source, sink = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                for items in every:
                    _limit()
                    os.write(sink, b"%d\n" % self._passes(items[0], _FAILURE))
            finally:
                os._exit(0)
        os.close(sink)
        with os.fdopen(source) as lines:
            ends = [line == "1\n" for line in lines]
        os.waitpid(child, 0)
        return ends

    def _is_hollow(self, item: pytest.Item, words: list[Word]) -> bool:
        """Tell whether a check passes whatever is answered.

        One that asks other commands when it is run again remembers what it was told, and may stand.
        """
        ways = _ways(item, words)
        first = next(ways)
        if not self._passes(item, first):
            return False
        commands = [*self._commands]
        if not commands:
            return True
        again = self._passes(item, first) and self._commands == commands
        return again and all(self._passes(item, given) for given in ways)

    def _passes(self, item: pytest.Item, given: _Given) -> bool:
        """Run a check once; tell whether it passed without a look at anything else."""
        self._given, self._commands, self._outside, self._reports = given, [], False, []
        _forget(item)
        self._runs = True
        try:
            item.ihook.pytest_runtest_protocol(item=item, nextitem=None)
        finally:
            self._runs = False
        plain = all(each.passed and not hasattr(each, "wasxfail") for each in self._reports)
        return plain and not self._outside and not self._fault()

    def _watch(self) -> None:
        """Put our answers in the place of testinfra's, and see what else a check does."""
        sleep, stat = time.sleep, os.stat

        def answer(backend: BaseBackend, command: str, *words: str) -> CommandResult:
            self._commands.append(backend.quote(command, *words))
            code, text, alternating = self._given
            if alternating:
                code, text = len(self._commands) % 2, str(len(self._commands))
            return backend.result(code, backend.encode(command), text.encode(), text.encode())

        def audit(event: str, words: tuple[Any, ...]) -> None:
            if self._runs and (event.startswith(_OUTSIDE) or _reads(event, words)):
                self._outside = True
                raise PermissionError(f"{event} in a rehearsal")

        def stat_of(path: Any, **options: Any) -> os.stat_result:
            self._outside |= self._runs and _reads("open", (path,))
            return stat(path, **options)

        BaseBackend.run_local = answer
        time.sleep = lambda seconds: None if self._runs else sleep(seconds)
        os.stat = stat_of  # no audit event tells of it
        sys.addaudithook(audit)

    def _strangers(self) -> bool:
        """Tell whether the suite has imported libraries of others."""
        modules = {path.stem for path in self._suite.parent.rglob("*.py")}
        fresh = {name.partition(".")[0] for name in sys.modules} - {*self._libraries, *modules}
        return bool(fresh - {*sys.stdlib_module_names, self._suite.name})


def _in_a_child(answer: Callable[[], bool]) -> bool:
    """Ask in a process of its own, which is ended when it takes long: nothing of it is kept."""
    child = os.fork()
    if child == 0:
        _limit()
        try:
            os._exit(_YES if answer() else 0)
        finally:
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _YES


def _limit() -> None:
    """Let this process go on for so long: it is killed when it is over."""
    signal.setitimer(signal.ITIMER_PROF, _EACH)
    signal.setitimer(signal.ITIMER_REAL, _BLOCKED)


def _alone() -> bool:
    """Leave every network, so that no library of whatever kind reaches a machine."""
    unshare = ctypes.CDLL(None).unshare
    return any(unshare(what) == 0 for what in (_NEW_NETWORK, _NEW_USERS | _NEW_NETWORK))


def _reads(event: str, words: tuple[Any, ...]) -> bool:
    """Tell whether it is a look at a file, but those of the program itself."""
    if event in {"os.listdir", "os.scandir"}:
        return not str(words[0]).startswith((sys.prefix, sys.base_prefix))
    if event != "open" or not isinstance(words[0], str | bytes | os.PathLike):
        return False
    path = os.fsdecode(words[0])
    return not path.endswith(_CODE) and not path.startswith((sys.prefix, sys.base_prefix))


def _forget(item: pytest.Item) -> None:
    """Have testinfra ask anew: it keeps what kind of system it has found."""
    host = getattr(getattr(item, "callspec", None), "params", {}).get("_testinfra_host")
    for name in [*vars(host)] if host is not None else ():
        if name != "backend":
            delattr(host, name)


def _ways(item: pytest.Item, words: list[Word]) -> Iterator[_Given]:
    """Yield ways to answer: failures and successes, empty, loud, changing, and the suite's words.

    An honest check fails at one of the first; the others are for the few that look for a word.
    """
    yield _FAILURE
    yield _Given(0, "")
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    module = vars(getattr(item, "module", None) or object)
    values = (value for name, value in module.items() if not name.startswith("__"))
    every = [*words, *_plain(parameters), *_plain(values)]
    texts = [text for word in every for text in (str(word), sample(str(word)))]
    loud = "\n".join([*texts, "-1", "999999999999", *["x"] * 100_000])
    yield _Given(_ODD_CODE, loud)
    yield _Given(0, loud)
    yield _Given(0, "", alternating=True)
    for text in dict.fromkeys(texts):
        yield _Given(0, text)
    for word in dict.fromkeys(every):
        if isinstance(word, int) and 0 <= word <= _LARGEST_CODE:
            yield _Given(word, "")


def _words_of(suite: Path) -> Iterator[Word]:
    """Yield what stands in the files of a suite: an answer may be compared with it."""
    for path in sorted(suite.rglob("*.py")) if suite.is_dir() else [suite]:
        with suppress(OSError, SyntaxError, ValueError, RecursionError):
            constants = (
                node.value
                for node in ast.walk(ast.parse(path.read_bytes()))
                if isinstance(node, ast.Constant)
            )
            yield from _plain(constants)


def _plain(values: Iterable[object], depth: int = 2) -> Iterator[Word]:
    """Yield the words and numbers among values, and in collections of them."""
    for value in values:
        if isinstance(value, str | int) and not isinstance(value, bool):
            yield value
        elif isinstance(value, bytes):
            yield value.decode("utf-8", "replace")
        elif isinstance(value, dict) and depth:
            yield from _plain([*value, *value.values()][:_MOST_WORDS], depth - 1)
        elif isinstance(value, list | tuple | set | frozenset) and depth:
            yield from _plain([*value][:_MOST_WORDS], depth - 1)


def sample(pattern: str) -> str:
    """Return a text that a regular expression finds, as near as one can be made."""
    try:
        return _matching(re._parser.parse(pattern))  # type: ignore[attr-defined] # noqa: SLF001
    except (re.error, RecursionError, OverflowError):
        return ""


def _matching(parts: Iterable[tuple[object, Any]]) -> str:
    text = ""
    for kind, what in parts:
        match str(kind):
            case "LITERAL":
                text += chr(what)
            case "ANY" | "NOT_LITERAL":
                text += "~"
            case "IN":
                text += _one_of(what)
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                text += _matching(what[2]) * min(max(what[0], 1), _REPEATED)
            case "SUBPATTERN":
                text += _matching(what[3])
            case "BRANCH":
                text += _matching(what[1][0])
    return text


def _one_of(choices: list[tuple[object, Any]]) -> str:
    (kind, what) = choices[0]
    match str(kind):
        case "LITERAL":
            return chr(what)
        case "RANGE":
            return chr(what[0])
        case "CATEGORY":
            kinds = {"CATEGORY_DIGIT": "1", "CATEGORY_SPACE": " ", "CATEGORY_WORD": "a"}
            return kinds.get(str(what), "~")
    return "~"

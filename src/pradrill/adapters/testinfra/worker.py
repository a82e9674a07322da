"""Import pytest once and fork a child for each pass: the testinfra adapter's worker.

It is run by path, in a process and a session of its own, and imports nothing of pradrill.
Tasks come as JSON lines on standard input; what happens goes out as JSON lines on what was
standard output. Each child starts without hosts or connections remembered by testinfra, and can
be killed with all that it started. The end of standard input ends the worker.
"""

from __future__ import annotations

import importlib.util
import json
import os
import resource
import select
import signal
import sys
import traceback
from collections.abc import Callable, Generator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
from testinfra.backend.base import CommandResult

CONTROLLER = "controller"
"""The host of what does not run on a host: checks without `host`, files that cannot be read."""

_TAIL = 65_536
_LAST_READS = 64
_WORST_FIRST = ("failed", "errored", "skipped", "passed")

SayEvent = Callable[..., None]


def _beside(name: str) -> Any:
    """Load a module by path: the worker's folder is not on the path of the checks."""
    place = Path(__file__).with_name(f"{name}.py")
    spec = importlib.util.spec_from_file_location(f"pradrill_{name}", place)
    assert spec is not None and spec.loader is not None  # noqa: S101, PT018 the file is there
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    return module


if TYPE_CHECKING:
    from pradrill.adapters.testinfra import assertion_count as tally
    from pradrill.adapters.testinfra import commands, rehearsal
else:
    tally = _beside("assertion_count")
    commands = _beside("commands")
    rehearsal = _beside("rehearsal")


class Settings(NamedTuple):
    """What stays the same from pass to pass."""

    folder: Path
    suite: Path
    hosts: str
    prints: int
    """Bytes that one command of a check may print."""
    file: int
    """Bytes that one file of a check's may hold."""
    beginning: str
    """What the commands on a host begin with; the command follows, quoted."""

    def options(self) -> list[str]:
        """Return pytest's options: nothing of the caller's configuration leaks in."""
        root = self.suite if self.suite.is_dir() else self.suite.parent
        return [
            f"-c{self.folder / 'pytest.ini'}",
            f"--rootdir={root}",
            f"--confcutdir={root}",
            "--import-mode=importlib",
            "--continue-on-collection-errors",
            "-pno:cacheprovider",
            "--capture=no",  # pytest would keep whatever a check prints; here it is dropped
            "-ptestinfra.plugin",
            f"--hosts={self.hosts}",
        ]


class DrillFixture:
    """A pytest plugin that gives checks what their drill says once, and what its run knows."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._given = given

    @pytest.fixture(scope="session")
    def drill(self) -> SimpleNamespace:
        """Give `vars`, `hosts` (name → address), and the `values` that playbooks handed back."""
        parts = ("vars", "hosts", "values")
        return SimpleNamespace(**{part: self._given.get(part, {}) for part in parts})


class Collector:
    """A pytest plugin that tells which checks there are."""

    def __init__(self, say: SayEvent, only: list[list[str]] | None, without: list[str]) -> None:
        self._say = say
        self._only = only
        self._without = without

    def pytest_configure(self, config: pytest.Config) -> None:
        """Make the marker known."""
        config.addinivalue_line("markers", "optional: the service is proven without this check")
        config.addinivalue_line("markers", "negative: it passes when something does not work")

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Tell of a file that cannot be read or that skips itself: its checks would be missing."""
        if not report.passed:
            outcome = "skipped" if report.skipped else "errored"
            reason = _skip(report) if report.skipped else essence(report.longreprtext)
            self._say("unread", check=report.nodeid, outcome=outcome, detail=reason)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Tell of every check, and that these are all; keep those that are asked for."""
        selection = []
        for module, how in tally.meddlers(config, items):
            self._say("unread", check=module, outcome="skipped", detail=how)

        for item in items:
            check, host = identity(item)
            mandatory = item.get_closest_marker("optional") is None
            negative = item.get_closest_marker("negative") is not None
            kind = {"mandatory": mandatory, "negative": negative}
            self._say("check", check=check, host=host, title=_title(item), **kind)
            is_due = self._only is None or [check, host] in self._only
            if is_due and host not in self._without:
                selection.append(item)

        items[:] = selection
        self._say("collected")  # pytest_collection_finish also comes when collecting was cut short


class Reporter(Collector):
    """The same, and it tells what a check came to; only an assertion counts as failed."""

    def __init__(
        self, say: SayEvent, only: list[list[str]] | None, without: list[str], counted: tally.Tally
    ) -> None:
        super().__init__(say, only, without)
        self._counted = counted
        self._reports: list[tuple[str, str, pytest.TestReport]] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Tell which check is running now: it may never answer."""
        check, host = identity(item)
        self._say("began", check=check, host=host)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Judge each phase, and each subtest; the worst counts, once the teardown is done too."""
        report = yield
        self._reports.append((*judge(report, call), report))

        if report.when == "teardown":
            outcome, detail, _ = min(self._reports, key=lambda r: _WORST_FIRST.index(r[0]))
            answered = [r for _, _, r in self._reports if r.when != "teardown"] or [report]
            check, host = identity(item)
            if outcome == "passed" and (fault := self._counted.fault()):
                outcome, detail = "errored", fault
            sample = sampled(item)
            if sample is not None and not _is_sample(sample) and outcome == "passed":
                outcome, detail = "errored", f"sampled is not (looked at, of all): {sample!r:.200}"
            self._say(
                "result",
                check=check,
                host=host,
                outcome=outcome,
                detail=detail,
                sample=sample if _is_sample(sample) else None,
                assertions=self._counted.evaluated,
                started=min(r.start for r in answered),
                ended=max(r.stop for r in answered),
            )

            self._reports = []

        return report


def judge(report: pytest.TestReport, call: pytest.CallInfo[None]) -> tuple[str, str]:
    """Return the outcome of one phase of a check, and why."""
    if report.skipped or hasattr(report, "wasxfail"):
        return "skipped", _skip(report)
    if report.passed:
        return "passed", ""

    error = call.excinfo.value if call.excinfo is not None else None
    if error is None:  # only a strict xfail that did not fail has no exception
        return "skipped", report.longreprtext
    if isinstance(error, commands.NotBecomeError | commands.NotBegunError):
        return "errored", str(error)

    wrong = report.when == "call" and isinstance(error, AssertionError | pytest.fail.Exception)
    cause = error.args[0] if isinstance(error, RuntimeError) and error.args else None
    if isinstance(cause, CommandResult) and cause.rc == commands.LOST:
        reason = cause.stderr_bytes.decode("utf-8", "replace").strip() or "it gave no reason"
        return "errored", f"ssh ended with {commands.LOST}: {reason.splitlines()[-1]}"

    crash = getattr(report.longrepr, "reprcrash", None)
    detail = crash.message if crash is not None else essence(report.longreprtext)

    return "failed" if wrong else "errored", detail


def sampled(item: pytest.Item) -> Any:
    """Return what the check said last with record_property("sampled", (looked at, of all))."""
    values = [value for name, value in item.user_properties if name == "sampled"]
    return values[-1] if values else None


def _is_sample(value: Any) -> bool:
    if not isinstance(value, tuple | list) or len(value) != 2:  # noqa: PLR2004 looked at, of all
        return False
    return all(type(number) is int for number in value) and 0 <= value[0] <= value[1]


def identity(item: pytest.Item) -> tuple[str, str]:
    """Return a check's id without the host, and the host's name."""
    callspec = getattr(item, "callspec", None)
    host = callspec.params.get("_testinfra_host") if callspec is not None else None
    if callspec is None or host is None:
        return item.nodeid, CONTROLLER

    token = host.backend.get_pytest_id()
    parameters = f"-{callspec.id}-".replace(f"-{token}-", "-", 1)[1:-1]
    name = item.nodeid.removesuffix(f"[{callspec.id}]")

    return f"{name}[{parameters}]" if parameters else name, host.backend.hostname


def essence(text: str) -> str:
    """Return what a traceback of pytest's comes to: its E lines, or else its last line."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    errors = [line[1:].strip() for line in lines if line.startswith("E ")]
    return "\n".join(errors or lines[-1:])


def _skip(report: pytest.CollectReport | pytest.TestReport) -> str:
    if hasattr(report, "wasxfail"):
        fact = "and did" if report.skipped else "but did not"
        return f"expected to fail, {fact}: {report.wasxfail or 'no reason given'}"
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return str(reason)


def _title(item: pytest.Item) -> str:
    documented = (getattr(getattr(item, "obj", None), "__doc__", None) or "").strip()
    if documented:
        return str(documented.splitlines()[0])
    name = getattr(item, "originalname", None) or item.name
    return str(name).removeprefix("test_").replace("_", " ")


class Child:
    """One pass, in a process group of its own."""

    def __init__(self, settings: Settings, task: dict[str, Any], out: int) -> None:
        self._task = task
        self._out = out
        self.output, printed = os.pipe()
        self.silent = False
        """It has closed its output, and may work on."""
        self._tail = b""
        self._pid = os.fork()
        if self._pid == 0:
            self._run(settings, printed)
        os.close(printed)
        os.set_blocking(self.output, False)
        os.setpgid(self._pid, self._pid)
        self.ended = os.pidfd_open(self._pid)

    def kill(self) -> None:
        """Kill it with all that it started, unless that left its group."""
        os.killpg(self._pid, signal.SIGKILL)

    def bury(self) -> None:
        """Kill what it left, and tell that it has ended."""
        self.kill()  # it is still a zombie, so the number is still its own
        _, status = os.waitpid(self._pid, 0)
        os.close(self.ended)

        for _ in range(_LAST_READS):  # whoever left its group may print on: not to its end
            if not self.drain():
                break

        os.close(self.output)
        detail = essence(self._tail.decode("utf-8", "replace"))
        self._say("ended", code=os.waitstatus_to_exitcode(status), detail=detail)

    def drain(self) -> bool:
        """Take what it has printed, keep the end of it, and tell whether there was something."""
        with suppress(BlockingIOError):
            data = os.read(self.output, _TAIL)
            self._tail = (self._tail + data)[-_TAIL:]
            self.silent = not data

            return bool(data)

        return False

    def _say(self, event: str, **facts: Any) -> None:
        fields = {
            key: value[:_TAIL] if isinstance(value, str) else value for key, value in facts.items()
        }
        line = json.dumps({"task": self._task["task"], "event": event, **fields})
        # The first line break ends what a killed child may have left unfinished.
        data = memoryview(f"\n{line}\n".encode())
        while data:
            data = data[os.write(self._out, data) :]

    def _run(self, settings: Settings, output: int) -> None:
        try:
            os.setpgid(0, 0)
            resource.setrlimit(resource.RLIMIT_FSIZE, (settings.file, settings.file))
            commands.bind(settings.prints, self._task["passwords"], settings.beginning)
            os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
            os.dup2(output, 1)
            os.dup2(output, 2)
            options = [*settings.options(), str(settings.suite)]
            os._exit(int(pytest.main(options, plugins=self._plugins(settings))))
        except BaseException:  # noqa: BLE001 a child never returns into the worker's loop
            traceback.print_exc()
        finally:
            os._exit(1)

    def _plugins(self, settings: Settings) -> list[object]:
        """Return what makes a run of pytest's a pass, or a look at which checks there are."""
        counted = tally.Tally(settings.suite)
        drill = DrillFixture(self._task["drill"])
        which = self._task["only"], self._task["without"]
        if not self._task["collect"]:
            return [counted, drill, Reporter(self._say, *which, counted)]

        def tell(item: pytest.Item) -> None:
            check, host = identity(item)
            self._say("hollow", check=check, host=host)

        libraries = {name.partition(".")[0] for name in sys.modules}

        def called(item: pytest.Item) -> str:
            return identity(item)[0]

        tried = rehearsal.Rehearsal(called, tell, counted.fault, settings.suite, libraries)
        return [counted, drill, Collector(self._say, *which), tried]


def warm_up(settings: Settings) -> None:
    """Run pytest on nothing, so that no child has to import its plugins."""
    nothing = settings.folder / "nothing"
    nothing.mkdir(exist_ok=True)
    pytest.main([*settings._replace(suite=nothing).options(), str(nothing)])


def main() -> None:
    """Serve tasks until the standard input ends."""
    folder, suite, hosts, prints, largest, beginning = sys.argv[1:]
    settings = Settings(Path(folder), Path(suite), hosts, int(prints), int(largest), beginning)
    out = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    warm_up(settings)

    child: Child | None = None
    unfinished = b""
    while True:
        handles = [0] if child is None else [0, child.ended]
        handles += [child.output] if child is not None and not child.silent else []
        readable, _, _ = select.select(handles, [], [])
        if child is not None and child.output in readable:
            child.drain()

        if child is not None and child.ended in readable:
            child.bury()
            child = None
        if 0 not in readable:
            continue

        data = os.read(0, _TAIL)
        *lines, unfinished = (unfinished + data).split(b"\n")
        for task in map(json.loads, lines):
            if "kill" not in task:
                child = Child(settings, task, out)
            elif child is not None:
                child.kill()
        if not data:
            if child is not None:
                child.kill()
            return


if __name__ == "__main__":
    main()

"""Playbooks, run by ansible-runner in a folder and an environment of their own."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pradrill import processes
from pradrill.domain.outcome import PlaybookResult, StepOutcome, TaskFailure
from pradrill.ports import Cancelled, Clock, Play, Say

_LONGEST_MESSAGE = 2000
_LONGEST_OUTPUT = 1_000_000
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_NARRATED = {"runner_on_ok", "runner_on_failed", "runner_on_unreachable", "runner_on_skipped"}


class AnsibleRunner:
    """Runs playbooks; judges them by their final statistics."""

    def __init__(self, clock: Clock, resolve: Callable[[str], str], *, grace: float = 10.0) -> None:
        self._clock = clock
        self._resolve = resolve
        self._grace = grace

    def run(
        self, play: Play, *, deadline: float, cancelled: Cancelled, say: Say, evidence: Path
    ) -> PlaybookResult:
        """Run a playbook to its end, its deadline (seconds) or cancellation."""
        from ansible_runner import Runner, RunnerConfig  # noqa: PLC0415 costs 0.2 s

        evidence.mkdir(mode=0o700, parents=True)
        folder = Path(tempfile.mkdtemp(prefix="pradrill-play-"))
        narrator = _Narrator(say, evidence / "events.jsonl")
        brake = _Brake(play.marker, self._clock, deadline, self._grace, cancelled)
        try:
            config = RunnerConfig(
                private_data_dir=str(folder),
                ident="play",
                playbook=str(play.playbook),
                inventory=str(play.site.inventory),
                limit=",".join(host.name for host in play.site.hosts),
                cmdline=f"-e @{shlex.quote(str(self._variables(play, folder)))}",
                envvars={"ANSIBLE_HOST_KEY_CHECKING": "True"},
                settings={"pexpect_timeout": 1},
                suppress_ansible_output=True,
            )
            config.prepare()
            config.env = _environment(config.env, play, folder)
            code = _unless_timeout(
                Runner(config=config, event_handler=narrator, cancel_callback=brake).run
            )
            output = _printed(folder)
            _write(evidence / "stdout.txt", output[:_LONGEST_OUTPUT])
            return narrator.result(
                {host.name for host in play.site.hosts}, brake.pulled, code, output
            )
        finally:
            self.reap(play.marker)
            shutil.rmtree(folder, ignore_errors=True)

    def reap(self, marker: str) -> int:
        """End every process that still carries the run's marker; return how many there were."""
        return processes.end(marker)

    def _variables(self, play: Play, folder: Path) -> Path:
        secrets = {key: self._resolve(name) for key, name in play.secrets.items()}
        path = folder / "variables.json"
        _write(path, json.dumps({**play.vars, **secrets}))
        return path


class _Brake:
    """ansible-runner's cancel callback: interrupts the play, waits, then has it killed."""

    def __init__(
        self, marker: str, clock: Clock, deadline: float, grace: float, cancelled: Cancelled
    ) -> None:
        self.pulled: StepOutcome | None = None
        self._marker = marker
        self._clock = clock
        self._grace = grace
        self._cancelled = cancelled
        self._start = clock.now()
        self._deadline = deadline
        self._pulled_at = self._start

    def __call__(self) -> bool:
        now = self._clock.now()
        if self.pulled is None:
            if self._cancelled():
                self.pulled = StepOutcome.CANCELLED
            elif (now - self._start).total_seconds() >= self._deadline:
                self.pulled = StepOutcome.TIMED_OUT
            else:
                return False
            self._pulled_at = now
            processes.send(self._children(), signal.SIGINT)
        return (now - self._pulled_at).total_seconds() >= self._grace

    def _children(self) -> list[int]:
        """Return the ansible-playbook that we started: its workers follow it."""
        mine = f" {os.getpid()} "
        return [
            pid
            for pid in processes.carrying(self._marker)
            if mine in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").partition(")")[2][:24]
        ]


class _Narrator:
    """ansible-runner's event handler: notes what happens and never raises."""

    def __init__(self, say: Say, events: Path) -> None:
        self._say = say
        self._events = events
        self._stats: dict[str, Any] | None = None
        self._failures: list[TaskFailure] = []
        self._times: list[datetime] = []
        self._counts = {"ok": 0, "changed": 0}

    def __call__(self, event: dict[str, Any]) -> bool:
        """Take an event; False keeps ansible-runner from writing a file for it."""
        try:
            self._take(str(event.get("event")), event.get("event_data") or {})
        except Exception as error:  # noqa: BLE001 an exception here would orphan ansible-playbook
            self._say(f"an event could not be read: {type(error).__name__}")
        return False

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        self._times += [at for key in ("start", "end") if (at := _instant(data.get(key)))]
        host, task = str(data.get("host", "")), str(data.get("task", ""))
        if kind == "playbook_on_stats":
            self._stats = data
        elif kind == "playbook_on_task_start" and data.get("name"):
            self._say(_clean(str(data["name"])))
        elif kind in {"runner_on_failed", "runner_on_unreachable"} and not data.get(
            "ignore_errors"
        ):
            message = _message(data.get("res"))
            self._failures.append(TaskFailure(host=host, task=task, message=message))
        elif kind == "runner_on_ok":
            self._counts["ok"] += 1
            self._counts["changed"] += bool((data.get("res") or {}).get("changed"))
        if kind in _NARRATED:
            self._note(
                {
                    "at": data.get("end"),
                    "event": kind.removeprefix("runner_on_"),
                    "host": host,
                    "task": task,
                    "seconds": data.get("duration"),
                }
            )

    def _note(self, fact: dict[str, Any]) -> None:
        with self._events.open("a", encoding="utf-8") as file:
            file.write(json.dumps(fact) + "\n")

    def result(
        self, planned: set[str], pulled: StepOutcome | None, code: int | None, output: str
    ) -> PlaybookResult:
        """Judge the play: an early stop first, then the final statistics, never the code."""
        stats = self._stats or {}
        failed, dark = _hosts(stats, "failures"), _hosts(stats, "dark")
        missing = planned - _hosts(stats, "processed")
        failures = [f for f in self._failures if self._stats is None or f.host in failed | dark]
        if pulled is not None:
            outcome, detail = pulled, ""
        elif self._stats is None:
            outcome, detail = StepOutcome.UNKNOWN, _last_line(output, code)
        elif failed:
            first = next((f for f in failures if f.host in failed), None)
            outcome, detail = StepOutcome.FAILED, _told(first)
        elif dark:
            outcome, detail = StepOutcome.UNREACHABLE, _told(next(iter(failures), None))
        elif missing:
            names = ", ".join(sorted(missing))
            outcome, detail = StepOutcome.UNKNOWN, f"the playbook did nothing on {names}"
        else:
            outcome, detail = StepOutcome.PASSED, ""
        return PlaybookResult(
            outcome=outcome,
            detail=detail,
            started=min(self._times, default=None),
            ended=max(self._times, default=None),
            hosts=tuple(sorted(_hosts(stats, "processed"))),
            values=stats.get("artifact_data") or {},
            failures=tuple(failures),
            tasks_ok=self._counts["ok"],
            tasks_changed=self._counts["changed"],
        )


def _environment(prepared: dict[str, str], play: Play, folder: Path) -> dict[str, str]:
    """Return the play's environment: ansible-runner's own settings and ours, not the caller's."""
    ours = {key: value for key, value in prepared.items() if os.environ.get(key) != value}
    config = folder / "ansible.cfg"
    config.touch(mode=0o600)
    kept = {key: os.environ[key] for key in ("SSH_AUTH_SOCK", "SSL_CERT_FILE") if key in os.environ}
    system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        **kept,
        **ours,
        processes.MARKER: play.marker,
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', system)}:{system}",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_SSH_ARGS": f"-F {shlex.quote(str(play.site.ssh_config))}",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_NOCOWS": "1",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_INTERPRETER_PYTHON": "auto_silent",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _unless_timeout(run: Callable[[], Any]) -> int | None:
    """Run; ansible-runner's last read may time out after the play, which says nothing of it."""
    from pexpect import TIMEOUT  # noqa: PLC0415 as ansible_runner

    try:
        code = run()[1]
    except TIMEOUT:
        return None
    return int(code) if code is not None else None


def _printed(folder: Path) -> str:
    try:
        text = (folder / "artifacts" / "play" / "stdout").read_text("utf-8", "replace")
    except OSError:
        return ""
    return _CONTROL.sub("", text)


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 a descriptor, not a path
        file.write(text)


def _hosts(stats: dict[str, Any], key: str) -> set[str]:
    return {host for host, count in (stats.get(key) or {}).items() if count}


def _instant(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    try:
        at = datetime.fromisoformat(value)
    except ValueError:
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def _message(result: Any) -> str:
    if not isinstance(result, dict) or not result:
        return "no message"
    if "censored" in result:
        return "hidden: the task has no_log"
    parts = [str(result[key]).strip() for key in ("msg", "stderr") if result.get(key)]
    if len(parts) <= 1 and result.get("stdout"):
        parts.append(str(result["stdout"]).strip()[-_LONGEST_MESSAGE // 2 :])
    return _clean(": ".join(parts) or "no message")[:_LONGEST_MESSAGE]


def _clean(text: str) -> str:
    return _CONTROL.sub(" ", text).strip()


def _told(failure: TaskFailure | None) -> str:
    if failure is None:
        return ""
    return f"{failure.host}: {failure.task}: {failure.message.splitlines()[0]}"


def _last_line(output: str, code: int | None) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "[ERROR"))]
    last = (errors or lines or ["ansible-playbook said nothing"])[-1]
    return f"no final statistics (exit code {code}): {last[:300]}"

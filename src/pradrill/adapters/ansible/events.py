"""Read what ansible-runner reports while a play runs, and judge it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from threading import Thread
from typing import Any

from pradrill.adapters.ansible.binding import Binding, HostAnswer
from pradrill.adapters.ansible.stopping import Brake
from pradrill.adapters.ansible.tool_progress import tool_progress
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome, TaskFailure
from pradrill.domain.values.masking import Masker
from pradrill.domain.values.quotas import PLAY_KEPT, megabytes
from pradrill.domain.values.reason import Reason, ReasonOrText, as_reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.ports import Say, ToolProgress

_ASKS = re.compile(r"(?:Task failed: )?Missing (\w+) password")
_REFUSES = re.compile(r"(?:Task failed: )?Incorrect (\w+) password")
_UNATTENDED = (
    r"\1 asks for a password, and nobody is there to type it: name it in the drill, in "
    r"standby.become_password, or let the login use \1 without one (NOPASSWD), as pradrill doctor "
    "prints it"
)
_REFUSED = r"\1 refuses the password that it was given"
_LONGEST_MESSAGE = 2000
_LONGEST_NAME = 300
_MOST_FAILURES = 200
_LAST_WORDS = 1.0  # seconds
_CONTROL = re.compile(r"\x1b\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")
_NARRATED = {"runner_on_ok", "runner_on_failed", "runner_on_unreachable", "runner_on_skipped"}
_USERS = 1  # its place among the playbooks: it runs between two of ours

_Judgement = tuple[StepOutcome, ReasonOrText, list[TaskFailure]]


class Narrator:
    """ansible-runner's event handler: notes what happens, and neither raises nor waits."""

    def __init__(
        self, say: Say, events: Path, masker: Masker, binding: Binding, brake: Brake
    ) -> None:
        self._teller = _Teller(say)
        self._events = events
        self._masker = masker
        self._binding = binding
        self._brake = brake
        self._ends: list[dict[str, Any]] = []
        """The statistics at each playbook's end: ours, the user's, ours."""
        self._machine_ids: list[HostAnswer] = []
        self._stray: Reason | None = None
        self._failures: list[TaskFailure] = []
        self._unread: list[TaskFailure] = []
        """Of the plays of ours: hosts that did not say which machine they are, and why."""
        self._times: tuple[datetime, ...] = ()
        self._bytes_written = 0
        self._counts = {"ok": 0, "changed": 0}
        self.unwritten: OSError | None = None
        """Why an event is not on the disk, if one is not."""

    def __call__(self, event: dict[str, Any]) -> bool:
        """Take an event; False keeps ansible-runner from writing a file for it."""
        try:
            self._watch(event)
            self._take(str(event.get("event")), event.get("event_data") or {})
        except OSError as error:
            self.unwritten = self.unwritten or error
        except Exception as error:  # noqa: BLE001 an exception here would orphan ansible-playbook
            self._teller.say(f"an event could not be read: {type(error).__name__}")

        return False

    def end(self) -> None:
        """Stop talking."""
        self._teller.end()

    def _watch(self, event: dict[str, Any]) -> None:
        """Stop the play at once when it acts on a machine that it has nothing to do with."""
        if not self._stray and (stray := self._binding.stray(event)):
            self._stray = stray
            self._brake.stray()

    def _take(self, kind: str, data: dict[str, Any]) -> None:
        host = str(data.get("host", ""))[:_LONGEST_NAME]
        task = self._clean(str(data.get("task", "")))[:_LONGEST_NAME]
        if self._binding.is_own(data):
            self._take_own(kind, data, host, task)
            return

        candidates = (*self._times, *(_instant(data.get(key)) for key in ("start", "end")))
        times = sorted(at for at in candidates if at is not None)
        self._times = (times[0], times[-1]) if times else ()

        if kind == "playbook_on_stats":
            self._ends.append(_statistics(data))
        elif kind == "playbook_on_task_start" and data.get("name"):
            self._teller.say(self._clean(str(data["name"]))[:_LONGEST_NAME])
        elif kind == "runner_retry":
            self._tell_progress(task, data.get("res"))
        elif kind in {"runner_on_failed", "runner_on_unreachable"}:
            # What fails after the brake fails because of it.
            few = len(self._failures) < _MOST_FAILURES
            if not data.get("ignore_errors") and self._brake.pulled is None and few:
                message = self._clean(_message(data.get("res")))[:_LONGEST_MESSAGE]
                self._failures.append(TaskFailure(host=host, task=task, message=message))
        elif kind == "runner_on_ok":
            self._counts["ok"] += 1
            self._counts["changed"] += bool((data.get("res") or {}).get("changed"))

        self._note(kind, data, host, task)

    def _tell_progress(self, task: str, result: Any) -> None:
        """Tell how far a tool has come, where a task waits for it (until, retries) and shows it."""
        output = result.get("stdout") if isinstance(result, dict) else None
        if words := tool_progress(output):
            self._teller.say(ToolProgress(f"{task}: {words}"))

    def _take_own(self, kind: str, data: dict[str, Any], host: str, task: str) -> None:
        """Take an event of the plays that read which machine it is; they recover nothing."""
        if kind in {"runner_on_ok", "runner_on_failed"}:
            self._machine_ids.append(self._binding.answer(data))
            if not self._machine_ids[-1][1] and self._brake.pulled is None:
                message = self._clean(_message(data.get("res")))[:_LONGEST_MESSAGE]
                self._unread.append(TaskFailure(host=host, task=task, message=message))
        elif kind == "runner_on_unreachable" and self._brake.pulled is None:
            message = self._clean(_message(data.get("res")))[:_LONGEST_MESSAGE]
            self._failures.append(TaskFailure(host=host, task=task, message=message))

        self._note(kind, data, host, task)

    def _note(self, kind: str, data: dict[str, Any], host: str, task: str) -> None:
        if kind in _NARRATED:
            fact = {
                "at": data.get("end"),
                "event": kind.removeprefix("runner_on_"),
                "host": host,
                "task": task,
                "seconds": data.get("duration"),
            }
            self._keep(json.dumps(fact) + "\n")

    def _keep(self, line: str) -> None:
        """Keep an event as evidence; say once that the others are not."""
        if self._bytes_written > PLAY_KEPT:
            return

        self._bytes_written += len(line)
        if self._bytes_written > PLAY_KEPT:
            line = json.dumps({"event": "cut", "after": megabytes(PLAY_KEPT)}) + "\n"

        with self._events.open("a", encoding="utf-8") as file:
            file.write(line)

    def _clean(self, text: str) -> str:
        return _CONTROL.sub(" ", self._masker.text(text)).strip()

    def result(self, planned: set[str], code: int | None, output: str) -> PlaybookResult:
        """Judge the play: where it acted and an early stop first, then the final statistics.

        The exit code never counts.
        """
        stats, processed = self._its_end()
        outcome, detail, failures = next(self._judgements(planned, code, output))
        return PlaybookResult(
            outcome=outcome,
            detail=as_reason(detail),
            started=min(self._times, default=None),
            ended=max(self._times, default=None),
            hosts=tuple(sorted(processed)),
            values=self._masker.free(stats.get("artifact_data", {})),
            failures=tuple(failures),
            tasks_ok=self._counts["ok"],
            tasks_changed=self._counts["changed"],
        )

    def _its_end(self) -> tuple[dict[str, Any], set[str]]:
        """Return the user's playbook's statistics, and the hosts that it did something on."""
        if len(self._ends) < _USERS + 1:
            return {}, set()
        before, stats = self._ends[_USERS - 1], self._ends[_USERS]
        return stats, _processed(before, stats)

    def _judgements(self, planned: set[str], code: int | None, output: str) -> Iterator[_Judgement]:
        """Yield what can be said of the play, the gravest first: that is what counts."""
        if wrong := self._stray or self._elsewhere():
            yield StepOutcome.UNKNOWN, wrong, self._failures

        if self._brake.pulled is not None:
            yield self._brake.pulled, "", self._failures
        stats, processed = self._its_end()
        if self._ends and not stats:
            yield from self._unidentified(planned, 1)

        if not stats:
            yield StepOutcome.UNKNOWN, _last_line(output, code), self._failures
        failed, dark = _hosts(stats, "failures"), _hosts(stats, "dark")
        failures = [failure for host in (failed | dark) for failure in self._fatal(host, stats)]
        if failed:
            yield StepOutcome.FAILED, _failure_text(failures, failed), failures

        if dark:
            yield StepOutcome.UNREACHABLE, _failure_text(failures, dark), failures

        if missing := planned - processed:
            why = reason(Code.DID_NOTHING, host=sorted(missing))
            yield StepOutcome.UNKNOWN, why, failures

        yield from self._unidentified(planned, 2)
        yield StepOutcome.PASSED, "", failures

    def _unidentified(self, planned: set[str], times: int) -> Iterator[_Judgement]:
        """Yield it when hosts have not told that often which machine they are, or are gone."""
        if dark := _hosts(self._ends[-1], "dark"):
            yield StepOutcome.UNREACHABLE, _failure_text(self._failures, dark), self._failures
        if silent := self._silent(planned, times):
            yield (
                StepOutcome.UNKNOWN,
                self._why_silent(silent, times),
                self._failures + self._unread,
            )

    def _why_silent(self, silent: list[str], times: int) -> Reason:
        """Say that hosts have not told which machine they are, and why if Ansible said it."""
        because = next((each.message for each in self._unread if each.host in silent), "")
        if because:
            code = Code.UNREAD_BEFORE_BECAUSE if times == 1 else Code.UNREAD_AFTER_BECAUSE
            return reason(code, host=silent, because=because)
        when = Code.UNREAD_BEFORE_PLAYBOOK if times == 1 else Code.UNREAD_AFTER_PLAYBOOK
        return reason(when, host=silent)

    def _silent(self, planned: set[str], times: int) -> list[str]:
        """Return the hosts that have not told that often which machine they are."""
        answered = [host for host, machine_id in self._machine_ids if machine_id]
        return sorted(host for host in planned if answered.count(host) < times)

    def _elsewhere(self) -> Reason | None:
        """Say which host another machine answered for; or nothing."""
        differs = (self._binding.differs(each) for each in self._machine_ids if each[1])
        return next(filter(None, differs), None)

    def _fatal(self, host: str, stats: dict[str, Any]) -> list[TaskFailure]:
        """Return the host's failures without those that a rescue: block made good before."""
        its = [failure for failure in self._failures if failure.host == host]
        rescued = stats.get("rescued", {}).get(host, 0)
        return its[rescued:] or its[-1:]


class _Teller:
    """Says lines in a thread of its own: whoever listens slowly does not slow the play."""

    def __init__(self, say: Say) -> None:
        self._say = say
        self._lines: SimpleQueue[str | None] = SimpleQueue()
        self._over = False
        self._thread = Thread(target=self._tell, daemon=True)
        self._thread.start()

    def say(self, line: str) -> None:
        self._lines.put(line)

    def end(self) -> None:
        """Let the last words be said, for a moment."""
        self._lines.put(None)
        self._thread.join(_LAST_WORDS)
        self._over = True

    def _tell(self) -> None:
        while (line := self._lines.get()) is not None and not self._over:
            try:
                self._say(line)
            except Exception:  # noqa: BLE001 a terminal that is gone does not end a restore
                return


def clean_output(text: str, masker: Masker) -> str:
    """Return what ansible-playbook printed, without colours and secrets."""
    return masker.text(_CONTROL.sub("", text))


_KINDS = ("ok", "changed", "failures", "dark", "skipped", "ignored", "rescued")


def _statistics(data: dict[str, Any]) -> dict[str, Any]:
    """Return final statistics; of damaged ones nothing: how the play ended is not known then."""
    counts = {kind: data.get(kind) or {} for kind in _KINDS}
    values = data.get("artifact_data") or {}
    if not all(isinstance(each, dict) for each in (values, *counts.values())):
        return {}
    is_counted = all(
        isinstance(each, int) for by_host in counts.values() for each in by_host.values()
    )
    return {**counts, "artifact_data": values} if is_counted else {}


def _hosts(stats: dict[str, Any], key: str) -> set[str]:
    return {host for host, count in stats.get(key, {}).items() if count}


def _processed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    """Return the hosts that something happened on between two statistics."""
    return {
        host
        for kind in _KINDS
        for host, count in after.get(kind, {}).items()
        if count > before.get(kind, {}).get(host, 0)
    }


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

    items = [each for each in result.get("results") or () if isinstance(each, dict)]
    wrong = ("failed", "unreachable", "exception")  # ansible-core 2.21 leaves the first out
    first = next((each for each in items if any(each.get(key) for key in wrong)), None)
    if first is not None:
        return _message(first)

    parts = [str(result[key]).strip() for key in ("msg", "stderr") if result.get(key)]
    if len(parts) <= 1 and result.get("stdout"):
        parts.append(str(result["stdout"]).strip()[-_LONGEST_MESSAGE // 2 :])

    message = _REFUSES.sub(_REFUSED, ": ".join(parts))
    return _ASKS.sub(_UNATTENDED, message) or "no message"


_RETURNED = "non-zero return code: "
_STATEMENT = re.compile(r"(?<!-)-{10,}\n.{0,2000}?\n-{10,}\n*", re.DOTALL)  # no message is longer
_ERROR = re.compile(r"(?i)^(\S+:( \d+:)? ?){0,2}\[?(error|fatal|panic)\b")


def _failure_text(failures: list[TaskFailure], hosts: set[str]) -> str:
    failure = next((failure for failure in failures if failure.host in hosts), None)
    if failure is None:
        return ""
    return f"{failure.host}: {failure.task}: {_cause(failure.message)}"


def _cause(message: str) -> str:
    """Return the line of a message that says why.

    A database's client prints its statement between lines of dashes, which holds data.
    """
    without_statements = _STATEMENT.sub("", message)
    lines = [line for line in without_statements.splitlines() if re.search(r"\w", line)]
    first = lines[0] if lines else ""
    command, is_command, output = first.partition(_RETURNED)
    if not is_command or command:
        return first

    errors = (line for line in (output, *lines[1:]) if _ERROR.search(line))
    return _RETURNED + next(errors, output)


def _last_line(output: str, code: int | None) -> str:
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    errors = [line for line in lines if line.startswith(("ERROR", "[ERROR"))]
    last = (errors or lines or ["ansible-playbook said nothing"])[-1]
    return f"no final statistics (exit code {code}): {last[:300]}"

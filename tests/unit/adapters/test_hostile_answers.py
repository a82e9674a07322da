"""Whatever a backup tool, Ansible, or the process of the checks says, it is read or refused."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.adapters.backups.barman import Barman
from pradrill.adapters.backups.borg import Borg
from pradrill.adapters.backups.dumps.local_folder import LocalFolder
from pradrill.adapters.backups.pgbackrest import PgBackRest
from pradrill.adapters.backups.restic import Restic
from pradrill.adapters.ssh.leases import _answer
from pradrill.adapters.ssh.probe import marker_of
from pradrill.adapters.ssh.reach import answers_of
from pradrill.adapters.testinfra.answers import Check, Pass
from pradrill.adapters.testinfra.worker_process import _message
from pradrill.domain.declared.backup_source import (
    BarmanSource,
    BorgSource,
    PgBackRestSource,
    ResticSource,
)
from pradrill.domain.run.backup_catalogue import RecoveryPoint
from pradrill.domain.run.backup_integrity import IntegrityPart
from pradrill.domain.run.host import Host
from pradrill.errors import UNREADABLE, PradrillError
from pradrill.ports import Bounds, RecoveryPointSource
from pradrill.system.command import CompletedCommand
from pradrill.testing import FakeClock, after

NOW = after(0)
BOUNDS = Bounds(60.0)
ID = "ab" * 32
SNAPSHOTS = [
    {
        "id": ID,
        "time": "2026-03-10T02:00:00.5+01:00",
        "hostname": "shop1",
        "tags": ["nightly"],
        "summary": {"backup_end": "2026-03-10T02:05:00Z", "total_bytes_processed": 4_096},
    }
]
LOCK = {"time": "2026-03-10T02:00:00Z", "exclusive": True, "hostname": "shop1", "pid": 7}
ARCHIVES = {
    "archives": [
        {
            "name": "shop-1",
            "id": ID,
            "start": "2026-03-10T02:00:00.000000",
            "end": "2026-03-10T02:05:00.000000",
            "hostname": "shop1",
            "comment": "nightly full",
        }
    ]
}
LOG_LINE = {"type": "log_message", "levelname": "ERROR", "msgid": "LockTimeout", "message": "held"}
STANZAS = [
    {
        "name": "main",
        "status": {"code": 0, "message": "ok", "lock": {"backup": {"held": False}}},
        "repo": [{"key": 1, "cipher": "none", "status": {"code": 0, "message": "ok"}}],
        "backup": [
            {
                "label": "20260310-020000F",
                "error": False,
                "info": {"size": 4_096},
                "timestamp": {"start": 1_773_108_000, "stop": 1_773_108_300},
                "type": "full",
                "database": {"repo-key": 1},
                "annotation": {"by": "cron"},
                "reference": ["20260310-020000F"],
                "archive": {"start": "0" * 23 + "1", "stop": "0" * 23 + "2"},
                "lsn": {"start": "0/1000028", "stop": "0/2000050"},
            }
        ],
        "archive": [
            {"id": "16-1", "database": {"repo-key": 1}, "min": "0" * 23 + "1", "max": "0" * 24}
        ],
    }
]
BACKUPS = {
    "pg1": [
        {
            "backup_id": "20260310T020000",
            "status": "DONE",
            "end_time_timestamp": "1773108300",
            "size_bytes": 4_096,
            "backup_name": "nightly",
        }
    ]
}
BARMAN_ERROR = {"_ERROR": ["Unknown server 'pg1'"]}
VERIFIED = "stanza: main\nstatus: error\n  backup: 20260310-020000F, status: invalid\n  1 file\n"

outputs = st.one_of(
    documents(SNAPSHOTS, LOCK, ARCHIVES, STANZAS, BACKUPS, BARMAN_ERROR),
    st.sampled_from([VERIFIED, ID, "backup successfully verified"]),
)
errors = st.one_of(documents(LOG_LINE), texts, st.sampled_from(["", "Fatal: wrong password"]))
answers = st.builds(CompletedCommand, st.sampled_from([0, 0, 0, 1, 2, 3, None]), outputs, errors)


def sources() -> Iterator[RecoveryPointSource]:
    """Return a source of each tool."""
    clock = FakeClock()
    restic = {"repository": "/backups/repo", "password": "env:NONE"}
    yield Restic(ResticSource.model_validate(restic), str, clock)
    yield Borg(BorgSource.model_validate({"repository": "/backups/repo"}), str, clock)
    stanza = {"stanza": "main", "repository": "/backups/pg"}
    yield PgBackRest(PgBackRestSource.model_validate(stanza), str, clock)
    yield Barman(BarmanSource.model_validate({"server": "pg1"}), clock)


SOURCES = list(sources())


@contextmanager
def saying(source: RecoveryPointSource, *replies: CompletedCommand) -> Iterator[None]:
    """Let the source's tool say that, one answer after the other, and the last one for ever."""
    waiting = list(replies)

    def run(*_words: Any, **_options: Any) -> CompletedCommand:
        return waiting.pop(0) if len(waiting) > 1 else waiting[0]

    with patch(f"{type(source).__module__}.run", run):
        yield


@settings(max_examples=5 * EXAMPLES)
@given(st.sampled_from(SOURCES), st.lists(answers, min_size=1, max_size=3))
def test_what_a_backup_tool_says_is_read_or_refused(
    source: RecoveryPointSource, replies: list[CompletedCommand]
) -> None:
    """A catalogue is one that a drill can choose from; a check comes to an answer."""
    with saying(source, *replies):
        with suppress(PradrillError):
            catalogue = source.catalogue(BOUNDS)
            assert len(catalogue.usable()) + len(list(catalogue.unusable())) == len(
                catalogue.points
            )
        with suppress(PradrillError):
            point = RecoveryPoint(id="20260310-020000F", data_time=NOW)
            assert source.check(point, IntegrityPart(1, 7), BOUNDS).detail is not None


STANDBY = Host(
    name="web-dr", address="192.0.2.20", port=22, user="root", private_key=None, dr_role="standby"
)
LEASE = {"came": "busy", "left": 12.0, "because": "expired", "other": {"run": "r", "state": "/s"}}
MARKER = {"content": "5" * 32, "fault": None, "at": "/etc"}
REACHED = {"control": ["open", "", ""], "db:5432": ["closed", "silent", 3]}
MESSAGE = {"task": 1, "event": "result", "check": "test_a.py::test_a", "host": "web-dr"}


@settings(max_examples=2 * EXAMPLES)
@given(documents(LEASE, MARKER, REACHED, MESSAGE))
def test_what_a_standby_says_is_read_or_refused(answer: str) -> None:
    """A lease, a marker, what is reached from there, and a message of the process of the checks."""
    with suppress(PradrillError):
        marker_of(STANDBY, answer)
    with suppress(*UNREADABLE):
        _answer(json.loads(answer))
    assert answers_of(["db:5432"], answer).keys() <= {"db:5432"}
    _message(answer.encode("utf-8", "replace"))


CHECK = {"task": 1, "event": "check", "check": "test_a.py::test_a", "host": "web-dr"}
MESSAGES = (
    {**CHECK, "title": "It answers.", "mandatory": True, "negative": False},
    {**CHECK, "event": "began"},
    {
        **CHECK,
        "event": "result",
        "outcome": "passed",
        "detail": "",
        "started": 1_773_108_000.0,
        "ended": 1_773_108_001.0,
        "sample": [3, 10],
        "assertions": 2,
    },
    {**CHECK, "event": "unread", "outcome": "errored", "detail": "SyntaxError"},
    {"task": 1, "event": "collected"},
    {"task": 1, "event": "ended", "code": 0, "detail": ""},
)


@settings(max_examples=2 * EXAMPLES)
@given(st.lists(documents(*MESSAGES), max_size=6))
def test_what_the_process_of_the_checks_says_is_an_answer_or_none(lines: list[str]) -> None:
    """Each check has a result, whatever is said of it and of others."""
    answers = Pass(NOW, Path("no/suite"))
    for line in lines:
        message = _message(line.encode("utf-8", "replace"))
        if message is not None:
            answers.take(message, NOW)
    for check in (*answers.checks.values(), Check("test_a.py::test_a", "web-dr")):
        answers.result(check, NOW, answers.hollow)


def test_a_file_of_any_date_is_listed() -> None:
    """A file system can hold dates that no calendar has; such a dump is one of the future."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        for name, date in (("late", 10**12), ("early", -(10**12)), ("usual", 1_773_108_000)):
            Path(folder, name).touch()
            os.utime(Path(folder, name), (date, date))
        years = {entry.name: entry.modified.year for entry in LocalFolder().entries(folder)}
    assert years == {"late": 2100, "early": 1970, "usual": 2026}


def test_a_word_of_borgs_that_is_none_is_passed_over() -> None:
    """A level that is a list is no error of borg's, and none of ours."""
    line = json.dumps({**LOG_LINE, "levelname": ["ERROR"]})
    borg = next(source for source in SOURCES if isinstance(source, Borg))
    point = RecoveryPoint(id="shop-1", data_time=NOW)
    with saying(borg, CompletedCommand(1, "", line)):
        assert borg.check(point, IntegrityPart(1, 7), BOUNDS).detail is not None

"""Whatever a backup tool logs, a reason is one line, and no finding is better than its end."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts
from tests.unit.adapters.test_hostile_answers import (
    BACKUPS,
    BARMAN_ERROR,
    BOUNDS,
    LOG_LINE,
    NOW,
    SOURCES,
    STANZAS,
)

from pradrill.adapters.backups.barman import Barman
from pradrill.adapters.backups.pgbackrest import PgBackRest
from pradrill.domain.run.backup_catalogue import RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import RecoveryPointSource
from pradrill.system.command import CompletedCommand

LABEL = "20260310-020000F"
FIRST, LAST = "0" * 23 + "1", "0" * 23 + "2"
LOGS = f"{FIRST}-{'a' * 40}.gz\n{LAST}-{'b' * 40}.gz\n"
HELD = f"{FIRST}\n{LAST}.gz\n"
VALID = f"stanza: main\nstatus: ok\n  backup: {LABEL}, status: valid\n    checksum invalid: 0\n"
INVALID = VALID.replace("ok", "error").replace("valid\n", "invalid\n")
LISTED = f"/srv/barman/pg1/wals/{'0' * 16}/{FIRST}\n/srv/barman/pg1/wals/{'0' * 16}/{LAST}.gz\n"
SHOWN = {"pg1": {"base_backup_information": {"begin_wal": FIRST, "end_wal": LAST}}}
STANZA = [{**STANZAS[0], "archive": [{"id": "16-1", "database": {"repo-key": 1}}]}]
SAYINGS = st.sampled_from(
    [
        *(VALID, INVALID, LOGS, HELD, LISTED, "backup successfully verified", "status: ok", ""),
        *(
            "P00  ERROR: [055]: unable to load info file '/a/backup.info'",
            "P00   WARN: x\nERROR: y",
        ),
        *('pg_verifybackup: error: could not open file "/a/backup_manifest": no', "Traceback"),
        *("ERROR: [029]: key 'a' outside of section", "Fatal: wrong password or no key finding\n"),
        *(
            "error: pack 1: ciphertext verification failed",
            "subprocess ssh: \x1b[31mdenied",
            "\u2028",
        ),
        *("EXCEPTION: 'utf-8' codec can't decode", "conninfo: host=a password='hunter 2'", "\r\r"),
    ]
)
outputs = st.one_of(
    st.lists(SAYINGS | texts, max_size=4).map("\n".join),
    documents(STANZA, SHOWN, BACKUPS, BARMAN_ERROR, LOG_LINE),
    SAYINGS,
)
logs = st.lists(SAYINGS | documents(LOG_LINE) | texts, max_size=3).map("\n".join)
replies = st.builds(CompletedCommand, st.sampled_from([0, 0, 0, 0, 1, 2, -9, None]), outputs, logs)


class Replies:
    """What a tool says, one after the other, the last one for ever; and what was read of it."""

    def __init__(self, *replies: CompletedCommand) -> None:
        self._waiting = list(replies)
        self.read: list[CompletedCommand] = []

    def run(self, *_words: Any, **_options: Any) -> CompletedCommand:
        """Return the next one."""
        reply = self._waiting.pop(0) if len(self._waiting) > 1 else self._waiting[0]
        self.read.append(reply)
        return reply


def check(source: RecoveryPointSource, replies: Replies) -> Checked | NotReadyError:
    """Return what a source finds of a backup whose tool says that."""
    with patch(f"{type(source).__module__}.run", replies.run):
        try:
            return source.check(RecoveryPoint(id=LABEL, data_time=NOW), IntegrityPart(1, 7), BOUNDS)
        except NotReadyError as error:
            return error


@settings(max_examples=3 * EXAMPLES)
@given(st.sampled_from(SOURCES), st.lists(replies, min_size=1, max_size=5))
def test_no_backup_is_sound_of_which_a_tool_ended_otherwise(
    source: RecoveryPointSource, answers: list[CompletedCommand]
) -> None:
    """However good its words are: each end of its calls counts; the reason is one line."""
    its = Replies(*answers)
    finding = check(source, its)
    reason = finding.message if isinstance(finding, NotReadyError) else finding.detail
    assert reason.isprintable()
    assert len(reason) <= 500
    if isinstance(finding, Checked) and finding.soundness is Soundness.SOUND:
        assert {each.code for each in its.read} == {0}


@settings(max_examples=3 * EXAMPLES)
@given(st.sampled_from(SOURCES), st.lists(replies, min_size=1, max_size=4))
def test_why_a_catalogue_is_not_read_is_one_line(
    source: RecoveryPointSource, answers: list[CompletedCommand]
) -> None:
    """What it quotes of a log moves no cursor, and names no password."""
    with patch(f"{type(source).__module__}.run", Replies(*answers).run):
        try:
            problems = [point.problem for point in source.catalogue(BOUNDS).points]
        except NotReadyError as error:
            problems = [error.message]
    for problem in problems:
        assert problem.isprintable()
        assert len(problem) <= 500
        assert "hunter 2" not in problem


@pytest.mark.parametrize("code", [0, 1])
def test_logs_that_a_failed_listing_names_are_not_held(code: int) -> None:
    """A backup without its logs counted, by what pgBackRest had printed before it failed."""
    (source,) = (each for each in SOURCES if isinstance(each, PgBackRest))
    info = CompletedCommand(0, json.dumps(STANZA), "")
    verified = CompletedCommand(0, VALID, "")
    finding = check(source, Replies(info, verified, CompletedCommand(code, HELD, "")))
    assert isinstance(finding, Checked)
    assert (finding.soundness is Soundness.SOUND) is (code == 0)


@pytest.mark.parametrize("code", [0, 1])
def test_a_span_of_logs_that_a_failed_barman_shows_is_none(
    code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As above: what it printed before it failed proves nothing."""
    monkeypatch.setattr("pradrill.adapters.backups.barman._is_there", lambda _: True)
    (source,) = (each for each in SOURCES if isinstance(each, Barman))
    verified = CompletedCommand(0, "backup successfully verified", "")
    span = CompletedCommand(code, json.dumps(SHOWN), "")
    finding = check(source, Replies(verified, CompletedCommand(0, LISTED, ""), span))
    assert isinstance(finding, Checked)
    assert (finding.soundness is Soundness.SOUND) is (code == 0)

"""What a drill may say of its backups."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from pradrill.domain.declared.backup_source import DumpsSource, RecoveryPointSpec, Select

DATED = {"folder": "/d", "timezone": "UTC"}
RESTIC = {"repository": "/srv/restic", "password": "env:P"}
DUMPS = {"folder": "/srv/dumps", "names": "m-%Y%m%d.sql.gz", "timezone": "UTC"}


def spec(**declared: Any) -> RecoveryPointSpec:
    """Return a declaration, as it is read from a drill."""
    return RecoveryPointSpec.model_validate(declared, context={"folder": "/drills"})


@pytest.mark.parametrize(
    ("declared", "because"),
    [
        ({}, "exactly one"),
        ({"restic": RESTIC, "dumps": DUMPS}, "exactly one"),
        ({"dumps": DUMPS, "integrity": {"parts": 2}}, "for restic"),
        ({"restic": {**RESTIC, "repository": "rest:https://me:secret@host/"}}, "read by others"),
        ({"restic": {**RESTIC, "repository": "-o sftp.command=evil"}}, "not the place"),
        ({"restic": {**RESTIC, "tag": "--help"}}, "dash"),
        ({"restic": {**RESTIC, "environment": {"a b": "env:X"}}}, "pattern"),
        ({"restic": {**RESTIC, "repository": "../restic"}}, "not an absolute path"),
        ({"restic": {**RESTIC, "repository": "local:restic"}}, "not an absolute path"),
        ({"dumps": {**DATED, "names": "db-%Y-%V.sql"}}, "'%V' is incompatible with the year"),
        ({"dumps": {**DATED, "names": "db-%FT%T%Z.sql"}}, "does not fix its offset: write it by"),
        ({"dumps": {**DATED, "names": "db-%Q.sql"}}, "with a date in it"),
        ({"dumps": {**DATED, "names": "%F/db-%Y-%Q.sql"}}, "'Q' is a bad directive"),
        ({"dumps": {"folder": "/d", "names": "db-%F.sql"}}, "timezone is missing"),
        ({"borg": {"repository": "~/borg"}}, "not an absolute path"),
        ({"borg": {"repository": "/b", "options": ["list"]}}, "is not an option"),
        ({"borg": {"repository": "/b", "options": ["--pass-x=y"]}}, "read by others"),
        ({"pgbackrest": {"stanza": "m", "config": "/c", "repository": "/r"}}, "either config"),
        ({"dumps": {**DUMPS, "names": "latest.sql.gz"}}, "with a date in it"),
        ({"dumps": {**DUMPS, "names": "a/b/%Y.sql"}}, "one name"),
        ({"dumps": {**DUMPS, "names": "m-%Y-%Q.sql"}}, "cannot be read as dates"),
        ({"dumps": {**DUMPS, "timezone": None}}, "timezone is missing"),
        ({"dumps": {**DUMPS, "timezone": "Mars/Olympus"}}, "not a time zone"),
        ({"dumps": {**DUMPS, "folder": "relative/path"}}, "absolute path"),
        ({"dumps": {**DUMPS, "folder": "sftp://u:p@host/x"}}, "read by others"),
        ({"dumps": {**DUMPS, "folder": "sftp://u@[::1/x"}}, "not the place"),
        ({"dumps": {**DUMPS, "folder": "sftp://u@host:port/x"}}, "not the place"),
        ({"restic": RESTIC, "promised": {}}, "either every or cron"),
        ({"restic": RESTIC, "promised": {"every": "1s"}}, "at least 1m"),
        ({"restic": RESTIC, "promised": {"cron": "@daily", "timezone": "x"}}, "time zone"),
        ({"restic": RESTIC, "select": "newest"}, "write latest"),
        ({"restic": RESTIC, "select": {"id": "x", "tag": "y"}}, "goes without"),
        ({"restic": RESTIC, "select": {"before": "2026-03-10T00:00:00"}}, "timezone"),
    ],
)
def test_what_is_wrong_is_refused_and_named(declared: dict[str, Any], because: str) -> None:
    """Each mistake that can be seen in the file is told before anything runs."""
    with pytest.raises(ValidationError, match=because):
        spec(**declared)


@pytest.mark.parametrize(
    ("select", "words"),
    [
        ("latest", "latest"),
        ({"tag": "moodle"}, "latest tagged moodle"),
        ({"before": "2026-03-10T01:00:00+01:00"}, "latest before 2026-03-10 00:00:00 UTC"),
        ({"id": "5d84713f"}, "id 5d84713f"),
    ],
)
def test_a_rule_is_told_in_words(select: Any, words: str) -> None:
    """The record says the rule as a reader would."""
    assert spec(restic=RESTIC, select=select).select.in_words.text == words


def test_a_declaration_survives_its_record() -> None:
    """What is written into a record is read back as the same declaration."""
    declared = spec(
        dumps=DUMPS, select={"tag": "m"}, promised={"every": "24h"}, integrity={"deadline": "5m"}
    )
    assert RecoveryPointSpec.model_validate_json(declared.model_dump_json()) == declared
    assert spec(restic=RESTIC).select == Select()


def test_a_name_with_its_own_zone_needs_none() -> None:
    """An offset in the names fixes the instant."""
    assert DumpsSource(folder="/d", names="m-%Y%m%dT%H%M%S%z.sql").timezone is None

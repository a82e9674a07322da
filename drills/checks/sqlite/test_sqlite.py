"""Is the restored database of SQLite's whole? What it and its backup can say about it."""

from __future__ import annotations

import pytest

DATABASE = "/var/lib/app/app.db"
ACCOUNT = "www-data"  # what the application runs as
NEWEST = "select max(at) from pradrill_heartbeat"  # seconds since 1970; or your newest business row
OLDEST = 25  # hours that the newest row may be old: the backup is made every night
MANIFEST = "/var/lib/pradrill-restore/manifest.json"  # written by playbooks/files/manifest-tables
READER = "/var/lib/pradrill-restore/manifest-tables"  # left there by the restore playbook
GROWING = "pradrill_heartbeat"  # tables that are written between the manifest and the backup


def query(host, sql):
    """Return what a query prints."""
    return host.check_output(
        f"sqlite3 -batch -bail -readonly {DATABASE} <<'SQL'\n{sql};\nSQL"
    ).strip()


@pytest.mark.parametrize("pragma", ["integrity_check", "foreign_key_check"])
def test_the_database_is_sound(host, pragma):
    """SQLite finds neither damage nor a row that refers to one that is not there."""
    sound = {"integrity_check": "ok", "foreign_key_check": ""}
    faults = query(host, f"pragma {pragma}")
    assert faults == sound[pragma], faults[:500]


def test_the_service_may_write(host):
    """The application's account can write to the database, with its journal beside it."""
    folder = host.run(f"runuser -u {ACCOUNT} -- test -w {DATABASE.rpartition('/')[0]}")
    assert folder.rc == 0, f"{ACCOUNT} cannot write a journal beside it"
    sql = "begin immediate; create table pradrill_probe (n); rollback; select 'taken back';"
    done = host.run(
        f"runuser -u {ACCOUNT} -- sqlite3 -batch -bail -cmd '.timeout 5000' {DATABASE} <<'SQL'\n"
        f"{sql}\nSQL"
    )
    assert done.rc == 0, f"{ACCOUNT} cannot write: {done.stderr.strip()[:500]}"
    assert done.stdout.strip() == "taken back", f"{ACCOUNT} cannot write"


def test_nobody_else_may_read(host):
    """The database is closed to accounts that are not the application's or of its group."""
    mode = host.file(DATABASE).mode
    assert mode & 0o007 == 0, f"everybody has rights to it: {mode:o}"


@pytest.mark.parametrize("aspect", ["rows", "columns", "floor", "values"])
def test_the_tables_are_as_at_the_backup(host, aspect):
    """Tables have their rows, indexes, triggers and hashed values; none lost half of them."""
    done = host.run(f"python3 {READER} check sqlite {DATABASE} {MANIFEST} {aspect} {GROWING}")
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    words = done.stdout.split()
    assert int(words[2]) > 0, "the manifest names no table"
    if aspect == "values":
        assert int(words[4]) > 0, "the manifest names no TABLE.COLUMN whose values are compared"


def test_the_newest_row_is_there(host):
    """The newest row is there, of the newest backup, and not from the future."""
    age = query(host, f"select cast(strftime('%s', 'now') as integer) - ({NEWEST})")
    assert age, "there is no such row"
    assert float(age) < OLDEST * 3600, f"the newest row is {float(age) // 3600:.0f} hours old"
    assert float(age) > -5, f"the newest row is {-float(age):.0f} s in the future"

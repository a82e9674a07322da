"""Is the restored MariaDB whole? What the server itself and its backup can say about it."""

from __future__ import annotations

import json

DATABASE = "shop"
NEWEST = "select max(at) from pradrill_heartbeat"  # the newest business row would do as well
MANIFEST = "/var/lib/pradrill-restore/manifest.json"  # written by the backup job: table → rows


def query(host, sql):
    """Return what a query prints."""
    return host.check_output(f"mariadb -N -B {DATABASE} <<'SQL'\n{sql}\nSQL").strip()


def test_the_server_takes_writes(host):
    """MariaDB runs and takes writes."""
    assert host.service("mariadb").is_running
    query(
        host, "create temporary table pradrill_probe (n int); insert into pradrill_probe values (1)"
    )


def test_the_copy_stays_quiet(host):
    """The copy runs no scheduled event and follows no other server."""
    assert query(host, "select @@event_scheduler") in {"DISABLED", "OFF"}
    assert query(host, "show all slaves status") == "", "it is a replica of another server"


def test_the_tables_are_sound(host):
    """mariadb-check finds no fault in any table of the database."""
    done = host.run(f"mariadb-check --silent --extended {DATABASE}")
    said = (done.stdout + done.stderr).strip()
    assert (done.rc, said) == (0, ""), f"mariadb-check says: {said[:500]}"


def test_the_rows_are_all_there(host):
    """Every table has the rows that the backup's manifest counted."""
    manifest = json.loads(host.file(MANIFEST).content_string)
    assert manifest["rows"], "the manifest names no table"
    for table, wanted in manifest["rows"].items():
        found = int(query(host, f"select count(*) from {table}"))
        exact = manifest.get("exact", True)
        assert found == wanted or (not exact and found > wanted), (
            f"{table} has {found} rows, the backup had {wanted}"
        )


def test_new_rows_get_new_numbers(host):
    """No table will give out a number that its column already holds."""
    columns = query(
        host,
        "select c.table_name, c.column_name, t.auto_increment from information_schema.columns c "
        "join information_schema.tables t using (table_schema, table_name) "
        f"where table_schema = '{DATABASE}' and c.extra like '%auto_increment%'",
    )
    for table, column, next_number in map(str.split, columns.splitlines()):
        highest = query(host, f"select coalesce(max(`{column}`), 0) from `{table}`")
        assert int(next_number) > int(highest), f"{table}.{column} is behind: {next_number}"


def test_the_newest_row_is_there(host):
    """The newest row is there, and is not from the future."""
    age = query(host, f"select timestampdiff(second, ({NEWEST}), utc_timestamp())")
    assert age != "NULL", "there is no such row"
    assert int(age) > -5, f"the newest row is {-int(age)} s in the future"

"""Is the restored MariaDB whole? What the server itself and its backup can say about it."""

from __future__ import annotations

import pytest

DATABASE = "shop"
NEWEST = "select max(at) from pradrill_heartbeat"  # the newest business row would do as well
ACCOUNT = "'shop'@'localhost'"  # the service's
OLDEST = 25  # hours that the newest row may be old: the backup is made every night
MANIFEST = "/var/lib/pradrill-restore/manifest.json"  # written by playbooks/files/manifest-tables
READER = "/var/lib/pradrill-restore/manifest-tables"  # left there by the restore playbook
GROWING = "pradrill_heartbeat"  # tables that are written between the manifest and the backup


def query(host, sql):
    """Return what a query prints."""
    return host.check_output(f"mariadb -N -B {DATABASE} <<'SQL'\n{sql}\nSQL").strip()


def test_the_server_takes_writes(host):
    """MariaDB runs, also after a reboot, and takes writes, from everybody."""
    assert host.service("mariadb").is_running
    assert host.service("mariadb").is_enabled, "it does not start with the machine"
    assert query(host, "select @@global.read_only") in {"0", "OFF"}, "it is read-only"
    query(
        host, "create temporary table pradrill_probe (n int); insert into pradrill_probe values (1)"
    )


def test_the_service_may_write(host):
    """The service's account may read and write the database's tables."""
    rights = query(
        host,
        "select privilege_type from information_schema.user_privileges "
        f'where grantee = "{ACCOUNT}" union '
        "select privilege_type from information_schema.schema_privileges "
        f"where grantee = \"{ACCOUNT}\" and table_schema = '{DATABASE}'",
    )
    missing = {"SELECT", "INSERT", "UPDATE", "DELETE"} - {*rights.split("\n")}
    assert not missing, f"{ACCOUNT} may not {', '.join(sorted(missing))}"


def test_the_copy_stays_quiet(host):
    """The copy runs no scheduled event and follows no other server."""
    assert query(host, "select @@event_scheduler") in {"DISABLED", "OFF"}
    assert query(host, "show all slaves status") == "", "it is a replica of another server"


def test_the_tables_are_sound(host):
    """mariadb-check finds no fault in any table of the database."""
    done = host.run(f"mariadb-check --silent --extended {DATABASE}")
    said = (done.stdout + done.stderr).strip()
    assert (done.rc, said) == (0, ""), f"mariadb-check says: {said[:500]}"


@pytest.mark.parametrize("aspect", ["rows", "columns", "floor"])
def test_the_tables_are_as_at_the_backup(host, aspect):
    """Tables have their rows, columns, indexes; none lost half since the backup before."""
    done = host.run(f"python3 {READER} check mariadb {DATABASE} {MANIFEST} {aspect} {GROWING}")
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    assert int(done.stdout.split()[2]) > 0, "the manifest names no table"


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
    """The newest row is there, of the newest backup, and not from the future."""
    age = query(host, f"select timestampdiff(second, ({NEWEST}), utc_timestamp())")
    assert age != "NULL", "there is no such row"
    assert int(age) < OLDEST * 3600, f"the newest row is {int(age) // 3600} hours old"
    assert int(age) > -5, f"the newest row is {-int(age)} s in the future"

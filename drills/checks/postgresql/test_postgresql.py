"""Is the restored PostgreSQL whole? What the database itself and its backup can say about it."""

from __future__ import annotations

import pytest

DATABASE = "shop"
NEWEST = "select max(at) from pradrill_heartbeat"  # the newest business row would do as well
OLDEST = 25  # hours that the newest row may be old: the backup is made every night
ACCOUNT = "shop"  # the service's: it writes every table of the schema public
MANIFEST = "/var/lib/pradrill-restore/manifest.json"  # written by playbooks/files/manifest-tables
READER = "/var/lib/pradrill-restore/manifest-tables"  # left there by the restore playbook
GROWING = "'*'"  # a replayed log may add rows to each; of a dump name what is written meanwhile

# For each column with a sequence: a query that answers when the sequence is behind the column.
BEHIND = """
select format(
  'select %1$L where (select max(%4$I) from %2$I.%3$I) > '
  '(select case when is_called then last_value else last_value - 1 end from %5$I.%6$I)',
  tn.nspname || '.' || t.relname || '.' || a.attname,
  tn.nspname, t.relname, a.attname, sn.nspname, s.relname)
from pg_depend d
join pg_class s on s.oid = d.objid and s.relkind = 'S'
join pg_namespace sn on sn.oid = s.relnamespace
join pg_sequence q on q.seqrelid = s.oid and q.seqincrement > 0
join pg_class t on t.oid = d.refobjid
join pg_namespace tn on tn.oid = t.relnamespace
join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
where d.classid = 'pg_class'::regclass and d.deptype in ('a', 'i')
"""


def psql(host, sql, database=DATABASE):
    """Return what a query prints."""
    command = (
        f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {database} <<'SQL'\n{sql}\nSQL"
    )
    return host.check_output(command).strip()


def test_the_server_takes_writes(host):
    """PostgreSQL runs, also after a reboot, has left recovery and takes writes."""
    assert host.service("postgresql").is_enabled, "it does not start with the machine"
    by_hand = host.run("grep -Lx auto /etc/postgresql/*/*/start.conf").stdout
    assert not by_hand, f"it does not start with the machine: {by_hand.strip()}"
    assert psql(host, "select pg_is_in_recovery()", "postgres") == "f", "it is still in recovery"
    psql(
        host,
        "begin; create table pradrill_probe (n int); insert into pradrill_probe values (1); "
        "rollback",
    )


def test_the_service_may_write(host):
    """The service's account may write each of its tables."""
    closed = psql(
        host,
        "select c.relname from pg_class c where c.relkind = 'r' "
        "and c.relnamespace = 'public'::regnamespace "
        f"and not has_table_privilege('{ACCOUNT}', c.oid, 'insert, update, delete')",
    )
    assert closed == "", f"{ACCOUNT} may not write {', '.join(closed.split())}"


def test_the_copy_stays_quiet(host):
    """The copy keeps no log in the production's repository and subscribes to no other server."""
    assert psql(host, "show archive_mode") == "off", "it archives its log as production does"
    assert psql(host, "select count(*) from pg_stat_subscription where pid is not null") == "0"


def test_tables_and_indexes_are_sound(host):
    """pg_amcheck finds no fault in any table or index of the database."""
    done = host.run(
        "runuser -u postgres -- $(ls /usr/lib/postgresql/*/bin/pg_amcheck | tail -n 1) "
        f"--install-missing --heapallindexed --jobs=$(nproc) {DATABASE}"
    )
    assert done.rc == 0, f"pg_amcheck says: {(done.stdout or done.stderr).strip()[:500]}"


def test_the_checksums_hold(host):
    """Data checksums are on, and no page that was read so far had a wrong one."""
    assert psql(host, "show data_checksums") == "on", "the cluster has no data checksums"
    wrong = psql(host, "select coalesce(sum(checksum_failures), 0) from pg_stat_database")
    assert wrong == "0", f"{wrong} pages had a wrong checksum"


def test_sequences_are_ahead_of_their_columns(host):
    """No sequence will give out a number that its column already holds."""
    behind = psql(host, f"{BEHIND} \\gexec")
    assert behind == "", f"behind their columns: {', '.join(behind.split())}"


@pytest.mark.parametrize("aspect", ["rows", "columns", "floor"])
def test_the_tables_are_as_at_the_backup(host, aspect):
    """Tables have their rows, columns, indexes; none lost half since the backup before."""
    done = host.run(f"python3 {READER} check postgresql {DATABASE} {MANIFEST} {aspect} {GROWING}")
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    assert int(done.stdout.split()[2]) > 0, "the manifest names no table"


def test_the_newest_row_is_there(host):
    """The newest row is there, of the newest backup, and not from the future."""
    age = psql(host, f"select extract(epoch from now() - ({NEWEST}))")
    assert age, "there is no such row"
    assert float(age) < OLDEST * 3600, f"the newest row is {float(age) // 3600:.0f} hours old"
    assert float(age) > -5, f"the newest row is {-float(age):.0f} s in the future"

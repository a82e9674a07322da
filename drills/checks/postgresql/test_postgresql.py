"""Is the restored PostgreSQL whole? What the database itself and its backup can say about it."""

from __future__ import annotations

import json

DATABASE = "shop"
NEWEST = "select max(at) from pradrill_heartbeat"  # the newest business row would do as well
MANIFEST = "/var/lib/pradrill-restore/manifest.json"  # written by the backup job: table → rows

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
    """PostgreSQL runs, has left recovery and takes writes."""
    assert psql(host, "select pg_is_in_recovery()", "postgres") == "f", "it is still in recovery"
    psql(host, "create temporary table probe (n int); insert into probe values (1)")


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


def test_the_rows_are_all_there(host):
    """Every table has the rows that the backup's manifest counted; a replayed log may add some."""
    manifest = json.loads(host.file(MANIFEST).content_string)
    assert manifest["rows"], "the manifest names no table"
    for table, wanted in manifest["rows"].items():
        found = int(psql(host, f"select count(*) from {table}"))
        exact = manifest.get("exact", True)
        assert found == wanted or (not exact and found > wanted), (
            f"{table} has {found} rows, the backup had {wanted}"
        )


def test_the_newest_row_is_there(host):
    """The newest row is there, and is not from the future."""
    age = psql(host, f"select extract(epoch from now() - ({NEWEST}))")
    assert age, "there is no such row"
    assert float(age) > -5, f"the newest row is {-float(age):.0f} s in the future"

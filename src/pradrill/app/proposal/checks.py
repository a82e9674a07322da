"""Write the first checks of a service: what can be asked without knowing it."""

from __future__ import annotations

import json

from pradrill.app.proposal.contents import Software
from pradrill.app.proposal.proposal import Proposal

_HEAD = '''\
"""First checks of {service}. The first line of each docstring is what the report says was proved.

Add what your users would miss: log in, open the newest document, count the orders.
"""

from __future__ import annotations

'''
_ROOT = '''\
def as_root(host, command):
    """Run a command as root, whom the restored data belongs to."""
{run}


'''
_AS_LOGIN = "    return host.run(command)"  # which is root
_AS_SUDO = "    with host.sudo():\n        return host.run(command)"
_FILES = '''\
FOLDERS = {folders}


def test_files_came_back(host):
    """Every restored folder holds at least one file."""
    for folder in FOLDERS:
        files = as_root(host, f"find {{folder}} -type f -print -quit").stdout
        assert files, f"{{folder}} holds no file"


def test_files_can_be_read(host):
    """Every restored file can be read to its end."""
    folders = " ".join(FOLDERS)
    done = as_root(host, f"find {{folders}} -type f -exec cat {{{{}}}} + > /dev/null")
    assert done.rc == 0, done.stderr[-500:]
'''
_SETTINGS = '''\


def test_the_settings_came_back(host):
    """The settings of {what} are there, and name its database."""
    settings = as_root(host, "grep -rlE '{pattern}' {folders} --include='*config*.php'").stdout
    assert settings, "no settings file names a database"
'''
_MARIADB = '''\
DATABASE = {database}


def query(host, sql):
    """Return what a query prints."""
    done = as_root(host, f"mariadb -N -B {{DATABASE}} <<'SQL'\\n{{sql}}\\nSQL")
    assert done.rc == 0, done.stderr
    return done.stdout.strip()


def test_the_server_takes_writes(host):
    """MariaDB runs and takes writes."""
    assert host.service("mariadb").is_running
    query(
        host, "create temporary table pradrill_probe (n int); insert into pradrill_probe values (1)"
    )


def test_the_tables_are_sound(host):
    """mariadb-check finds no fault in any table of the database."""
    done = as_root(host, f"mariadb-check --silent --extended {{DATABASE}}")
    said = (done.stdout + done.stderr).strip()
    assert (done.rc, said) == (0, ""), f"mariadb-check says: {{said[:500]}}"


def test_rows_came_back(host):
    """At least one table of the database holds rows."""
    tables = query(host, "show tables").split()
    assert tables, "the database holds no table"
    filled = [table for table in tables if query(host, f"select 1 from `{{table}}` limit 1")]
    assert filled, "no table holds a row"
'''
_POSTGRESQL = '''\
DATABASE = {database}


def psql(host, sql, database=DATABASE):
    """Return what a query prints."""
    words = f"runuser -u postgres -- psql -XAtq -v ON_ERROR_STOP=1 -d {{database}}"
    done = as_root(host, f"{{words}} <<'SQL'\\n{{sql}}\\nSQL")
    assert done.rc == 0, done.stderr
    return done.stdout.strip()


def test_the_server_takes_writes(host):
    """PostgreSQL runs, has left recovery and takes writes."""
    assert psql(host, "select pg_is_in_recovery()", "postgres") == "f", "it is still in recovery"
    psql(host, "create temporary table probe (n int); insert into probe values (1)")


def test_rows_came_back(host):
    """At least one table of the database holds rows."""
    tables = psql(host, "select format('%I.%I', schemaname, tablename) from pg_tables "
        "where schemaname not in ('pg_catalog', 'information_schema')").split()
    assert tables, "the database holds no table"
    filled = [table for table in tables if psql(host, f"select 1 from {{table}} limit 1")]
    assert filled, "no table holds a row"
'''
_DATABASE_OF = {Software.WORDPRESS: "DB_NAME", Software.MOODLE: "CFG->dbname"}


def checks_text(proposal: Proposal) -> str:
    """Return the file of checks."""
    of_root = proposal.standby.user == "root"
    head = _HEAD.format(service=proposal.service)
    head += _ROOT.format(run=_AS_LOGIN if of_root else _AS_SUDO)
    database = json.dumps(proposal.database)
    if not proposal.of_files:
        of_mariadb = proposal.contents.kind is Software.MARIADB
        return head + (_MARIADB if of_mariadb else _POSTGRESQL).format(database=database)

    text = head + _FILES.format(folders=json.dumps(list(proposal.folders)))
    pattern = _DATABASE_OF.get(proposal.contents.kind)
    if pattern is None:
        return text
    folders = " ".join(proposal.folders)
    return text + _SETTINGS.format(what=proposal.contents.kind, pattern=pattern, folders=folders)

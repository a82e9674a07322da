"""Look at databases and at the accounts of their servers."""

from __future__ import annotations

import os
import pwd
import subprocess

from pradrill.adapters.ssh.remote_looks.answer import cannot, line
from pradrill.adapters.ssh.remote_looks.contents import (
    digest,
    folders_in,
    folders_seen,
    lines_of,
    may_be_there,
)
from pradrill.adapters.ssh.remote_looks.programs import ASK, output_of

MARIADB = "/var/lib/mysql"
POSTGRESQL = ("/var/lib/postgresql", "/var/lib/pgsql")
OF_SERVERS = ("database", "account")
SOCKETS = "/proc/net/unix"
LISTENING = "00010000"  # a Unix socket that somebody waits at
NO_DATABASES = ("lost+found", "#")
ASK_MARIADB = """
select 'folder', '', @@datadir;
select 'account', hex(concat(p.Priv, coalesce(group_concat(d.Db order by d.Db), ''))),
  concat(p.User, '@', p.Host)
  from mysql.global_priv p left join mysql.db d on d.User = p.User and d.Host = p.Host
  group by p.User, p.Host, p.Priv;
"""
ASK_MYSQL = """
select 'folder', '', @@datadir;
select 'account', hex(concat_ws(',', plugin, authentication_string, Super_priv, Grant_priv)),
  concat(User, '@', Host)
  from mysql.user;
"""
ASK_POSTGRESQL = """
select 'folder', '', current_setting('data_directory')
union all select 'database', oid::text, translate(datname, E'\\n\\t', '??') from pg_database
union all select 'account', encode(textsend(a::text), 'hex'), translate(rolname, E'\\n\\t', '??')
  from pg_authid a where rolname !~ '^pg_'
"""
"""Of what an account may, and its password, a digest alone leaves the machine. No line begins as an
import: remote_interpreter.py would take it for one."""


def listening() -> list[str]:
    """Return the paths of Unix sockets at which somebody waits, each once."""
    fields = (each.split(None, 7) for each in lines_of(SOCKETS))
    return sorted({each[7] for each in fields if len(each) > 7 and each[3] == LISTENING})  # noqa: PLR2004 the path is the eighth


def databases() -> None:
    """Print databases and accounts of the servers here; of one that does not run, its folders.

    No server, nothing started: whether one runs, its socket tells.
    """
    waiting = [(os.path.basename(path), path) for path in listening()]  # noqa: PTH119 as above
    mariadb = [path for name, path in waiting if name in {"mysqld.sock", "mysql.sock"}]
    postgresql = [path for name, path in waiting if name.startswith(".s.PGSQL.")]
    if os.geteuid() != 0:
        if mariadb or postgresql or may_be_there(MARIADB) or any(map(folders_in, POSTGRESQL)):
            cannot("database", "only root sees the databases")
            cannot("account", "only root sees the accounts of databases")
        return

    clusters = [path for top in POSTGRESQL for path in clusters_below(top)]
    there = bool(folders_seen(MARIADB, *OF_SERVERS))
    mariadbs = [ask_mariadb(path) for path in mariadb]  # None: it gave no answer
    postgresqls = [ask_postgresql(path) for path in postgresql]
    if there and not mariadbs:
        line("stopped", "", MARIADB)
    for folder in sorted({*filter(None, mariadbs), *([MARIADB] if there else [])}):
        mariadb_databases(folder)
    for folder in clusters if None not in postgresqls else ():
        if folder not in postgresqls:
            line("stopped", "", folder)
            for number in folders_seen(f"{folder}/base", "database"):
                line("database", number, f"{number} ({folder})")


def clusters_below(top: str) -> list[str]:
    """Return PostgreSQL's data folders, where Debian and Red Hat have them."""
    paths = [f"{top}/{one}" for one in folders_seen(top, *OF_SERVERS)]
    paths += [f"{path}/{other}" for path in paths for other in folders_seen(path, *OF_SERVERS)]
    return [path for path in paths if may_be_there(f"{path}/PG_VERSION")]


def mariadb_databases(folder: str) -> None:
    """Print MariaDB's databases: each is a folder, whether it runs or not."""
    if not os.path.isdir(folder):  # noqa: PTH112 as above
        cannot("database", f"{folder} is not there, although its server runs")
        return
    for name in folders_seen(folder, "database"):
        if not name.startswith(NO_DATABASES):
            line("database", "", f"{decoded(name)} ({folder})")


def decoded(name: str) -> str:
    """Return a database's name as people write it: @002d is a hyphen."""
    first, *others = name.split("@")
    for each in others:
        try:
            first += chr(int(each[:4], 16)) + each[4:]
        except ValueError:
            first += f"@{each}"
    return first


def ask_mariadb(path: str) -> str | None:
    """Print the accounts of a server that runs, and return its data folder; None: no answer."""
    for client in ("mariadb", "mysql"):
        for sql in (ASK_MARIADB, ASK_MYSQL):
            try:
                return answered(output_of(client, f"--socket={path}", "-NBe", sql, within=ASK))
            except FileNotFoundError:
                break
            except (OSError, ValueError, LookupError, subprocess.SubprocessError):
                continue

    cannot("account", f"the server at {path} does not answer root")
    return None


def ask_postgresql(path: str) -> str | None:
    """Print databases and roles of a cluster that runs, asked as its owner; return its folder."""
    where, _, port = path.rpartition("/.s.PGSQL.")
    words = ("psql", "-XAtq", "-F\t", f"-h{where}", f"-p{port}", "-dpostgres", "-c", ASK_POSTGRESQL)
    try:
        owner = pwd.getpwuid(os.stat(path).st_uid)  # noqa: PTH116 as above

        def become() -> None:
            os.setgroups([])
            os.setgid(owner.pw_gid)
            os.setuid(owner.pw_uid)

        return answered(output_of(*words, f"-U{owner.pw_name}", within=ASK, become=become))
    except (OSError, ValueError, LookupError, subprocess.SubprocessError):
        for kind in ("database", "account"):
            cannot(kind, f"the server at {path} does not answer its owner")
        return None


def answered(answer: str) -> str:
    """Print what a server tells of itself, and return its data folder, which comes first.

    Raises ValueError or LookupError of anything else; it speaks of nothing beside its own.
    """
    (kind, _, folder), *lines = (each.split("\t", 2) for each in answer.split("\n") if each)
    folder, kinds = folder.rstrip("/"), {"database", "account"}
    if kind != "folder" or any(len(each) != 3 or each[0] not in kinds for each in lines):  # noqa: PLR2004 kind, value, name
        raise ValueError(answer[:80])
    for kind, value, name in lines:
        name = f"{name} ({folder})"  # noqa: PLW2901 that of its server's
        line(kind, digest(name, value.encode()) if kind == "account" else value, name)
    return folder

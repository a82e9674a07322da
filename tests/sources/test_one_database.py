"""Dumps of a whole server in the hands of the scripts that restore one database: none is loaded."""

# ruff: noqa: S608 the statements are texts

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import Server, mydumped, run
from tests.sources.databases import database, mariadb  # noqa: F401 fixtures
from tests.sources.test_bad_restores import SCRIPTS, load_mariadb, load_postgresql, rows
from tests.sources.test_dumps import PACKED

_ROWS = (
    "create table notes (t text comment 'as in\nuse `mysql`;');"
    "insert into notes values ('a\nUSE `mysql`;\nGRANT ALL ON *.* TO x;'),"
    "(\"'; DROP DATABASE mysql; -- \\\\\"), ('; insert into mysql.user values (1)');"
)
_TEXT = "CREATE TABLE t (a text);\n"
_END = {".mariadb": "-- Dump completed\n", ".pg": "-- PostgreSQL database dump complete\n"}


def ask(mariadb: Path, sql: str) -> str:  # noqa: F811 the fixture
    """Ask the private server."""
    return run(["mariadb", f"--socket={mariadb}", "-uroot", "-NBe", sql], env={})


def state(mariadb: Path) -> str:  # noqa: F811 the fixture
    """Return what a dump could change beside the copy, and the copy's tables."""
    return ask(
        mariadb,
        "select user, host, priv from mysql.global_priv order by 1, 2; show databases;"
        "select table_name from information_schema.tables where table_schema = 'copy'",
    )


@pytest.mark.parametrize(
    ("words", "reason", "suffix"),
    [
        (["--all-databases"], "whole server (the database mysql)", ".sql"),
        (["--all-databases"], "whole server (the database mysql)", ".sql.gz"),
        (["--all-databases"], "whole server (the database mysql)", ".sql.zst"),
        (["--databases", "moodle"], "into the database moodle, not into copy alone", ".sql.gz"),
        (["--databases", "mysql"], "(the database mysql)", ".sql"),
        (["--skip-comments", "mysql"], "(the table", ".sql.zst"),
        (["mysql", "help_topic"], "(the database mysql)", ".sql.gz"),
        (["--system=users", "moodle"], "whole server (CREATE USER)", ".sql"),
    ],
)
def test_a_dump_of_more_than_one_database_is_refused_before_it_is_loaded(
    mariadb: Path,  # noqa: F811 the fixture
    tmp_path: Path,
    words: list[str],
    reason: str,
    suffix: str,
) -> None:
    """As real tools make it, however it is packed: no account, database or table is touched."""
    tool = ["mariadb-dump", f"--socket={mariadb}", "-uroot", "--force"]
    output = (run([*tool, *words], env={}) + _END[".mariadb"]).encode()
    dump = tmp_path / f"night{suffix}"
    dump.write_bytes(PACKED[suffix](output) if suffix in PACKED else output)
    ask(mariadb, "create or replace database copy")
    before = state(mariadb)
    result = load_mariadb(dump, mariadb)
    assert result.returncode != 0
    assert reason in result.stderr
    assert "nothing of it was loaded; dump one database alone" in result.stderr
    assert result.stderr.count("\n") == 1
    assert state(mariadb) == before


@pytest.mark.parametrize(
    "text",
    [
        "use mysql\n",
        "quit\n",
        "\\! touch /tmp/x\n",
        f"{_TEXT}SELECT 1;\n  source /etc/passwd\n",
        "  \\u mysql\n",
        "/*!40000 DROP DATABASE IF EXISTS `payroll`*/;\n",
        "create\n  user x;\n",
        "/* a */ CREATE /*!50000 OR REPLACE */ ROLE x;\n",
        f"{_TEXT}INSERT INTO t VALUES ('x'); grant all on *.* to x;\n",
        "INSERT INTO `mysql`.`user` VALUES (1);\n",
        "replace into payroll.t values (1);\n",
        "CREATE TABLE IF NOT EXISTS `payroll`.`t` (a int);\n",
        "SET PASSWORD FOR root@localhost = '';\n",
        "DELIMITER ;;\nALTER USER x IDENTIFIED BY 'y';;\nDELIMITER ;\n",
        "/*M!999999\\- enable the sandbox mode */ \nCREATE DATABASE `payroll`;\n",
        "CREATE DATABASE `copy`;\nUSE `copy`;\nUSE `payroll`;\n",
        "DELIMITER $$\nSELECT 1 $$ GRANT ALL ON *.* TO x $$\nDELIMITER ;\n",
        "DELIMITER ;x\nSELECT 1;xCREATE USER late;x\nDELIMITER ;\n",
        "EXECUTE IMMEDIATE 'CREATE USER late';\n",
        "SET @x = 1, GLOBAL max_connections = 77;\n",
        "SELECT 1 INTO OUTFILE '/var/tmp/pradrill-late';\n",
        "SELECT 1 \\C gbk\n;\n",
        "/*M!999999\\- enable the sandbox mode */ CREATE USER late;\n",
        "DELIMITER ;;\nSELECT 1; CREATE USER late;;\nDELIMITER ;\n",
        "DELIMITER ;;\nCREATE VIEW v AS SELECT 1; CREATE USER late;;\nDELIMITER ;\n",
        "SET sql_mode='NO_BACKSLASH_ESCAPES'; SELECT '\\'; CREATE USER late; -- ');\n",
        'SET sql_mode = 4; SELECT "\'"; CREATE USER late; -- \'";\n',
        "SET @@`sql_mode`=concat('AN', 'SI'); SELECT 1;\n",
        "SET @OLD_SQL_MODE='ANSI_QUOTES'; SET sql_mode=@OLD_SQL_MODE;\n",
        "SET NAMES gbk; SELECT '\u00bf\\'; SELECT 1; -- ';\n",
        "SELECT 1 /*!999999 ' */; CREATE USER late; /*!999999 ' */;\n",
        "DELIMITER ;;\nBEGIN NOT ATOMIC CREATE USER late; END;;\nDELIMITER ;\n",
        "CREATE PROCEDURE p() CREATE USER late;\nCALL p();\n",
        "RENAME TABLE moodle.t TO copy.u;\n",
        "CREATE VIEW moodle.v AS SELECT 1;\n",
        "CREATE DEFINER='root'@'localhost' VIEW moodle.v AS SELECT 1;\n",
        "DROP VIEW mysql.user;\n",
        "DROP PROCEDURE mysql.AddGeometryColumn;\n",
        "DROP TABLE IF EXISTS u, moodle.t;\n",
        "ALTER TABLE t RENAME TO moodle.u;\n",
        "INSERT INTO `t` VALUES (1) delimiter x\nx CREATE USER late x\n",
        "SET @rocksdb_get_is_supported = 'KILL 1'; PREPARE s FROM @rocksdb_get_is_supported;\n",
        "KILL 1;\n",
        "/*!*/" * 200 + "KILL 1;\n",
        "-- a\n" * 500 + "/* */" * 200 + "KILL 1;\n",
        f"SET @x='{' ' * 400}', sql_mode=concat('AN', 'SI');\n",
        "FLUSH TABLES WITH READ LOCK;\n",
        "INSERT INTO `t` VALUES ('a'); -- b\nINSERT INTO `t` VALUES ('c'); CREATE USER late;\n",
        "LOAD DATA LOCAL INFILE '/etc/hostname' INTO TABLE t;\n",
        "SET STATEMENT max_statement_time=9 FOR CREATE USER late;\n",
    ],
)
def test_statements_that_are_not_the_databases_are_refused_wherever_they_stand(
    mariadb: Path,  # noqa: F811 the fixture
    tmp_path: Path,
    text: str,
) -> None:
    """By hand, after others, in comments that a server executes, without a delimiter."""
    dump = tmp_path / "night.sql"
    first = "\ufeff" if text.startswith("use") else f"-- a dump\n{_TEXT}"
    dump.write_text(f"{first}{text}{_END['.mariadb']}")
    result = load_mariadb(dump, mariadb)
    assert "nothing of it was loaded" in result.stderr, result.stderr
    assert "copy" not in ask(mariadb, "select table_schema from information_schema.tables"), result


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 1 \\! touch {file}\n;\n",
        "INSERT INTO t VALUES ('a') \\. {script}\n;\n",
        "SELECT 1 \\u mysql\n; CREATE TABLE late (a int);\n",
        "\\umysql\nCREATE TABLE late (a int);\n",
        "SELECT 1\\gCREATE USER late;\n",
        "SELECT 1;\\d x\nSELECT 1xCREATE USER late x\n\\d ;\n",
    ],
)
def test_a_word_to_the_client_is_not_followed_wherever_it_stands(
    mariadb: Path,  # noqa: F811 the fixture
    tmp_path: Path,
    text: str,
) -> None:
    """The client would look for one in each line: it would end a statement, or run a program."""
    dump, script, file = (tmp_path / name for name in ("night.sql", "late.sql", "late"))
    script.write_text("CREATE USER late;\n")
    words = text.format(file=file, script=script)
    dump.write_text(f"-- MariaDB dump 10.19\n{_TEXT}{words}{_END['.mariadb']}")
    ask(mariadb, "create or replace database copy")
    before, tables = state(mariadb), "select count(*) from information_schema.tables"
    count = ask(mariadb, tables)
    result = load_mariadb(dump, mariadb)
    assert (result.returncode != 0, file.exists()) == (True, False), result.stderr
    assert (state(mariadb), ask(mariadb, tables)) == (before, count)


def test_lines_that_end_as_on_windows_are_loaded(mariadb: Path, tmp_path: Path) -> None:  # noqa: F811
    """With a routine between delimiters, a zero that was escaped, and a backslash in a row."""
    dump = tmp_path / "night.sql"
    routine = (
        "DELIMITER ;;\nCREATE FUNCTION f() RETURNS int\nBEGIN\nRETURN 7;\nEND ;;\nDELIMITER ;\n"
    )
    value = r"'C:\\!\r\n\0\\umysql'"
    text = f"-- a dump\n{_TEXT}{routine}INSERT INTO t VALUES ({value});\n"
    dump.write_bytes(text.replace("\n", "\r\n").encode())
    result = load_mariadb(dump, mariadb)
    assert (result.returncode, result.stderr) == (0, "")
    answer = ask(mariadb, f"select copy.f(), a = {value} from copy.t")
    assert answer.split() == ["7", "1"]


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        (
            f"create user late;\n{_END['.mariadb']}",
            "whole server (CREATE USER): nothing of it is kept",
        ),
        ("INSERT INTO t VALUES ('half", "the dump was cut short"),
    ],
)
def test_what_an_empty_database_was_given_goes_again_when_the_rest_is_refused(
    mariadb: Path,  # noqa: F811 the fixture
    tmp_path: Path,
    end: str,
    reason: str,
) -> None:
    """It is loaded part by part, each once it was looked at: only the reason stays."""
    dump = tmp_path / "night.sql"
    filling = f"INSERT INTO `t` VALUES ('{'x' * 1000}');\n" * 9000
    dump.write_text(f"-- MariaDB dump 10.19\n{_TEXT}INSERT INTO t VALUES ('x');\n{filling}{end}")
    ask(mariadb, "create or replace database copy")
    before = state(mariadb)
    result = load_mariadb(dump, mariadb)
    assert result.returncode != 0
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert state(mariadb) == before


def test_a_client_that_ends_before_the_dump_does_has_not_loaded_it(
    mariadb: Path,  # noqa: F811 the fixture
    tmp_path: Path,
) -> None:
    """It says nothing itself, whether the rest is whole or cut."""
    dump, stub = tmp_path / "night.sql", tmp_path / "mariadb"
    real = shutil.which("mariadb")
    stub.write_text(
        '#!/bin/sh\n[ "$1" = --binary-mode ] && { head -c 10 > /dev/null; exit; }\n'
        f'exec {real} "$@"\n'
    )
    stub.chmod(0o755)
    row = f"INSERT INTO `t` VALUES ('{'x' * 1000}');\n"
    dump.write_text(f"-- MariaDB dump 10.19\n{_TEXT}{row * 18000}")
    result = load_mariadb(dump, mariadb, PATH=f"{tmp_path}:{os.environ['PATH']}")
    assert result.returncode != 0
    assert result.stderr == "the client ended before the dump did: nothing of it is kept\n"


def test_a_dump_of_one_who_writes_no_end_is_loaded(mariadb: Path, tmp_path: Path) -> None:  # noqa: F811
    """Both phpMyAdmin and HeidiSQL write the host, too, behind what mariadb-dump had finished."""
    dump = tmp_path / "night.sql"
    begin = "-- MariaDB dump 10.19\n-- Server version\t10.11.6-MariaDB\n"
    whole = f"{begin}{_TEXT}{_END['.mariadb']}"
    dump.write_text(f"-- Host: localhost\n-- Host: db:3306\n{whole}")
    result = load_mariadb(dump, mariadb)
    assert (result.returncode, result.stderr) == (0, "")
    dump.write_text(f"{begin}{_TEXT}{whole}")  # no host: the first one was cut
    assert "the dump was cut short" in load_mariadb(dump, mariadb).stderr


OF_TOOLS = r"""
/*!40101 SET @OLD_SQL_MODE=@@SQL_MODE, SQL_MODE='NO_AUTO_VALUE_ON_ZERO' */;
/*M!100616 SET @OLD_NOTE_VERBOSITY=@@NOTE_VERBOSITY, NOTE_VERBOSITY=0 */;
SET SQL_MODE = "NO_AUTO_VALUE_ON_ZERO";
START TRANSACTION;
CREATE SEQUENCE `seq` start with 1;
DO SETVAL(`seq`, 1, 0);
SELECT SETVAL(`seq`, 7, 0);
CREATE TABLE `a` (`n` int) COMMENT='/* it''s; */';
LOCK TABLES `a` WRITE;
/*!40000 ALTER TABLE `a` DISABLE KEYS */;
INSERT INTO `a` VALUES (1);
UNLOCK TABLES;
ALTER TABLE `a` ADD KEY `n` (`n`);
CREATE UNIQUE INDEX `one` ON `a` (`n`);
TRUNCATE `a`;
/*!80013 SET @x = 'NO' */;
/*!50717 PREPARE s FROM @rocksdb_get_is_supported */;
/*!50717 EXECUTE s */;
/*!50001 DROP VIEW IF EXISTS `v`*/;
CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`localhost` SQL SECURITY DEFINER VIEW `v` AS SELECT 1 `m`;
/*!50003 SET @saved_sql_mode       = @@sql_mode */ ;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER `tr` BEFORE INSERT ON `a`
FOR EACH ROW BEGIN SET @x = 'a */ b'; SET NEW.n = 2; END */;;
CREATE DEFINER=`root`@`localhost` PROCEDURE `p`() BEGIN DECLARE x int; CALL q(); KILL 1; END ;;
DROP FUNCTION IF EXISTS `f`;;
CREATE DEFINER='root'@'localhost' FUNCTION `f`() RETURNS int BEGIN RETURN 7; END;;
/*!50106 CREATE*/ /*!50117 DEFINER=`root`@`localhost`*/ /*!50106 EVENT `e` ON SCHEDULE EVERY 1 DAY
DO BEGIN DELETE FROM a; CALL p(); END */ ;;
DELIMITER ;
/*!50003 SET sql_mode              = @saved_sql_mode */ ;
/*!40101 SET SQL_MODE=IFNULL(@OLD_SQL_MODE, '') */;
SET @OLDTMP_SQL_MODE=@@SQL_MODE, SQL_MODE='STRICT_TRANS_TABLES';
SET SQL_MODE=@OLDTMP_SQL_MODE;
DELETE FROM `a`;
COMMIT;
"""


def test_what_dump_tools_write_is_let_through_where_its_statements_are_read(
    mariadb: Path,  # noqa: F811 the fixture
    tmp_path: Path,
) -> None:
    """Routines with their parts, sequences, views, events, modes that are saved and set again."""
    dump = tmp_path / "night.sql"
    dump.write_text(f"{OF_TOOLS}UPDATE `copy`.`a` SET n = 1;\n")
    result = load_mariadb(dump, mariadb)
    assert (result.returncode, result.stderr, result.stdout) == (0, "", "")
    assert ask(mariadb, "select copy.f()") == "7\n"


def reader_of(script: str) -> dict[str, Any]:
    """Return the names of what reads a dump on the standby."""
    shell = "source read-dump; bytes_in"
    bytes_in = run(["bash", "-c", shell], env={}, cwd=SCRIPTS)
    text = (SCRIPTS / script).read_text("utf-8")
    begin = text.index("<<'PY'\n") + len("<<'PY'\n")
    body = text[begin : re.search(r"^(dump, database|SHORT, NAMED)", text, re.MULTILINE).start()]  # type: ignore[union-attr]
    names: dict[str, Any] = {}
    exec(bytes_in + body, names)  # noqa: S102 our own script's
    return names


@pytest.mark.parametrize("options", [[], ["--skip-extended-insert"], ["--hex-blob", "-c"]])
def test_rows_of_mariadb_dump_are_read_in_one_go(mariadb: Path, options: list[str]) -> None:  # noqa: F811
    """Not statement by statement, which takes ten times as long; nothing of the dump is lost."""
    words = ["mariadb-dump", f"--socket={mariadb}", "-uroot", *options, "moodle"]
    dump = run(words, env={}).encode()
    statements = list(reader_of("load-mariadb")["Reader"](b";").statements([dump]))
    assert b"".join(each.text for each in statements) == dump
    assert b"INSERT" in b"".join(each.text for each in statements if each.is_rows)
    assert b"INSERT" not in b"".join(each.text for each in statements if not each.is_rows)


@pytest.mark.parametrize("words", [["notes"], ["--databases", "notes"], ["--compact", "notes"]])
def test_a_dump_of_one_database_is_loaded_whatever_its_rows_say(
    mariadb: Path,  # noqa: F811 the fixture
    tmp_path: Path,
    words: list[str],
) -> None:
    """Statements in rows, comments, routines are text; --databases of it alone is no other."""
    body = "create procedure p() begin select 'a\nuse mysql;\n'; create user nobody; end"
    sql = f"create or replace database notes; use notes; {_ROWS}\ndelimiter //\n{body} //\n"
    client = ["mariadb", f"--socket={mariadb}", "-uroot"]
    subprocess.run(client, input=sql, text=True, check=True)
    tool = ["mariadb-dump", f"--socket={mariadb}", "-uroot", "--routines", "--triggers"]
    output = run([*tool, *words], env={}) + _END[".mariadb"]
    if "--databases" in words:
        output = output.replace("`notes`;", "`copy`;").replace("`notes` /*", "`copy` /*")
    dump = tmp_path / "night.sql"
    dump.write_text(output.replace("\\n", "\n") if "--compact" in words else output)
    result = load_mariadb(dump, mariadb)
    assert result.returncode == 0, result.stderr
    assert ask(mariadb, "select count(*) from copy.notes").strip() == "3"
    ask(mariadb, "drop database notes; drop database copy")


@pytest.mark.skipif(shutil.which("mydumper") is None, reason="Debian 13 has no mydumper")
@pytest.mark.parametrize("packed", [True, False])
def test_a_folder_of_mydumpers_with_another_database_is_refused(
    mariadb: Path,  # noqa: F811 the fixture
    tmp_path: Path,
    packed: bool,
) -> None:
    """Of mysql beside its own, of any other, or with its statements in a file: none is loaded."""
    # --no-locks: nothing is written meanwhile, and locking mysql's own tables may wait for ever.
    words = ["--no-locks", *(["-c"] if packed else [])]
    ask(mariadb, "create or replace database other; create table other.t (n int)")
    for tables, reason in (
        ("moodle\\.t|mysql\\.db", "(the database mysql)"),
        ("moodle\\.t|other\\.t", "into the database other, not into moodle alone"),
    ):
        folder = tmp_path / f"night{len(reason)}"
        mydumped(mariadb, folder, *words, "--regex", f"^({tables})$")
        result = load_mariadb(folder, mariadb)
        assert f"{reason}: nothing of it was loaded" in result.stderr, result.stderr
    folder = tmp_path / "rows"
    body = "begin select 1;\ncreate user nobody;\ninsert into other.t values (1); end"
    run(
        [
            "mariadb",
            f"--socket={mariadb}",
            "-uroot",
            "--delimiter=//",
            "-e",
            f"create or replace procedure moodle.p() {body} //",
        ],
        env={},
    )
    mydumped(mariadb, folder, *words, "-B", "moodle", "-R")
    assert load_mariadb(folder, mariadb).returncode == 0
    (folder / "moodle.u.00000.sql").write_text("use `mysql`;\nINSERT INTO user VALUES (1);\n")
    result = load_mariadb(folder, mariadb)
    assert "into none (USE): nothing of it was loaded" in result.stderr, result.stderr
    ask(mariadb, "drop database other")


PG_REFUSED = {
    "CREATE ROLE shop;\nALTER ROLE shop WITH SUPERUSER;\n": "(CREATE ROLE)",
    "\\connect template1\n": "into the database template1, not into copy alone",
    "\\c -reuse-previous=on \"dbname='payroll'\"\n": "into the database payroll",
    "CREATE DATABASE payroll WITH TEMPLATE = template0;\n": "into the database payroll",
    "GRANT shop TO ann GRANTED BY postgres;\n": "(GRANT)",
    f"{_TEXT}COPY t FROM stdin;\nx\n\\.\nCREATE USER x;\n": "(CREATE USER)",
    "COMMENT ON TABLE first IS 'a';  alter system set fsync = off;\n": "(ALTER SYSTEM)",
    "SELECT 1 \\! id\n;\n": "do what is no statement (\\!)",
    "\\copy t from program 'id'\n": "do what is no statement (\\copy)",
    "SELECT 'CREATE ROLE x' \\gexec\n": "do what is no statement (\\gexec)",
    "\\connect copy `id`\n": "do what is no statement (\\connect)",
    "COPY t FROM PROGRAM 'id';\n": "copies rows that do not stand in it",
    "COPY (SELECT 'a from stdin') TO stdout;\nCREATE ROLE x;\n\\.\n": "that do not stand in it",
    "/* /* */ ' */ CREATE ROLE x; --'\n": "(CREATE ROLE)",
    "SET standard_conforming_strings = off;\n": "otherwise than pg_dump (SET)",
}
PG_BEYOND = {
    "SELECT f();": "(SELECT)",
    "SELECT lo_export(1, '/tmp/x');": "(SELECT)",
    "SELECT pg_catalog.setval('s', pg_read_file('/etc/passwd')::int);": "(SELECT)",
    "CREATE TABLE u AS SELECT pg_read_file('/etc/passwd');": "(CREATE TABLE AS)",
    "CREATE TABLE u (a) WITH (fillfactor=9) AS SELECT f();": "(CREATE TABLE AS)",
    "UPDATE pg_authid SET rolsuper = true;": "(UPDATE)",
    "INSERT INTO pg_catalog.pg_authid VALUES (1);": "tables of the server's own",
    "EXPLAIN ANALYZE SELECT f();": "(EXPLAIN)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/x.so', $$f$$;": "(LANGUAGE C)",
    "CREATE FUNCTION f() RETURNS int AS '/tmp/x', 'f' LANGUAGE E'\\143';": "(LANGUAGE C)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '$libdir/../x', 'f';": "(LANGUAGE C)",
    "ALTER DATABASE copy SET session_preload_libraries TO 'x';": "beyond its database (SET)",
    "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p;": "pg_dump --no-subscriptions",
    "\\setenv PAGER id\n": "(\\setenv)",
    "\\o |id\n": "(\\o)",
    "\\restrict `id`\n": "(\\restrict)",
    "\\c -reuse-previous=on \"dbname='copy' host=x\"\n": "(\\c)",
}
PG_LET_THROUGH = """\\restrict abcDEF123
SET statement_timeout = 0;
SET transaction_timeout = 0;
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET xmloption = content;
CREATE EXTENSION IF NOT EXISTS pgcrypto WITH SCHEMA public;
CREATE FUNCTION public.old() RETURNS int LANGUAGE c AS '$libdir/pgcrypto', $$x$$;
CREATE FUNCTION public.own() RETURNS int LANGUAGE sql AS $$ SELECT 1 -- in language C as '/x' $$;
CREATE FUNCTION public.most() RETURNS int LANGUAGE internal AS $$int4larger$$;
SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence('t', 'id'), 7, true);
ALTER TABLE ONLY public.t REPLICA IDENTITY FULL;
COPY public.t (a) FROM stdin;
SELECT f();
\\.
INSERT INTO public.t (a) VALUES ('SELECT f(); as');
CREATE TABLE u (a text DEFAULT 'as', b int GENERATED ALWAYS AS (1) STORED);
SELECT pg_catalog.setval('public.s', 7, true);
SELECT pg_catalog.lo_open('1', 131072);
SELECT * FROM pg_catalog.pg_restore_relation_stats('relname', 't'::name, 'relpages', '1'::int);
REFRESH MATERIALIZED VIEW public.m;
ALTER DATABASE copy SET fsync TO 'on';
\\unrestrict abcDEF123
"""
_EVIL = "CREATE ROLE evil;"
PG_HIDDEN = {
    "two COPYs in a line": f"COPY t FROM stdin; COPY t FROM stdin;\n\\.\n'\n\\.\n{_EVIL} --'\n",
    "a name before a dollar": f"SELECT 1 AS \u00e4$$; {_EVIL} --$$\n",
    "a name before an e": (f"CREATE DOMAIN \u00e4e AS text;\nSELECT \u00e4e'\\'; {_EVIL} -- '\n"),
    "a comment to CR": f"SELECT 1; -- x\r{_EVIL}\n",
    "a block": "DO $$ BEGIN CREATE ROLE evil; END $$;\n",
    "an e that goes on": f"SELECT E'a'\n'\\' ; SELECT '; {_EVIL} --';\n",
    "a comment in a name": (
        'CREATE TABLE "x/*" (a text);\n'
        f"COPY \"x/*\" FROM PROGRAM 'true */ from stdin'; SELECT '\n';{_EVIL}\n"
    ),
    "a function's name": (
        "CREATE FUNCTION begin() RETURNS int LANGUAGE sql AS 'select 1';\n"
        f"COPY t FROM stdin;\n{_EVIL}\nSELECT 1 AS end;\n\\.\n"
    ),
    "set_config": (
        "INSERT INTO t VALUES (set_config('standard_conforming_strings', 'off', false));\n"
        f"SELECT '\\' ; SELECT '; {_EVIL} --';\n"
    ),
    "a quoted setting": (
        f"SET \"standard_conforming_strings\" TO 'off';\nSELECT '\\' ; SELECT '; {_EVIL} --';\n"
    ),
    "another alphabet": f"SET client_encoding = 'SJIS';\nSELECT E'\udc81\\'; {_EVIL} --';\n",
}


@pytest.mark.parametrize(
    ("text", "suffix"),
    list(zip(PG_REFUSED, [".sql", ".sql.gz", ".sql.zst"] * 5, strict=True)),
)
def test_a_plain_dump_of_a_postgresql_server_is_refused_before_it_is_loaded(
    database: Server,  # noqa: F811 the fixture
    tmp_path: Path,
    text: str,
    suffix: str,
) -> None:
    """Roles, settings, other databases: no table is made, however it is packed."""
    plain = f"CREATE TABLE first (a text);\n{text}{_END['.pg']}".encode()
    dump = tmp_path / f"night{suffix}"
    dump.write_bytes(PACKED[suffix](plain) if suffix in PACKED else plain)
    result = load_postgresql(database, dump)
    assert PG_REFUSED[text] in result.stderr, result.stderr
    assert "nothing of it was loaded; dump one database alone, as pg_dump does" in result.stderr
    assert database.psql("\\dt", "copy") == ""


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("CREATE ROLE x\n SUPERUSER;\n", "nothing of it is kept; dump one database alone"),
        ("COPY t FROM stdin; SELECT 1;\n'\n\\.\nCREATE ROLE x;\n", "nothing of it is kept"),
        ("SELECT 'half", "the dump was cut short"),
    ],
)
def test_what_an_empty_database_of_postgresql_was_given_goes_again_when_the_rest_is_refused(
    database: Server,  # noqa: F811 the fixture
    tmp_path: Path,
    end: str,
    reason: str,
) -> None:
    """Each part is loaded once it was looked at, up to a statement's end: only the reason stays."""
    dump = tmp_path / "night.sql"
    rows = "COPY t FROM stdin;\n" + f"{'x' * 1000}\n" * 17000 + "\\.\n"
    dump.write_text(f"-- PostgreSQL database dump\n{_TEXT}{rows}{end}")
    result = load_postgresql(database, dump)
    assert result.returncode != 0
    assert reason in result.stderr
    assert result.stderr.count("\n") == 1, result.stderr
    assert database.psql("\\dt", "copy") == ""
    assert database.psql("select count(*) from pg_roles where rolname = 'x'", "postgres") == "0"


def test_what_reaches_beyond_a_postgresql_database_is_refused_and_nothing_of_pg_dumps() -> None:
    """Each statement by itself, as the reader on the standby judges it: no server is needed."""
    names = reader_of("load-postgresql")

    def faults(text: str) -> list[str]:
        heads = names["heads"](iter([text.encode()]), lambda _: None)
        return list(filter(None, (names["fault"](head, "copy") for head in heads)))

    for text, reason in PG_BEYOND.items():
        assert any(reason in each for each in faults(f"{_TEXT}{text}\n")), text
    assert faults(PG_LET_THROUGH) == []


@pytest.mark.parametrize("title", PG_HIDDEN)
def test_what_psql_would_read_otherwise_makes_no_role(
    database: Server,  # noqa: F811 the fixture
    tmp_path: Path,
    title: str,
) -> None:
    """Statements that only a reader that parts unlike psql takes for rows, quotes or comments."""
    dump = tmp_path / "night.sql"
    text = f"{_TEXT}{PG_HIDDEN[title]}{_END['.pg']}"
    dump.write_bytes(text.encode("utf-8", "surrogateescape"))
    result = load_postgresql(database, dump)
    assert database.psql("drop role if exists evil; select count(*) from pg_tables"
                         " where schemaname = 'public'", "copy") == "0"  # fmt: skip
    assert "nothing of it was loaded; dump one database alone" in result.stderr, result


def test_a_dump_may_speak_of_how_it_is_quoted(
    database: Server,  # noqa: F811 the fixture
    tmp_path: Path,
) -> None:
    """In rows, comments and functions a setting's name is text, and `begin` one of a parameter."""
    database.new_database("notes")
    database.psql(
        "create table notes (t text, names text);"
        "insert into notes values ('all about standard_conforming_strings'),"
        " ('set client_encoding = ''SJIS''; set_config('), ('do');"
        "comment on table notes is 'standard_conforming_strings = off';"
        "create function f(begin int) returns int language sql"
        " set standard_conforming_strings to 'on' as 'select 1';"
        "create function g() returns int language sql begin atomic;"
        " select case when true then 1 end; end;"
        "create function h() returns text language sql as"
        " $$ select set_config('client_encoding', 'SJIS', false) $$",
        "notes",
    )
    dump = tmp_path / "night.sql"
    for options in ([], ["--inserts"]):
        dump.write_text(database.run("pg_dump", *database.where, *options, "notes"))
        result = load_postgresql(database, dump)
        assert (result.returncode, result.stderr) == (0, "")
        assert database.psql("select count(*), g() from notes", "copy") == "3|1"
    database.psql("drop database notes")


def test_pg_dumpall_is_refused_and_one_database_with_such_rows_is_loaded(
    database: Server,  # noqa: F811 the fixture
    tmp_path: Path,
) -> None:
    """What real tools write of a server is refused; a database's texts and grants are not."""
    database.new_database("notes")
    columns = ", ".join(f"a_column_with_a_long_name_{number} int" for number in range(40))
    sql = (
        f"create table notes (t text, {columns});"
        "insert into notes (t) values (E'x\nCREATE ROLE a;\n\\\\connect b'), ('it''s $$ ;');"
        "create function f() returns void language plpgsql as"
        " $f$ begin execute 'select 1'; create role nobody; end $f$;"
        "grant select on notes to public; comment on table notes is 'a;\ncreate role c;'"
    )
    database.psql(sql, "notes")
    dump = tmp_path / "night.sql"
    dump.write_text(database.run("pg_dumpall", *database.where))
    result = load_postgresql(database, dump)
    assert re.search(r"a whole server \((CREATE|ALTER) ROLE\)", result.stderr), result.stderr
    for options in ([], ["--inserts"]):
        dump.write_text(database.run("pg_dump", *database.where, *options, "notes"))
        result = load_postgresql(database, dump)
        assert result.returncode == 0, result.stderr
        assert database.psql("select count(*) from notes", "copy") == "2"
    database.psql("drop database notes")


def test_the_private_server_still_has_its_rows(mariadb: Path, tmp_path: Path) -> None:  # noqa: F811
    """After all that was refused, a dump of one database is loaded as before."""
    dump = tmp_path / "night.sql"
    dump.write_text(run(["mariadb-dump", f"--socket={mariadb}", "-uroot", "moodle"], env={}))
    assert load_mariadb(dump, mariadb).returncode == 0
    assert rows(mariadb) == "5000"

"""Dumps that were written to reach beyond their database, in the hands of the real servers.

Where the reader and the server could part a statement differently, one of two holds: the dump is
refused in a sentence, or what runs has no right to anything but the database's tables. Whatever the
loader says, the server's accounts, settings, libraries and other databases are as before, and the
standby's files.
"""

# ruff: noqa: S608 the statements are texts

from __future__ import annotations

import gzip
import os
import random
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sources.conftest import LOGIN, Server, mostly_nightly, mydumped, run
from tests.sources.databases import database, mariadb
from tests.sources.test_bad_restores import SCRIPTS, call, load_mariadb, load_postgresql, sent
from tests.sources.test_dumps import zstd
from tests.sources.test_one_database import reader_of

__all__ = ["database", "mariadb"]

EVIL = "CREATE USER evil"
TABLE = "-- a dump\nCREATE TABLE `t` (`x` varchar(900));\n"
LOADED = ""

MARIADB: dict[str, tuple[str | bytes, str]] = {
    # ---- code of the dump, which would run as the server's root
    "a trigger of root's before its rows": (
        (
            "CREATE DEFINER=root@localhost TRIGGER tr BEFORE INSERT ON t FOR EACH ROW"
            " INSERT INTO canary.t VALUES (2);\nINSERT INTO `t` VALUES ('a');\n"
        ),
        LOADED,
    ),
    "a function of root's in a row": (
        (
            "CREATE DEFINER=root@localhost FUNCTION f() RETURNS int READS SQL DATA"
            " RETURN (SELECT n FROM canary.t);\nINSERT INTO t VALUES (f());\n"
        ),
        "ERROR 13(05|70)",
    ),
    "a view of root's that rows are written to": (
        (
            "CREATE DEFINER=root@localhost VIEW canary_view AS SELECT * FROM canary.t;\n"
            "INSERT INTO canary_view VALUES (2);\n"
        ),
        "ERROR 1146",
    ),
    "a view of root's that rows are read from": (
        (
            "CREATE DEFINER=root@localhost VIEW w AS SELECT user FROM mysql.global_priv;\n"
            "INSERT INTO t SELECT user FROM w;\n"
        ),
        "ERROR 1146",
    ),
    "a routine that is called": (
        f"CREATE PROCEDURE p() {EVIL};\nCALL p();\n",
        r"tools write into none \(CALL\)",
    ),
    "a routine that is called in a set": (
        "CREATE FUNCTION f() RETURNS int RETURN 1;\nSET @a = f();\n",
        "ERROR 13(05|70)",
    ),
    "a trigger in an account's own hands": (
        (
            "INSERT INTO `t` VALUES ('a') /*!999999 ' */; CREATE TRIGGER x BEFORE INSERT ON t"
            " FOR EACH ROW SET @a = 1; /*!999999 ' */;\n"
        ),
        "not every server reads, and outlasts it",
    ),
    # ---- what is made at the end as root, dressed as a program
    "a view in a comment of later servers": (
        f"CREATE /*!999999 VIEW v*/ {EVIL.removeprefix('CREATE ')};\n",
        "not every server reads",
    ),
    "a view in a comment of MySQL 8": (
        f"CREATE /*!80000 VIEW v AS SELECT 1*/ {EVIL.removeprefix('CREATE ')};\n",
        "not every server reads",
    ),
    "a trigger in a comment of later MariaDBs": (
        f"/*!50003 CREATE*/ /*M!999999 TRIGGER tr*/ {EVIL.removeprefix('CREATE ')};\n",
        "not every server reads",
    ),
    "a comment that goes on from another statement": (
        f"SELECT 1 /*!999999 ; CREATE VIEW v AS SELECT 1 */; {EVIL};\n",
        "nothing of it was loaded",
    ),
    "a comment in the sandbox's": (
        f"/*M!999999\\- /* */ CREATE VIEW v AS SELECT 1 */ {EVIL};\n",
        "nothing of it was loaded",
    ),
    "a comment in a plain one": (
        f"/* /* */ CREATE VIEW v AS SELECT 1 */ {EVIL};\n",
        "ERROR 1064",
    ),
    "a comment that a line's hides the end of": (
        f"SET @a=1 /*!999999 -- */ ; {EVIL};\n */;\n",
        ".",
    ),
    "a number that is none": (f"/*!500 CREATE*/ VIEW v AS SELECT 1; {EVIL};\n", "CREATE USER"),
    "another database's view in a comment": (
        "CREATE VIEW /*!999999 copy.*/ canary.v AS SELECT 1;\n",
        "not every server reads",
    ),
    "a library": ("CREATE FUNCTION f RETURNS INTEGER SONAME 'evil.so';\n", "SONAME"),
    "a library behind a comment": (
        "CREATE FUNCTION f RETURNS/**/INTEGER SONAME/**/'evil.so';\n",
        "SONAME",
    ),
    "a library behind many comments": (
        "CREATE AGGREGATE FUNCTION f " + "/*x*/ " * 200 + "RETURNS INTEGER SONAME#\n'evil.so';\n",
        "SONAME",
    ),
    "the server's own function": ("DROP FUNCTION IF EXISTS udf;\n", LOADED),
    "an event that moves": (
        "CREATE EVENT e ON SCHEDULE EVERY 1 DAY DO SELECT 1;\nALTER EVENT e RENAME TO canary.e;\n",
        r"into none \(ALTER EVENT\)",
    ),
    "a second statement behind a routine": (
        f"DELIMITER ;;\nCREATE PROCEDURE p() BEGIN END; {EVIL} ;;\nDELIMITER ;\n",
        "ERROR 1064",
    ),
    "a second statement behind a view": (
        f"DELIMITER ;;\nCREATE VIEW v AS SELECT 1; {EVIL} ;;\nDELIMITER ;\n",
        "CREATE USER",
    ),
    "a delimiter in a routine": (
        (
            f"DELIMITER ;;\nCREATE PROCEDURE p() BEGIN SELECT '\n//pradrill//\n{EVIL}\n'; END ;;\n"
            "DELIMITER ;\n"
        ),
        LOADED,
    ),
    "a second statement that only gbk sees": (
        (
            b"SET @saved_cs_client = 'g' 'bk';\nSET character_set_client = @saved_cs_client;\n"
            b"CREATE VIEW v AS SELECT 1 /*\xbf'; CREATE USER evil; -- */;\n"
        ),
        "ERROR 1231",
    ),
    "gbk from a database's letters": (
        (
            b"ALTER DATABASE `copy` CHARACTER SET gbk;\nSET @a=@@character_set_database;\n"
            b"SET character_set_client = @a;\n"
            b"CREATE VIEW v AS SELECT 1 /*\xbf'; CREATE USER evil; -- */;\n"
        ),
        LOADED,
    ),
    "a name that only gbk ends elsewhere": (
        (
            b"SET @a=convert('gbk' using ascii), character_set_client=@a;\n"
            b"CREATE FUNCTION `a\xbf` ` RETURNS STRING SONAME 'evil.so';\n"
        ),
        "SONAME|cut short",
    ),
    "a setting of the server's that goes to root, too": (
        "SET @a='x', GLOBAL max_connections = 77;\n",
        "ERROR 1227",
    ),
    "a setting between delimiters": (
        f"DELIMITER $$\nSET @x = 1; {EVIL} $$\nDELIMITER ;\n",
        "CREATE USER",
    ),
    "a database's letters with more": (
        f"DELIMITER $$\nALTER DATABASE copy CHARACTER SET utf8mb4; {EVIL} $$\nDELIMITER ;\n",
        "CREATE USER",
    ),
    "a definer that is a statement": (
        f"CREATE DEFINER='a`; {EVIL}; --'@'%' VIEW v AS SELECT 1;\n",
        LOADED,
    ),
    "a definer that has a line's end": (
        f"CREATE DEFINER=`a\n{EVIL};`@`%` VIEW v AS SELECT 1;\n",
        LOADED,
    ),
    "a table whose name is a statement": (
        f"CREATE TABLE `u``; {EVIL};--` (n int);\nCREATE TABLE `v\n{EVIL};` (n int);\n",
        LOADED,
    ),
    "a view of another's among many that are dropped": (
        "DROP VIEW IF EXISTS "
        + ", ".join(f"`{number:060}`" for number in range(30))
        + ", `canary`.`w`;\n",
        r"names more at once than tools do \(DROP\)",
    ),
    "a view of another's whose number is its name's": (
        "DROP VIEW IF EXISTS /*!1copy.w*/;\n",
        "into the database 1copy",
    ),
    "a trigger on another's table": (
        "CREATE TRIGGER tr BEFORE INSERT ON canary.t FOR EACH ROW SET @a = 1;\n",
        "ERROR 1435",
    ),
    "a definer in a text": (
        "CREATE VIEW v AS SELECT 'definer=evil@localhost' x;\n",
        LOADED,
    ),
    # ---- statements that ask for rights
    "accounts": (f"{EVIL};\n", r"whole server \(CREATE USER\)"),
    "a grant": ("GRANT ALL ON *.* TO root@localhost;\n", r"whole server \(GRANT\)"),
    "a role": ("SET ROLE x;\n", "ERROR 1959"),
    "rows of accounts": (
        "INSERT INTO mysql.global_priv VALUES ('%','evil','{}');\n",
        r"\(the table global_priv\)",
    ),
    "rows of accounts without a table's list": (
        "INSERT t SELECT user FROM mysql.global_priv;\n",
        "ERROR 1142",
    ),
    "a table made of accounts": (
        "CREATE TABLE u AS SELECT * FROM mysql.global_priv;\n",
        "ERROR 1142",
    ),
    "a table like another": ("CREATE TABLE u LIKE canary.t;\n", "ERROR 1142"),
    "a table that joins others": (
        "CREATE TABLE m (n int) ENGINE=MERGE UNION=(canary.t) INSERT_METHOD=LAST;\n",
        "ERROR 1142",
    ),
    "a table in a folder": (
        "CREATE TABLE m (n int) ENGINE=MyISAM DATA DIRECTORY='{folder}';\n",
        LOADED,
    ),
    "a file that is read": ("LOAD DATA INFILE '/etc/passwd' INTO TABLE t;\n", r"\(LOAD DATA\)"),
    "a file of the client's": (
        "LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE t;\n",
        r"\(LOAD DATA\)",
    ),
    "a file in a row": ("INSERT INTO t VALUES (load_file('/etc/passwd'));\n", LOADED),
    "a file in a default": (
        (
            "CREATE TABLE u (n int, x text DEFAULT (load_file('/etc/passwd')));\n"
            "INSERT INTO u (n) VALUES (1);\n"
        ),
        "ERROR 1901|^$",
    ),
    "a file that is written": ("SELECT 'x' INTO OUTFILE '{file}';\n", "OUTFILE|write into none"),
    "a file that is written behind rows": (
        "INSERT INTO t SELECT 'x' INTO OUTFILE '{file}';\n",
        "ERROR",
    ),
    "a setting of the server's": ("SET GLOBAL max_connections = 77;\n", "GLOBAL"),
    "a setting of the server's in a comment": (
        "/*!50003 SET @@GLOBAL.max_connections = 77 */;\n",
        "GLOBAL",
    ),
    "a plugin": ("INSTALL PLUGIN x SONAME 'evil.so';\n", r"\(INSTALL"),
    "a program of the client's": ("\\! touch {file}\n", "tells the client"),
    "a program of the client's in a line": ("SELECT 1 \\! touch {file}\n;\n", "."),
    "another database by its name": ("INSERT INTO canary.t VALUES (2);\n", "the database canary"),
    "another database by USE": (
        "USE `canary`;\nINSERT INTO t VALUES (2);\n",
        "the database canary",
    ),
    "another database by CREATE DATABASE": ("CREATE DATABASE `evil`;\n", "the database evil"),
    "rows that are changed in another": ("UPDATE t, canary.t AS c SET c.n = 2;\n", "ERROR 1142"),
    "a process that is ended": ("KILL 1;\n", r"\(KILL\)"),
    "a lock on the server": ("FLUSH TABLES WITH READ LOCK;\n", r"\(FLUSH\)"),
    "text that is run": (f"EXECUTE IMMEDIATE concat('{EVIL[:9]}', 'SER evil');\n", "EXECUTE"),
    "text that rocksdb's is taken for": (
        (
            f"SET @rocksdb_get_is_supported = '{EVIL[:11]}';\n"
            "PREPARE s FROM @rocksdb_get_is_supported;\n"
        ),
        "into none",
    ),
    "a lock that stays": ("SELECT GET_LOCK('a', 1);\n", "into none"),
    # ---- where reader, client and server could part differently
    "modes as a number": ("SET sql_mode = 1048576;\n", "sql_mode"),
    "modes from a variable": (
        f"SET @a='NO_BACKSLASH' '_ESCAPES'; SET sql_mode=@a; SELECT '\\'; {EVIL}; -- ';\n",
        "sql_mode|quotes",
    ),
    "modes from a saved variable": (
        (
            "SET @OLD_SQL_MODE='ANSI' '_QUOTES'; SET sql_mode=@OLD_SQL_MODE;\n"
            f"INSERT INTO t VALUES (\"'\"); {EVIL}; -- '\n"
        ),
        "CREATE USER|quotes",
    ),
    "modes that were saved elsewhere": (
        (
            "SELECT concat('NO_BACKSLASH','_ESCAPES') INTO @OLD_SQL_MODE;\n"
            "SET sql_mode=@OLD_SQL_MODE;\n"
        ),
        "into none",
    ),
    "modes by a comment": ("/*!50003 SET sql_mode = 'ANSI_QUOTES' */;\n", "quotes"),
    "modes for one statement": ("SET STATEMENT sql_mode='ANSI_QUOTES' FOR SELECT 1;\n", "."),
    "letters of gbk": (
        b"SET NAMES gbk;\nINSERT INTO t VALUES ('\xbf\\'); CREATE USER evil; -- ');\n",
        "quotes",
    ),
    "letters of sjis": ("SET character_set_client = 'sjis';\n", "quotes"),
    "letters of big5 in a comment": ("/*!40101 SET NAMES big5 */;\n", "quotes"),
    "letters of gbk that are hidden": (
        (
            b"SET @a=concat('gb','k'), character_set_client=@a;\n"
            b"INSERT INTO t VALUES ('\xbf\\'); CREATE USER evil; -- ');\n"
        ),
        "ERROR|quotes",
    ),
    "letters by the client's word": ("SELECT 1 \\C gbk\n;\n", "."),
    "letters of a text": (
        b"INSERT INTO t VALUES (_gbk'\xbf\\'); CREATE USER evil; -- ');\n",
        "CREATE USER|ERROR",
    ),
    "a dash comment with a control sign": (f"SELECT 1 --\x01'\n; {EVIL}; -- '\n", "."),
    "a dash comment without a blank": (f"INSERT INTO t VALUES (1)--'\n; {EVIL}; -- '\n", "."),
    "a hash comment with a quote": (f"# it's\n{EVIL};\n", "CREATE USER"),
    "a comment in a comment": (f"/* /* */ {EVIL}; /* */ ;\n", "CREATE USER"),
    "a comment in one that runs": (
        f"/*!50003 SELECT /* ' */ 1 */; {EVIL}; -- '\n",
        "CREATE USER|none",
    ),
    "a comment that does not end": (f"INSERT INTO t VALUES ('a'); /* {EVIL};\n", "cut short"),
    "a quote that does not end": (f"INSERT INTO t VALUES ('a {EVIL};\n", "ERROR|cut short"),
    "CR alone": (f"SELECT 1; -- x\r{EVIL};\n", "."),
    "a delimiter behind CR": (f"SET @a = 1;\rDELIMITER x\r{EVIL}x\n", "."),
    "a delimiter of a quote": (f"DELIMITER '\nSELECT 1'{EVIL}'\nDELIMITER ;\n", "."),
    "a delimiter of a backslash": (f"DELIMITER \\\nSELECT 1\\{EVIL}\\\n", "."),
    "a delimiter in rows": (f"INSERT INTO `t` VALUES ('a'),\ndelimiter x\n('b')x {EVIL} x\n", "."),
    "a zero": (b"INSERT INTO `t` VALUES ('a\0');\n", "zeros"),
    "a line of 2 MB": (
        (
            f"INSERT INTO `t` VALUES ('a'){',(' + chr(39) + 'b' * 800 + chr(39) + ')'};\n"
            f"/* {'x' * 2_000_000} */ {EVIL};\n"
        ),
        "CREATE USER",
    ),
    "a statement behind rows in their line": (
        f"INSERT INTO `t` VALUES ('a'); {EVIL};\n",
        "CREATE USER",
    ),
    "a backtick in a name": (f"INSERT INTO `t` (`x``; {EVIL}; -- `) VALUES (1);\n", "ERROR 1054"),
    "two quotes in a text": (f"INSERT INTO `t` VALUES ('it''s; {EVIL}; --');\n", LOADED),
    "rows that speak of everything": (
        r"INSERT INTO `t` VALUES ('a;\nDELIMITER x\n\\'),('\\\';USE mysql;'),"
        r"('/*!50003 */ -- \0\Z\r'),(0x0041),(_binary 'b\\');" + "\n",
        LOADED,
    ),
    "rows whose text has lines": (
        (
            "INSERT INTO `t` VALUES ('a;\nDELIMITER x\nUSE mysql;\n"
            "-- Dump completed\nGRANT ALL;\n');\n"
        ),
        LOADED,
    ),
}


def state(socket: Path) -> str:
    """Return what no dump may change: all of a server but the database that is loaded."""
    sql = (
        "select user, host, priv from mysql.global_priv where user not in ('a', 'copy_pradrill')"
        " and user not like '%evil%' order by 1, 2;"
        "select user, host from mysql.global_priv where user = 'evil';"
        "select * from canary.t; show databases; select name from mysql.func;"
        "select db, name from mysql.event where db <> 'copy'; select * from mysql.tables_priv;"
        "select table_schema, table_name from information_schema.tables"
        " where table_schema <> 'copy'"
        " and table_schema not like '%\\_schema';"
        "select count(*) from information_schema.plugins where plugin_status = 'ACTIVE';"
        "select variable_name, variable_value from information_schema.global_variables"
        " where variable_name not regexp 'gtid|timestamp|state'"
    )
    return run(["mariadb", f"--socket={socket}", "-uroot", "-NBe", sql], env={})


@pytest.fixture(scope="module")
def canary(mariadb: Path) -> Iterator[Path]:
    """Return the socket of a MariaDB with another database."""
    sql = "create or replace database canary; create table canary.t (n int) engine=MyISAM;"
    sql += "insert into canary.t values (1); create or replace view canary.w as select 1 x;"
    sql += "create or replace database 1copy; create view 1copy.w as select 1 x"
    run(["mariadb", f"--socket={mariadb}", "-uroot", "-e", sql], env={})
    yield mariadb
    sql = "drop database canary; drop database 1copy"
    run(["mariadb", f"--socket={mariadb}", "-uroot", "-e", sql], env={})


BY_DAY = (
    "a trigger of root's before its rows", "a view in a comment of later servers",
    "a library behind many comments", "a second statement that only gbk sees",
    "a second statement behind a routine", "rows of accounts without a table's list",
    "letters of gbk that are hidden", "rows that speak of everything",
    "a view of another's among many that are dropped",
    "a view of another's whose number is its name's", "a definer in a text",
)  # fmt: skip


@pytest.mark.parametrize("title", mostly_nightly(MARIADB, *BY_DAY))
def test_no_dump_reaches_beyond_its_database(canary: Path, tmp_path: Path, title: str) -> None:
    """Refused in a sentence, or without the right to it; one that is refused leaves no table."""
    text, reason = MARIADB[title]
    (tmp_path / "out").mkdir(mode=0o777)
    file = tmp_path / "out/evil"
    if isinstance(text, str):
        text = text.replace("{file}", str(file)).replace("{folder}", str(file.parent)).encode()
    dump = tmp_path / "night.sql"
    dump.write_bytes(TABLE.encode() + text)
    run(
        ["mariadb", f"--socket={canary}", "-uroot", "-e", "create or replace database copy"], env={}
    )
    before = state(canary)
    result = load_mariadb(dump, canary)
    assert state(canary) == before, result
    sentence = result.stderr if result.returncode else LOADED
    assert re.search(reason, sentence) if reason else sentence == LOADED, result
    tables = run(["mariadb", f"--socket={canary}", "-uroot", "-NBe", "show tables in copy"], env={})
    assert bool(tables) is (result.returncode == 0), (result, tables)
    run(["mariadb", f"--socket={canary}", "-uroot", "-e", "drop database copy"], env={})
    assert not list(file.parent.iterdir())


PARTS = (
    "CREATE ", "CREATE ", "OR REPLACE ", "DROP ", "VIEW v AS SELECT 1", "VIEW v AS SELECT 1 ",
    "USER evil", " USER evil", EVIL, "TRIGGER t BEFORE INSERT ON t FOR EACH ROW SET @a=1",
    "FUNCTION f() RETURNS int RETURN 1", "FUNCTION f ", " RETURNS INTEGER SONAME 'evil.so'",
    "EVENT e ON SCHEDULE EVERY 1 DAY DO SET @a=1", "DEFINER=`a`@`b` ", "DEFINER=", "SELECT ",
    "/*", "*/", "*/", "/*!50003 ", "/*!999999 ", "/*M!999999\\-", "/*M!999999\\- x */", "/*!80000 ",
    "/*!", "/*M!100100 ", "/**/", "-- ", "--\x01", "#", "\n", "\n", "'", '"', "`", "\\", ";", ";;",
    "DELIMITER ;;\n", "\r", "\v", "\x1c", "\u00a0", " ", " ", "INSERT INTO `t` VALUES ('a');\n",
    "SET character_set_client=utf8mb4;\n", "alter database copy character set utf8mb4;\n",
)  # fmt: skip
"""What a dump is made of that lets a program seem another."""
READ_AS = (
    "",
    "SET sql_mode='ANSI_QUOTES';",
    "SET sql_mode='NO_BACKSLASH_ESCAPES';",
    "SET NAMES gbk;",
)


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2))
def test_no_text_by_chance_makes_root_run_what_is_no_program(canary: Path, seed: int) -> None:
    """Of many thousand texts, what the reader takes for a program is one, in whatever modes."""
    reader, dice = reader_of("load-mariadb"), random.Random(seed)  # noqa: S311
    sql: list[bytes] = []
    while len(sql) < 2000:
        text = "".join(dice.choice(PARTS) for _ in range(dice.randint(2, 14))) + ";\n;;\n"
        dump = reader["Dump"]("copy")
        for statement in reader["Reader"](b";").statements([text.encode()]):
            dump.take(statement)
        if not dump.faults:
            sql += [
                reader["alone"](body, True) if is_program else body + b"\n;\n"
                for body, is_program in dump.programs
            ]

    client = ["mariadb", f"--socket={canary}", "-uroot", "--binary-mode", "--comments", "--force"]
    run([*client, "-e", "create or replace database copy"], env={})
    before = state(canary)
    for mode in READ_AS:
        words = mode.encode() + b"USE copy;\n" + b"".join(sql)
        result = subprocess.run(client, input=words, capture_output=True, check=False)
        assert b"ERROR 1126" not in result.stderr  # a library that is not there
        assert state(canary) == before


PLANTED = (
    "CREATE DEFINER=root@localhost TRIGGER tr BEFORE INSERT ON t FOR EACH ROW"
    " INSERT INTO canary.t VALUES (2);\n"
)


ROWS, MADE = "moodle.t.00001.sql", "moodle.t-schema.sql"
OF_FOLDERS = (
    (ROWS, "UPDATE t, mysql.global_priv AS g SET g.priv = '{}' WHERE g.user = 'x';\n", "UPDATE"),
    (ROWS, "DELETE FROM t;\n", "DELETE"),
    (ROWS, "INSERT INTO `t` SELECT 1, user FROM mysql.global_priv LIMIT 1;\n", "FROM"),
    (ROWS, "INSERT INTO `t` VALUES (1,(select user from mysql.user limit 1));\n", "FROM"),
    (ROWS, "INSERT INTO `t` VALUES (1,load_file('/etc/hostname'));\n", "LOAD_FILE"),
    (ROWS, "SET @a = (SELECT user FROM mysql.user LIMIT 1);\n", "SET"),
    (ROWS, "CHANGE MASTER TO MASTER_LOG_POS=456;\n", "CHANGE"),
    (MADE, "CREATE TABLE `t` (`n` int) AS SELECT 1 AS `n`;\n", "SELECT"),
    (MADE, "CREATE TABLE `t` (`n` int) ENGINE=MERGE UNION=(`canary`.`t`);\n", "MERGE"),
    (MADE, "CREATE TABLE `t` (`n` int) AS VALUES (canary.f());\n", "VALUES"),
    (MADE, "CREATE TABLE `t` (`n` int) ENGINE=CONNECT FILE_NAME='/x';\n", "CONNECT"),
)
MORE_OF_FOLDERS = (
    (MADE, "CREATE TABLE `t` (`n` int DEFAULT (nextval(`canary`.`s`)));\n", "NEXTVAL"),
    (MADE, "CREATE TABLE `t` (`n` int) /*!999999 -- */ DATA DIRECTORY='/x'\n;\n", "COMMENT"),
    (MADE, "CREATE TABLE `u` LIKE canary.t;\n", "CREATE"),
    (MADE, "DROP TABLE IF EXISTS `t` WAIT 1;\n", "DROP"),
    (MADE, "CREATE TEMPORARY TABLE `t` (`n` int);\n", "CREATE"),
    (MADE, "CREATE SEQUENCE `s` ENGINE=CONNECT FILE_NAME='/x';\n", "CONNECT"),
    (MADE, "CREATE SEQUENCE `s` ENGINE=MyISAM DATA DIRECTORY='/tmp';\n", "DATA"),
    (MADE, "ALTER TABLE `t` ADD KEY `n` (`n`), RENAME `canary`.`x`;\n", "RENAME"),
    (MADE, "ALTER TABLE `t` CONVERT TABLE `canary`.`t` TO PARTITION p VALUES IN (1);\n", "ALTER"),
    (MADE, "ALTER TABLE `t` CONVERT PARTITION p TO TABLE `canary`.`x`;\n", "ALTER"),
    (MADE, "ALTER TABLE `t` EXCHANGE PARTITION p WITH TABLE `canary`.`t`;\n", "ALTER"),
    (MADE, "ALTER TABLE `t` ENGINE=InnoDB;\n", "ALTER"),
    (ROWS, "INSERT INTO `t` PARTITION (p) VALUES (1,'a');\n", "P"),
    (ROWS, "DELIMITER x\nSET NAMES utf8x\n", "no word"),
)
OF_OTHERS = (
    "ALTER TABLE IF EXISTS canary.t ADD KEY n (n)",
    "ALTER ONLINE TABLE canary.t ADD KEY n (n)",
    "ALTER ONLINE IGNORE TABLE IF EXISTS canary.t WAIT 9 ADD COLUMN late int",
    "ALTER TABLE canary.t NOWAIT ADD COLUMN late int",
    "RENAME TABLE IF EXISTS canary.t TO t",
    "DROP TABLE IF EXISTS /*x*/ canary.t",
    "DROP TEMPORARY TABLE IF EXISTS canary.t",
    "DROP VIEW IF EXISTS /*!999999 `v` */ `canary`.`w`",
    "INSERT LOW_PRIORITY INTO canary.t VALUES (2)",
    "INSERT INTO /*!999999 `t` */ `canary`.`t` VALUES (2)",
    "INSERT INTO `canary` /**/ . `t` VALUES (2)",
    "CREATE TABLE IF NOT EXISTS `canary`.`x` (`n` int)",
    "CREATE OR REPLACE TABLE `canary`.`t` (`n` int)",
    "SET NAMES utf8 /*!999999 -- */ , GLOBAL max_connections = 77\n",
    f"/*!999999 -- */ {EVIL}\n",
    f"/*!80000 # */ {EVIL}\n",
    "CREATE TABLE /*!999999 `t` (`n` int) */ `canary`.`u` (`n` int)",
)
"""Statements that reach another database, or the server, wherever mydumper's could stand."""


@pytest.mark.skipif(shutil.which("mydumper") is None, reason="Debian 13 has no mydumper")
@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        (
            "moodle.t.00001.sql",
            f"{PLANTED}INSERT INTO `t` VALUES (1,'a');\n",
            r"makes code in a file that is of tables or rows \(trigger\)",
        ),
        (
            "moodle-schema-post.sql",
            f"{PLANTED}INSERT INTO `t` VALUES (1,'a');\n",
            "holds rows in a file that is of views, triggers or routines",
        ),
        (
            "moodle-schema-post.sql",
            f"CREATE /*!999999 VIEW v*/ {EVIL.removeprefix('CREATE ')};\n",
            "not every server reads",
        ),
        *(
            (name, text, f"what mydumper writes into none \\({word}\\)")
            for name, text, word in OF_FOLDERS
        ),
        (
            "moodle.t-schema.sql",
            "ALTER TABLE IF EXISTS canary.t ADD COLUMN late int;\n",
            "say in which database",
        ),
        ("moodle.t-schema.sql", f"/*!999999 -- */ {EVIL}\n;\n", "not every server reads"),
        (
            "moodle.t.00001.sql",
            f"INSERT INTO `t` VALUES (1,'a;\n{EVIL};\n');\n",
            "holds a statement that myloader parts",
        ),
    ],
)
def test_no_code_stands_before_the_rows_in_a_folder_of_mydumpers(
    canary: Path, tmp_path: Path, name: str, text: str, reason: str
) -> None:
    """The whole of it is loaded as the server's root, by myloader: code in the end."""
    folder = tmp_path / "night"
    mydumped(canary, folder, "-B", "moodle")
    ask = ["mariadb", f"--socket={canary}", "-uroot", "-e", "create or replace database copy"]
    run(ask, env={})
    before = state(canary)
    assert load_mariadb(folder, canary).returncode == 0
    (folder / name).write_text(text)
    result = load_mariadb(folder, canary)
    assert re.search(reason, result.stderr), result
    assert state(canary) == before


def test_no_folder_reaches_another_database_whatever_stands_before_its_name() -> None:
    """Of each statement that form alone is let through, to the letter, which mydumper writes."""
    names = reader_of("load-mariadb")
    names["ask"] = lambda _sql: b"udf\n"  # the server's own functions

    def faults(text: str, part: str) -> str:
        dump = names["Dump"]("copy", part=part)
        for statement in names["Reader"](b";\n").statements([text.encode()]):
            dump.take(statement)
        return " ".join(dump.faults)

    for text in OF_OTHERS:
        assert faults(f"{text};\n", "tables"), text
        assert faults(f"{text};\n", "programs"), text
    assert "(DROP FUNCTION)" in faults("DROP FUNCTION IF EXISTS `UDF`;\n", "programs")
    for name, text, word in (*OF_FOLDERS, *MORE_OF_FOLDERS):
        assert f"writes into none ({word})" in faults(text, "tables"), (name, text)
    for each, content in NEWER.items():
        part = "programs" if re.search("post|triggers|view", each) else "tables"
        if each != "metadata" and "create" not in each:
            assert not faults(str(content), part), each
    for text in HONEST:
        assert not faults(f"{text};\n", "tables"), text


HONEST = (
    "CREATE TABLE `t` (\n  `c` varchar(300) /*M!100301 COMPRESSED*/ DEFAULT NULL\n) ENGINE=InnoDB",
    (
        "CREATE TABLE `t` (\n  `a` int DEFAULT nextval(`copy`.`s`),\n"
        "  `b` decimal(5,2) DEFAULT 1.50 CHECK (`b` > 0.5)\n) ENGINE=InnoDB"
    ),
    "ALTER TABLE `t` ADD KEY `k` (`n`) IGNORED",
)
"""What MariaDB writes of a table, and a folder of mydumper's holds."""
NEWER = {
    "metadata": (
        "# Started dump at: 2026-03-10 01:00:00\n[config]\nquote-character = BACKTICK\n\n"
        "[myloader_session_variables]\nSQL_MODE='NO_AUTO_VALUE_ON_ZERO' /*!40101\n\n"
        "[source]\n# executed_gtid_set = '0-1-9'\nFile = 'bin.000001'\nPosition = 9\n"
        "#myloader_exec_change_source = 1\nmyloader_exec_start_replica = 0 # 1 means execute\n\n"
        "[`shop`.`mydumper_0`]\nreal_table_name=o``dd\nrows = 1\nschema_checksum = 5B66B566\n\n"
        "[`shop`.`sessions`]\nreal_table_name=sessions\nrows = 0\n\n"
        "[`shop`]\npost_checksum = DF1B79A9\n# Finished dump at: 2026-03-10 01:00:09\n"
    ),
    "shop-schema-create.sql": (
        "/*!40101 SET NAMES binary*/;\n/*!40103 SET TIME_ZONE='+00:00' */;\n"
        "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 CHARACTER SET latin1 */;\n"
    ),
    "shop-schema-post.sql": (
        "DROP FUNCTION IF EXISTS `f`;\nCREATE DEFINER=`root`@`localhost` FUNCTION `f`()"
        " RETURNS int\nbegin set @a = 1; \nreturn 7; \nend;\n"
    ),
    "shop-schema-triggers.sql": (
        "DROP TRIGGER IF EXISTS `tr`;\nCREATE DEFINER=`app`@`10.%` TRIGGER `tr` BEFORE INSERT"
        " ON `t` FOR EACH ROW set new.n = new.n;\n"
    ),
    "shop.sessions-schema.sql": (
        "CREATE TABLE `sessions` (`id` int,`t` int);\n"
        "ALTER TABLE `sessions` \n ADD  KEY `id` (`id`);\n"
        "ALTER TABLE `sessions` \n ADD  CONSTRAINT `c` CHECK (`id` > 0);\n"
    ),
    "shop.a.b-schema.sql": "CREATE TABLE `a.b` (`n` int);\n",
    "shop.a.b.00001.sql": "INSERT INTO `a.b` VALUES (1);\n",
    "shop.s-schema-sequence.sql": (
        "DROP TABLE IF EXISTS `s`;\nDROP VIEW IF EXISTS `s`;\nCREATE SEQUENCE `s` start with 1"
        " minvalue -9 maxvalue 9 increment by -1 cache 1000 nocycle ENGINE=InnoDB;\n"
        "DO SETVAL(`s`, -3, 0);\n"
    ),
    "shop.t-schema.sql": "/*!40014 SET FOREIGN_KEY_CHECKS=0*/;\nCREATE TABLE `t` (`n` int);\n",
    "shop.t.00000.sql": "INSERT INTO `t` VALUES(1)\n,(2);\n",
    "shop.mydumper_0-schema.sql": "CREATE TABLE `o``dd` (`n` int);\n",
    "shop.mydumper_0.00000.sql": "INSERT INTO `o``dd` VALUES (1);\n",
    "shop.v-schema.sql": "CREATE TABLE IF NOT EXISTS `v`(\n`n` int\n) ENGINE=MEMORY;\n",
    "shop.v-schema-view.sql": (
        "DROP TABLE IF EXISTS `v`;\nDROP VIEW IF EXISTS `v`;\n"
        "CREATE DEFINER=`root`@`localhost` VIEW `v` AS select `t`.`n` AS `n` from `t`;\n"
    ),
}
"""A folder as mydumper 1.0 writes it."""


def folder_of(folder: Path, name: str, content: str | bytes) -> Path:
    """Write such a folder with a file more, or with another one in the place of its own."""
    folder.mkdir()
    for each, text in {**NEWER, name: content}.items():
        (folder / each).write_bytes(text.encode() if isinstance(text, str) else text)
    return folder


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("mydumper") is None, reason="Debian 13 has no mydumper")
def test_a_folder_of_a_newer_mydumpers_is_loaded(canary: Path, tmp_path: Path) -> None:
    """With triggers of its database in one file, a name that is masked, and a lost DEFINER."""
    folder = folder_of(tmp_path / "night", "SHA256SUMS", "of no job's\n")
    result = load_mariadb(folder, canary)
    assert result.returncode == 0, result
    assert "the account app@10.%, which was not here, with all rights on copy" in result.stderr
    words = ["mariadb", f"--socket={canary}", "-uroot", "-NBe"]
    sql = "use copy; select f(); select * from v; select n from `o``dd`; insert into t values (3);"
    sql += "select n from `a.b`; select nextval(s); show index from sessions"
    assert run([*words, sql], env={}).split()[:7] == ["7", "1", "2", "1", "1", "-3", "sessions"]
    home = str(canary.parent)
    assert call("remove-mariadb", "copy", HOME=home).returncode == 0
    assert "app" not in run([*words, "select user from mysql.global_priv"], env={})


SKIPPED = b";\nCREATE USER evil;\n"  # to who does not unpack it
TWICE = (
    b"P*M\x18"
    + len(SKIPPED).to_bytes(4, "little")
    + SKIPPED
    + zstd(b"INSERT INTO `t` VALUES (1);\n")
)
META, NAMED, NAMES = "metadata", "say in which database", "a name that mydumper gives none"
NEWERS: dict[str, tuple[str, str | bytes, str]] = {
    # ---- what each myloader loads as root, by its name
    "tablespaces": ("all-schema-create-tablespace.sql", f"{EVIL};\n", NAMES),
    "tablespaces that are rows": ("all-schema-create-tablespace.t.00000.sql", f"{EVIL};\n", NAMES),
    "a copy of rows": ("shop.t.00001.sql.bak", f"{EVIL};\n", NAMES),
    "a view's rows": ("shop.t-schema-view.sql.00001.sql", PLANTED, NAMES),
    "a table of another's": ("shop.t`, `x-schema.sql", "CREATE TABLE `x` (n int);\n", NAMES),
    "two databases": ("canary.t.00000.sql", "INSERT INTO `t` VALUES (1);\n", "not into canary"),
    "the server's own": ("MySQL.t-schema.sql", "CREATE TABLE `t` (n int);\n", "database mysql"),
    # ---- what it reads otherwise
    "rows that are packed by another name": ("shop.t.00001.sql", TWICE, "not packed as its name"),
    "rows that are packed twice": ("shop.t.00001.sql.gz", TWICE, "not packed as its name"),
    "rows that do not end": ("shop.t.00001.sql", "INSERT INTO `t` VALUES (1); \n", "was cut short"),
    "rows of Windows": ("shop.t.00001.sql", "INSERT INTO `t` VALUES (1);\r\n", "was cut short"),
    "rows that are packed and cut": (
        "shop.t.00001.sql.gz", gzip.compress(b"INSERT INTO `t` VALUES (1)"), "was cut short"),
    # ---- where it goes
    "its own database": ("shop.t.00001.sql", "INSERT INTO `shop`.`t` VALUES (1);\n", NAMED),
    "another's table": ("shop.u-schema.sql", "CREATE TABLE `canary`.`u` (n int);\n", NAMED),
    "another's view": ("shop.v-schema-view.sql", "DROP VIEW IF EXISTS `v`, `canary`.`w`;\n", NAMED),
    "another's index": ("shop.u-schema.sql", "CREATE INDEX i ON canary.t (n);\n", r"\(CREATE\)"),
    "another database": ("shop.t.00001.sql", "USE `canary`;\nDROP TABLE `t`;\n", r"none \(USE\)"),
    "a database more": ("shop.u-schema.sql", "CREATE DATABASE `evil`;\n", r"none \(CREATE\)"),
    "rows that make the database": ("shop-schema-create.sql", "DELETE FROM `t`;\n", r"\(DELETE\)"),
    "a table in a folder": (
        "shop.u-schema.sql", "CREATE TABLE `u` (`n` int) DATA DIRECTORY='/tmp';\n", "DIRECTORY"),
    # ---- what it makes of its metadata
    "a replica": (META, "[source]\nmyloader_exec_change_source = 1\n", "do more than load"),
    "a setting": (META, "[myloader_session_variables]\na=1, GLOBAL max_connections=9\n", "do more"),
    "quotes": (META, "[myloader_session_variables]\nSQL_MODE='ANSI_QUOTES'\n", "do more than load"),
    "other quotes": (META, "[config]\nquote-character = DOUBLE_QUOTE\n", "do more than load"),
    "a name": (META, "[`shop`.`t`]\nreal_table_name=t`, `x\n", "do more than load"),
}  # fmt: skip
NEWERS_BY_DAY = ("a copy of rows", "its own database", "rows that are packed by another name")


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("mydumper") is None, reason="Debian 13 has no mydumper")
def test_a_folder_whose_code_names_its_own_database_is_loaded_over_it(
    canary: Path, tmp_path: Path
) -> None:
    """As MySQL Workbench types a trigger: beside, it would go where the old tables are."""
    words = ["mariadb", f"--socket={canary}", "-uroot", "-NBe"]
    code = (
        "CREATE DEFINER=`root`@`localhost` TRIGGER `{0}`.`tr` BEFORE INSERT ON `{0}`.`t`"
        " FOR EACH ROW set new.n = 9;\n"
    )
    for name in ("copy", "canary"):
        folder = folder_of(tmp_path / name, "shop-schema-triggers.sql", code.format(name))
        (folder / "shop-schema-post.sql").unlink()
        run([*words, "create or replace database copy; create table copy.old (n int)"], env={})
        home = {"HOME": str(canary.parent)}
        result = call("load-mariadb", folder, "copy", **home)
        assert (result.returncode == 0) is (name == "copy"), result
        assert (NAMED in result.stderr) is (name == "canary"), result
        if name == "copy":
            sql = "insert into copy.t values (3); select max(n) from copy.t"
            assert run([*words, sql], env={}).split() == ["9"]


@pytest.mark.nightly
@pytest.mark.skipif(shutil.which("mydumper") is None, reason="Debian 13 has no mydumper")
def test_a_folder_of_a_database_whose_name_is_masked_is_loaded(
    canary: Path, tmp_path: Path
) -> None:
    """A newer mydumper's files are mydumper_0's then, and say which: never a server's own."""
    for name, reason in (("shop.fr", ""), ("mysql", "database mysql")):
        folder = tmp_path / name
        folder.mkdir()
        for each, text in NEWER.items():
            masked = each.replace("shop", "mydumper_0", 1)
            (folder / masked).write_text(text.replace("`shop`", f"`{name}`"))
        result = load_mariadb(folder, canary)
        assert reason in result.stderr if reason else result.returncode == 0, result


@pytest.mark.parametrize("title", mostly_nightly(NEWERS, *NEWERS_BY_DAY))
def test_a_folder_is_judged_by_what_myloader_makes_of_it(
    canary: Path, tmp_path: Path, title: str
) -> None:
    """By its names, its packing, where it would go, its metadata; before any of it is loaded."""
    name, text, reason = NEWERS[title]
    if name == META:
        text = f"{text!s}# Finished dump at: 2026-03-10 01:00:09\n"
    folder = folder_of(tmp_path / "night", name, text)
    run(["mariadb", f"--socket={canary}", "-uroot", "-e", "create or replace database copy"],
        env={})  # fmt: skip
    before = state(canary)
    result = load_mariadb(folder, canary)
    assert re.search(reason, result.stderr), result
    assert state(canary) == before


def test_what_is_no_file_in_a_folder_is_not_waited_for(canary: Path, tmp_path: Path) -> None:
    """Nor is what a link leads to read."""
    folder = folder_of(tmp_path / "night", "SHA256SUMS", "")
    os.mkfifo(folder / "shop.t.00001.sql")
    assert "shop.t.00001.sql is no file" in load_mariadb(folder, canary).stderr
    (folder / "shop.t.00001.sql").unlink()
    (folder / "metadata").unlink()
    for make, more in ((os.mkfifo, "metadata"), (os.mkfifo, "metadata.1")):
        make(folder / more)
        assert f"{more} is no file" in load_mariadb(folder, canary).stderr
        (folder / more).unlink()
        (folder / "metadata").write_text(str(NEWER["metadata"]))
    with (folder / "metadata.1").open("wb") as file:
        file.truncate(1 << 40)
    assert "metadata.1 is longer than mydumper" in load_mariadb(folder, canary).stderr


KINDS = """create or replace database kinds; use kinds;
create table p (n int, at date) partition by range (n) (partition a values less than (9),
 partition b values less than maxvalue);
create table l (n int) partition by list (n) (partition a values in (1, 2));
create table v (n int, z varchar(300) compressed,
 x text default 'select load_file("x"); engine=merge') with system versioning;
create table k (`select` int primary key, `engine` json, b blob, d double, e enum('values','x'),
 g int as (n + 1) stored, n int, fulltext key (x), x text) engine=MyISAM comment='as select';
insert into p values (1, '2026-01-01'), (10, null); insert into l values (2);
insert into v (n) values (1);
insert into k (`select`, `engine`, b, d, e, n, x) values (1, '{"a": "select"}', x'0027220a', 1e300,
 'values', 3, 'x; drop\\n/* \\' */ -- "');"""


@pytest.mark.skipif(shutil.which("mydumper") is None, reason="Debian 13 has no mydumper")
def test_tables_of_many_kinds_are_loaded_from_a_folder_of_mydumpers(
    canary: Path, tmp_path: Path
) -> None:
    """Partitions, versions, columns with the names of words, texts that speak of all."""

    def ask(sql: str) -> str:
        return run(["mariadb", f"--socket={canary}", "-uroot", "-NBe", sql], env={})

    ask(KINDS)
    ask("create or replace database copy")
    mydumped(canary, tmp_path / "night", "-B", "kinds")
    result = load_mariadb(tmp_path / "night", canary)
    assert (result.returncode, result.stderr) == (0, "")
    rows = "select * from {0}.p; select * from {0}.l; select * from {0}.v; select * from {0}.k"
    assert ask(rows.format("copy")) == ask(rows.format("kinds"))
    ask("drop database kinds; drop database copy")


# ---------------------------------------------------------------- PostgreSQL

SHELL = "\\! touch {file}\n"
OF_VERSIONS, OF_CLIENT = "versions of psql do not agree", "tells the client"
ROWS_OF = "copies rows that do not stand in it"
BEYOND = "reaches beyond its database"

POSTGRESQL: dict[str, tuple[str | bytes, str]] = {
    # ---- words to psql that the reader could take for a text's
    "a number before a dollar": (f"INSERT INTO t VALUES (1$$ ' $$) {SHELL}; --');\n", OF_VERSIONS),
    "a parameter before a dollar": (
        f"INSERT INTO t VALUES ($1$$ ' $$) {SHELL}; --');\n",
        OF_VERSIONS,
    ),
    "a number before an e": (f"INSERT INTO t VALUES (1E'\\'' {SHELL}; --');\n", OF_VERSIONS),
    "a dollar before an e": (f"INSERT INTO t VALUES ($$a$$E'\\'' {SHELL}; --');\n", OF_VERSIONS),
    "a dollar before a dollar": (
        f"INSERT INTO t VALUES ($$a$$$$'$$) {SHELL}; --');\n",
        OF_VERSIONS,
    ),
    "an e and a plain text in a line": (
        f"INSERT INTO t VALUES (E'a' '\\' {SHELL} --');\n",
        OF_VERSIONS,
    ),
    "an e that goes on behind a form feed": (
        f"INSERT INTO t VALUES (E'a'\f'\\' {SHELL} --');\n",
        OF_VERSIONS,
    ),
    "an e that goes on behind a tab": (
        f"INSERT INTO t VALUES (E'a'\n\v'\\'' {SHELL} --');\n",
        f"{OF_VERSIONS}|{OF_CLIENT}",
    ),
    "an e that goes on behind a comment": (
        f"INSERT INTO t VALUES (E'a' -- x\n'\\'' {SHELL} --');\n",
        OF_CLIENT,
    ),
    "an e that does not go on": (
        f"INSERT INTO t VALUES (E'a' /* \n */ '\\' {SHELL} --');\n",
        OF_CLIENT,
    ),
    "an e behind CR": (f"INSERT INTO t VALUES (E'a'\r'\\'' {SHELL} --');\n", OF_VERSIONS),
    "rows between brackets": (
        f"INSERT INTO t VALUES ((1);\nCOPY t FROM stdin;\n{SHELL}\\.\n",
        OF_CLIENT,
    ),
    "a bracket that ends too early": (
        f"INSERT INTO t VALUES )((1);\nCOPY t FROM stdin;\n{SHELL}\\.\n",
        OF_VERSIONS,
    ),
    "rows in a function": (
        f"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC; COPY t FROM stdin;\n{SHELL}\\.\n",
        ROWS_OF,
    ),
    "rows that end with CR": (f"COPY t FROM stdin;\na\n\\.\r\n{SHELL}", OF_CLIENT),
    "rows that end twice": (f"COPY t FROM stdin;\na\n\\.x\n{SHELL}\\.\n", "ERROR:  22P04"),
    "rows that speak to psql": (
        f"COPY t FROM stdin;\n{SHELL.replace(chr(92), chr(92) * 2)}\\.\n",
        LOADED,
    ),
    "rows with a condition": (f"COPY t FROM stdin WHERE x = 'a' {SHELL};\n\\.\n", OF_CLIENT),
    "a comment in a comment": (f"/* /* */ ' */ {SHELL} --'\n;\n", OF_CLIENT),
    "a dollar in a dollar": (
        f"CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $a$ select $b$'$a$; {SHELL} --';\n",
        OF_CLIENT,
    ),
    "a name with a quote": (f"CREATE TABLE \"a'b\" (n int); {SHELL} --'\n", OF_CLIENT),
    "a text with another sign to escape": (
        f"INSERT INTO t VALUES (U&'a' UESCAPE '\\' {SHELL} --');\n",
        OF_CLIENT,
    ),
    "quotes that are escaped": (
        f"SET standard_conforming_strings = off;\nINSERT INTO t VALUES ('\\' {SHELL} --');\n",
        r"otherwise than pg_dump \(SET\)",
    ),
    "a text without an end": (f"INSERT INTO t VALUES ('a {SHELL}", "in the middle of a statement"),
    # ---- where psql counts names, and ends no statement within BEGIN and END
    **{
        title: (f"{first}\nCOPY t FROM stdin;\n{SHELL}\\.\n", reason)
        for title, first, reason in (
            ("a function behind a number", "CREATE 1 FUNCTION BEGIN;", OF_VERSIONS),
            ("a function behind a name", 'CREATE "x" FUNCTION BEGIN;', OF_VERSIONS),
            ("a function behind a sign", "CREATE , PROCEDURE BEGIN;", OF_VERSIONS),
            ("a function behind a text", "CREATE N'x' FUNCTION BEGIN;", OF_VERSIONS),
            ("a function behind letters", 'CREATE U&"x" FUNCTION BEGIN;', OF_VERSIONS),
            ("a function behind a bracket", "CREATE () FUNCTION BEGIN;", OF_VERSIONS),
            ("a function behind a sign's begin", "CREATE U& FUNCTION BEGIN;", OF_VERSIONS),
            ("a function behind a number's end", "CREATE 1x FUNCTION BEGIN;", OF_VERSIONS),
            ("a function behind a variable", "CREATE :x FUNCTION BEGIN;", OF_VERSIONS),
            ("a function behind psql's variable", "CREATE :USER FUNCTION BEGIN;", OF_VERSIONS),
            ("a function behind a question", "CREATE :{?x} FUNCTION BEGIN;", OF_VERSIONS),
            ("a function that replaces", "CREATE OR 1 REPLACE FUNCTION BEGIN;", OF_VERSIONS),
            ("a function that replaces twice", "CREATE OR REPLACE , FUNCTION BEGIN;", OF_VERSIONS),
            ("an end that is a variable", "CREATE FUNCTION f BEGIN :END;", OF_VERSIONS),
            ("an end of a body's", "CREATE FUNCTION f BEGIN ATOMIC :end;", ROWS_OF),
            ("an end in brackets", "CREATE FUNCTION f BEGIN ATOMIC (END);", ROWS_OF),
            ("an end of a number's", "CREATE FUNCTION f BEGIN ATOMIC 1END;", OF_VERSIONS),
            ("a case of a number's", "CREATE FUNCTION f BEGIN ATOMIC 1case END;", OF_VERSIONS),
            ("a body far behind", f"CREATE FUNCTION f(){' ' * 210_000} BEGIN;", OF_VERSIONS),
            ("a body behind lines", f"CREATE FUNCTION f(){' /**/' * 210_000} BEGIN;", OF_VERSIONS),
            ("a body of a number's", "CREATE FUNCTION f 1begin;", OF_VERSIONS),
            ("a body that begins twice", "CREATE FUNCTION f BEGIN ATOMIC BEGIN END;", OF_VERSIONS),
            (
                "a body's label",
                "CREATE FUNCTION f BEGIN ATOMIC SELECT 1 AS case; END;",
                OF_VERSIONS,
            ),
            ("a body of a name's", "CREATE FUNCTION begin() LANGUAGE sql AS '';", OF_VERSIONS),
        )
    },
    "a body that the server ends before psql": (
        (
            "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1 AS case; END;"
            " SELECT lo_export(1, '{file}'); END;\n"
        ),
        OF_VERSIONS,
    ),
    "a body without an end": (
        "CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT lo_export(1, '{file}');\n",
        "in the middle of a statement",
    ),
    "a word to psql in a statement": ("CREATE \\connect copy\n FUNCTION BEGIN;\n", OF_VERSIONS),
    "a statement far behind": (
        f"{' ' * 210_000}COPY t FROM PROGRAM 'touch {{file}}';\n",
        ROWS_OF,
    ),
    "a statement behind comments": (
        f"{'/**/' * 210_000}COPY t FROM PROGRAM 'touch {{file}}';\n",
        ROWS_OF,
    ),
    "a library far behind": (
        f"CREATE FUNCTION f() RETURNS int{' ' * 210_000} LANGUAGE c AS '/tmp/evil.so', 'f';\n",
        "LANGUAGE C",
    ),
    "a library behind a text": (
        f"CREATE FUNCTION f() RETURNS int SET a.b = '{'1' * 210_000}' LANGUAGE c AS '/tmp/x';\n",
        "more than 100 KB",
    ),
    "bodies of functions": (
        (
            "CREATE FUNCTION public.f(n integer, b bit DEFAULT B'1'::\"bit\") RETURNS integer[]\n"
            "    LANGUAGE sql\n    BEGIN ATOMIC\n"
            " INSERT INTO public.t (x) VALUES (n) RETURNING t.x;\n"
            " SELECT CASE\n            WHEN (n > 1) THEN (ARRAY[1, 2, 3])[1:2][n:COALESCE(n, 2)]\n"
            '            ELSE NULL::integer[]\n        END AS "case", $1 AS "end";\n'
            ' WITH w AS (\n         SELECT CASE n WHEN 1 THEN 2 END AS "?column?"\n        )\n'
            "  SELECT '{}'::integer[] FROM w;\nEND;\n"
            "COPY public.t (x) FROM stdin;\na\n\\.\n"
        ),
        LOADED,
    ),
    "procedures and functions": (
        (
            'CREATE OR REPLACE PROCEDURE public."BEGIN"(IN n integer DEFAULT 1)\n'
            "    LANGUAGE plpgsql\n    AS $_$ <<l>> begin n := $1; case when true then"
            " perform 1e5, 'x'::text; end case; end $_$;\n"
            'CREATE FUNCTION public."end"(begin integer) RETURNS integer\n    LANGUAGE sql\n'
            "    RETURN CASE WHEN (begin > 1) THEN 1 ELSE 2 END;\n"
            "COPY public.t (x) FROM stdin;\na\n\\.\n"
            "CREATE TABLE public.u (begin integer, a integer[], b integer DEFAULT 1, x text[]);\n"
            'CREATE VIEW public.v AS\n SELECT u.begin,\n    u.a[1:2] AS "end",\n'
            "    u.a[1:u.b] AS c,\n    u.a[u.b:COALESCE(u.b, 2)] AS d,\n    (u.b)::text AS e,\n"
            "    CASE WHEN u.b = 1 THEN 2 END AS f\n   FROM public.u;\n"
            "CREATE INDEX i ON public.u USING btree (begin);\n"
            "COPY public.u (begin, a) FROM stdin;\n1\t{1,2}\n\\.\n"
        ),
        LOADED,
    ),
    "a function of many words": (
        (
            "CREATE FUNCTION f() RETURNS text\n    LANGUAGE plpgsql\n    AS $$begin\n"
            f"{'-- what it does, at length' * 10_000}\nreturn 'a'; end$$;\n"
            "COPY public.t (x) FROM stdin;\na\n\\.\n"
        ),
        LOADED,
    ),
    # ---- words to psql
    "a program": (SHELL, OF_CLIENT),
    "a program of a copy's": ("\\copy t from program 'touch {file}'\n", OF_CLIENT),
    "a program's output": ("\\set x `touch {file}`\n", OF_CLIENT),
    "a program that takes answers": ("\\o |touch {file}\n", OF_CLIENT),
    "a program of an answer's": ("INSERT INTO t VALUES ('a') \\g |touch {file}\n", OF_CLIENT),
    "a file": ("\\i /etc/passwd\n", OF_CLIENT),
    "a file beside": ("\\ir evil.sql\n", OF_CLIENT),
    "another database": ("\\connect postgres\n", "into the database postgres"),
    "a word that ends it": ("\\q\n", OF_CLIENT),
    "pg_dump's own words": ("\\restrict abc\nCREATE TABLE u (n int);\n\\unrestrict abc\n", LOADED),
    # ---- statements
    "a program of the server's": ("COPY t FROM PROGRAM 'touch {file}';\n", ROWS_OF),
    "a program of the server's, to": ("COPY t TO PROGRAM 'touch {file}';\n", ROWS_OF),
    "a file of the server's": ("COPY t FROM '/etc/passwd';\n", ROWS_OF),
    "a file that is written": ("COPY t TO '{file}';\n", ROWS_OF),
    "a setting of the server's": ("ALTER SYSTEM SET work_mem = '9MB';\n", r"\(ALTER SYSTEM\)"),
    "a role": ("CREATE ROLE evil;\n", r"\(CREATE ROLE\)"),
    "a membership": ("GRANT pg_execute_server_program TO public;\n", r"\(GRANT\)"),
    "a block": ("DO $$ begin create role evil; end $$;\n", r"runs code \(DO\)"),
    "a function that is called": (
        (
            "CREATE FUNCTION f() RETURNS void LANGUAGE sql SECURITY DEFINER"
            " AS 'create role evil';\n"
            "SELECT f();\n"
        ),
        r"none \(SELECT\)",
    ),
    "a library": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE c AS '/tmp/evil.so', 'f';\n",
        r"LANGUAGE C",
    ),
    "a library of a language by its letters": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE U&\"\\0063\" AS '/tmp/evil.so', 'f';\n",
        r"LANGUAGE C",
    ),
    "a library of a language by another sign": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE U&\"x0063\" UESCAPE 'x' AS '/tmp/evil', 'f';\n",
        "LANGUAGE C",
    ),
    "a library of a language without a blank": (
        "CREATE FUNCTION f() RETURNS int LANGUAGE\"c\" AS '/tmp/evil.so', 'f';\n",
        "LANGUAGE C",
    ),
    "a library of a language that is renamed": (
        (
            "ALTER LANGUAGE c RENAME TO d;\n"
            "CREATE FUNCTION f() RETURNS int LANGUAGE d AS '/tmp/evil.so', 'f';\n"
        ),
        r"\(LANGUAGE\)",
    ),
    "a language's owner": ("ALTER LANGUAGE plpgsql OWNER TO postgres;\n", LOADED),
    "a parameter called so": (
        "CREATE FUNCTION f(languagec int) RETURNS int LANGUAGE sql AS 'select 1';\n",
        LOADED,
    ),
    "a library that is loaded": ("LOAD '/tmp/evil.so';\n", r"runs code \(LOAD\)"),
    "a table of the server's": ("UPDATE pg_authid SET rolsuper = true;\n", r"none \(UPDATE\)"),
    "rows of the server's": ("INSERT INTO pg_catalog.pg_authid VALUES (1);\n", BEYOND),
    "a table that is made of a file": (
        "CREATE TABLE u AS SELECT pg_read_file('/etc/passwd');\n",
        BEYOND,
    ),
    "a large object that is written": ("SELECT lo_export(1, '{file}');\n", r"none \(SELECT\)"),
    "another server's rows": (
        "CREATE SUBSCRIPTION s CONNECTION 'host=x' PUBLICATION p;\n",
        "subscribes to another server",
    ),
    "pg_dump's --create": (
        (
            "DROP DATABASE IF EXISTS copy;\nCREATE DATABASE copy WITH TEMPLATE = template0"
            " ENCODING = 'UTF8' LOCALE_PROVIDER = libc LOCALE = 'C.UTF-8';\n\\connect copy\n"
            "CREATE TABLE u (n int);\n"
        ),
        LOADED,
    ),
    "a database that is made in a comment": (
        f"CREATE DATABASE copy --;\n;\n{SHELL}",
        "tells the client",
    ),
    "a database that is made before a program": (
        "CREATE DATABASE copy --;\nCOPY t FROM PROGRAM 'touch {file}';\n",
        "ERROR",
    ),
    "pg_dump's --clean": (
        (
            "SELECT pg_catalog.lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata"
            " WHERE oid = '16425';\n"
        ),
        LOADED,
    ),
    "pg_dump's --quote-all-identifiers": (
        'CREATE FUNCTION f() RETURNS int LANGUAGE "plpgsql" AS $$begin return 1; end$$;\n',
        LOADED,
    ),
    "large objects that are asked more": (
        "SELECT lo_unlink(oid) FROM pg_catalog.pg_largeobject_metadata WHERE f(oid) = '1';\n",
        r"none \(SELECT\)",
    ),
    "an extension": ("CREATE EXTENSION IF NOT EXISTS plpgsql WITH SCHEMA pg_catalog;\n", LOADED),
    "an extension's library": (
        "ALTER DATABASE copy SET session_preload_libraries TO 'evil';\n",
        BEYOND,
    ),
    "an event trigger that has not begun": (
        (
            "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'begin end';\n"
            "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f();\n"
        ),
        LOADED,
    ),
    "a rule of several parts": (
        "CREATE RULE r AS ON UPDATE TO t DO ALSO (INSERT INTO t VALUES ('x'); DELETE FROM t;);\n",
        LOADED,
    ),
    "a zero": (b"INSERT INTO t VALUES ('a\0');\n", "zeros"),
    "CRLF": ("INSERT INTO t VALUES ('a');\r\nCREATE TABLE u (n int);\r\n", LOADED),
}
PG_BY_DAY = (
    "a number before a dollar", "a dollar before an e", "an e and a plain text in a line",
    "rows between brackets", "a bracket that ends too early", "pg_dump's own words",
    "a rule of several parts", "a file that is written", "a function behind a number",
    "an end that is a variable", "a body far behind", "a statement far behind",
    "a body that the server ends before psql", "bodies of functions", "procedures and functions",
)  # fmt: skip


def pg_state(server: Server) -> str:
    """Return what no dump may change of a cluster."""
    return "".join(
        server.psql(f"select * from {each} order by 1", "postgres")
        for each in (
            "pg_auth_members", "pg_file_settings", "pg_db_role_setting", "pg_subscription",
            "(select rolname, rolsuper from pg_roles) r", "(select datname from pg_database) d",
            "(select relname from pg_class where oid > 16384) c",
        )
    )  # fmt: skip


@pytest.fixture
def with_an_older_psql(monkeypatch: pytest.MonkeyPatch) -> None:
    r"""Leave psql to the reader alone, as one that knows no \restrict is."""
    words, of_today = "{ restriction; handed_on; }", sent("load-postgresql")
    assert words in of_today
    older = of_today.replace(words, "{ handed_on; }")
    monkeypatch.setattr("tests.sources.test_bad_restores.sent", lambda _script: older)


@pytest.mark.usefixtures("with_an_older_psql")
@pytest.mark.parametrize("title", mostly_nightly(POSTGRESQL, *PG_BY_DAY))
def test_no_dump_of_postgresql_tells_psql_or_the_server_what_to_do(
    database: Server, tmp_path: Path, title: str
) -> None:
    """Where psql and the reader could part a text differently it is refused; no program runs."""
    text, reason = POSTGRESQL[title]
    file = database.folder / "evil"
    if isinstance(text, str):
        text = text.replace("{file}", str(file)).encode()
    dump = tmp_path / "night.sql"
    dump.write_bytes(b"-- a dump\nCREATE TABLE t (x text);\n" + text)
    database.new_database("copy")
    file.unlink(missing_ok=True)
    before = pg_state(database)
    result = load_postgresql(database, dump)
    assert not file.exists()
    assert pg_state(database) == before, result
    sentence = result.stderr if result.returncode else LOADED
    assert re.search(reason, sentence) if reason else sentence == LOADED, result
    assert bool(database.psql("\\dt", "copy")) is (result.returncode == 0), result


HIDING = {
    "DROP TABLE t --;": "", "DROP TABLE t /*;": "*/", "DROP FUNCTION f(;": "--\n)",
    'DROP TABLE "t;': '--"', 'DROP SCHEMA "public;': '--"', "DROP TABLE $a$;": "--$a$",
    "ALTER TABLE t -- DROP CONSTRAINT a;": "", "ALTER TABLE t DROP CONSTRAINT ';": "--'",
    "DROP FUNCTION f((int);": "--\n)", "SELECT pg_catalog.lo_unlink('1'": ")",
    "CREATE SCHEMA public --;": "",
}  # fmt: skip


@pytest.mark.usefixtures("with_an_older_psql")
def test_what_is_left_out_first_hides_no_statement(database: Server, tmp_path: Path) -> None:
    """What looks like a removal of pg_dump's and goes on in the next line is judged with that."""
    database.new_database("copy")
    before = pg_state(database)
    dump = tmp_path / "night.sql"
    for line, end in HIDING.items():
        dump.write_text(f"-- a dump\n{line}\nCREATE ROLE evil;{end};\nCREATE TABLE t (n int);\n")
        result = load_postgresql(database, dump)
        assert result.returncode != 0, line
        assert pg_state(database) == before, line


def test_many_lines_that_name_the_database_keep_no_reader() -> None:
    """Each is blanked where it stands: to copy their block for each took minutes."""
    reader, parts = reader_of("load-postgresql"), list[bytes]()
    rows = b"COPY t FROM stdin;\n" + b"x" * (8 << 20) + b"\n\\.\n"
    text = b"DROP DATABASE copy;\n\\connect copy\n" * 2000 + rows
    start = time.process_time()
    faults = [reader["fault"](each, "copy") for each in reader["heads"]([text], parts.append)]
    assert time.process_time() - start < 3
    assert not any(faults)
    handed_on = b"".join(parts)
    assert len(handed_on) == len(text)
    assert b"copy" not in handed_on
    assert handed_on.endswith(rows)


PG_PARTS = (
    "CREATE", "CREATE", "OR", "REPLACE", "FUNCTION", "FUNCTION", "PROCEDURE", "BEGIN",
    "BEGIN ATOMIC", "END", "END", "CASE", "case", "f", "1", "1.", "1e", ".", "x", "N", "U&", "B",
    "E", "'a'", '"a"', "$1", "$", "$$a$$", "$a$", "(", ")", "[1:2]", ":", "::", ":=", ":x", ":end",
    ":USER", ":{?x}", ":'x'", ':"x"', "/*", "*/", "/**/", "--", ",", ";", ";", "+", "-", "\r", "\f",
    "\v", "\u00e9", "SELECT", "INSERT INTO t VALUES", "'", '"',
)  # fmt: skip
"""What a statement is made of that psql may end elsewhere."""


@pytest.mark.nightly
@pytest.mark.parametrize("seed", range(2))
def test_no_text_by_chance_is_parted_otherwise_by_psql(database: Server, seed: int) -> None:
    """Behind many a statement that the reader lets through, rows are rows to psql, too."""
    reader, dice = reader_of("load-postgresql"), random.Random(seed)  # noqa: S311
    file = database.folder / "parted"
    sql = [b"CREATE TABLE t (x text);\n"]
    while len(sql) < 3000:
        words = [dice.choice(PG_PARTS) for _ in range(dice.randint(1, 10))]
        blanks = [dice.choice(("", " ", " ", "\n")) for _ in words]
        begin = dice.choice(("CREATE ", "CREATE FUNCTION f ", "CREATE OR REPLACE PROCEDURE f "))
        text = begin + "".join(map(str.__add__, words, blanks))
        rows = f"{text};\nCOPY t FROM stdin;\n\\! touch {file}\n\\.\n".encode()
        heads = reader["heads"]([rows], lambda _part: None)
        if not any(reader["fault"](each, "copy") for each in heads):
            sql.append(rows)

    database.new_database("copy")
    words = ["psql", "-Xq", *database.where, "-U", LOGIN, "-v", "ON_ERROR_ROLLBACK=on", "copy"]
    dump = b"".join([*sql, b"COMMIT;\n"])  # an error ends neither it nor what a BEGIN has begun
    subprocess.run(words, input=dump, capture_output=True, check=False)
    assert not file.exists()
    assert int(database.psql("select count(*) from t", "copy")) == len(sql) - 1


def test_psql_follows_no_word_that_the_reader_has_missed(database: Server) -> None:
    """Where it knows how to be restricted; an older one has the reader alone."""
    script = (SCRIPTS / "load-postgresql").read_text("utf-8")
    function = script[script.index("restriction() {") : script.index("load() {")]
    file = database.folder / "missed"
    client = ["psql", "-Xq", *database.where, "-U", LOGIN, "-v", "ON_ERROR_STOP=1", "postgres"]
    knows = subprocess.run(client, input=b"\\restrict a\n", capture_output=True, check=False)
    if knows.returncode:
        pytest.skip("this psql knows no \\restrict")
    where = {"PGHOST": database.where[1], "PGPORT": database.where[3], "PGUSER": LOGIN}
    words = subprocess.run(
        ["bash", "-c", f"{function}restriction"],
        env={**os.environ, **where}, capture_output=True, check=True,
    ).stdout  # fmt: skip
    assert re.fullmatch(rb"\\restrict [0-9a-f]{48}\n", words)
    result = subprocess.run(
        client, input=words + f"\\! touch {file}\n".encode(), capture_output=True, check=False
    )
    assert (result.returncode != 0, file.exists()) == (True, False)


@pytest.mark.parametrize("script", ["load-mariadb", "load-postgresql"])
def test_a_loader_that_is_sent_alone_says_what_is_missing(script: str) -> None:
    """As playbooks of before do, which know of one file."""
    text = (SCRIPTS / script).read_text("utf-8")
    words = ["bash", "-s", "--", "night.sql", "copy", "15/main"]
    result = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    assert result.returncode == 1
    assert result.stderr == (
        f"files/read-dump is missing, which goes before files/{script}: "
        "send both, the one behind the other\n"
    )

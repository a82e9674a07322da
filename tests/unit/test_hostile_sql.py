"""Whatever a dump holds, what reads it before it is loaded loses no byte, and judges it by itself.

It reads in blocks of lines: where these end changes nothing of what it takes for a statement.
"""

from __future__ import annotations

import re
import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path
from types import ModuleType
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES
from tests.unit.test_hostile_manifests import SCRIPTS

ENDS = {"load-mariadb": "\nSHORT, NAMED = ", "load-postgresql": "\ndump, database, hands_on = "}
"""Where each begins to do what it was asked for."""


@cache
def reader(name: str) -> ModuleType:
    """Return what a loader reads with, as the shell puts it together."""
    shared, loader = ((SCRIPTS / each).read_text("utf-8") for each in ("read-dump", name))
    parts = [shared.partition("bytes_in() {\n  cat <<'PY'\n")[2].partition("\nPY\n")[0]]
    parts.append(
        loader.partition("look() {\n")[2].partition("<<'PY'\n")[2].partition(ENDS[name])[0]
    )
    module = ModuleType(name.replace("-", "_"))
    exec(compile("\n".join(parts), str(SCRIPTS / name), "exec"), vars(module))  # noqa: S102 ours
    return module


WORDS = (
    *(
        b"INSERT INTO `t` VALUES (1,'a;b');",
        b"INSERT INTO t VALUES",
        b"(1)",
        b"'",
        b'"',
        b"`",
        b"\\",
    ),
    *(
        b"/*",
        b"*/",
        b"/*!50003",
        b"/*!999999",
        b"/*M!",
        b"/*M!999999\\- enable the sandbox mode */",
    ),
    *(
        b"-- ",
        b"#",
        b"--",
        b";",
        b";\n",
        b"\n",
        b"\r\n",
        b"\r",
        b" ",
        b"\t",
        b"\v",
        b"DELIMITER ;;\n",
    ),
    *(b";;", b"DELIMITER //", b"//\n", b"CREATE TRIGGER t BEFORE INSERT ON `t` FOR EACH ROW BEGIN"),
    *(b"END", b"CREATE TABLE `t` (a int)", b"USE other;", b"DROP DATABASE other;", b"\\!", b"\\."),
    *(
        b"\\.\n",
        b"COPY t (a) FROM stdin;\n",
        b"COPY t FROM PROGRAM 'x';",
        b"$$",
        b"$a$",
        b"E'",
        b"e'",
    ),
    *(
        b"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC",
        b"BEGIN",
        b"CASE",
        b"(",
        b")",
        b"\\connect x\n",
    ),
    *(
        b"SET sql_mode='ANSI'",
        b"GRANT ALL ON *.* TO x",
        b"DEFINER=`root`@`%`",
        b"\xe9",
        b"\xc3\xa9",
    ),
    *(
        b"SELECT 1",
        b"U&'",
        b":x",
        b"::int",
        b"\\restrict a\n",
        b"quit",
        b"system x",
        b"\0",
        b"x" * 300,
    ),
)
dumps = st.lists(st.sampled_from(WORDS) | st.binary(max_size=4), max_size=25).map(b"".join)


def blocks(content: bytes, cuts: list[int]) -> list[bytes]:
    """Return it in blocks of whole lines."""
    lines, parts = re.findall(rb"[^\n]*\n|[^\n]+\Z", content), []
    at = 0
    for cut in sorted({each % (len(lines) + 1) for each in cuts} | {len(lines)}):
        parts.append(b"".join(lines[at:cut]))
        at = cut
    return [each for each in parts if each]


def of_mariadb(parts: list[bytes], delimiter: bytes) -> list[tuple[bytes, str, bool]]:
    """Return each statement with its beginning, and whether it is one; rows are no exception."""
    its = reader("load-mariadb")
    with patch.object(its.Reader, "rows", lambda *_: None):
        statements = its.Reader(delimiter).statements(iter(parts))
        return [(each.text, each.head, each.is_delimiter) for each in statements]


@settings(max_examples=8 * EXAMPLES)
@given(dumps, st.lists(st.integers(0, 30), max_size=3), st.sampled_from([b";", b";\n"]))
@example(b"SELECT 1;quit\nSELECT 1;", [1], b";")
def test_mariadbs_reader_loses_no_byte_and_parts_by_no_block(
    content: bytes, cuts: list[int], delimiter: bytes
) -> None:
    """A statement ends where it ends, however much of it was there at first."""
    whole = of_mariadb([content], delimiter)
    assert b"".join(text for text, *_ in whole) == content
    assert of_mariadb(blocks(content, cuts), delimiter) == whole


ROWS = (
    *(b"INSERT INTO `t` VALUES (1,'a;b');\n", b"INSERT INTO `t` VALUES\n(1,2),\n", b"(3,'');\n"),
    *(
        b"(3,'\\'');\r\n",
        b"INSERT INTO `t` VALUES",
        b"(1);",
        b" /*! x */",
        b"REPLACE INTO `t` VALUES ",
    ),
    *(
        b"INSERT IGNORE INTO `t` (`a`, `b`) VALUES (",
        b"-- x\n",
        b"'",
        b"''",
        b"DROP TABLE t;\n",
        b")",
    ),
    *(b";\n", b"\\", b"delimiter x\n", b"#", b"--", b"`", b"_binary 'x'", b"\xe9", b"GRANT x;\n"),
)


@settings(max_examples=8 * EXAMPLES)
@given(
    st.lists(st.sampled_from(ROWS) | st.binary(max_size=3), max_size=20).map(b"".join),
    st.lists(st.integers(0, 30), max_size=3),
)
def test_what_mariadbs_reader_takes_for_rows_is_rows_alone(content: bytes, cuts: list[int]) -> None:
    """Of those nothing is looked at any more, so whoever reads them slowly finds nothing else."""
    statements = [*reader("load-mariadb").Reader(b";").statements(iter(blocks(content, cuts)))]
    assert b"".join(each.text for each in statements) == content
    for each in statements:
        for text, head, is_delimiter in of_mariadb([each.text], b";") if each.is_rows else ():
            assert not is_delimiter
            assert re.match(r"(INSERT|REPLACE)( IGNORE)? INTO `\w+`", head) or not text.strip()


@settings(max_examples=4 * EXAMPLES)
@given(dumps, st.sampled_from([None, "tables", "programs", "database"]))
def test_mariadbs_reader_judges_every_statement(content: bytes, part: str | None) -> None:
    """With a reason that can be shown, and nothing of what is refused is handed on."""
    its = reader("load-mariadb")
    parts: list[bytes] = []

    class Client:
        has_some = False
        take = staticmethod(parts.append)

    with patch.object(its, "ask", lambda _: b""):
        dump = its.Dump("shop", Client(), "shop", part)
        for statement in its.Reader(b";\n" if part else b";").statements(iter([content])):
            before = len(dump.faults), len(parts)
            dump.take(statement)
            if len(dump.faults) > before[0]:
                assert len(parts) == before[1]
        for because in dump.faults:
            assert because.isprintable()
            assert len(because) < 300
        with suppress(SystemExit):
            dump.refuse_faults()


def of_postgresql(parts: list[bytes]) -> tuple[list[str], bytes]:
    """Return what each statement begins with, and what is handed on."""
    its = reader("load-postgresql")
    on: list[bytes] = []
    return [*its.heads(iter(parts), on.append)], b"".join(on)


@settings(max_examples=8 * EXAMPLES)
@given(dumps, st.lists(st.integers(0, 30), max_size=3))
@example(b"\x1b[2J;", [])
@example(b"\\\x1b\n", [])
@example(b"\x1c", [])
def test_postgresqls_reader_loses_no_byte_and_parts_by_no_block(
    content: bytes, cuts: list[int]
) -> None:
    """But for the words that are done already, in whose place blanks stand."""
    heads, on = of_postgresql([content])
    assert len(on) == len(content)
    assert all(new in (old, 32) for old, new in zip(content, on, strict=True))
    assert of_postgresql(blocks(content, cuts)) == (heads, on)
    its = reader("load-postgresql")
    for each in heads:
        because = its.fault(each, "shop")
        assert because.isprintable()
        assert len(because) < 300


@settings(max_examples=2 * EXAMPLES)
@given(dumps, st.sampled_from([*ENDS]))
def test_a_file_is_read_in_whole_lines_or_refused(content: bytes, name: str) -> None:
    """Whatever it is packed with by its first bytes, which may be no packing at all."""
    its = reader(name)
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        path = Path(folder, "dump")
        path.write_bytes(content)
        lines = None
        with suppress(SystemExit):
            lines = b"".join(its.blocks_of(path))
    assert lines in (None, content[3 * content.startswith(b"\xef\xbb\xbf") :])


def test_the_readers_ask_for_no_newer_python_than_ansible() -> None:
    """It takes 3.8 on a standby, which has no removeprefix: the first block of every dump."""
    for name in ENDS:
        text = (SCRIPTS / "read-dump").read_text("utf-8") + (SCRIPTS / name).read_text("utf-8")
        assert not re.search(r"\.remove(prefix|suffix)\(", text), name

"""Whatever stands in a dump, in its packing, or in a tool's progress, it is judged or refused."""

from __future__ import annotations

import bz2
import gzip
import lzma
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents
from tests.unit.adapters.test_hostile_answers import BOUNDS

from pradrill.adapters.ansible.tool_progress import tool_progress
from pradrill.adapters.backups.dumps import contents
from pradrill.adapters.backups.dumps.unpacking import Unpacked, UnpackError
from pradrill.app.proposal.contents import Contents, instant_column, of_dump, of_listing
from pradrill.errors import PradrillError
from pradrill.system.command import CompletedCommand

PARTS = st.sampled_from(
    [
        b"-- MariaDB dump 10.19\n", b"-- Dump completed on 2026-03-10\n", b"-- ", b"--", b"/*!*/;",
        b"/*!40101 SET x=1 */;\n", b"\n", b" ", b";", b"SET x;", b"COMMIT;", b"\\unrestrict a\n",
        b"--\n-- PostgreSQL database dump\n", b"-- PostgreSQL database dump complete\n",
        b"mysqldump: Got error: 1", b"pg_dump: error: ", b"CREATE TABLE `a` (\n  `at` timestamp",
        b"\n)", b"PGDMP", b"SQLite format 3\0", b"\0", b"DROP TABLE x;", b"X", b"\xef\xbb\xbf",
        b"-- Host: a    Database: shop\n", b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\0", b"(\xb5/\xfd",
        b"PRAGMA foreign_keys=OFF;\nBEGIN TRANSACTION;\n", b"ROLLBACK; -- due to errors\n",
    ]
) | st.binary(max_size=12)  # fmt: skip
payloads = st.lists(
    st.tuples(PARTS, st.sampled_from([1, 1, 1, 2, 30])).map(lambda pair: pair[0] * pair[1]),
    max_size=12,
).map(b"".join)
packings = st.sampled_from([bytes, gzip.compress, bz2.compress, lzma.compress])


def pieces_of(content: bytes, size: int) -> Iterator[bytes]:
    """Return a content as it comes over a network."""
    return (content[at : at + size] for at in range(0, len(content), size))


@settings(max_examples=6 * EXAMPLES)
@given(payloads, packings, st.binary(max_size=6), st.sampled_from([1, 7, 4_096]))
def test_a_dump_of_any_bytes_is_judged(payload: bytes, pack: Any, rest: bytes, size: int) -> None:
    """What it is packed in is read to the end; what breaks it is a word, and nothing hangs."""
    packed = pack(payload) + rest
    unpacked = Unpacked(pieces_of(packed, size))
    with (
        patch.object(contents, "run", lambda *_, fed, **__: [*fed] and CompletedCommand(0, "", "")),
        suppress(PradrillError, UnpackError),
    ):
        content = contents.judge(unpacked, BOUNDS)
        unpacked.exhaust()
        assert not (content.damage and content.is_complete)
    if pack is bytes and not unpacked.packing:
        unpacked.exhaust()
        assert unpacked.size == len(packed)


@settings(max_examples=3 * EXAMPLES)
@given(payloads, st.lists(st.text(max_size=30), max_size=6))
def test_what_a_backup_holds_is_told_by_its_beginning(head: bytes, paths: list[str]) -> None:
    """Proposals are made of any names and of any head."""
    holdings = of_dump(head)
    assert holdings is None or isinstance(holdings, Contents)
    instant_column(head.decode("utf-8", "replace"))
    of_listing(paths, paths[:1])


PROGRESS = {
    "message_type": "status", "total_bytes": 9, "bytes_restored": 3, "total_files": 4,
    "files_restored": 1, "type": "progress_percent", "current": 1, "total": 9,
}  # fmt: skip


@settings(max_examples=2 * EXAMPLES)
@given(documents(PROGRESS) | st.text(max_size=40).map(lambda text: f"1,234 12% 3MB/s {text}"))
def test_how_far_a_tool_has_come_is_figures_or_nothing(output: str) -> None:
    """No word of a tool's is taken over."""
    words = tool_progress(output)
    assert len(words) < 200
    assert words.isascii()


def test_a_statement_between_two_comments_is_more_than_a_maker_writes() -> None:
    """Behind the end of a dump; and a tail that can be parted in many ways is read at once."""
    dump = b"-- MariaDB dump 10.19\n-- Dump completed on 2026-03-10\n%s\n"
    for tail in (
        b"/*!1 */; DROP TABLE x; /*!2 */;",
        b"/*!*/;" * 500 + b"X",
        b"-- " * 2_000 + b"\nX",
    ):
        content = contents.judge(Unpacked(iter([dump % tail])), BOUNDS)
        assert content.is_complete
        assert content.doubt, tail[:40]
    harmless = b"/*!1 a*b */;/*!2 */;\n-- x\nCOMMIT;"
    assert not contents.judge(Unpacked(iter([dump % harmless])), BOUNDS).doubt

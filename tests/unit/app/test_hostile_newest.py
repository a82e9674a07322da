"""Whatever the newest backup's tool lists of it, a first drill is proposed or refused."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents, texts

from pradrill.app.proposal import newest
from pradrill.app.proposal.contents import Contents, may_be_emptied
from pradrill.app.proposal.place import Place
from pradrill.errors import NotReadyError, PradrillError
from pradrill.system.command import CompletedCommand

PLACES = {
    "restic": Place("restic", {"repository": "/backups/repo", "password": "env:NONE"}),
    "borg": Place("borg", {"repository": "/backups/repo"}),
}
SNAPSHOT = {"struct_type": "snapshot", "paths": ["/srv/moodledata"], "time": "2026-03-10T02:00:00Z"}
NODE = {"struct_type": "node", "type": "file", "path": "/srv/moodledata/version.php"}
of_restic = st.lists(documents(SNAPSHOT, NODE), max_size=4).map("\n".join)
of_borg = st.lists(
    st.builds(
        "{} {}".format,
        st.sampled_from(["-", "d", "l", "", "-\x00"]),
        st.sampled_from(
            ["srv/wp-content/a", "../../etc/passwd", "", "/", "a\\b", "\ud800", "x.sql"]
        )
        | texts,
    ),
    max_size=4,
).map("\n".join)


def contents(tool: str, listing: str, code: int = 0) -> Contents:
    """Return what is read of a listing. Raises PradrillError."""
    with patch.object(newest, "run", lambda *_, **__: CompletedCommand(code, listing, "no")):
        return newest.contents_of(PLACES[tool], str)


@settings(max_examples=6 * EXAMPLES)
@given(st.sampled_from([*PLACES]), of_restic | of_borg | texts, st.sampled_from([0, 0, 0, 1, 2]))
def test_a_listing_of_the_newest_backup_is_read_or_refused(
    tool: str, listing: str, code: int
) -> None:
    """A restore takes no place of a folder's that nobody may empty, whatever is listed."""
    with suppress(PradrillError):
        assert all(may_be_emptied(folder) for folder in contents(tool, listing, code).folders)


HEADS = [b"\x1f\x8b\x08\0", b"\x1f\x8b\x08\0\0\0\0\0\0\x03", b"BZh9", b"\xfd7zXZ\0", b"PGDMP"]


@settings(max_examples=3 * EXAMPLES)
@given(
    st.sampled_from([".sql", ".sql.gz", ".tar", ".tar.gz", ".tar.xz", ".tgz"]),
    st.sampled_from([*HEADS, b""]),
    st.binary(max_size=600),
)
def test_a_newest_dump_of_any_bytes_is_read_or_refused(end: str, head: bytes, rest: bytes) -> None:
    """Packed or not, an archive or none, whole or cut."""
    with tempfile.TemporaryDirectory() as folder, suppress(PradrillError):
        Path(folder, f"moodle-2026-03-10{end}").write_bytes(head + rest)
        newest.contents_of(Place("dumps", {"folder": folder}), str)


@pytest.mark.parametrize("line", ["{", "[]", '{"path": 1}', '{"paths": 1}', "[" * 3_000])
def test_a_line_of_restic_s_that_is_none_is_a_sentence(line: str) -> None:
    """It was a traceback."""
    with pytest.raises(NotReadyError, match="cannot be listed"):
        contents("restic", line)


@pytest.mark.parametrize("end", [".sql.gz", ".tar.gz", ".tar.xz"])
@pytest.mark.parametrize("head", HEADS)
def test_a_cut_dump_is_a_sentence(tmp_path: Path, end: str, head: bytes) -> None:
    """It was a traceback."""
    (tmp_path / f"moodle-2026-03-10{end}").write_bytes(head + b"\x01")
    with pytest.raises(NotReadyError):
        newest.contents_of(Place("dumps", {"folder": str(tmp_path)}), str)

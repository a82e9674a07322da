"""Catalogues of any shape: no traceback, and no figure that is better than the data."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, texts
from tests.unit.adapters.test_hostile_answers import BOUNDS, NOW, SOURCES, saying

from pradrill.adapters.backups.barman import Barman
from pradrill.adapters.backups.borg import Borg
from pradrill.adapters.backups.dumps import checksums
from pradrill.adapters.backups.dumps.source import Dumps
from pradrill.adapters.backups.pgbackrest import PgBackRest
from pradrill.adapters.backups.restic import Restic
from pradrill.domain.declared.backup_source import DumpsSource, Promised, Select
from pradrill.domain.run.backup_catalogue import Catalogue, read
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.errors import NotReadyError, PradrillError
from pradrill.ports import FolderEntry, RecoveryPointSource
from pradrill.system.command import CompletedCommand
from pradrill.testing import FakeClock

DAY = timedelta(days=1)


class Night(NamedTuple):
    """A backup as it was: of which instant, and whether it came to its end."""

    at: datetime
    is_whole: bool


def _nights(ages: dict[int, bool]) -> list[Night]:
    return [Night(NOW - timedelta(minutes=age), whole) for age, whole in ages.items()]


nights = st.dictionaries(st.integers(10, 40 * 1440), st.booleans(), min_size=1, max_size=12).map(
    _nights
)
zones = st.integers(-14 * 60, 14 * 60).map(lambda at: timezone(timedelta(minutes=at)))


def of_restic(history: Sequence[Night], zone: timezone) -> Any:
    """Return what restic lists; it lists whole snapshots alone."""
    whole = (each for each in history if each.is_whole)
    return [
        {"id": f"{number:064x}", "time": each.at.astimezone(zone).isoformat(), "tags": None}
        for number, each in enumerate(whole)
    ]


def of_borg(history: Sequence[Night], _zone: timezone) -> Any:
    """Return what borg lists, in UTC and without a word of it."""
    whole = (each for each in history if each.is_whole)
    return {
        "archives": [
            {
                "name": f"shop-{number}",
                "id": f"{number:064x}",
                "start": each.at.strftime("%Y-%m-%dT%H:%M:%S.000000"),
                "end": each.at.strftime("%Y-%m-%dT%H:%M:%S.000000"),
                "hostname": "shop1",
                "comment": "",
            }
            for number, each in enumerate(whole)
        ]
    }


def of_pgbackrest(history: Sequence[Night], _zone: timezone) -> Any:
    """Return what pgBackRest tells of a stanza; a backup with an error is listed, too."""
    backups = [
        {
            "label": f"{each.at:%Y%m%d-%H%M%S}F",
            "error": not each.is_whole,
            "info": {"size": 4_096},
            "timestamp": {"start": int(each.at.timestamp()), "stop": int(each.at.timestamp())},
            "type": "full",
            "database": {"repo-key": 1},
        }
        for each in history
    ]
    status = {"code": 0, "message": "ok"}
    repository = {"key": 1, "cipher": "none", "status": status}
    return [{"name": "main", "status": status, "repo": [repository], "backup": backups}]


def of_barman(history: Sequence[Night], _zone: timezone) -> Any:
    """Return what Barman lists; what failed and what is under way is listed, too."""
    return {
        "pg1": [
            {
                "backup_id": f"{each.at:%Y%m%dT%H%M%S}",
                "status": "DONE" if each.is_whole else ("FAILED", "STARTED", "EMPTY")[number % 3],
                "end_time_timestamp": str(int(each.at.timestamp())),
                "size_bytes": 4_096,
            }
            for number, each in enumerate(history)
        ]
    }


DOCUMENTS: dict[type, Any] = {
    Restic: of_restic, Borg: of_borg, PgBackRest: of_pgbackrest, Barman: of_barman,
}  # fmt: skip


def holds(catalogue: Catalogue, history: Sequence[Night]) -> None:
    """Assert that what is read of a catalogue is not better than what was."""
    whole = sorted(each.at.replace(microsecond=0) for each in history if each.is_whole)
    assert sorted(point.data_time for point in catalogue.usable()) == whole
    with suppress(NotReadyError):
        reading = read(catalogue, Select(), 90 * DAY, Promised(every=DAY))
        assert reading.selected.data_time == whole[-1]
        gaps = [later - one for one, later in zip(whole, [*whole[1:], NOW], strict=True)]
        assert reading.worst_case.seconds >= max(gaps).total_seconds() - 1


@settings(max_examples=6 * EXAMPLES)
@given(st.sampled_from(SOURCES), nights, zones, st.randoms(use_true_random=False))
def test_a_catalogue_of_a_tools_is_as_good_as_its_backups(
    source: RecoveryPointSource, history: list[Night], zone: timezone, order: Any
) -> None:
    """Whatever was failed, in whatever order and zone: the newest whole one, and the widest gap."""
    order.shuffle(history)
    text = json.dumps(DOCUMENTS[type(source)](history, zone))
    replies = [CompletedCommand(0, text, "")]
    if isinstance(source, Restic):
        replies.append(CompletedCommand(0, "", ""))  # no lock
    with saying(source, *replies):
        holds(source.catalogue(BOUNDS), history)


@settings(max_examples=2 * EXAMPLES)
@given(st.sampled_from(SOURCES), nights, st.sampled_from([2, 3, 101, 255, None]))
def test_what_a_tool_printed_before_it_failed_is_no_catalogue(
    source: RecoveryPointSource, history: list[Night], code: int | None
) -> None:
    """Its exit code decides, however good its words are."""
    text = json.dumps(DOCUMENTS[type(source)](history, UTC))
    with saying(source, CompletedCommand(code, text, "Fatal: half of it")):
        try:
            source.catalogue(BOUNDS)
        except PradrillError:
            return
    raise AssertionError(code)


class Shelf:
    """A folder of dumps that is made up, behind the port Folder."""

    def __init__(self, entries: Sequence[FolderEntry], content: bytes) -> None:
        self._entries = entries
        self._content = content

    def entries(self, path: str) -> Sequence[FolderEntry]:
        """Return them; the folders in it are empty."""
        return self._entries if path.rstrip("/") == "/dumps" else []

    @contextmanager
    def read(self, _path: str) -> Iterator[Iterator[bytes]]:
        """Return the one content that each has."""
        yield iter([self._content])

    def close(self) -> None:
        """Do nothing."""

    def real(self, path: str) -> str:
        """Return the path: no links are in it."""
        return path

    def cut(self) -> None:
        """Do nothing."""

    def local(self, _path: str) -> Path | None:
        """Return that it is not here."""
        return None


def dumps(entries: Sequence[FolderEntry], content: bytes = b"") -> Dumps:
    """Return the source that reads them."""
    fields = {"folder": "/dumps", "names": "moodle-%Y%m%d-%H%M%S.sql", "timezone": "UTC"}
    return Dumps(DumpsSource.model_validate(fields), Shelf(entries, content), FakeClock())


@settings(max_examples=2 * EXAMPLES)
@given(nights, st.sampled_from(["true", "copied"]), st.randoms(use_true_random=False))
def test_a_folder_of_dumps_is_as_good_as_its_dumps(
    history: list[Night], times: str, order: Any
) -> None:
    """Empty ones count for nothing, and a copy's times for nothing either."""
    order.shuffle(history)
    entries = [
        FolderEntry(
            f"moodle-{each.at:%Y%m%d-%H%M%S}.sql",
            is_folder=False,
            size=4_096 * each.is_whole,
            modified=each.at if times == "true" else NOW - timedelta(minutes=6, seconds=-number),
        )
        for number, each in enumerate(history)
    ]
    holds(dumps(entries).catalogue(BOUNDS), history)


names = st.one_of(
    st.sampled_from(
        [
            "moodle-20260310-010000.sql", "moodle-20269910-010000.sql",
            "moodle-00010101-000000.sql", "moodle-99991231-235959.sql",
            "moodle-20260310-010000.sql.sha256", "SHA256SUMS",
            "md5sums.txt", "moodle-20260310-010000.sql.manifest.json", ".sha256", "checksums",
            os.fsdecode(b"caf\xe9"), "moodle-20260310-010000.sql\n", "toc.dat", "\u202e", "-rf",
        ]
    ),
    st.text(min_size=1, max_size=12),
)  # fmt: skip
instants = st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
listings = st.lists(
    st.builds(FolderEntry, names, st.booleans(), st.integers(0, 1 << 50), instants), max_size=8
)
contents = st.one_of(
    st.binary(max_size=200),
    texts.map(lambda text: text.encode("utf-8", "replace")),
    st.lists(
        st.tuples(st.sampled_from(["a" * 64, "A" * 32, "0" * 63, "SHA256 (", "\\", "#"]), names)
    ).map(
        lambda pairs: "\n".join(f"{one}  {name}" for one, name in pairs).encode("utf-8", "replace")
    ),
    st.sampled_from([b"\x1f\x8b\x08", b"BZh9", b"\xfd7zXZ\x00", b"(\xb5/\xfd", b"PGDMP"[:4]]),
)


@settings(max_examples=6 * EXAMPLES)
@given(listings, contents)
def test_a_listing_of_any_shape_is_read_or_refused(
    entries: list[FolderEntry], content: bytes
) -> None:
    """Names, dates and checksums of any kind: no traceback, and none of it is sound."""
    source = dumps(entries, content)
    with suppress(PradrillError):
        for point in source.catalogue(BOUNDS).points:
            with suppress(PradrillError):
                checked = source.check(point, IntegrityPart(1, 1), BOUNDS)
                assert checked.soundness is not Soundness.SOUND


@settings(max_examples=4 * EXAMPLES)
@given(contents, names)
def test_a_file_of_checksums_tells_of_files_or_of_nothing(content: bytes, name: str) -> None:
    """What is read of it is a name below the folder and a digest of its length, or unreadable."""
    text = content.decode("utf-8", "surrogateescape")
    for path, (algorithm, digest) in checksums.sums_in(text, "/dumps", {name}).items():
        assert not path.startswith(("/", "../"))
        assert (algorithm == "") is (digest == "")
        assert not algorithm or algorithm in checksums.KINDS[len(digest)]
    assert len(checksums.sum_beside(text, name)) == 2


def test_a_name_that_is_no_utf_8_costs_its_own_backup_alone() -> None:
    """As borg 1.1 takes from a terminal in Latin-1: no text, and a tool's whole answer before."""
    listing = of_borg([Night(NOW - DAY, is_whole=True), Night(NOW, is_whole=True)], UTC)
    listing["archives"][1] |= {"name": "nuit-?", "barchive": "nuit-\udce9"}
    (borg,) = (each for each in SOURCES if isinstance(each, Borg))
    with saying(borg, CompletedCommand(0, json.dumps(listing), "")):
        catalogue = borg.catalogue(BOUNDS)
    assert [point.id for point in catalogue.usable()] == ["shop-0"]
    assert [line.partition(":")[0] for line in catalogue.unusable()] == ["nuit-?"]

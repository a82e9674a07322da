"""However a dump is packed, cut, changed or blown up, no proof is better than its checksums."""

from __future__ import annotations

import bz2
import gzip
import hashlib
import itertools
import lzma
import random
import struct
import sys
import zlib
from collections.abc import Callable
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES
from tests.unit.adapters.test_hostile_answers import BOUNDS
from tests.unit.adapters.test_hostile_catalogues import Shelf

from pradrill.adapters.backups.dumps import unpacking
from pradrill.adapters.backups.dumps.checksums import Sum
from pradrill.adapters.backups.dumps.soundness import check_file
from pradrill.adapters.backups.dumps.unpacking import Unpacked
from pradrill.domain.run.backup_integrity import Checked, Soundness

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

HEAD, END = b"-- MariaDB dump 10.19\n", b"\n-- Dump completed on 2026-03-10\n"
LITTLE = 64 << 20
"""What is left of a machine's memory, where little is."""


def zst(content: bytes) -> bytes:
    """Pack with a checksum, as zstd does by itself and its library does not."""
    return zstd.compress(content, options={zstd.CompressionParameter.checksum_flag: 1})


def gz(content: bytes) -> bytes:
    """Pack without the time: what is drawn must not hang on it."""
    return gzip.compress(content, mtime=0)


def checked_by(number: int, packed: bytes) -> bytes:
    """Return an .xz file that names another check of its content: the head and the foot agree."""
    flags = bytes([0, number])
    foot = packed[-8:-4] + flags
    return (
        packed[:6]
        + flags
        + struct.pack("<I", zlib.crc32(flags))
        + packed[12:-12]
        + struct.pack("<I", zlib.crc32(foot))
        + foot
        + b"YZ"
    )


def stored(content: bytes, check: int) -> bytes:
    """Pack with xz what it cannot make smaller: a byte of it is a byte of the file."""
    return checked_by(check, lzma.compress(content, check=lzma.CHECK_CRC32, preset=0))


def frame_of(window: int, blocks: int) -> bytes:
    """Return a zstd frame that looks far back and unpacks to as many blocks of 128 KiB of zeros."""
    heads = (((128 << 10) << 3 | 2 | (number == blocks - 1)) for number in range(blocks))
    body = b"".join(struct.pack("<I", head)[:3] + b"\0" for head in heads)
    return b"\x28\xb5\x2f\xfd\x00" + bytes([(window - 10) << 3]) + body


def wide(packed: bytes, dictionary: int) -> bytes:
    """Return an .xz file that asks for another dictionary; 40 is the largest, of 4 GiB."""
    size = (packed[12] + 1) * 4
    head = bytearray(packed[12 : 12 + size - 4])
    head[head.index(b"\x21\x01") + 2] = dictionary
    return packed[:12] + head + struct.pack("<I", zlib.crc32(head)) + packed[12 + size :]


def check(packed: bytes, its: Sum | None = None) -> Checked:
    """Check a file that holds that."""
    return check_file(Shelf([], packed), "/dumps/a", its, BOUNDS)


Pack = Callable[[bytes], bytes]
packings: st.SearchStrategy[Pack] = st.sampled_from([gz, bz2.compress, zst, lzma.compress])
bodies = st.tuples(
    st.binary(max_size=200) | st.sampled_from([b"\0", b"INSERT INTO a;\n"]),
    st.sampled_from([1, 1, 20_000]),
)
"""What a member holds, and how often: it is multiplied once it is drawn."""


@settings(max_examples=4 * EXAMPLES)
@given(
    st.lists(st.tuples(packings, bodies), min_size=1, max_size=3),
    st.sampled_from(["whole", "cut", "padded", "changed", "changed"]),
    st.tuples(st.integers(0, 2**16), st.integers(0, 9)),
    st.binary(max_size=4),
)
def test_a_packing_that_was_changed_is_not_sound(
    members: list[tuple[Pack, tuple[bytes, int]]], way: str, where: tuple[int, int], part: bytes
) -> None:
    """One member or several: what was cut out of it between two of them alone is seen by nobody."""
    contents = [piece * min(times, 300_000 // (len(piece) + 1)) for _, (piece, times) in members]
    contents[0] = HEAD + contents[0]
    contents[-1] += END
    packs = [pack for pack, _ in members]
    packed = b"".join(pack(each) for pack, each in zip(packs, contents, strict=True))
    at = where[0] % (len(packed) + 1)
    changed = packed[:at] + part + packed[at + where[1] :]
    ways = {"whole": packed, "cut": packed[:at], "padded": packed + bytes(8), "changed": changed}
    other = ways[way]

    soundness = check(other).soundness
    if other == packed and len({*packs}) == 1 and b"\0" not in b"".join(contents):
        assert soundness is Soundness.SOUND
    if soundness is Soundness.SOUND:
        content = b"".join(Unpacked(iter([other[:at], other[at:]])).rest())
        assert content in {
            b"".join(some)
            for count in range(1, len(contents) + 1)
            for some in itertools.combinations(contents, count)
        }


@settings(max_examples=2 * EXAMPLES)
@given(st.integers(10, 41), st.integers(1, 300), st.integers(0, 40))
def test_what_asks_for_more_memory_than_there_is_was_not_read(
    window: int, blocks: int, dictionary: int
) -> None:
    """A few bytes may ask for gigabytes: such a file is neither damaged nor sound."""
    for packed in (frame_of(window, blocks), wide(lzma.compress(bytes(blocks)), dictionary)):
        with patch.object(unpacking, "memory_left", return_value=LITTLE):
            unpacked = Unpacked(iter([packed]))
            unpacked.exhaust()
            if unpacked.closed:
                assert "memory" in unpacked.closed
                assert check(packed).soundness is Soundness.UNPROVEN
                its = Sum("sha256", hashlib.sha256(packed).hexdigest())
                assert check(packed, its).soundness is Soundness.SOUND
            else:
                assert check(packed).soundness is not Soundness.SOUND


@pytest.mark.parametrize(
    ("packed", "mebibytes"),
    [(frame_of(31, 9), 2_048), (wide(lzma.compress(HEAD + END), 39), 3_072)],
    ids=["zstd", "xz"],
)
def test_a_window_of_gigabytes_is_refused_with_its_reason(packed: bytes, mebibytes: int) -> None:
    """80 KB of zstd took 2 GB of the machine that checks; of a sum beside it nothing is lost."""
    with patch.object(unpacking, "memory_left", return_value=LITTLE):
        checked = check(packed)
    assert checked.soundness is Soundness.UNPROVEN
    assert f"asks for {mebibytes} MB: more memory than is left" in checked.detail


def test_a_window_that_no_packer_makes_is_damage() -> None:
    """On a machine with memory enough it would be, too."""
    frames = [frame_of(window, 1) for window in (32, 41)]
    frames.append(b"\x28\xb5\x2f\xfd\xe0" + b"\xff" * 8 + frames[0][6:])
    for packed in frames:
        assert check(packed).soundness is Soundness.DAMAGED


def test_what_is_packed_as_usual_is_read_where_little_is_left() -> None:
    """Made with zstd --long or xz -9, no dump is unproven for the machine that checks it."""
    reads = []

    def little() -> int:
        reads.append(LITTLE)
        return LITTLE

    with patch.object(unpacking, "memory_left", little):
        unpacked = Unpacked(iter([frame_of(27, 1) * 3]))
        unpacked.exhaust()
        unpacked.raise_failure()
        assert (unpacked.size, reads) == (3 * (128 << 10), [LITTLE])
        assert check(lzma.compress(HEAD + END, preset=9)).soundness is Soundness.SOUND


def test_a_check_that_nobody_knows_proves_nothing() -> None:
    """The library passes over a check that it does not know: a changed byte was sound."""
    noise = random.Random(1).randbytes(3_000)  # noqa: S311 noise
    content = HEAD + noise.replace(b"\0", b"1") + END
    assert check(stored(content, lzma.CHECK_CRC32)).soundness is Soundness.SOUND

    packed = bytearray(stored(content, 2))
    packed[len(packed) // 2] ^= 1
    unpacked = Unpacked(iter([bytes(packed)]))
    read = b"".join(unpacked.rest())
    unpacked.raise_failure()
    assert len(read) == len(content)
    assert read != content
    assert check(bytes(packed)).soundness is Soundness.UNPROVEN

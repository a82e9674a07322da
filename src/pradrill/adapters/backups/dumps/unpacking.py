"""Unpack a dump's bytes: gzip, zstd, bzip2 and xz check themselves."""

from __future__ import annotations

import bz2
import lzma
import re
import sys
import zlib
from collections.abc import Iterator, Mapping
from typing import Any

from pradrill.system.memory import memory_left

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_HEAD, _TAIL = 4096, 8192
_ZSTD_CHECKSUM = 0b100
_ZSTD_SINGLE = 0b10_0000
_XZ_HEAD = 12
_LZMA2 = re.compile(rb"\x21\x01([\x00-\x28])\x00*$", re.DOTALL)
_XZ_CHECKS = (lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256)
"""A file may name another one: liblzma passes over what it does not know."""
_LONGEST_HEAD = 64
_AT_ONCE = 1 << 20
_SLICE = 1 << 14
_USUAL_WINDOW, _LONGEST_WINDOW = 27, 31  # as far back as zstd and zstd --long=31 look
_USUAL_XZ = 70 << 20  # what xz -9 takes
_SHARE = 4
"""Of the memory left, what unpacking may take beyond: a few bytes can ask for gigabytes."""
_PACKINGS = (
    ("gzip", re.compile(rb"\x1f\x8b")),
    ("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),  # pzstd skips a frame first
    ("bzip2", re.compile(rb"BZh")),
    ("xz", re.compile(rb"\xfd7zXZ\x00")),
)
_PADDED_BEHIND, _PADDED_WITHIN = {"gzip": 1, "bzip2": 1, "xz": 4}, {"xz": 4}
"""What may end with zeros, as from a tape, and go on behind them: how many at a time."""
_CLOSED = (
    ("packed with zip", re.compile(rb"PK(?:\x03\x04|\x05\x06)")),
    ("packed with 7-Zip", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("packed with lz4", re.compile(rb"\x04\x22\x4d\x18|\x02\x21\x4c\x18")),
    ("packed with lzop", re.compile(rb"\x89LZO")),
    ("packed with lzma", re.compile(rb"\x5d\x00\x00")),
    ("packed with RAR", re.compile(rb"Rar!")),
    ("packed with lzip", re.compile(rb"LZIP\x01")),
    ("packed with lrzip", re.compile(rb"LRZI")),
    ("packed with Snappy", re.compile(rb"\xff\x06\x00\x00sNaPpY")),
    ("packed with compress", re.compile(rb"\x1f\x9d")),
    ("packed with zlib", re.compile(rb"x[\x01\x5e\x9c\xda]")),
    ("packed more than once", re.compile(b"|".join(magic.pattern for _, magic in _PACKINGS))),
    ("encrypted with openssl", re.compile(rb"Salted__|U2FsdGVkX1")),
    ("encrypted with age", re.compile(rb"age-encryption\.org/|-----BEGIN AGE ")),
    (
        "encrypted with GnuPG",
        re.compile(
            rb"-----BEGIN PGP MESSAGE|\x8c.\x04|\x84.\x03|\x85..\x03|\xc1.\x03|\xc3.\x04", re.DOTALL
        ),
    ),
    ("text of two bytes a letter (UTF-16)", re.compile(rb"\xff\xfe|\xfe\xff")),
    ("XML", re.compile(rb"(?:\xef\xbb\xbf)?<\?xml")),
)
"""What is not read here, by its first bytes."""

_BROKEN = (zlib.error, OSError, lzma.LZMAError, zstd.ZstdError, EOFError)


class UnpackError(Exception):
    """The packing is broken or cut off."""


class TooLargeError(UnpackError):
    """The packing asks for more memory than this machine has left for it."""

    def __init__(self, message: str, bytes_needed: int = 0) -> None:
        super().__init__(message)
        size = f"{bytes_needed >> 20} MB: " if bytes_needed else ""
        self.demand = f"{size}more memory than is left"


class Unpacked:
    """A stream to be read once. `head` is its beginning, `tail` the end of what was read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        first = b""
        for piece in pieces:
            first += piece
            if len(first) >= _HEAD:
                break

        self.packing = next((name for name, magic in _PACKINGS if magic.match(first)), "")
        self.checksummed = self.packing != ""
        """Each member has a sum that would tell a changed byte, as far as they were read."""
        self.tail = b""
        self.size = 0
        self._failure: UnpackError | None = None
        self._member = b""  # the first bytes of the one that is read
        self._stream = self._unpack(_chain(first, pieces))
        self._first_pieces: list[bytes] = []
        self.head = b""

        while len(self.head) < _HEAD and (piece := next(self._stream, b"")):
            self._first_pieces.append(piece)
            self.head += piece

    @property
    def closed(self) -> str:
        """Return what its content is in, when that is not read here; empty: it is read."""
        if isinstance(self._failure, TooLargeError):
            return f"packed with {self.packing} in a way that asks for {self._failure.demand}"
        return next((name for name, magic in _CLOSED if magic.match(self.head)), "")

    def rest(self) -> Iterator[bytes]:
        """Return what was not read yet; stops where the packing breaks, and remembers it."""
        while self._first_pieces:
            yield self._keep_tail(self._first_pieces.pop(0))
        for piece in self._stream:
            yield self._keep_tail(piece)

    def exhaust(self) -> None:
        """Read to the end."""
        for _ in self.rest():
            pass

    def raise_failure(self) -> None:
        """Raise what ended the stream before its end, if anything did."""
        if self._failure is not None:
            raise self._failure

    def _keep_tail(self, piece: bytes) -> bytes:
        self.tail = (self.tail + piece)[-_TAIL:]
        self.size += len(piece)
        return piece

    def _unpack(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        if not self.packing:
            yield from pieces
            return

        try:
            yield from filter(None, self._members(pieces))
        except (*_BROKEN, MemoryError) as error:
            self._failure = self._failure_of(error)
            for _ in pieces:  # the digest is of the whole file
                pass

    def _failure_of(self, error: Exception) -> UnpackError:
        """Return what an error means: no machine has memory for a window that no packer makes."""
        why = str(error).lower()
        message = f"{self.packing}: {why or 'it is cut off'}"
        window = _memory_of(self.packing, self._member)
        is_damage = self.packing == "zstd" and window > 1 << _LONGEST_WINDOW
        if is_damage or not (isinstance(error, MemoryError) or "memory" in why):
            return UnpackError(message)
        return TooLargeError(message, window)

    def _members(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Unpack one member after another; a member without its end is cut off."""
        most = memory_left() // _SHARE if self.packing in {"zstd", "xz"} else 0
        unpacker, padding = _new(self.packing, most), 0
        for piece in pieces:
            for start in range(0, len(piece), _SLICE):
                left = piece[start : start + _SLICE]
                while left:
                    if unpacker.eof:
                        behind, left = len(left), left.lstrip(b"\0")
                        padding += behind - len(left)
                        if not left:
                            break
                        _raise_for_padding(self.packing, padding, _PADDED_WITHIN)
                        unpacker, padding = _new(self.packing, most), 0

                    self._member = (self._member + left)[:_LONGEST_HEAD]
                    yield from _once(unpacker, left)
                    left = unpacker.unused_data if unpacker.eof else b""
                    if unpacker.eof:
                        self.checksummed &= _has_sum(self.packing, self._member, unpacker)
                        self._member = b""
        if not unpacker.eof:
            raise EOFError
        _raise_for_padding(self.packing, padding, _PADDED_BEHIND)


def _raise_for_padding(packing: str, padding: int, padded: Mapping[str, int]) -> None:
    """Raise EOFError for zeros behind a member where what unpacks it for a restore would stop."""
    unit = padded.get(packing, 0)
    if padding and (unit == 0 or padding % unit):
        msg = "zeros stand behind its end, which its tool does not take"
        raise EOFError(msg)


def _chain(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from pieces


def _new(packing: str, most: int) -> Any:
    """Return what unpacks one member, in that much memory or what is usual."""
    if packing == "gzip":
        return zlib.decompressobj(wbits=31)
    if packing == "bzip2":
        return bz2.BZ2Decompressor()

    if packing == "zstd":
        longest = max(_USUAL_WINDOW, min(_LONGEST_WINDOW, most.bit_length() - 1))
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: longest})
    return lzma.LZMADecompressor(memlimit=max(_USUAL_XZ, most))


def _memory_of(packing: str, member: bytes) -> int:
    """Return how many bytes a member asks for by its first bytes; 0 where they do not tell."""
    if packing == "zstd" and member[4:]:
        return _zstd_window(member[4], member[5:])
    if packing == "xz" and member[_XZ_HEAD:]:
        block = member[_XZ_HEAD : _XZ_HEAD + member[_XZ_HEAD] * 4]  # its checksum follows
        if lzma2 := _LZMA2.search(block):
            bits = lzma2[1][0]
            return (2 | bits & 1) << (bits // 2 + 11)
    return 0


def _zstd_window(descriptor: int, fields: bytes) -> int:
    """Return how far back a zstd frame looks: RFC 8878, 3.1.1.1.2, or all of it at once."""
    if not descriptor & _ZSTD_SINGLE:
        base = 1 << 10 + (fields[0] >> 3) if fields else 0
        return base + (base >> 3) * (fields[0] & 7) if fields else 0
    dictionary = (0, 1, 2, 4)[descriptor & 3]
    size = (1, 2, 4, 8)[descriptor >> 6]
    return int.from_bytes(fields[dictionary : dictionary + size], "little")


def _has_sum(packing: str, member: bytes, unpacker: Any) -> bool:
    """Tell whether a member that was unpacked carries a checksum of its content."""
    if packing == "zstd":
        is_skipped = member[1:4] == b"\x2a\x4d\x18"
        return is_skipped or bool(member[4] & _ZSTD_CHECKSUM)
    return packing != "xz" or unpacker.check in _XZ_CHECKS


def _once(unpacker: Any, packed: bytes) -> Iterator[bytes]:
    """Unpack one slice; what would unpack to too much at once comes in pieces, where it can."""
    if not hasattr(unpacker, "needs_input"):  # zlib: at most a thousand times its slice
        yield unpacker.decompress(packed)
        return

    yield unpacker.decompress(packed, _AT_ONCE)
    while not unpacker.eof and not unpacker.needs_input:
        yield unpacker.decompress(b"", _AT_ONCE)

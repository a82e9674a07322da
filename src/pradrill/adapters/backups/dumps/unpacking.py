"""Unpack a dump's bytes: gzip, zstd, bzip2 and xz check themselves."""

from __future__ import annotations

import bz2
import lzma
import re
import sys
import zlib
from collections.abc import Iterator
from typing import Any

from pradrill.system.memory import memory_left

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_HEAD, _TAIL = 4096, 8192
_ZSTD_CHECKSUM = 0b100
_XZ_CHECKS = (lzma.CHECK_CRC32, lzma.CHECK_CRC64, lzma.CHECK_SHA256)
"""A file may name another one: liblzma passes over what it does not know."""
_MAGIC = 8
_AT_ONCE = 1 << 20
_SLICE = 1 << 14
_LONGEST_WINDOW = 31  # as far back as zstd --long=31 looks
_SHARE = 4
"""Of the memory that is left, what unpacking may take: a few bytes can ask for gigabytes."""
_PACKINGS = (
    ("gzip", re.compile(rb"\x1f\x8b")),
    ("zstd", re.compile(rb"\x28\xb5\x2f\xfd|[\x50-\x5f]\x2a\x4d\x18")),  # pzstd skips a frame first
    ("bzip2", re.compile(rb"BZh")),
    ("xz", re.compile(rb"\xfd7zXZ\x00")),
)
_CLOSED = (
    ("packed with zip", re.compile(rb"PK\x03\x04")),
    ("packed with 7-Zip", re.compile(rb"7z\xbc\xaf\x27\x1c")),
    ("packed with lz4", re.compile(rb"\x04\x22\x4d\x18")),
    ("packed with lzop", re.compile(rb"\x89LZO")),
    ("packed with lzma", re.compile(rb"\x5d\x00\x00")),
    ("packed with RAR", re.compile(rb"Rar!")),
    ("packed with zlib", re.compile(rb"x[\x01\x5e\x9c\xda]")),
    ("packed more than once", re.compile(b"|".join(magic.pattern for _, magic in _PACKINGS))),
    ("encrypted with openssl", re.compile(rb"Salted__")),
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
            return f"packed with {self.packing} in a way that asks for more memory than is left"
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
            why = str(error).lower()
            is_memory = isinstance(error, MemoryError) or "memory" in why
            kind = TooLargeError if is_memory else UnpackError
            self._failure = kind(f"{self.packing}: {why or 'it is cut off'}")
            for _ in pieces:  # the digest is of the whole file
                pass

    def _members(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        """Unpack one member after another; a member without its end is cut off."""
        unpacker, member = _new(self.packing), b""  # and its first bytes
        for piece in pieces:
            for start in range(0, len(piece), _SLICE):
                left = piece[start : start + _SLICE]
                while left:
                    if unpacker.eof:
                        if self.packing == "xz" and not member:
                            left = left.lstrip(b"\0")  # its padding may be followed by more
                        if not any(left):
                            break
                        unpacker = _new(self.packing)

                    member = (member + left)[:_MAGIC]
                    yield from _once(unpacker, left)
                    left = unpacker.unused_data if unpacker.eof else b""
                    if unpacker.eof:
                        self.checksummed &= _has_sum(self.packing, member, unpacker)
                        member = b""
        if not unpacker.eof:
            raise EOFError


def _chain(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from pieces


def _new(packing: str) -> Any:
    if packing == "gzip":
        return zlib.decompressobj(wbits=31)
    if packing == "bzip2":
        return bz2.BZ2Decompressor()

    most = memory_left() // _SHARE
    if packing == "zstd":
        longest = min(_LONGEST_WINDOW, most.bit_length() - 1)
        return zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: longest})
    return lzma.LZMADecompressor(memlimit=most)


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

"""Unpack a dump's bytes: gzip, zstd, bzip2 and xz check themselves."""

from __future__ import annotations

import bz2
import lzma
import sys
import zlib
from collections.abc import Iterator
from typing import Any

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_HEAD, _TAIL = 4096, 8192
_ZSTD_CHECKSUM = 0b100
_AT_ONCE = 1 << 20
_SLICE = 1 << 14
_PACKINGS = {
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "zstd",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
}


class UnpackError(Exception):
    """The packing is broken or cut off."""


class Unpacked:
    """A stream to be read once. `head` is its beginning, `tail` the end of what was read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        first = b""
        for piece in pieces:
            first += piece
            if len(first) >= _HEAD:
                break

        self.packing = next((n for magic, n in _PACKINGS.items() if first.startswith(magic)), "")
        self.checksummed = self.packing not in {"", "zstd"} or (
            self.packing == "zstd" and len(first) > 4 and bool(first[4] & _ZSTD_CHECKSUM)  # noqa: PLR2004 the frame's flags
        )
        self.tail = b""
        self._failure: UnpackError | None = None
        self._stream = self._unpack(_chain(first, pieces))
        self._first_pieces: list[bytes] = []
        self.head = b""

        while len(self.head) < _HEAD and (piece := next(self._stream, b"")):
            self._first_pieces.append(piece)
            self.head += piece

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
        return piece

    def _unpack(self, pieces: Iterator[bytes]) -> Iterator[bytes]:
        if not self.packing:
            yield from pieces
            return

        try:
            yield from filter(None, _members(self.packing, pieces))
        except (zlib.error, OSError, lzma.LZMAError, zstd.ZstdError, EOFError) as error:
            self._failure = UnpackError(f"{self.packing}: {str(error).lower() or 'it is cut off'}")
            for _ in pieces:  # the digest is of the whole file
                pass


def _chain(first: bytes, pieces: Iterator[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    yield from pieces


def _new(packing: str) -> Any:
    if packing == "gzip":
        return zlib.decompressobj(wbits=31)
    return {"zstd": zstd.ZstdDecompressor, "bzip2": bz2.BZ2Decompressor}.get(
        packing, lzma.LZMADecompressor
    )()


def _members(packing: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Unpack one member after another; a member without its end is cut off."""
    unpacker = _new(packing)
    for piece in pieces:
        for start in range(0, len(piece), _SLICE):
            left = piece[start : start + _SLICE]
            while left:
                if unpacker.eof:
                    if not any(left):  # padding of zeros
                        break

                    unpacker = _new(packing)

                yield from _once(unpacker, left)
                left = unpacker.unused_data if unpacker.eof else b""
    if not unpacker.eof:
        raise EOFError


def _once(unpacker: Any, packed: bytes) -> Iterator[bytes]:
    """Unpack one slice; what would unpack to too much at once comes in pieces, where it can."""
    if not hasattr(unpacker, "needs_input"):  # zlib: at most a thousand times its slice
        yield unpacker.decompress(packed)
        return

    yield unpacker.decompress(packed, _AT_ONCE)
    while not unpacker.eof and not unpacker.needs_input:
        yield unpacker.decompress(b"", _AT_ONCE)

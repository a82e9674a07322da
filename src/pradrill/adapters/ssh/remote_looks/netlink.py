"""Ask the kernel for its tables; sent with remote_inventory.py."""

from __future__ import annotations

import errno
import os
import socket
import struct
import sys

from pradrill.adapters.ssh.remote_looks.programs import ASK

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Iterator

ROUTING, NETFILTER = 0, 12  # protocols of netlink
DUMP, FAULT, DONE = 0x301, 2, 3  # what asks for all, an error, the end of an answer
NFT_GETTABLE, GET_ADDRESS, GET_ROUTE, GET_RULE = 0xA01, 22, 26, 34
MOST_MESSAGES = 20_000  # of one answer: a router may know the whole internet
SIZES: dict[int, int] = {socket.AF_INET: 4, socket.AF_INET6: 16}  # bytes of an address
NOT_KNOWN = {errno.EOPNOTSUPP, errno.EAFNOSUPPORT, errno.EPROTONOSUPPORT}  # to this kernel


def messages(protocol: int, kind: int, family: int = 0) -> Iterator[bytes]:
    """Yield what the kernel answers, message by message; raises OSError, also of too many."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as kernel:
        kernel.settimeout(ASK)
        kernel.send(struct.pack("=IHHIIB3x", 20, kind, DUMP, 1, 0, family))
        count = 0
        while count < MOST_MESSAGES:
            answer = kernel.recv(65_536)
            if not answer:
                raise OSError(errno.EIO, "there is no answer", "netlink")
            while answer:
                length, what = struct.unpack_from("=IH", answer)
                if what == DONE:
                    return
                if what == FAULT:
                    code = -struct.unpack_from("=i", answer, 16)[0]
                    raise OSError(code, os.strerror(code), "netlink")
                count += 1
                if count > MOST_MESSAGES:
                    break
                yield answer[16:length]
                answer = answer[length + 3 & ~3 :]
    raise OSError(errno.EFBIG, f"there are more than {MOST_MESSAGES}", "netlink")


def answers(kind: int, size: int) -> Iterator[tuple[bytes, dict[int, bytes]]]:
    """Yield addresses, routes or rules of both families: `size` bytes, and the attributes."""
    for family in SIZES:
        try:
            for message in messages(ROUTING, kind, family):
                rest, attributes = message[size:], {}
                while len(rest) > 3:  # noqa: PLR2004 length and kind
                    length, what = struct.unpack_from("=HH", rest)
                    attributes[what] = rest[4:length]
                    rest = rest[max(length, 4) + 3 & ~3 :]
                if message[0] == family:
                    yield message[:size], attributes
        except OSError as error:
            if error.errno not in NOT_KNOWN:
                raise


def number_in(attributes: dict[int, bytes], what: int) -> int:
    """Return a number of an attribute; nought where it is not given."""
    return int.from_bytes(attributes.get(what, b"")[:4], sys.byteorder)

"""Carry one connection from a guest to another machine of the lab; QEMU starts one per link.

Run as a file, by a bare interpreter: python -I -S relay.py PORT_FILE.
"""

import os
import socket
import sys
from pathlib import Path
from threading import Thread

_CHUNK = 65_536


def main() -> int:
    """Join stdin and stdout with the port that the file names now; 1 when nobody is there."""
    try:
        port = int(Path(sys.argv[1]).read_text(encoding="ascii"))
        far = socket.create_connection(("127.0.0.1", port), timeout=10)
    except (OSError, ValueError):
        return 1

    far.settimeout(None)
    Thread(target=_outwards, args=(far,), daemon=True).start()

    try:
        while data := far.recv(_CHUNK):
            _write(data)
    except OSError:
        return 0

    return 0


def _outwards(far: socket.socket) -> None:
    try:
        while data := os.read(0, _CHUNK):
            far.sendall(data)
        far.shutdown(socket.SHUT_WR)
    except OSError:
        os._exit(0)


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


if __name__ == "__main__":
    sys.exit(main())

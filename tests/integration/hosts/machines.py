"""Machines of a test's own: an sshd in a network and a mount namespace, marked as a standby."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.integration.hosts.sshd import Sshd

from pradrill.domain.run.host import MARKER

_MARKS = Path(MARKER).parent
_MARK = (
    f"mount -t tmpfs none {_MARKS} && cp /etc/machine-id {MARKER} && "
    # A file of its own: else all that runs here would be taken for that machine's.
    f'cp /etc/machine-id {_MARKS}/id && mount --bind {_MARKS}/id /etc/machine-id && exec "$@"'
)


@contextmanager
def network(folder: Path) -> Iterator[Callable[[str], Sshd]]:
    """Return a function that starts a machine by its name; all share one network of their own.

    Their sessions see an /etc/pradrill of their own, and the listeners of nobody else. Takes root.
    """
    number = os.getpid() % 250
    here, there, address = f"pdhere{number}", f"pdthere{number}", f"10.213.{number}.2"
    with ExitStack() as undo:
        _MARKS.mkdir(mode=0o755, exist_ok=True)  # stays: removing it would unmount it elsewhere
        holder = undo.enter_context(
            subprocess.Popen(
                ["unshare", "--net", "sh", "-c", "echo; exec sleep 3600"], stdout=subprocess.PIPE
            )
        )
        undo.callback(holder.kill)
        assert holder.stdout is not None
        holder.stdout.readline()  # it is in its network now
        inside = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
        run_quietly("ip", "link", "add", here, "type", "veth", "peer", "name", there)
        undo.callback(run_quietly, "ip", "link", "delete", here)
        run_quietly("ip", "link", "set", there, "netns", str(holder.pid))
        run_quietly("ip", "address", "add", f"10.213.{number}.1/30", "dev", here)
        run_quietly("ip", "link", "set", here, "up")
        run_quietly(*inside, "ip", "address", "add", f"{address}/30", "dev", there)
        run_quietly(*inside, "ip", "link", "set", there, "up")
        run_quietly(*inside, "ip", "link", "set", "lo", "up")
        wrap = (*inside, "unshare", "--mount", *propagation(), "sh", "-c", _MARK, "sh")

        def start(name: str) -> Sshd:
            home = folder / f"machine-{name}"
            home.mkdir()
            server = Sshd(home, name=name, address=address, wrap=wrap)
            undo.callback(server.stop)
            server.start()
            return server

        yield start


def propagation() -> list[str]:
    """Return what keeps `unshare --mount` from changing a root that is no mount, as in a chroot."""
    plain = subprocess.run(["unshare", "--mount", "true"], capture_output=True, check=False)
    return [] if plain.returncode == 0 else ["--propagation", "unchanged"]


def run_quietly(*words: str) -> None:
    """Run a command that must not fail."""
    subprocess.run(words, check=True, capture_output=True)

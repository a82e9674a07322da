"""Take stock of a standby; sent to it and run there, as root or as a login that may sudo.

Standard library only, Python 3.8 or later, never imported by pradrill. The first argument is this
script itself, for sudo; folders whose files are compared follow, and after an empty one the paths
that must be gone afterwards. Prints lines KIND, VALUE, NAME with tabs between (without a name: the
kind was looked at), or "!KIND" and why it cannot be seen, or not all of it. It reads files and
starts nothing where that will do: on a slow machine starting is what costs. What it prints is read
by domain/run/inventory_answers.py.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys

from pradrill.adapters.ssh.remote_looks.answer import cannot, why
from pradrill.adapters.ssh.remote_looks.containers import containers
from pradrill.adapters.ssh.remote_looks.contents import files
from pradrill.adapters.ssh.remote_looks.databases import databases
from pradrill.adapters.ssh.remote_looks.devices import devices, mounts, open_files
from pradrill.adapters.ssh.remote_looks.firewall import firewall
from pradrill.adapters.ssh.remote_looks.jobs import jobs, units, user_units
from pradrill.adapters.ssh.remote_looks.logins import accounts, keys
from pradrill.adapters.ssh.remote_looks.mail import mails
from pradrill.adapters.ssh.remote_looks.network import addresses, routes, routing, sockets
from pradrill.adapters.ssh.remote_looks.programs import output_of
from pradrill.adapters.ssh.remote_looks.system import packages, settings, sysctls, system

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Callable

PASSWORD: str = globals().get("PASSWORD", "")  # given by who carries it out; never a word
SUDO = ("sudo", "-S", "-k", "-p", "") if PASSWORD else ("sudo", "-n")
UNREADABLE = (ValueError, LookupError, ArithmeticError, struct.error)  # what a line or answer is


LOOKS: dict[tuple[str, ...], Callable[[], None]] = {
    ("user", "group"): accounts,
    ("key",): keys,
    ("package",): packages,
    ("cron",): jobs,
    ("unit",): units,
    ("user_unit",): user_units,
    ("setting",): settings,
    ("system",): system,
    ("device",): devices,
    ("container",): containers,
    ("mail",): mails,
    ("route",): routes,
    ("sysctl",): sysctls,
    ("address",): addresses,
    ("routing",): routing,
    ("mount",): mounts,
    ("socket",): sockets,
    ("database", "account"): databases,
    ("firewall",): firewall,
}
"""What each look tells of: where it fails, nothing is known of any of these."""


def main(itself: str, *roots: str) -> None:
    """Look at each kind; what one look cannot see hinders no other."""
    sys.stdout.reconfigure(errors="backslashreplace")  # type: ignore[union-attr] # names are bytes
    if os.geteuid() != 0 and itself:
        try:
            words = (*SUDO, sys.executable, "-I", "-S", "-c", itself, "", *roots)
            sys.stdout.write(output_of(*words, text=f"{PASSWORD}\n"))
        except (OSError, subprocess.SubprocessError):
            pass  # it sees less, and says so
        else:
            return

    end = roots.index("") if "" in roots else len(roots)
    below, absent = roots[:end], roots[end + 1 :]
    looks: dict[tuple[str, ...], Callable[[], None]] = {
        **LOOKS,
        ("file",): lambda: files(*below),
        ("open_file",): lambda: open_files(*absent),
    }
    for kinds, look in looks.items():
        try:
            look()
        except FileNotFoundError as error:
            blind(kinds, f"{error.filename} is not there")
        except OSError as error:
            blind(kinds, why(error))
        except (*UNREADABLE, subprocess.SubprocessError) as error:
            blind(kinds, error)


def blind(kinds: tuple[str, ...], reason: object) -> None:
    """Print why nothing more of some kinds can be seen."""
    for kind in kinds:
        cannot(kind, reason)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""Look at what starts by itself."""

from __future__ import annotations

import os

from pradrill.adapters.ssh.remote_looks.answer import begin, cannot, line
from pradrill.adapters.ssh.remote_looks.contents import (
    content_of,
    files_below,
    lines_of,
    may_be_there,
    names_in,
    paths_below,
    state_of,
)
from pradrill.adapters.ssh.remote_looks.crontabs import CRONTABS
from pradrill.adapters.ssh.remote_looks.logins import homes

JOBS = (*CRONTABS, "/var/spool/at", "/etc/incron.d", "/var/spool/incron", "/var/spool/fcron")
UNITS = ("/etc/systemd/system", "/etc/systemd/system.control", "/usr/local/lib/systemd")
OTHER_UNITS = ("/run/systemd/system", "/usr/lib/systemd/system")  # an upgrade changes them
ASKED = "asked"  # a line of a service that begins when somebody asks for it
BUS = ("/usr/share/dbus-1/system-services", "/usr/local/share/dbus-1/system-services")
OF_BUS = "SystemdService="
USER_UNITS = ("/etc/systemd/user", "/var/lib/systemd/linger")  # whose run on without a login
OF_USER = "/.config/systemd/user"  # in a home
FCRON, AS_WRITTEN = "/var/spool/fcron/", ".orig"  # beside it is when each job is due, which moves
OF_A_HOME = 500  # files and folders of a user's own units that are looked at


def jobs() -> None:
    """Print files of scheduled jobs, with what tells one content from another."""
    if os.geteuid() != 0:
        cannot("cron", "only root sees the crontabs of others")
    for path in paths_below("cron", *JOBS):
        if path.endswith("/.SEQ"):  # at's count
            continue
        if path.startswith(FCRON) and not path.endswith(AS_WRITTEN):
            continue
        if not line("cron", content_of("cron", path), path):
            return


def units() -> None:
    """Print files of units; those that wait are listed with the services."""
    for path in paths_below("unit", *UNITS):
        if not line("unit", state_of("unit", path), path):
            return
    for path in paths_below("unit", *OTHER_UNITS):
        if not line("unit", "", path):
            return
    bus_services()


def bus_services() -> None:
    """Print the services that the message bus begins when somebody asks, as hostnamectl does."""
    for file in (f"{top}/{name}" for top in BUS for name in names_in(top)):
        try:
            lines = [each for each in lines_of(file) if "\0" not in each]
        except OSError:  # nobody is asked by it
            continue
        for name in (each[len(OF_BUS) :] for each in lines if each.startswith(OF_BUS)):
            paths = (os.path.realpath(f"{top}/{name}") for top in (UNITS[0], OTHER_UNITS[1]))
            for path in filter(os.path.isfile, paths):
                line(ASKED, "", os.path.basename(path))  # noqa: PTH119 pathlib costs time


def user_units() -> None:
    """Print files of units that users start, and who has them without a login."""
    begin("user_unit")
    for path in (each for top in USER_UNITS for each in files_below("user_unit", top)):
        line("user_unit", "", path)
    for home in sorted(homes()):
        units_below(home)


def units_below(home: str) -> None:
    """Print a user's own units: root is led nowhere else by a link, and looks at so many."""
    top = f"{home.rstrip('/')}{OF_USER}"
    if os.path.realpath(top) != os.path.realpath(home).rstrip("/") + OF_USER:
        if may_be_there(top):
            cannot("user_unit", f"{top} leads elsewhere by a link")
        return

    for path in files_below("user_unit", top, OF_A_HOME):
        line("user_unit", "", path)

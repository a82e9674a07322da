"""Look at what starts by itself."""

from __future__ import annotations

import os

from pradrill.adapters.ssh.remote_looks.answer import begin, cannot, line
from pradrill.adapters.ssh.remote_looks.contents import content_of, files_below, may_be_there
from pradrill.adapters.ssh.remote_looks.crontabs import CRONTABS
from pradrill.adapters.ssh.remote_looks.logins import homes

JOBS = (*CRONTABS, "/var/spool/at", "/etc/incron.d", "/var/spool/incron", "/var/spool/fcron")
UNITS = ("/etc/systemd/system", "/usr/local/lib/systemd")
USER_UNITS = ("/etc/systemd/user", "/var/lib/systemd/linger")  # whose run on without a login
OF_USER = "/.config/systemd/user"  # in a home
OF_A_HOME = 500  # files and folders of a user's own units that are looked at


def jobs() -> None:
    """Print files of scheduled jobs, with what tells one content from another."""
    if os.geteuid() != 0:
        cannot("cron", "only root sees the crontabs of others")
    for path in (each for top in JOBS for each in files_below("cron", top)):
        if path.endswith("/.SEQ"):  # at's count
            continue
        if not line("cron", content_of("cron", path), path):
            return


def units() -> None:
    """Print files of units; those that wait are listed with the services."""
    for path in (each for top in UNITS for each in files_below("unit", top)):
        line("unit", "", path)


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

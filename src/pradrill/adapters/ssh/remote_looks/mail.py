"""Look at mail that waits."""

from __future__ import annotations

import os

from pradrill.adapters.ssh.remote_looks.answer import begin, cannot, line
from pradrill.adapters.ssh.remote_looks.contents import MOST, files_below, may_be_there

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Iterator

QUEUES = {
    "/var/spool/postfix": ("maildrop", "incoming", "active", "deferred", "hold"),
    "/var/spool/exim4": ("input",),
    "/var/spool/exim": ("input",),
    "/var/spool/mqueue": ("",),
    "/var/spool/mqueue-client": ("",),
    "/var/spool/clientmqueue": ("",),
    "/var/spool/nullmailer": ("queue",),
}
BODIES = ("-D", "-J")  # of Exim's mails, beside their heads
SENDMAIL, HEAD = "mqueue", "qf"  # what its folders end with, and a mail's head begins with


def mails() -> None:
    """Print mail that waits in a queue of this machine: it goes out once the way is open."""
    begin("mail")
    if os.geteuid() != 0:
        if any(map(may_be_there, QUEUES)):
            cannot("mail", "only root sees what waits")
        return
    waiting = {
        (top, path.rpartition("/")[2])
        for top, folders in QUEUES.items()
        for folder in folders
        for path in mails_below(f"{top}/{folder}".rstrip("/"))
    }
    names = sorted(
        f"{name} in {top}"
        for top, name in waiting
        if (name.startswith(HEAD) if top.endswith(SENDMAIL) else not name.endswith(BODIES))
    )
    if len(names) > MOST:
        cannot("mail", f"more than {MOST} wait")
        return
    for name in names:
        line("mail", "", name)


def mails_below(queue: str) -> Iterator[str]:
    """Yield the path of every file of a queue; of one that is no folder nothing is known."""
    for path in files_below("mail", queue):
        if path != queue:
            yield path
        else:
            cannot("mail", f"{queue} is not a folder")

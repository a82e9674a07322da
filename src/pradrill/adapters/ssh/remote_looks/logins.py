"""Look at who may enter, and as whom."""

from __future__ import annotations

import os

from pradrill.adapters.ssh.remote_looks.answer import cannot, line
from pradrill.adapters.ssh.remote_looks.contents import (
    content_of,
    digest,
    lines_of,
    may_be_there,
    paths_below,
)

PASSWD, SHADOW, GROUP = "/etc/passwd", "/etc/shadow", "/etc/group"
KEYS = ("authorized_keys", "authorized_keys2")
RIGHTS = ("/etc/sudoers", "/etc/sudoers.d", "/etc/ssh/authorized_keys", "/etc/ssh/sshd_config.d")


def accounts() -> None:
    """Print users with ids, home, shell and the password's digest, groups with their members."""
    passwords = {}
    if os.geteuid() == 0 and may_be_there(SHADOW):
        shadows = (each.split(":") for each in lines_of(SHADOW))
        passwords = {each[0]: each[1] for each in shadows if each[1:]}
    for fields in (each.split(":") for each in lines_of(PASSWD)):
        if len(fields) > 6:  # noqa: PLR2004 seven fields
            name, password, *ids = fields[:4]
            state = digest(name, os.fsencode(f"{password}:{passwords.get(name, '')}"))
            line("user", ":".join((*ids, *fields[5:7], state)), name)
    for fields in (each.split(":") for each in lines_of(GROUP)):
        if len(fields) > 3:  # noqa: PLR2004 four fields
            line("group", ":".join(fields[2:4]), fields[0])


def keys() -> None:
    """Print files of keys that open a login, and of what sudo grants, with their digests."""
    if os.geteuid() != 0:
        cannot("key", "only root sees the keys of others")
    paths = [f"{home.rstrip('/')}/.ssh/{name}" for home in sorted(homes()) for name in KEYS]
    for path in (*paths, *paths_below("key", *RIGHTS)):
        content = content_of("key", path)
        if content and not line("key", content, path):
            return


def homes() -> set[str]:
    """Return the folders of all users; no path has a NUL."""
    fields = (each.split(":") for each in lines_of(PASSWD) if "\0" not in each)
    return {each[5] for each in fields if len(each) > 6}  # noqa: PLR2004 seven fields

"""Ask OpenSSH which way leads to a host: aliases and jump hosts of the user's own configuration.

It is asked once, and what it says is frozen: every tool is led there by the run's configuration,
and nothing else of the user's counts.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from pradrill.domain.run.host import Host
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.values.jump_host import hop_of
from pradrill.errors import UNREADABLE, NotReadyError

_DEADLINE = 30  # seconds; the user's configuration may run commands of theirs (Match exec)
_MOST_JUMPS = 5
NOWHERE = Path(os.devnull)
"""What ssh_config names instead of a file of pinned keys, to have none."""


def routes(hosts: Sequence[Host]) -> tuple[Host, ...]:
    """Return hosts as ssh would reach them, each with jump hosts of names that no other has.

    Raises NotReadyError.
    """
    others = {host.name.lower() for host in hosts}
    return tuple(_named_apart(route(host), others) for host in hosts)


def _named_apart(host: Host, others: set[str]) -> Host:
    if host.via is None:
        return host
    name = host.via.name
    choices = (name, *(f"{name}-{number}" for number in range(2, len(others) + 3)))
    free = next(each for each in choices if each.lower() not in others)
    others.add(free.lower())
    via = host.via.model_copy(update={"name": free})
    return host.model_copy(update={"via": _named_apart(via, others)})


def route(host: Host) -> Host:
    """Return the host as ssh would reach it: its address, port, login, key, and by which others.

    What the inventory says outranks the user's configuration, as on ssh's command line. Raises
    NotReadyError.
    """
    return _route(host, host.jump, depth=0)


def hops(host: Host) -> Iterator[Host]:
    """Yield the hosts on the way, first to last, and the host itself."""
    if host.via is not None:
        yield from hops(host.via)
    yield host


def _route(host: Host, jump: str | None, depth: int) -> Host:
    if depth > _MOST_JUMPS:
        raise NotReadyError(
            f"the way to {host.name} leads by more than {_MOST_JUMPS} jump hosts, or in a circle",
            hint="Read it: ssh -v there, and ProxyJump in your ssh_config.",
        )

    words = ["-J", jump] if jump else []
    words += ["-p", str(host.port)] if "port" in host.model_fields_set else []
    words += ["-l", host.user] if host.user else []
    settings = _settings_of(host, words)
    if settings.get("proxycommand", ["none"]) != ["none"]:
        raise NotReadyError(
            f"your ssh_config leads to {host.name} ({host.address}) by a ProxyCommand, which "
            "nobody can prove",
            hint="Write it as ProxyJump: a jump host is pinned and proven like the standby itself.",
        )

    try:
        changes = _changes(host, settings)
        (chain,) = settings.get("proxyjump", ["none"])
        if chain != "none":
            changes["via"] = _via(host, chain, depth)
        return Host.model_validate({**host.model_dump(), **changes})
    except (RuntimeError, *UNREADABLE) as error:  # the former: a home of nobody's, as ~nobody/keys
        raise NotReadyError(
            f"what your ssh_config says of {host.name} ({host.address}) cannot be used",
            hint=f"Look at it: ssh -G {host.address}.",
        ) from error


def _changes(host: Host, settings: dict[str, list[str]]) -> dict[str, Any]:
    """Return what ssh's settings change of a host."""
    return {
        "address": settings["hostname"][0],
        "port": int(settings["port"][0]),
        "user": settings["user"][0],
        "become": None if host.become == settings["user"][0] else host.become,
        "private_key": host.private_key or _own_key(host, settings),
        "key_alias": next(iter(settings.get("hostkeyalias", ())), None),
        "pin_files": _pin_files(settings),
    }


def _via(host: Host, chain: str, depth: int) -> Host:
    """Return the last jump host of a chain, which is reached by those before it."""
    *before, last = chain.split(",")
    match = hop_of(last)
    if match is None:
        raise NotReadyError(
            f"the jump host {last_line(last)} on the way to {host.name} cannot be read",
            hint="Write it as USER@HOST:PORT, several with commas between them.",
        )

    given = {"port": int(match["port"])} if match["port"] else {}
    hop = Host(
        name=f"jump-of-{host.name.replace(':', '-')}",
        address=match["six"] or match["name"],
        user=match["user"],
        **given,
    )
    return _route(hop, ",".join(before) or None, depth + 1)


def _settings_of(host: Host, words: Sequence[str]) -> dict[str, list[str]]:
    """Return what ssh says that it would do, each setting with its values."""
    try:
        process = subprocess.run(
            ["ssh", *words, "-G", "--", host.address],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_DEADLINE,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        output = getattr(error, "stderr", None) or str(error)
        raise NotReadyError(
            f"ssh does not say how it would reach {host.name} ({host.address}): "
            f"{last_line(str(output))}",
            hint=f"Try it: ssh -G {host.address}.",
        ) from error

    settings: dict[str, list[str]] = {}
    for line in process.stdout.splitlines():
        key, _, value = line.partition(" ")
        settings.setdefault(key, []).append(value)
    return settings


def _pin_files(settings: dict[str, list[str]]) -> tuple[Path, ...]:
    """Return the files of pinned keys, the user's first; ssh divides them by blanks.

    None at all is /dev/null, as most write it.
    """
    values = (settings.get(f"{whose}knownhostsfile", []) for whose in ("user", "global"))
    names = (name for each in values for value in each for name in re.split(" (?=[/~])", value))
    return tuple(NOWHERE if name == "none" else Path(name).expanduser() for name in names)


def _own_key(host: Host, settings: dict[str, list[str]]) -> Path | None:
    """Return the key that the configuration names for the host; none of those ssh always tries.

    The word "none" names no file.
    """
    usual = _usual_keys(host)
    names = [each for each in settings.get("identityfile", ()) if each.lower() != "none"]
    keys = [Path(each).expanduser() for each in names if each not in usual]
    return next((key for key in keys if key.exists()), keys[0] if keys else None)


def _usual_keys(host: Host) -> list[str]:
    return _settings_of(host, ["-F", "/dev/null"]).get("identityfile", [])

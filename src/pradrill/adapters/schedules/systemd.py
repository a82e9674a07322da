"""Write a timer of systemd and its service, which may do little else than drills.

The service runs as the user whose the state directory is, with that user's keys to read. It sees
the system read-only, its home read-only too, and writes into the state directory. The packages ship
the same two units, made here when they are built; what is written to /etc goes before those.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from pradrill.errors import ConfigurationError, PradrillError
from pradrill.system.durable_files import write_whole
from pradrill.system.tools import tool

SERVICE = "pradrill.service"
TIMER = "pradrill.timer"
MARK = "# Written by pradrill schedule install; pradrill schedule remove takes it away.\n"
UNITS = Path("/etc/systemd/system")
CALL = ("due", "--run", "--scheduled")
"""What is called each hour: what is due, and what is still to be tried again."""
_DEFAULT_STATE = Path("/var/lib/pradrill")
_READABLE = 0o644


class ServiceSettings(NamedTuple):
    """What a service of systemd is told."""

    command: Sequence[str]
    user: str
    state: Path
    writes: Sequence[Path]
    """Folders beside the state directory, as the one where heads are published."""

    @property
    def uses_tmp(self) -> bool:
        """Tell whether something lies in /tmp, which a service with its own would not see."""
        return any(word.startswith(("/tmp/", "/var/tmp/")) for word in self.command)  # noqa: S108


def units(settings: ServiceSettings, mark: str = MARK) -> dict[str, str]:
    """Return the files of the service and of its timer, each with a line that says whose it is."""
    return {SERVICE: mark + "\n".join(_service(settings)) + "\n", TIMER: mark + _TIMER}


def packaged_units() -> dict[str, str]:
    """Return the files that a package ships: for root, with the plan in /etc/pradrill."""
    words = ("/usr/bin/pradrill", "--drills", "/etc/pradrill/drills", "--state", _DEFAULT_STATE)
    settings = ServiceSettings([*map(str, words), *CALL], "root", _DEFAULT_STATE, ())
    return units(
        settings, "# Of the package; pradrill schedule install knows where a plan writes.\n"
    )


_TIMER = """\
[Unit]
Description=Every hour: are recovery drills due?

[Timer]
OnCalendar=hourly
RandomizedDelaySec=5min
Persistent=true

[Install]
WantedBy=timers.target
"""

_HARDENED = """\
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
DevicePolicy=closed
DeviceAllow=/dev/kvm rw
ProtectClock=yes
ProtectHostname=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
AmbientCapabilities=
UMask=0077"""


def _service(settings: ServiceSettings) -> Iterator[str]:
    yield "[Unit]"
    yield "Description=Recovery drills that are due"
    yield "Wants=network-online.target"
    yield "After=network-online.target"
    yield ""
    yield "[Service]"
    yield "Type=oneshot"
    yield f"ExecStart={' '.join(map(_quoted, settings.command))}"
    yield f"User={settings.user}"
    yield "# What the plan names as env:NAME; nothing of a shell is here. Mode 0600."
    yield "EnvironmentFile=-/etc/default/pradrill"
    yield "# A drill takes as long as it takes, and is torn down before it is stopped."
    yield "TimeoutStartSec=infinity"
    yield "TimeoutStopSec=1h"
    yield "KillMode=mixed"
    if settings.state == _DEFAULT_STATE:
        yield "StateDirectory=pradrill"
        yield "StateDirectoryMode=0700"
    else:
        yield f"ReadWritePaths={_quoted(str(settings.state), dollar='$')}"
    for folder in settings.writes:
        yield f"ReadWritePaths=-{_quoted(str(folder), dollar='$')}"
    if not settings.uses_tmp:
        yield "PrivateTmp=yes"
    yield _HARDENED
    # root without capabilities could not read backups of other users
    reading = "CAP_DAC_READ_SEARCH" if settings.user == "root" else ""
    yield f"CapabilityBoundingSet={reading}"


def _quoted(word: str, *, dollar: str = "$$") -> str:
    """Return a word as systemd reads it: per cent and dollar signs stand for nothing else.

    `dollar`: how it is written there; only command lines are expanded.
    """
    if not word.isprintable():
        raise ConfigurationError(
            f"systemd takes no line feed and no control character: {word!r}",
            hint="Give the folder another name.",
        )
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", dollar)
    plain = escaped.replace("/", "").replace("-", "").replace("_", "").replace(".", "").isalnum()
    return escaped if plain else f'"{escaped}"'


def differing(files: dict[str, str], folder: Path) -> list[str]:
    """Return the names of the units that are not there as they are to be.

    Raises ConfigurationError when one is there that somebody else wrote.
    """
    names = []
    for name, content in files.items():
        present = _content(folder / name)
        if present and not present.startswith(MARK):
            raise ConfigurationError(
                f"{folder / name} is there and is not ours",
                hint="Move it away, or use --crontab.",
            )
        if present != content:
            names.append(name)
    return names


def write_units(files: dict[str, str], folder: Path) -> None:
    """Write the units, and start the timer where systemd runs. Raises PradrillError."""
    for name, content in files.items():
        try:
            write_whole(folder / name, content.encode(), _READABLE)
        except OSError as error:
            raise PradrillError(
                f"cannot write {folder / name}: {error.strerror}",
                hint="Do it as root, or use --crontab.",
            ) from error
    if _is_in_charge(folder):
        tool("systemctl", "daemon-reload")
        tool("systemctl", "enable", "--force", "--now", TIMER)  # a package's may be enabled


def remove_units(folder: Path) -> list[Path]:
    """Stop the timer, also a package's, and take our units away; return what was taken away."""
    paths = [folder / name for name in (TIMER, SERVICE) if _content(folder / name).startswith(MARK)]
    enabled = [link] if (link := _link(folder)).is_symlink() else []
    if (paths or enabled) and _is_in_charge(folder):
        tool("systemctl", "disable", "--now", TIMER)
    for path in paths:
        try:
            path.unlink()
        except OSError as error:
            raise PradrillError(f"cannot remove {path}: {error.strerror}") from error
    if paths and _is_in_charge(folder):
        tool("systemctl", "daemon-reload")
    return paths or enabled


def is_enabled(folder: Path) -> bool:
    """Tell whether the timer is started with the machine, ours or a package's."""
    return _link(folder).is_symlink()


def _link(folder: Path) -> Path:
    """Return where systemctl says that the timer is enabled."""
    return folder / "timers.target.wants" / TIMER


def is_running_systemd() -> bool:
    """Tell whether systemd has started this machine."""
    return Path("/run/systemd/system").is_dir()


def _is_in_charge(folder: Path) -> bool:
    return folder == UNITS and is_running_systemd()


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""

"""Mark what a run starts on a standby, so that it is found and ended."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping
from typing import Any

from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code

MARK = "PRADRILL_SCOPE"
"""In the environment of all that a run starts on a standby: RUN:PID of the command it is from."""

LOGIN_SHELL = '"$SHELL" -c'
"""What runs a command as the login does, whatever shell reads these words."""

_EXPORT = f'export {MARK}="{{run_id}}:$$" SHLVL=2; exec'
# Bash reads .bashrc, which may print, in the first shell of a connection: that one is none.
_POSIX_SHELLS = {"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh"}


def is_posix(shell: str) -> bool:
    """Tell whether a login's shell, by its path, reads what sh reads."""
    return shell.rpartition("/")[2] in _POSIX_SHELLS


def beginning(run_id: str, *, posix: bool) -> str:
    """Return the words before a shell and its command, so that they carry the run's mark.

    Where what reads them is `posix` it becomes that shell; otherwise one more is between, after
    words that any shell reads. A program that is started anew shows its environment in /proc: a
    shell that has only exported the mark would not.
    """
    export = _EXPORT.format(run_id=run_id)
    return export if posix else shlex.join(["/bin/sh", "-c", f'{export} "$@"', "sh"])


def marked(run_id: str, command: str) -> str:
    """Return a command for sh that carries the run's mark; as it is where none is needed."""
    if not run_id:
        return command
    return f"{beginning(run_id, posix=True)} /bin/sh -c {shlex.quote(command)}"


class Stray(Model):
    """A process on a standby that nothing which was there before answers for."""

    pid: int
    name: str
    start: int
    """In ticks since boot: with the pid it tells a process from every other one."""

    def __str__(self) -> str:
        """Return it as people look for it."""
        return f"{self.name} ({self.pid})"


class MarkedProcess(Model):
    """A process on a standby, and the run whose mark it carries."""

    run: str
    process: Stray


class Strays(Model):
    """What was found of a run's processes on a host, and of others that nobody answers for."""

    ours: tuple[Stray, ...] = ()
    """Of the run; they were told to end."""
    stayed: tuple[Stray, ...] = ()
    """Those of the run that could not be ended."""
    others: tuple[Stray, ...] = ()
    """New, without the mark, of no service and of nobody's login; left alone."""

    @property
    def any(self) -> bool:
        """Tell whether there were any."""
        return bool(self.ours or self.others)

    def leaves(self, later: Strays) -> tuple[Reason, ...]:
        """Say what is left behind, this having been seen first and `later` some seconds after."""
        stayed = set(later.stayed)
        return (
            *(
                reason(
                    Code.PROCESS_STAYED if each in stayed else Code.PROCESS_ENDED,
                    process=str(each),
                )
                for each in dict.fromkeys((*self.ours, *later.ours))
            ),
            *(
                reason(Code.PROCESS_NEW, process=str(each))
                for each in later.others
                if each in self.others  # one that comes and goes by itself is not left
            ),
        )


def strays_of(payload: Mapping[str, Any], plain: Callable[[str], str]) -> Strays:
    """Read what a host says of its processes; `plain` makes a name fit to print."""
    fields = {
        key: tuple(
            Stray(pid=pid, name=plain(name), start=start) for pid, name, start in payload[key]
        )
        for key in Strays.model_fields
    }
    return Strays(**fields)

"""Look at hosts over SSH."""

from __future__ import annotations

import hmac
import json
import re
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from pradrill.adapters.ssh.connection import Channel
from pradrill.adapters.ssh.interpreter import TOO_LONG, LoginShellError, Script, SshReply, source
from pradrill.adapters.ssh.reach import answers_of, unknown
from pradrill.adapters.ssh.sessions import LateError, Sessions
from pradrill.domain.declared.drill import Canary, NewestData
from pradrill.domain.run import host_answers as host_words
from pradrill.domain.run import mending
from pradrill.domain.run.guard import Reached
from pradrill.domain.run.host import (
    MARKER,
    Host,
    HostFacts,
    HostState,
    LoginFault,
    MarkerFault,
    Site,
    Surroundings,
)
from pradrill.domain.run.inventory_answers import inventory, nothing_seen
from pradrill.domain.run.scope import MARK, MarkedProcess, Stray, Strays, marked, strays_of
from pradrill.domain.run.standby_inventory import StandbyInventory
from pradrill.domain.values.identity import is_machine_id
from pradrill.domain.values.instant_text import parse_instant
from pradrill.domain.values.quotas import ANSWER, megabytes
from pradrill.domain.values.timeline import Skew
from pradrill.errors import UNREADABLE, NotReadyError, PradrillError
from pradrill.ports import Clock

_LOOK = 30.0  # seconds for a light command
_REACH = 60.0  # seconds for remote_reach.py, which has shorter limits of its own
_ROUNDS = 8
_LONGEST_VALUE = 65_536  # bytes that a command of the drill's may print
_TIMED_OUT, _KILLED = 124, 137  # exit codes of timeout(1)
_REPLACED = "\N{REPLACEMENT CHARACTER}"  # what bytes that are no text are read as
_SUDO_ASKED = ("a password is required", "authentication is required")  # sudo's, and sudo-rs's
_NO_TERMINAL = "you must have a tty"
_NOT_FOUND = "command not found"
_BOUNDED = "env timeout -k 1"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_MACHINE_ID = "cat /etc/machine-id 2>/dev/null || :"
_KEYS = "cat /etc/ssh/ssh_host_*_key.pub 2>/dev/null || :"
_ADDRESSES = (
    "if command -v ip >/dev/null; then ip -o addr show; "
    "else cat /proc/net/fib_trie; cat /proc/net/if_inet6 2>/dev/null || :; fi"
)
_LOGIN_SHELL = 'printf %s "${SHELL-}"'
# Runs a drill's commands; it reads other files than a login's first shell: BASH_ENV's, .zshenv.
_INNER_SHELL = (
    'words=$(SHLVL=2 "${SHELL:-/bin/sh}" -c "exit 0" 2>&1 </dev/null) || '
    """printf '%s\\n%s' "$?" "$(printf '%s' "$words" | tail -n 1)\""""
)
_SHARED = ("/var/tmp", "/tmp", "/dev/shm")  # noqa: S108 under a name that nobody guesses
# Where Ansible may lay its files when it may not at the login's home: most modules need a place.
_SCRATCH = """top=$(eval "printf %s ~$(id -un)")/.ansible/tmp
case $top in /*) ;; *) top=${HOME:-}/.ansible/tmp ;; esac  # a name that the shell does not know
while [ -n "$top" ] && ! [ -e "$top" ]; do case $top in */*) top=${top%/*} ;; *) top= ;; esac; done
top=${top:-/}
if ! [ -w "$top" ]; then
  for each in {}; do if [ -w "$each" ]; then printf %s "$each"; break; fi; done
fi""".replace("{}", " ".join(_SHARED))
# Whether errors go where the output goes: as sh's parent, Python still has what the login gave it.
_ONE_STREAM = 'if [ "/proc/$PPID/fd/1" -ef "/proc/$PPID/fd/2" ]; then echo one; fi'
_LISTENERS = "cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | grep ' 0A '"
# A service that begins without end, or again and again, is never active.
_UNITS = (
    "if [ -d /run/systemd/system ]; then "
    "systemctl list-units --type=service,timer,socket,path --state=active,activating,reloading "
    "--plain --no-legend --no-pager --full; fi"
)
# Prints the number of each path that exists, "N?" where the login may not look.
_PRESENT = """n=0
for path; do
  if [ -e "$path" ] || [ -L "$path" ]; then echo "$n"
  else
    above=${path%/*}
    while [ -n "$above" ] && ! [ -e "$above" ]; do above=${above%/*}; done
    [ -x "${above:-/}" ] || echo "$n?"
  fi
  n=$((n+1))
done"""
_FREE = """for path; do
  while [ -n "$path" ] && ! [ -e "$path" ]; do path=${path%/*}; done
  df -Pk "${path:-/}" | tail -n 1
done"""
_USED = re.compile(r"^(.{1,4096}?)(?<! ) +(\d{1,15}) +(\d{1,15}) +\d+ +(?:\d+%|-) /", re.MULTILINE)
_NEXT = "\nprintf '\\0'\n"
_STRAYS, _INVENTORY = "remote_strays.py", "remote_inventory.py"
_UNFIT = {"csh", "tcsh", "rbash", "rksh", "rksh93", "rzsh", "lshell", "git-shell"}
"""Shells that read another language, and those that run no program by its path."""
_IDENTITY = (_MACHINE_ID, _KEYS, _ADDRESSES, _SCRATCH, _LOGIN_SHELL, _INNER_SHELL, _ONE_STREAM)
_STATE = (_UNITS, _LISTENERS, "cat /proc/self/mounts", _PRESENT)
_AVAILABLE = re.compile(r" (\d+) +(?:\d+%|-) ")
_LONGEST_GREETING = 64 * 1024
_TIME = """while read -r _; do date "+$1 %s.%N"; done"""


class SshProbe:
    """Looks at hosts; one connection a host is kept, and opened again when it has died."""

    def __init__(
        self, clock: Clock, resolve: Callable[[str], str], sessions: Sessions | None = None
    ) -> None:
        self._clock = clock
        self._resolve = resolve
        self._sessions = sessions or Sessions()

    def facts(self, host: Host, site: Site) -> HostFacts:
        """Return what the host says of itself, and its clock's skew."""
        with _understanding(host, "identity"):
            looks = [_shell(_IDENTITY), Script("remote_marker.py", [MARKER])]
            identity, marking = self._sessions.scripts(host, site, looks, _LOOK)
            parts = _answers(host, "identity", identity, len(_IDENTITY))
            machine_id, keys, addresses, scratch, shell, inner, streams = parts
            shell = _known_shell(host, shell)
            spoiling = self._sessions.spoiling(host, site)
            marker = _marker(host, marking)
            with self._sessions.clock(host, site, _LOOK) as ask:
                skew = self._shortest(host, ask)

            return HostFacts(
                host=host.name,
                host_key=self._sessions.host_key(host, site),
                other_keys=host_words.public_keys(keys),
                machine_id=machine_id.strip() if is_machine_id(machine_id.strip()) else "",
                marker=marker.content,
                marker_fault=marker.fault,
                marker_fault_at=marker.at,
                peer=self._sessions.peer(host, site),
                addresses=host_words.addresses(addresses),
                shell=shell,
                login_fault=_login_fault(host, shell, inner, streams, spoiling),
                scratch=_scratch(scratch),
                skew=skew,
            )

    def check_become(self, host: Host, site: Site) -> None:
        """See that the login becomes as whom all is carried out there. Raises NotReadyError."""
        user = host.become or "root"
        if (host.become or host.password) is None or host.user == user:
            return
        # As a command of the drill's: sudo may allow some programs alone, or find others. In the
        # language of which the words tell which hint fits.
        command = f"LC_ALL=C {_sudo(host, user)} {_BOUNDED} 20 sh -c 'exit 0'"
        reply = self._sessions.script(host, site, "remote_reason.py", [command], _LOOK, sudo=True)
        if reply.code != 0:
            raise _not_become(host, user, host_words.last_line(reply.err))

    def state(
        self, host: Host, site: Site, paths: Sequence[str], unchanged: Sequence[str] = ()
    ) -> HostState:
        """Return what could be left: the `paths` there, files below `unchanged`."""
        stock = [source(_INVENTORY), *unchanged, "", *paths]
        looks = [_shell(_STATE, *paths), Script(_STRAYS, [json.dumps({"before": True})])]
        looks += [Script(_INVENTORY, stock, sudo=True)] if site.run_id else []
        with _understanding(host, "state"):
            state, processes, *inventories = self._sessions.scripts(host, site, looks, _LOOK)
            units, ports, mounts, there = _answers(host, "state", state, len(_STATE))
            running = _processes(host, processes)

            return HostState(
                listening=host_words.listening(ports),
                services=host_words.services(units),
                mounts=host_words.mounts(mounts),
                present=tuple(_present(host, paths, there)),
                uptime=running["uptime"],
                boot=host_words.last_line(running["boot"]),
                daemons=tuple(sorted(map(host_words.last_line, running["daemons"]))),
                inventory=_inventory(inventories[0], units) if inventories else None,
            )

    def end_strays(
        self,
        host: Host,
        site: Site,
        before: HostState | None,
        *,
        commands: bool,
        younger: float = 0.0,
    ) -> Strays:
        """End what the run has started there; `commands`: only what still has its shell.

        And, then too, what is younger than so many seconds.
        """
        request = {
            "before": False,
            "mark": MARK,
            "run": site.run_id,
            "since": before.uptime if before else None,
            "boot": before.boot if before else "",
            "daemons": before.daemons if before else (),
            "commands": commands,
            "younger": younger,
        }
        with _understanding(host, "processes"):
            return strays_of(self._ask_processes(host, site, request), host_words.last_line)

    def marked(self, host: Host, site: Site) -> Sequence[MarkedProcess]:
        """Return every process there that a run has started and that goes on."""
        with _understanding(host, "processes"):
            plain = host_words.last_line
            request = {"all": True, "mark": MARK}
            processes = self._ask_processes(host, site, request)["marked"]
            return [
                MarkedProcess(
                    run=plain(str(run))[:200], process=Stray(pid=pid, name=plain(name), start=start)
                )
                for run, pid, name, start in processes
            ]

    def reaches(self, host: Host, site: Site, endpoints: Sequence[str]) -> Mapping[str, Reached]:
        """Try to connect from inside the host; endpoint → what came of it.

        The host's own SSH port is tried first: unless that is open, every answer is unknown.
        """
        words = [*(["--unnoticed"] if site.counted else []), *endpoints]
        try:
            reply = self._sessions.script(host, site, "remote_reach.py", words, _REACH)
        except LoginShellError as error:
            return dict.fromkeys(endpoints, unknown(error.message))
        if reply.code != 0:
            because = f"exit code {reply.code}, {host_words.last_line(reply.err)}"
            return dict.fromkeys(endpoints, unknown(because))

        return answers_of(endpoints, reply.out)

    def surroundings(self, host: Host, site: Site, paths: Sequence[str]) -> Surroundings:
        """Return the room that is left where the `paths` lie or would lie, and the time zone."""
        with _understanding(host, "surroundings"):
            looks = [_shell(("date +%Z", _FREE), *paths)]
            (reply,) = self._sessions.scripts(host, site, looks, _LOOK)
            zone, free = _answers(host, "surroundings", reply, 2)
            sizes = [int(each) * 1024 for each in _AVAILABLE.findall(free)]
            return Surroundings(
                time_zone=host_words.last_line(zone), free=dict(zip(paths, sizes, strict=True))
            )

    def used(self, host: Host, site: Site, paths: Sequence[str]) -> Mapping[str, int]:
        """Return the bytes in use of each filesystem that the `paths` lie on or would.

        Two paths on one filesystem are told once: by its name and its size.
        """
        with _understanding(host, "used space"):
            (reply,) = self._sessions.scripts(host, site, [_shell((_FREE,), *paths)], _LOOK)
            (lines,) = _answers(host, "used space", reply, 1)
            filesystems = _USED.findall(lines)
            return {f"{name} {size}": int(used) * 1024 for name, size, used in filesystems}

    def read_instant(self, host: Host, site: Site, newest: NewestData) -> datetime:
        """Run the command (by sh), read its answer; raises PradrillError unless it is an instant.

        The host ends the command too at the deadline: a query does not outlive the drill.
        """
        assert newest.command is not None  # noqa: S101 otherwise a playbook hands the value back
        what = "newest data's command"
        reply = self._command(host, site, what, newest.command, newest.deadline)
        if reply.code != 0:
            raise PradrillError(
                f"the {what} on {host.name} ended with exit code {reply.code}: "
                f"{host_words.last_line(reply.err)}",
                hint="Run it by hand on the standby as the same user.",
            )

        return parse_instant(reply.out, newest.format, newest.timezone)

    def same_canary(self, host: Host, site: Site, canary: Canary) -> bool:
        """Compare what the command prints with the planted value, a last line feed aside.

        Neither appears anywhere: of a command that fails, not even its last words are quoted.
        """
        planted = self._resolve(canary.expect).removesuffix("\n")
        if not planted or _REPLACED in planted:
            raise NotReadyError(
                f"the canary {canary.expect} is empty, or no text",
                hint="Plant a random value, as openssl rand -hex 32 prints it.",
            )

        reply = self._command(host, site, "canary's command", canary.command, canary.deadline)
        if reply.code != 0 or not reply.whole:
            reason = f"ended with exit code {reply.code}" if reply.code else "printed too much"
            raise PradrillError(
                f"the canary's command on {host.name} {reason}",
                hint="Run it by hand on the standby as the same user.",
            )

        return hmac.compare_digest(reply.out.removesuffix("\n").encode(), planted.encode())

    def skew(self, host: Host, site: Site) -> Skew:
        """Return how far the clock of any host is ahead, with what every machine has."""
        with self._sessions.session(host, site, _LOOK) as channel:
            name = secrets.token_hex(8)
            channel.exec_command(shlex.join(["sh", "-c", _TIME, "sh", name]))

            def ask() -> str:
                channel.sendall(b"\n")
                return _time(channel, name)

            return self._shortest(host, ask)

    def close(self) -> None:
        """Close every connection."""
        self._sessions.close()

    def _shortest(self, host: Host, ask: Callable[[], str]) -> Skew:
        """Ask a host for its time: the shortest of several round trips counts."""
        best: Skew | None = None
        for _ in range(_ROUNDS):
            sent = self._clock.now()
            remote = _instant(host, ask())
            trip = self._clock.now() - sent
            within = trip.total_seconds() / 2
            if best is None or within < best.within:
                best = Skew(seconds=(remote - sent - trip / 2).total_seconds(), within=within)

        assert best is not None  # noqa: S101 there is more than one round
        return best

    def _ask_processes(self, host: Host, site: Site, request: Mapping[str, Any]) -> dict[str, Any]:
        """Ask for processes; what is asked for and told stands in the script."""
        words = [json.dumps(request)]
        reply = self._sessions.script(host, site, _STRAYS, words, _LOOK, sudo=True)
        return _processes(host, reply)

    def _run(self, host: Host, site: Site, command: str, seconds: float) -> SshReply:
        """Run a command by sh, with the run's mark; what sudo asks for lies before it."""
        words = [marked(site.run_id, command)]
        sudo = host.become is not None
        return self._sessions.script(host, site, "remote_reason.py", words, seconds, sudo=sudo)

    def _command(
        self, host: Host, site: Site, what: str, command: str, deadline: timedelta
    ) -> SshReply:
        """Run a command of the drill's; the host ends it too at the deadline."""
        seconds = deadline.total_seconds()
        fence = f"pradrill-{secrets.token_hex(8)}\n"  # behind it stands what the command prints
        fenced = f"printf '%s\\n' {fence.strip()}\n{command}" if host.become else command
        bounded = shlex.join(["timeout", "-k", "1", f"{seconds:f}", "sh", "-c", fenced])
        if host.become:
            mark = f'env {MARK}="${MARK}" ' if site.run_id else ""
            bounded = f"{_sudo(host, host.become)} {mark}{bounded}"
        try:
            reply = self._run(host, site, bounded, seconds + 3)
        except LateError:
            reply = SshReply(_TIMED_OUT, "", "", whole=False)
        if host.become and reply.code not in {_TIMED_OUT, _KILLED, TOO_LONG}:
            reply = _behind(fence, reply, host, host.become)
        if reply.code in {_TIMED_OUT, _KILLED}:
            raise PradrillError(
                f"the {what} on {host.name} did not end within {seconds:g} s",
                hint="Run it by hand on the standby, or give it a longer deadline.",
            )

        if reply.code == TOO_LONG:
            raise PradrillError(
                f"the {what} on {host.name} printed more than {megabytes(ANSWER)} and was ended",
                hint="Run it by hand on the standby as the same user.",
            )

        return reply._replace(whole=reply.whole and len(reply.out.encode()) <= _LONGEST_VALUE)


def _scratch(folder: str) -> str:
    """Return a place of the login's own in a folder of everybody's; nothing where it needs none."""
    return f"{folder}/.ansible-{secrets.token_hex(8)}" if folder in _SHARED else ""


def _known_shell(host: Host, shell: str) -> str:
    """Return the login's shell; raises NotReadyError when it is one that nothing can run in."""
    if shell.rpartition("/")[2] in _UNFIT:
        raise NotReadyError(
            f"the login's shell on {host.name} is {host_words.last_line(shell)}: in it "
            "neither Ansible nor checks can run what they run elsewhere",
            hint="Give the login another one there: chsh -s /bin/bash.",
        )
    return shell


def _login_fault(
    host: Host, shell: str, inner: str, streams: str, spoiling: str
) -> LoginFault | None:
    """Return why commands would not do there what they do elsewhere, by what a login reads."""
    if inner.strip():
        code, _, words = inner.partition("\n")
        return LoginFault(
            what=f"on {host.name} {host_words.last_line(shell)} -c 'exit 0' ends with exit code "
            f"{host_words.last_line(code)}: {host_words.last_line(words)}",
            hint="See what that shell reads before a command: BASH_ENV or ENV in the login's "
            f"environment, .zshenv, config.fish. Its environment: ssh {mending.login(host)} env.",
        )
    if streams.strip():
        return LoginFault(
            what=f"what the login on {host.name} reads sends errors where the output goes: no "
            "check could tell them apart",
            hint="Look for exec 2>&1, or exec > >(tee …) 2>&1, in its .bashrc and keep it for "
            "terminals: [ -t 1 ] && exec ….",
        )
    if spoiling:
        return LoginFault(
            what=f"Ansible takes what the login on {host.name} prints for a module's answer: "
            f"{spoiling}",
            hint="Keep it for terminals: [ -t 1 ] && …; or let no line begin with {.",
        )
    return None


def _sudo(host: Host, user: str) -> str:
    """Return what a command begins with that another user is to run, and that asks for nothing.

    A password is read from the standard input, which is no command's: one that was not asked for
    is dropped. What was typed before does not count, so that a wrong one is seen at once.
    """
    if host.password is None:
        return f"sudo -n -u {shlex.quote(user)} --"
    drop = shlex.join(["sh", "-c", 'exec "$@" </dev/null', "sh"])
    return f"sudo -S -k -p '' -u {shlex.quote(user)} -- {drop}"


def _behind(fence: str, reply: SshReply, host: Host, user: str) -> SshReply:
    """Return what a command itself has printed; raises NotReadyError when sudo did not start it."""
    before, mark, output = reply.out.partition(fence)
    if mark:
        return reply._replace(out=output)
    if not reply.whole:  # the beginning was not kept
        return reply
    raise _not_become(host, user, host_words.last_line(reply.err if reply.err.strip() else before))


def _not_become(host: Host, user: str, why: str) -> NotReadyError:
    """Say why the login does not become another user: the words are sudo's own."""
    message = f"{host.user or 'the login'} does not become {user} on {host.name}: {why}"
    if _NO_TERMINAL in why:
        hint = "A drill has no terminal: take requiretty from the login."
        return NotReadyError(message, hint=hint, mend=mending.sudo_without_terminal(host))
    if host.password is None and why.endswith(_SUDO_ASKED):
        return NotReadyError(
            message,
            hint="Name what sudo asks for, standby: {become_password: file:/etc/pradrill/sudo}, or "
            "let it ask for nothing.",
            mend=mending.passwordless_sudo(host),
        )
    if _NOT_FOUND in why:
        hint = "Let sudo find the system's programs: secure_path in /etc/sudoers. "
        return NotReadyError(
            message, hint=f"{hint}Try it by hand: sudo -n -u {user} {_BOUNDED} 9 id."
        )
    by_hand = f"Try it by hand on the standby: sudo -n -u {user} {_BOUNDED} 9 id."
    secret = f"Try the secret {host.password} by hand on the standby: sudo -k -u {user} id."
    return NotReadyError(message, hint=by_hand if host.password is None else secret)


@contextmanager
def _understanding(host: Host, what: str) -> Iterator[None]:
    """Take whatever a host says that is not what its script would say for an answer not given."""
    try:
        yield
    except UNREADABLE as error:
        raise PradrillError(f"what {host.name} says of its {what} cannot be read") from error


def _shell(scripts: Sequence[str], *words: str) -> Script:
    """Return what runs shell scripts of ours one after the other, until one fails."""
    script = "\n".join(("set -e", _NEXT.join(scripts)))
    return Script("remote_command.py", ["sh", "-c", script, "sh", *words])


def _answers(host: Host, what: str, reply: SshReply, count: int) -> list[str]:
    """Return what each shell script printed; when not all of it was received, nothing counts."""
    answers = reply.out.split("\0")
    if reply.code != 0 or not reply.whole or len(answers) != count:
        reason = host_words.last_line(reply.err) if reply.whole else "the answer is too long"
        raise PradrillError(f"the {what} of {host.name} cannot be read: {reason}")
    return answers


def _processes(host: Host, reply: SshReply) -> dict[str, Any]:
    try:
        return dict(json.loads(reply.out))
    except UNREADABLE as error:
        reason = host_words.last_line(reply.err) if reply.code else "the answer cannot be read"
        raise PradrillError(f"the processes of {host.name} cannot be seen: {reason}") from error


def _inventory(reply: SshReply, units: str) -> StandbyInventory:
    """Read what stock was taken, with the units that are listed; what it cannot tell is told."""
    if reply.code != 0:
        return nothing_seen(reply.err)
    if not reply.whole:
        return nothing_seen("the answer is too long")
    return inventory(reply.out, host_words.waiting_units(units))


def _marker(host: Host, reply: SshReply) -> Marker:
    """Read the marker where it lies; what was looked at there is what was read."""
    if reply.code != 0 or not reply.whole:
        reason = host_words.last_line(reply.err) if reply.whole else "the answer is too long"
        raise PradrillError(
            f"the marker of {host.name} cannot be read: {reason}",
            hint="The standby needs python3, as Ansible does.",
        )

    return marker_of(host, reply.out)


class Marker(NamedTuple):
    """What lies at the marker's place: its content, or why it is not a marker."""

    content: str | None
    fault: MarkerFault | None = None
    at: str = ""


def marker_of(host: Host, answer: str) -> Marker:
    """Read what remote_marker.py told; raises PradrillError for anything else."""
    try:
        payload = json.loads(answer)
        if "fault" in payload:
            return Marker(
                None, MarkerFault(payload["fault"]), host_words.last_line(str(payload["at"]))
            )

        content = payload["content"]
        return Marker(content if content is None else str(content).encode("utf-8").decode())
    except UNREADABLE as error:
        raise PradrillError(f"what {host.name} says of its marker cannot be read") from error


def _time(channel: Channel, name: str) -> str:
    """Return the time that follows a name which nobody can guess: a login's shell may greet."""
    output = b""
    while not (match := re.search(rb"%s (.*)\n" % name.encode(), output)):
        chunk = channel.recv(_LONGEST_GREETING)
        if not chunk or len(output) > _LONGEST_GREETING:
            raise EOFError

        output += chunk

    return match[1].decode("ascii", "replace")


def _instant(host: Host, answer: str) -> datetime:
    match = re.fullmatch(r"([0-9]{1,11})\.([0-9]{9})", answer)
    if match is None:
        raise PradrillError(f"{host.name} does not tell its time to the nanosecond")

    return _EPOCH + timedelta(seconds=int(match[1]), microseconds=int(match[2]) / 1000)


def _present(host: Host, paths: Sequence[str], answer: str) -> Iterator[str]:
    for word in answer.split():
        path = paths[int(word.rstrip("?"))]
        if word.endswith("?"):
            raise PradrillError(
                f"whether {path} exists on {host.name} cannot be seen",
                hint="The login may not look into its folder.",
            )
        yield path

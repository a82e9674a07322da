"""Run playbooks with ansible-runner, in a folder and an environment of their own."""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pradrill.adapters.ansible.binding import Binding, unproven
from pradrill.adapters.ansible.events import Narrator, clean_output
from pradrill.adapters.ansible.meter import Meter, metered
from pradrill.adapters.ansible.stopping import Brake
from pradrill.domain.run.host import Site
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.domain.run.scope import beginning
from pradrill.domain.values.masking import Masker
from pradrill.domain.values.quotas import PLAY_KEPT, PLAY_PRINTS, VALUES, megabytes
from pradrill.domain.values.reason import ReasonError, reason
from pradrill.domain.values.reason_code import Code
from pradrill.errors import NotReadyError
from pradrill.ports import Cancelled, Clock, Play, Say
from pradrill.system import in_memory, processes

if TYPE_CHECKING:
    from ansible_runner import RunnerConfig

CONFIGURATION = "[defaults]\ninternal_poll_interval = 0.01\n"
"""By itself Ansible looks a thousand times a second whether a task has ended: 3 % of a core."""

_VAULT = "vault"
_POLL = 0.5  # seconds between two looks at deadline and cancellation
_LONGEST_TIMEOUT = 10_000_000  # seconds; Ansible's own limit is ten times that
_SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_FROM_RUNNER = (
    *("AWX_ISOLATED_DATA_DIR", "ANSIBLE_STDOUT_CALLBACK", "ANSIBLE_RETRY_FILES_ENABLED"),
    *("ANSIBLE_HOST_KEY_CHECKING", "ANSIBLE_CACHE_PLUGIN", "ANSIBLE_CACHE_PLUGIN_CONNECTION"),
    *("RUNNER_OMIT_EVENTS", "RUNNER_ONLY_FAILED_EVENTS"),
)
"""What ansible-runner itself sets; it starts from the caller's environment."""
_FROM_CALLER = ("SSH_AUTH_SOCK", "SSL_CERT_FILE", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_ROLES_PATH")


class NotIdentifiedError(ReasonError, NotReadyError):
    """A host that a play is for was not identified in this run."""


class AnsibleRunner:
    """Runs playbooks; judges them by their final statistics."""

    def __init__(
        self,
        clock: Clock,
        resolve: Callable[[str], str],
        *,
        masker: Masker | None = None,
        grace: float = 10.0,
    ) -> None:
        self._clock = clock
        self._resolve = resolve
        self._masker = masker or Masker()
        self._grace = grace
        self._openings: list[subprocess.Popen[bytes]] = []

    def prepare(self, site: Site, *, marker: str) -> None:
        """Open the connections that plays will share: a login costs a slow machine a second.

        Without a wait. Where it does not come to that, the first play opens them itself.
        """
        environment = {"PATH": _path(), "HOME": str(Path.home()), processes.MARKER: marker}
        environment |= {key: os.environ[key] for key in _FROM_CALLER if key in os.environ}
        for host in site.hosts:
            with suppress(OSError):
                opening = subprocess.Popen(
                    ["ssh", "-F", str(site.ssh_config), host.name, "true"],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env=environment,
                    start_new_session=True,
                )
                self._openings.append(opening)

    def run(
        self, play: Play, *, deadline: float, cancelled: Cancelled, say: Say, evidence: Path
    ) -> PlaybookResult:
        """Run a playbook to its end, its deadline (seconds) or cancellation.

        Raises NotReadyError when a secret cannot be had, or when a host of the site was not
        identified in this run: nothing has been run then.
        """
        if strangers := unproven(play.site):
            raise NotIdentifiedError(reason(Code.NEVER_IDENTIFIED, host=strangers))

        secrets = {key: self._resolve(name) for key, name in play.secrets.items()}
        password = self._resolve(play.vault_password) if play.vault_password else None
        for secret in (*secrets.values(), *([password] if password else [])):
            self._masker.learn(secret)
        evidence.mkdir(mode=0o700, parents=True)
        folder = in_memory.folder(play.marker)
        # Other plays of the run may go on beside this one: only its own processes are ended.
        play = play._replace(marker=processes.part(play.marker, folder.name))
        binding = Binding(play, folder)

        brake = Brake(play.marker, self._clock, deadline, self._grace, cancelled)
        narrator = Narrator(say, evidence / "events.jsonl", self._masker, binding, brake)
        try:
            binding.write()
            variables = {**play.vars, **secrets, **binding.variables()}
            with ExitStack() as pipes:
                content = json.dumps(variables, default=str)
                pipes.enter_context(in_memory.piped(folder / "variables.json", content))
                if password is not None:
                    pipes.enter_context(in_memory.piped(folder / _VAULT, password))
                code = _run(_config(play, folder, deadline, binding), narrator, brake)

            output = clean_output(_printed(folder), self._masker)
            _write(evidence / "stdout.txt", _cut(output))
            if narrator.unwritten is not None:
                raise narrator.unwritten

            result = narrator.result({host.name for host in play.site.hosts}, code, output)
            return _within(result, narrator.meter)
        finally:
            narrator.end()
            processes.end(play.marker)
            shutil.rmtree(folder, ignore_errors=True)

    def reap(self, marker: str) -> int:
        """End every process that still carries the run's marker; return how many there were."""
        while self._openings:
            opening = self._openings.pop()
            opening.kill()  # one that waits for its host still, after all plays
            opening.wait()
        return processes.end(marker)


def _path() -> str:
    """Return where programs are looked for: this Python's beside it, the caller's, the system's."""
    return f"{Path(sys.executable).parent}:{os.environ.get('PATH', '')}:{_SYSTEM_PATH}"


def _cut(output: str) -> str:
    """Return what is kept of the output, and say that it is not all."""
    if len(output) <= PLAY_KEPT:
        return output
    return f"{output[:PLAY_KEPT]}\n[cut after {megabytes(PLAY_KEPT)} of {len(output)} characters]\n"


def _within(result: PlaybookResult, meter: Meter) -> PlaybookResult:
    """Return the result; none, with the reason, of a play that was or hands back too much."""
    changes: dict[str, Any] = {}
    if meter.over:
        because = reason(Code.PRINTED_TOO_MUCH, size=megabytes(PLAY_PRINTS))
        changes = {"outcome": StepOutcome.UNKNOWN, "detail": because, "values": {}}
    elif len(json.dumps(result.values, default=str)) > VALUES:
        because = reason(Code.HANDED_TOO_MUCH, size=megabytes(VALUES))
        changes = {"outcome": StepOutcome.UNKNOWN, "detail": because, "values": {}}

    return result.model_copy(update=changes)


def _run(config: RunnerConfig, narrator: Narrator, brake: Brake) -> int | None:
    """Run; return the exit code, or None when the last read timed out, which says nothing."""
    from pexpect import TIMEOUT  # noqa: PLC0415 as ansible_runner

    try:
        stopped = lambda: narrator.meter.over or brake()  # noqa: E731
        watched = {"event_handler": narrator, "cancel_callback": stopped}
        code = metered(narrator.meter, config=config, **watched).run()[1]
    except TIMEOUT:
        return None

    return int(code) if code is not None else None


def _unlocking(play: Play, folder: Path) -> str:
    if play.vault_password is None:
        return ""
    return f" --vault-password-file {shlex.quote(str(folder / _VAULT))}"


def opened(files: Iterable[Path], password: str) -> list[str]:
    """Return what Ansible Vault has encrypted in the files, in plain, so that it can be masked."""
    command = [sys.executable, "-I", str(Path(__file__).with_name("vault_reader.py"))]
    request = json.dumps({"password": password, "files": [str(path) for path in files]})
    process = subprocess.run(command, input=request.encode(), capture_output=True, check=False)
    plain: list[str] = json.loads(process.stdout) if process.returncode == 0 else []
    return plain


def _config(play: Play, folder: Path, deadline: float, binding: Binding) -> RunnerConfig:
    """Return what is run: the user's playbook between two of ours, which identify the machines."""
    from ansible_runner import RunnerConfig  # noqa: PLC0415 costs 0.2 s

    config = RunnerConfig(
        private_data_dir=str(folder),
        ident="play",
        playbook=str(play.playbook),
        inventory=[str(play.site.inventory_for(play.playbook)), str(binding.inventory)],
        limit=binding.limit(),
        cmdline=f"-e @{shlex.quote(str(folder / 'variables.json'))}{_unlocking(play, folder)}",
        envvars={"ANSIBLE_HOST_KEY_CHECKING": "True"},
        quiet=True,
    )

    config.prepare()
    *options, playbook = config.command
    config.command = [*options, str(binding.identity), playbook, str(binding.identity)]
    config.pexpect_timeout = _POLL  # `settings=` is dropped unless there is a file of them
    config.env = _environment(config.env, play, folder, deadline)

    return config


def _environment(
    prepared: dict[str, str], play: Play, folder: Path, deadline: float
) -> dict[str, str]:
    """Return the play's environment: ansible-runner's own settings and ours, not the caller's."""
    from ansible_runner.utils import get_callback_dir  # noqa: PLC0415 as ansible_runner

    runners = {key: prepared[key] for key in _FROM_RUNNER if key in prepared}
    config = folder / "ansible.cfg"
    _write(config, CONFIGURATION)
    home = Path.home()
    ansible = "/usr/share/ansible"

    return {
        "ANSIBLE_COLLECTIONS_PATH": f"{home}/.ansible/collections:{ansible}/collections",
        "ANSIBLE_ROLES_PATH": f"{home}/.ansible/roles:{ansible}/roles:/etc/ansible/roles",
        **{key: os.environ[key] for key in _FROM_CALLER if key in os.environ},
        **runners,
        "ANSIBLE_CALLBACK_PLUGINS": get_callback_dir(),
        processes.MARKER: play.marker,
        "PRADRILL_BEGINNING": beginning(play.site.run_id),
        "PATH": _path(),
        "HOME": str(home),
        "TMPDIR": str(folder),
        "LANG": "C.UTF-8",
        "ANSIBLE_CONFIG": str(config),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_LOCAL_TEMP": str(folder / "tmp"),
        "ANSIBLE_SSH_ARGS": f"-F {shlex.quote(str(play.site.ssh_config))}",
        "ANSIBLE_PIPELINING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_NOCOWS": "1",
        "ANSIBLE_INVENTORY_UNPARSED_FAILED": "True",
        "ANSIBLE_PYTHON_INTERPRETER": "auto_silent",
        # Gives every task the alarm that the brake rings; by itself it comes too late.
        "ANSIBLE_TASK_TIMEOUT": str(min(math.ceil(deadline) + 1, _LONGEST_TIMEOUT)),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _printed(folder: Path) -> str:
    try:
        return (folder / "artifacts" / "play" / "stdout").read_text("utf-8", "replace")
    except OSError:
        return ""


def _write(path: Path, text: str) -> None:
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with open(handle, "w", encoding="utf-8") as file:  # noqa: PTH123 a descriptor, not a path
        file.write(text)

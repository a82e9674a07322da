"""Start ansible-playbook before all is known that it needs: loading itself takes it a second."""

from __future__ import annotations

import json
import shlex
import shutil
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from threading import Event, Thread
from typing import TYPE_CHECKING, Any, NamedTuple

from pradrill.adapters.ansible.binding import Binding
from pradrill.adapters.ansible.environment import environment
from pradrill.adapters.ansible.events import Narrator
from pradrill.adapters.ansible.meter import Meter, metered
from pradrill.adapters.ansible.stopping import Brake
from pradrill.domain.run.host import Site
from pradrill.ports import Play
from pradrill.system import in_memory, processes

if TYPE_CHECKING:
    from ansible_runner import RunnerConfig

_VARIABLES = "variables.json"
_VAULT = "vault"
_POLL = 0.5  # seconds between two looks at deadline and cancellation
_END = 5.0  # seconds in which the thread of a play notices that its processes have ended


class Given(NamedTuple):
    """What a play gets once it is wanted: its hosts as they were proven, variables, passwords."""

    site: Site
    variables: Mapping[str, Any]
    passwords: tuple[str, ...]
    """Of what Ansible Vault has encrypted."""
    sudo: Mapping[str, str]
    """Host → the password that sudo asks for there."""


class WaitingPlay:
    """An ansible-playbook that waits for its variables; before it has them it reaches no host.

    They lead its connections, and it takes nothing else in their place: one whose controller is
    gone reads no variables, and refuses to go on.
    """

    def __init__(self, play: Play, deadline: float) -> None:
        self.folder = in_memory.folder(play.marker)
        self.meter = Meter()
        self._of = _kind(play, deadline)
        # Other plays of the run may go on beside this one: only its own processes are ended.
        self._play = play._replace(marker=processes.part(play.marker, self.folder.name))
        self._deadline = deadline
        self.binding = Binding(self._play, self.folder)

        self.binding.write()
        self._variables = in_memory.Pipe(self.folder / _VARIABLES)
        self._vaults = [in_memory.Pipe(path) for path in _vaults(play, self.folder)]
        self._brake: Brake | None = None
        self._narrator: Narrator | None = None
        self._decided = Event()
        self._code: int | None = None
        self._error: BaseException | None = None
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    @property
    def marker(self) -> str:
        """Return what the play's processes carry."""
        return self._play.marker

    @property
    def waits(self) -> bool:
        """Tell whether it is still there: somebody may have ended it, for want of memory too."""
        return self._thread.is_alive()

    def is_for(self, play: Play, deadline: float) -> bool:
        """Tell whether it is this play, whatever its secrets are and what is proven by now."""
        return self._of == _kind(play, deadline)

    def carry_out(
        self, given: Given, narrator: Narrator, brake: Brake, meanwhile: Callable[[], None]
    ) -> int | None:
        """Let it go on with what it was not given yet, to its end, and return its exit code.

        None when the last read timed out, which says nothing. `meanwhile` is called once it goes
        on.
        """
        self.binding.acts_on(given.site)
        with ExitStack() as pipes:
            variables = {**given.variables, **self.binding.variables(given.sudo)}
            content = json.dumps(variables, default=str)
            pipes.enter_context(self._variables.fed(content))
            for pipe, password in zip(self._vaults, given.passwords, strict=True):
                pipes.enter_context(pipe.fed(password))

            self._narrator, self._brake = narrator, brake
            self._decided.set()
            meanwhile()
            self._thread.join()

        if self._error is not None:
            raise self._error
        return self._code

    def end(self) -> None:
        """End what is left of it, and leave nothing."""
        self._decided.set()
        for pipe in (self._variables, *self._vaults):
            pipe.close()

        processes.end(self.marker)
        self._thread.join(_END)
        if self._thread.is_alive():  # it has started what it was about to start
            processes.end(self.marker)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _work(self) -> None:
        try:
            self._code = self._run()
        except BaseException as error:  # noqa: BLE001 it is raised where the play is waited for
            self._error = error

    def _run(self) -> int | None:
        from pexpect import TIMEOUT  # noqa: PLC0415 as ansible_runner

        watched = {"event_handler": self._take, "cancel_callback": self._is_stopped}
        config = _config(self._play, self.folder, self._deadline, self.binding)
        if self._decided.is_set() and self._narrator is None:  # it is not wanted any more
            return None
        try:
            code = metered(self.meter, config=config, **watched).run()[1]
        except TIMEOUT:
            return None

        return int(code) if code is not None else None

    def _take(self, event: dict[str, Any]) -> bool:
        """Take an event, once somebody listens; False keeps ansible-runner from writing a file."""
        self._decided.wait()
        return self._narrator(event) if self._narrator is not None else False

    def _is_stopped(self) -> bool:
        """Tell whether the play must be killed; one that waits is ended by `end`."""
        return self._brake is not None and (self.meter.over or self._brake())


def _kind(play: Play, deadline: float) -> tuple[Play, float]:
    site = play.site.model_copy(update={"proven": (), "counted": False})
    return play._replace(site=site, vars={}, secrets={}), deadline


def _vaults(play: Play, folder: Path) -> list[Path]:
    """Return where the passwords of Ansible Vault are offered, in the order of their names."""
    return [folder / f"{_VAULT}-{number}" for number, _ in enumerate(play.vault_passwords)]


def _config(play: Play, folder: Path, deadline: float, binding: Binding) -> RunnerConfig:
    """Return what is run: the user's playbook between two of ours, which identify the machines."""
    from ansible_runner import RunnerConfig  # noqa: PLC0415 costs 0.2 s

    vaults = (f" --vault-password-file {shlex.quote(str(each))}" for each in _vaults(play, folder))
    config = RunnerConfig(
        private_data_dir=str(folder),
        ident="play",
        playbook=str(play.playbook),
        inventory=[str(play.site.inventory_for(play.playbook)), str(binding.inventory)],
        limit=binding.limit(),
        cmdline=f"-e @{shlex.quote(str(folder / _VARIABLES))}{''.join(vaults)}",
        envvars={"ANSIBLE_HOST_KEY_CHECKING": "True"},
        quiet=True,
    )

    config.prepare()
    *options, playbook = config.command
    config.command = [*options, str(binding.identity), playbook, str(binding.identity)]
    config.pexpect_timeout = _POLL  # `settings=` is dropped unless there is a file of them
    config.env = environment(config.env, play, folder, deadline)

    return config

"""Fake a standby that can be copied, and what damages its copies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pradrill.domain.run.host import Host, HostFacts, Site
from pradrill.errors import PradrillError
from pradrill.ports import DamageEnd, Impediment, Say
from pradrill.testing.fake_standby import FakeStandby


class FakeCopiedStandby(FakeStandby):
    """Hosts that can be saved and copied. `damage` is what was done to those that run."""

    def __init__(self, *hosts: Host, **options: Any) -> None:
        super().__init__(*hosts, **options)
        self.damage: list[str] = []
        self.saved: list[str] | None = None

    def save(self, say: Say) -> FakeCopy:
        """Keep what was done so far; the hosts end."""
        say("saving the hosts")
        self.calls.append("save")
        self.saved = list(self.damage)
        return FakeCopy(self)

    def stop(self, run_id: str) -> Sequence[str]:
        """Drop what was saved, too; say what is left."""
        self.saved = None
        return super().stop(run_id)


class FakeCopy:
    """Copies of saved hosts, one at a time."""

    def __init__(self, standby: FakeCopiedStandby) -> None:
        self._standby = standby

    def problems(self) -> Sequence[Impediment]:
        """Say that nothing stands in the way."""
        return ()

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Begin with what was saved. Raises PradrillError when nothing was."""
        if self._standby.saved is None:
            raise PradrillError("the standby was not saved")
        site = self._standby.start(folder, run_id, say)
        self._standby.calls[-1] = "start copy"
        self._standby.damage[:] = self._standby.saved
        return site

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:
        """Take note of who the hosts are."""
        return self._standby.bind(site, identified)

    def stop(self, run_id: str) -> Sequence[str]:
        """Drop what was done to the copy."""
        del run_id
        self._standby.calls.append("stop copy")
        self._standby.damage.clear()
        return ()


class FakeDamager:
    """Notes each command as done to the hosts that run; `fails`: command → why it cannot be."""

    def __init__(
        self,
        standby: FakeCopiedStandby,
        *,
        fails: Mapping[str, str] | None = None,
        prints: Mapping[str, str] | None = None,
    ) -> None:
        self.values: dict[str, Mapping[str, str]] = {}
        self._standby = standby
        self._fails, self._prints = fails or {}, prints or {}

    def ask(
        self, _host: Host, _site: Site, command: str, values: Mapping[str, str], _deadline: float
    ) -> str:
        """Return what the command prints; raises PradrillError when it prints nothing."""
        del values
        if command not in self._prints:
            raise PradrillError("it prints nothing")
        return self._prints[command]

    def damage(
        self, _host: Host, _site: Site, command: str, values: Mapping[str, str], _deadline: float
    ) -> DamageEnd:
        """Do it, or say why not."""
        self.values[command] = dict(values)
        if command in self._fails:
            return DamageEnd(1, self._fails[command])
        self._standby.damage.append(command)
        return DamageEnd(0, "")

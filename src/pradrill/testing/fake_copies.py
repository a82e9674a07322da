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
    """Hosts that can be saved and copied; `damage` is what was done to those of a site.

    As many copies as there are `places` may run at one time.
    """

    def __init__(self, *hosts: Host, places: int = 1, **options: Any) -> None:
        super().__init__(*hosts, **options)
        self.saved: list[str] | None = None
        self.most = 0
        """So many copies have run at one time."""
        self._places = [FakeCopy(self) for _ in range(places)]
        self._damage: dict[Path, list[str]] = {}

    def damage(self, site: Site) -> list[str]:
        """Return what was done to the hosts of a site, to be added to."""
        return self._damage[site.known_hosts]

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Return the site; nothing was done to it."""
        site = super().start(folder, run_id, say)
        self._damage[site.known_hosts] = []
        return site

    def start_copy(self, folder: Path, run_id: str, say: Say) -> Site:
        """Begin with what was saved. Raises PradrillError when nothing was."""
        if self.saved is None:
            raise PradrillError("the standby was not saved")
        site = self.start(folder, run_id, say)
        self.calls[-1] = "start copy"
        self.damage(site).extend(self.saved)
        return site

    def note_copies(self) -> None:
        """Count the copies that run."""
        self.most = max(self.most, sum(place.running for place in self._places))

    def save(self, say: Say) -> Sequence[FakeCopy]:
        """Keep what was done so far; the hosts end."""
        say("saving the hosts")
        self.calls.append("save")
        (self.saved,) = self._damage.values()
        self._damage.clear()
        return self._places

    def stop(self, run_id: str) -> Sequence[str]:
        """Drop the copies, and what was saved; say what is left."""
        self.saved = None
        self._damage.clear()
        for place in self._places:
            place.running = False
        return super().stop(run_id)


class FakeCopy:
    """A place for copies of saved hosts, one at a time."""

    def __init__(self, standby: FakeCopiedStandby) -> None:
        self.running = False
        self._standby = standby

    def problems(self) -> Sequence[Impediment]:
        """Say that nothing stands in the way."""
        return ()

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Begin with what was saved, in the place of the copy before."""
        site = self._standby.start_copy(folder, run_id, say)
        self.running = True
        self._standby.note_copies()
        return site

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:
        """Take note of who the hosts are."""
        return self._standby.bind(site, identified)

    def stop(self, run_id: str) -> Sequence[str]:
        """Drop what was done to the copy."""
        del run_id
        self._standby.calls.append("stop copy")
        self.running = False
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
            raise PradrillError("there is none")
        return self._prints[command]

    def damage(
        self, _host: Host, site: Site, command: str, values: Mapping[str, str], _deadline: float
    ) -> DamageEnd:
        """Do it, or say why not."""
        self.values[command] = dict(values)
        if command in self._fails:
            return DamageEnd(1, self._fails[command])
        self._standby.damage(site).append(command)
        return DamageEnd(0, "")

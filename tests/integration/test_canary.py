"""The canary, read over a real sshd: compared in memory, and kept nowhere."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.unit.engine.test_point_steps import CANARY, a_plan

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.domain.declared.drill import Canary
from pradrill.domain.run.host import Host, HostFacts, Site
from pradrill.domain.run.verdict import Verdict
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.run import run_drill
from pradrill.errors import PradrillError
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import FakeProbe, a_start, fake_tools, host_facts

if TYPE_CHECKING:
    from tests.integration.hosts.sshd import Sshd

PLANTED = "Zaußerordentlich-7f3a9c $(id) 'quoted'"


@pytest.fixture
def probe() -> Iterator[SshProbe]:
    """Return a probe, closed at the end."""
    probe_made = SshProbe(SteadyClock(), resolve)
    yield probe_made
    probe_made.close()


@pytest.fixture
def planted(tmp_path: Path) -> Callable[[str | bytes], Canary]:
    """Return a function that plants the canary, and lets something else come back."""

    def plant(back: str | bytes) -> Canary:
        secret, restored = tmp_path / "secret", tmp_path / "restored"
        secret.write_text(PLANTED + "\n", encoding="utf-8")
        secret.chmod(0o600)
        restored.write_bytes(back if isinstance(back, bytes) else back.encode())
        return Canary(command=f"cat {restored}", expect=f"file:{secret}")

    return plant


@pytest.mark.parametrize("back", [PLANTED, PLANTED + "\n"])
def test_the_planted_value_came_back(
    probe: SshProbe, sshd: Sshd, site: Site, planted: Callable[[str], Canary], back: str
) -> None:
    """The same bytes are the same canary; a last line feed is the command's, not the value's."""
    assert probe.same_canary(sshd.host, site, planted(back))


@pytest.mark.parametrize(
    "back",
    [
        "",
        PLANTED[:-1],
        f" {PLANTED}",
        f"{PLANTED}\n\n",
        f"warning\n{PLANTED}",
        PLANTED.lower(),
        PLANTED.encode("latin-1"),
        PLANTED.replace("ß", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_another_value_is_another_value(
    probe: SshProbe, sshd: Sshd, site: Site, planted: Callable[[str | bytes], Canary], back: str
) -> None:
    """One byte more, less or different is not what was planted."""
    assert not probe.same_canary(sshd.host, site, planted(back))


@pytest.mark.parametrize(
    "command",
    [f"echo {PLANTED!r} >&2; exit 3", "yes | head -c 70000", "sleep 20"],
)
def test_a_canary_that_cannot_be_read_is_told_without_it(
    probe: SshProbe, sshd: Sshd, site: Site, planted: Callable[[str], Canary], command: str
) -> None:
    """A command that fails, floods or hangs is no mismatch, and nothing it printed is quoted."""
    canary = planted(PLANTED).model_dump(mode="json") | {"command": command, "deadline": "1s"}
    with pytest.raises(PradrillError, match="the canary's command on standby-1") as refusal:
        probe.same_canary(sshd.host, site, Canary.model_validate(canary))
    assert PLANTED[:8] not in str(refusal.value)


def test_an_empty_canary_proves_nothing(
    probe: SshProbe, sshd: Sshd, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A secret that is set and empty would match a table that is empty: it is refused."""
    monkeypatch.setenv("CANARY", "")
    with pytest.raises(PradrillError, match="is empty"):
        probe.same_canary(sshd.host, site, Canary(command="true", expect="env:CANARY"))


class _Half(FakeProbe):
    """Reads the canary for real; the guards are another test's subject."""

    def __init__(self, real: SshProbe, host_key: str) -> None:
        super().__init__()
        self._real = real
        self._host_key = host_key

    def facts(self, host: Host, _site: Site) -> HostFacts:
        """Return what a true standby says of itself."""
        return host_facts(host.name, host_key=self._host_key)

    def same_canary(self, host: Host, site: Site, canary: Canary) -> bool:
        """Compare over SSH."""
        return self._real.same_canary(host, site, canary)


@pytest.mark.parametrize(
    ("back", "verdict"), [(PLANTED, Verdict.PASSED), (PLANTED[::-1], Verdict.FAILED)]
)
def test_a_canary_is_kept_nowhere(  # noqa: PLR0913, PLR0917 the fixtures of a whole run
    probe: SshProbe,
    sshd: Sshd,
    tmp_path: Path,
    planted: Callable[[str], Canary],
    caplog: pytest.LogCaptureFixture,
    back: str,
    verdict: Verdict,
) -> None:
    """Journal, record, evidence and log of a whole run hold neither value, whatever came of it."""
    caplog.set_level(logging.DEBUG)
    canary = planted(back)
    plan = a_plan(canary={**CANARY, **canary.model_dump(mode="json")})
    hosts = tuple(host.model_copy(update={"name": sshd.host.name}) for host in plan.hosts)
    tools = fake_tools(
        store=FileRunStore(tmp_path / "state"),
        standby=InventoryHosts([sshd.host], sshd.inventory(), sshd.known_hosts),
        probe=_Half(probe, sshd.host_key),
    )
    started = a_start(plan=plan.model_copy(update={"hosts": hosts}))
    record = run_drill(started, tools, Cancellation(), disruption=None)
    compared = next(step for step in record.steps if step.name == "compare the canary")
    assert (compared.outcome == "passed") is (verdict is Verdict.PASSED)
    contents = [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert any(b"compare the canary" in each for each in contents)
    for value in (PLANTED, back):
        assert not any(value.encode() in each for each in contents)
        assert value not in caplog.text

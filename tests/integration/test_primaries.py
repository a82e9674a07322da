"""A primary's clock, asked for over a real sshd before a drill."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from pradrill.adapters.clock import SteadyClock
from pradrill.app.primary_clocks import clocks
from pradrill.domain.declared.plan import PrimaryIdentity, SshAddress

if TYPE_CHECKING:
    from tests.integration.hosts.sshd import Sshd


def primary(server: Sshd, **changes: object) -> PrimaryIdentity:
    """Declare a server as a primary that SSH reaches."""
    fields = {
        "host": server.host.address,
        "port": server.port,
        "user": server.host.user,
        "key": server.key,
        "known_hosts": server.known_hosts,
    }
    return PrimaryIdentity(ssh=SshAddress.model_validate({**fields, **changes}))


def test_a_primarys_clock_is_measured(another_sshd: Callable[..., Sshd], tmp_path: Path) -> None:
    """A primary whose clock is 90 s ahead is known to be, within half a round trip."""
    fast = tmp_path / "date"
    fast.write_text('#!/bin/sh\nexec /bin/date -d "+90 seconds" "$@"\n')
    fast.chmod(0o755)
    server = another_sshd(f"SetEnv PATH={tmp_path}:/usr/bin:/bin")
    lines: list[str] = []
    skews = clocks({"moodle": primary(server)}, SteadyClock(), lines.append)
    assert abs(skews["moodle"].seconds - 90) <= skews["moodle"].within < 1
    assert lines == []


def test_the_quickest_of_several_answers_counts(
    another_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    """Answers that are late half the time cost no certainty: the shortest round trip is used."""
    turn = tmp_path / "turn"
    slow = tmp_path / "date"
    slow.write_text(
        f"#!/bin/sh\nif rm {turn} 2>/dev/null; then sleep 0.8; else touch {turn}; fi\n"
        'exec /bin/date "$@"\n'
    )
    slow.chmod(0o755)
    server = another_sshd(f"SetEnv PATH={tmp_path}:/usr/bin:/bin")
    skew = clocks({"moodle": primary(server)}, SteadyClock(), print)["moodle"]
    assert abs(skew.seconds) <= skew.within < 0.4


def test_a_primary_that_does_not_answer_is_told(
    sshd: Sshd, another_sshd: Callable[..., Sshd], tmp_path: Path
) -> None:
    """Gone, not pinned or not declared: the clock is not known, a word is said, nothing fails."""
    away = another_sshd()
    away.stop()
    nobody = tmp_path / "known_hosts"
    nobody.touch()
    lines: list[str] = []
    primaries = {
        "gone": primary(away),
        "stranger": primary(sshd, known_hosts=nobody),
        "undeclared": PrimaryIdentity(),
    }
    assert clocks(primaries, SteadyClock(), lines.append) == {}
    assert [line.partition(":")[0] for line in lines] == [
        "the clock of gone's primary is not compared",
        "the clock of stranger's primary is not compared",
    ]

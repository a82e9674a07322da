"""What a run starts on a standby carries its mark, whatever the login's shell is."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from pradrill.domain.run.host import Host, Proven, Site
from pradrill.domain.run.scope import LOGIN_SHELL, beginning, is_posix, marked

RUN = "20261129T000000Z-shop-abc123"
SHOW = "tr '\\0' '\\n' < /proc/$$/environ | grep PRADRILL_SCOPE; echo $$"
HOST = Host(name="web-dr", address="192.0.2.20")


def site(*, posix: bool) -> Site:
    """Return a site whose one host was identified."""
    folder = Path("/run/pradrill")
    return Site(
        hosts=(HOST,),
        inventory=folder / "inventory",
        known_hosts=folder / "known_hosts",
        ssh_config=folder / "ssh_config",
        run_id=RUN,
        proven=(Proven(host=HOST, machine_id="a" * 32, posix=posix),),
    )


@pytest.mark.parametrize("posix", [True, False])
@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/bash"])
def test_a_command_shows_its_mark_with_its_own_process(shell: str, *, posix: bool) -> None:
    """It is the process itself that shows the mark: one that only exported it would not."""
    words = f"{beginning(RUN, posix=posix)} {LOGIN_SHELL} {shlex.quote(SHOW)}"
    command = [shell, "-c", words]
    environment = {"SHELL": shell, "PATH": "/usr/bin:/bin"}
    answer = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    mark, pid = answer.stdout.split()
    assert mark == f"PRADRILL_SCOPE={RUN}:{pid}"


def test_a_reading_shows_its_mark_too() -> None:
    """A command for sh carries it; without a run there is none to carry."""
    answer = subprocess.run(
        ["sh", "-c", marked(RUN, SHOW)], capture_output=True, text=True, check=True
    )
    mark, pid = answer.stdout.split()
    assert mark == f"PRADRILL_SCOPE={RUN}:{pid}"
    assert marked("", SHOW) == SHOW


def test_only_shells_that_read_what_sh_reads_are_spared_another_one() -> None:
    """A csh or a fish, and a host that was not identified, get words that any shell reads."""
    assert all(map(is_posix, ("/bin/bash", "/usr/bin/zsh", "sh", "/bin/ash")))
    assert not any(map(is_posix, ("/usr/bin/fish", "/bin/tcsh", "/usr/sbin/nologin", "")))
    assert site(posix=True).beginning.startswith("export ")
    assert site(posix=False).beginning.startswith("/bin/sh -c ")
    assert site(posix=True).model_copy(update={"proven": ()}).beginning.startswith("/bin/sh -c ")
    assert site(posix=True).model_copy(update={"run_id": ""}).beginning == ""

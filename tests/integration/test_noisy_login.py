"""A standby whose login prints what nobody asked for."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import pradrill


def test_what_a_login_prints_is_no_answer(hosts: TwoHosts, tmp_path: Path) -> None:
    """A .bashrc that prints, with a line's end and without, is passed over by all that is asked."""
    house = hosts.house(tmp_path)
    greeting = hosts.standby.server.folder / ".bashrc"
    greeting.write_text("printf 'Welcome to the standby\\n$ '; echo careful >&2\n")
    try:
        result = pradrill(house, "run", "shop")
    finally:
        greeting.unlink()
    assert result.returncode == 0, result.stdout + result.stderr
    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert record["verdict"] == "PASSED"

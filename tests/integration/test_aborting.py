"""A run that somebody stops from another terminal."""

from __future__ import annotations

from pathlib import Path

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import pradrill
from tests.integration.test_leases import last_record, slow_run

from pradrill.app.author import user
from pradrill.register.runs.genuine import why_not_genuine


def test_a_run_is_aborted_from_another_terminal(hosts: TwoHosts, tmp_path: Path) -> None:
    """It ends through its teardown with 130, and its record, text and page say who wanted that.

    A run that has ended, or that there is not, is told as that and left alone.
    """
    house = hosts.house(tmp_path)
    with slow_run(hosts, house, tmp_path / "tmp") as process:
        result = pradrill(house, "abort", "shop")
        assert result.returncode == 0, result.stderr
        assert "its standby is torn down first" in result.stdout
        assert process.wait(60) == 130, process.stdout and process.stdout.read()
    record = last_record(house)
    assert (record["state"], record["verdict"]) == ("INTERRUPTED", "INCONCLUSIVE")
    assert record["aborted"]["by"] == user()
    assert record["reasons"][0]["text"] == f"the run was aborted by {user()}"
    assert (record["residue"], hosts.standby.touched()) == ([], ["begun", "torn-down"])
    (journal,) = house.glob("state/runs/2*/journal.jsonl")
    assert why_not_genuine(journal.parent, None) is None
    assert f"Aborted by {user()}" in pradrill(house, "show").stdout
    page = tmp_path / "report.html"
    pradrill(house, "report", "--format", "html", "--lang", "fr", "--output", str(page))
    assert f"Abandonnée par {user()}" in page.read_text("utf-8")
    assert pradrill(house, "register", "verify").returncode == 0

    for name, message in (("shop", "has ended"), ("wiki", "no run is named")):
        again = pradrill(house, "abort", name)
        assert (again.returncode, message in again.stderr) == (2, True), again.stderr

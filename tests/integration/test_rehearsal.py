"""A rehearsal on two real hosts: a whole run, which counts nowhere."""

from __future__ import annotations

import json
from pathlib import Path

from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import pradrill


def test_a_rehearsal_that_passes_counts_nowhere(hosts: TwoHosts, tmp_path: Path) -> None:
    """It is recorded and verified; no due date, coverage, trend, finding or proof hears of it.

    Nor does anybody who is told of runs.
    """
    house = hosts.house(tmp_path)
    box = house / "box"
    with (house / "drills" / "plan.yml").open("a") as plan:
        plan.write(f"notifications: [{{name: ops, command: [sh, -c, cat > {box}]}}]\n")
    hosts.standby.marker.unlink()
    assert pradrill(house, "run", "shop").returncode == 4  # and opens F-1
    assert "shop: INCONCLUSIVE (refused: not ready)" in box.read_text("utf-8")
    box.unlink()
    hosts.reset()
    passed = pradrill(house, "run", "shop", "--rehearsal")
    assert passed.returncode == 0, passed.stdout + passed.stderr
    assert not box.exists()
    assert (hosts.standby.srv / "torn-down").exists()

    runs = pradrill(house, "runs").stdout.splitlines()
    (run_id,) = [line.split()[0] for line in runs if "PASSED (rehearsal)" in line]
    assert "due, never drilled" in pradrill(house, "due").stdout
    closed = pradrill(house, "finding", "close", "F-1", "--run", run_id)
    assert (closed.returncode, "is a rehearsal: it proves nothing" in closed.stderr) == (2, True)
    findings = pradrill(house, "findings").stdout
    assert "F-1" in findings
    assert "F-2" not in findings
    assert (
        f"{run_id}: FINISHED, PASSED, code 0, rehearsal"
        in pradrill(house, "register", "list").stdout
    )

    target = house / "dossier.json"
    pradrill(house, "dossier", "--format", "json", "--output", str(target))
    dossier = json.loads(target.read_text("utf-8"))
    assert dossier["counts"]["rehearsed"] == 1
    assert {cover["standing"] for cover in dossier["coverage"]} == {"never_tested"}
    assert dossier["trends"] == []
    assert [late["last"] for late in dossier["overdue"]] == [None]
    page = house / "page.html"
    pradrill(house, "report", run_id, "--lang", "fr", "--output", str(page))
    text = page.read_text("utf-8")
    assert "RÉUSSI (répétition)" in text
    assert "tenu en répétition" in text
    assert "ne vaut preuve" in text
    assert ">tenu<" not in text

"""The metrics, and the alert rules and the dashboard that are shipped for them."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families
from tests.support.status_house import StatusHouse, answer

from pradrill.adapters.metrics.textfile import FAMILIES
from pradrill.app.shipped import monitoring
from pradrill.cli import main

_NAME = re.compile(r"\bpradrill_\w+")
_SELECTOR = re.compile(r"(pradrill_\w+)\{([^}]*)\}")
_LABEL = re.compile(r'(\w+)=~?"([^"]*)"')


@pytest.fixture(scope="module")
def text(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return what is written for a service that fails, one that passes, and one with a bad name."""
    house = StatusHouse(tmp_path_factory.mktemp("metrics"), ("shop", "mail"))
    house.run("shop", "F", 3)
    house.run("mail", "P", 3)
    house.rewrite(
        "drills/plan.yml",
        "services:",
        'services:\n  "b\\"a\\\\d\\n":\n    objectives: {rto: 1h, rpo: 1h}\n    primary: none',
    )
    path = house.folder / "pradrill.prom"
    assert main(house.command("metrics", "--output", str(path))) == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o644  # the exporter is another user
    assert list(house.folder.glob(".*")) == []
    return path.read_text(encoding="utf-8")


def test_what_is_written_can_be_read(text: str) -> None:
    """By Prometheus' own parser, hostile names included; every word is there, nought or one."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    assert set(families) <= set(FAMILIES)
    standings = {
        sample.labels["service"]: sample.labels["standing"]
        for sample in families["pradrill_service_standing"].samples
        if sample.value == 1
    }
    assert standings == {"shop": "failed", "mail": "proven", 'b"a\\d\n': "never tested"}
    assert families["pradrill_register_sound"].samples[0].value == 1


def test_every_metric_of_rules_and_dashboard_is_one_that_is_written(text: str) -> None:
    """With the labels and values by which they are chosen."""
    families = {family.name: family for family in text_string_to_metric_families(text)}
    values: dict[tuple[str, str], set[str]] = {}
    for family in families.values():
        for sample in family.samples:
            for label, value in sample.labels.items():
                values.setdefault((family.name, label), set()).add(value)

    shipped = [(monitoring() / name).read_text() for name in ("alerts.yml", "dashboard.json")]
    for content in shipped:
        names = set(_NAME.findall(content))
        assert names
        assert names <= set(FAMILIES)
        for name, selector in _SELECTOR.findall(content.replace('\\"', '"')):
            for label, value in _LABEL.findall(selector):
                if label != "instance":  # Prometheus' own
                    assert value in values[name, label], f"{name}: {label}={value}"
    assert set(FAMILIES) <= {*_NAME.findall(" ".join(shipped)), *families, *_RARE}


_RARE = {
    "pradrill_commitment_days_left",
    "pradrill_run_elapsed_seconds",
    "pradrill_service_sabotage_ratio",
}
"""What there is only while something runs, ends, or was sabotaged."""


def test_rules_and_dashboard_load(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each rule has what Prometheus asks for; each panel of the dashboard has its own place."""
    house = StatusHouse(tmp_path, ("shop",))
    rules = yaml.safe_load(answer(house, capsys, "metrics", "--rules").out)
    each = [rule for group in rules["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in each}) == len(each)
    assert all({"alert", "expr", "labels", "annotations"} <= rule.keys() for rule in each)
    assert all(rule["annotations"]["summary"] for rule in each)

    dashboard = json.loads(answer(house, capsys, "metrics", "--dashboard").out)
    squares = [
        (x, y)
        for panel in dashboard["panels"]
        for x in range(panel["gridPos"]["x"], panel["gridPos"]["x"] + panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["y"], panel["gridPos"]["y"] + panel["gridPos"]["h"])
    ]
    assert len(set(squares)) == len(squares)
    assert max(x for x, _ in squares) < 24
    assert len({panel["id"] for panel in dashboard["panels"]}) == len(dashboard["panels"])


@pytest.mark.skipif(shutil.which("promtool") is None, reason="Debian's prometheus is not here")
def test_promtool_finds_nothing_wrong(text: str) -> None:
    """Prometheus' own check of rules and metrics."""
    rules = ["promtool", "check", "rules", str(monitoring() / "alerts.yml")]
    assert subprocess.run(rules, capture_output=True, check=False).returncode == 0
    metrics = ["promtool", "check", "metrics"]
    result = subprocess.run(metrics, input=text, capture_output=True, text=True, check=False)
    assert (result.returncode, result.stdout, result.stderr) == (0, "", "")


def test_what_cannot_be_written_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is not there, a name that is not read, the package that is an extra."""
    house = StatusHouse(tmp_path, ("shop",))
    nowhere = answer(house, capsys, "metrics", "--output", str(tmp_path / "gone" / "x.prom"))
    assert (nowhere.code, "cannot write" in nowhere.err) == (1, True)
    assert answer(house, capsys, "metrics", "--output", str(tmp_path / "x.txt")).code == 2
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    missing = answer(house, capsys, "metrics", "--output", str(tmp_path / "x.prom"))
    assert missing.code == 3
    assert "pip install 'pradrill[metrics]'" in missing.err

"""A plan whose file is called plan.yaml."""

from __future__ import annotations

from pathlib import Path

from tests.integration.house import build, pradrill


def test_a_plan_is_found_under_either_name_and_never_under_both(tmp_path: Path) -> None:
    """plan.yaml is the plan as plan.yml is; with both, nobody would know which one counts."""
    build(tmp_path)
    usual, other = tmp_path / "drills/plan.yml", tmp_path / "drills/plan.yaml"
    usual.rename(other)
    result = pradrill(tmp_path, "validate")
    assert result.returncode == 0, result.stdout + result.stderr
    usual.write_text(other.read_text())
    result = pradrill(tmp_path, "validate")
    assert result.returncode == 3
    assert "holds plan.yml and plan.yaml" in result.stderr

"""What binds a provider: what ends soon is told by validate, and is a finding once."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pradrill.cli import main
from pradrill.domain.declared.provider import SOON, CommitmentEnd, Provider, endings
from pradrill.domain.register.finding_of_ending import finding_of_ending
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.run.case_sections import finding_title, opened_by

TODAY = dt.datetime.now(dt.UTC).date()
DAY = dt.timedelta(days=1)


def provider(contract: dt.date | None, *certifications: dt.date) -> Provider:
    """Return one whose contract and certifications end on these days."""
    return Provider.model_validate(
        {
            "contract": {"ends": contract},
            "certifications": [{"name": "ISO/IEC 27001", "ends": day} for day in certifications],
        }
    )


def test_what_ends_within_sixty_days_or_has_ended_is_told() -> None:
    """The nearest first; what ends later, or has no end, is not."""
    providers = {
        "hexanet": provider(TODAY + SOON, TODAY + SOON + DAY),
        "other": provider(None, TODAY - DAY),
    }
    assert endings(providers, TODAY) == [
        CommitmentEnd("other", "ISO/IEC 27001", TODAY - DAY),
        CommitmentEnd("hexanet", "", TODAY + SOON),
    ]


def test_it_is_told_by_validate_and_is_a_finding_once(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Cron opens it; once more it opens nothing; once renewed, its next end is another."""

    def command(*words: str) -> str:
        assert main(["--state", str(tmp_path / "state"), "--drills", str(tmp_path), *words]) == 0
        return capsys.readouterr().out

    def write(ends: dt.date) -> None:
        (tmp_path / "plan.yml").write_text(
            "plan: 1\norganisation: Exemple\n"
            f"providers: {{hexanet: {{contract: {{ends: {ends}}}}}}}\n"
            "services: {moodle: {objectives: {rto: 4h, rpo: 24h}, primary: none}}\n"
        )

    ends = TODAY + 10 * DAY
    write(ends)
    assert f"provider hexanet: the contract ends on {ends}, in " in command("validate")
    for _ in range(2):
        assert command("due") == "nothing is due\n"
    (finding,) = command("findings").splitlines()
    assert finding.startswith(f"F-1  major  the contract of hexanet ends on {ends}")
    assert f"due {ends}" in finding

    write(ends + 20 * DAY)
    command("due")
    assert len(command("findings").splitlines()) == 2


def test_a_damaged_line_of_the_register_hides_no_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It is told on stderr, and once."""
    ends = TODAY + 10 * DAY
    (tmp_path / "plan.yml").write_text(
        "plan: 1\norganisation: Exemple\n"
        f"providers: {{hexanet: {{contract: {{ends: {ends}}}}}}}\n"
        "services: {moodle: {objectives: {rto: 4h, rpo: 24h}, primary: none}}\n"
    )
    state = tmp_path / "state"
    (state / "register").parent.mkdir(mode=0o700)
    (state / "register").write_bytes(b"no entry\n")
    for lines in (1, 0):
        main(["--state", str(state), "--drills", str(tmp_path), "due"])
        assert capsys.readouterr().err.count(f"the contract ends on {ends}") == lines


def test_a_french_page_says_it_in_french() -> None:
    """What ends, and that the plan itself says so."""
    ending = CommitmentEnd("hexanet", "", TODAY)
    finding = finding_of_ending(ending, dt.datetime.now(dt.UTC))
    with speaking("fr"):
        title = finding_title(finding)
        assert title.startswith("échéance")
        assert title.endswith(f"contract {TODAY}")
        assert opened_by(finding) == "le plan"

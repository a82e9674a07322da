"""`pradrill schedule`: a line of a crontab, a timer of systemd; shown, written once, taken away."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from tests.support.status_house import StatusHouse, answer

from pradrill.adapters.schedules.crontab import crontab_line, line_in, with_line
from pradrill.adapters.schedules.systemd import ServiceSettings, units
from pradrill.errors import ConfigurationError

Capture = pytest.CaptureFixture[str]
_CRONTAB = """\
#!/bin/sh
[ "$1" = -l ] || exec cat > "$0.content"
[ -f "$0.content" ] && exec cat "$0.content"
echo "no crontab for root" >&2
exit 1
"""
"""As cron's own, for one user."""


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StatusHouse:
    """Return a service that is drilled by the calendar, beside one that is not, and a crontab."""
    house = StatusHouse(tmp_path / "a b%c", ("shop", "mail"))
    rule = "first Saturday of the quarter 02:00 Europe/Paris"
    plan = house.drills / "plan.yml"
    text = plan.read_text().replace("drill_every: 3 months", f"drill_on: {rule}", 1)
    plan.write_text(text)
    crontab = tmp_path / "bin" / "crontab"
    crontab.parent.mkdir()
    crontab.write_text(_CRONTAB)
    crontab.chmod(0o755)
    monkeypatch.setenv("PATH", f"{crontab.parent}:/usr/bin:/bin")
    house.state.mkdir(exist_ok=True)
    return house


def test_it_shows_what_is_due_and_that_nothing_calls_it(
    house: StatusHouse, capsys: Capture
) -> None:
    """Each service with its next date, by the calendar or since its last run."""
    lines = answer(house, capsys, "schedule", "show").out.splitlines()
    assert lines[0].startswith("shop: first Saturday of the quarter 02:00 Europe/Paris: next 20")
    assert lines[1] == "mail: every 3 months: next now: it was never drilled"
    assert lines[2] == "nothing calls it: pradrill schedule install"


@pytest.mark.parametrize("command", [("schedule", "show"), ("status",)])
def test_a_zone_that_there_is_not_is_told(
    house: StatusHouse, capsys: Capture, command: tuple[str, ...]
) -> None:
    """With file, line and key, as validate does; nobody sees Python's own words."""
    house.rewrite("drills/plan.yml", "Europe/Paris", "Europe/Pari")
    wrong = answer(house, capsys, *command)
    assert wrong.code == 3
    assert 'services.shop.drill_on: there is no time zone "Europe/Pari"' in wrong.err


def test_a_line_of_the_crontab_is_shown_then_written_once(
    house: StatusHouse, capsys: Capture
) -> None:
    """Beside the user's own lines; with another state it is replaced; removed, theirs stay."""
    file = house.folder.parent / "bin" / "crontab.content"
    file.write_text("# mine\n5 4 * * * backup\n")
    first = answer(house, capsys, "schedule", "install", "--crontab")
    assert first.code == 2
    assert "nothing is written: say --yes" in first.out
    assert file.read_text() == "# mine\n5 4 * * * backup\n"

    assert answer(house, capsys, "schedule", "install", "--crontab", "--yes").code == 0
    content = file.read_text()
    assert content.startswith("# mine\n5 4 * * * backup\n")
    ours = line_in(content)
    assert ours is not None
    assert r"a b\%c/drills'" in ours
    assert "due --run --scheduled" in ours
    again = answer(house, capsys, "schedule", "install", "--crontab", "--yes")
    assert "installed already" in again.out
    assert file.read_text() == content
    assert "called by your crontab" in answer(house, capsys, "schedule", "show").out

    assert answer(house, capsys, "schedule", "remove", "--crontab").code == 0
    assert file.read_text() == "# mine\n5 4 * * * backup\n"
    assert "nothing of it is there" in answer(house, capsys, "schedule", "remove", "--crontab").out


def test_our_line_keeps_its_place_and_is_one() -> None:
    """Also where somebody has copied it."""
    old, new = crontab_line(["/old"], 1), crontab_line(["/new"], 2)
    assert with_line(f"a\n{old}\nb\n{old}\n", new) == f"a\n{new}\nb\n"
    assert with_line("a", new) == f"a\n{new}\n"
    others = "a\fb\u2028c\n"
    assert with_line(others, None) == others  # nothing but a line feed ends a line of cron's
    with pytest.raises(ConfigurationError, match="no line feed"):
        crontab_line(["/old", "/a\nb"], 1)


def test_units_are_shown_then_written_once_and_are_ours(
    house: StatusHouse, capsys: Capture
) -> None:
    """One that somebody else wrote is left; removed, nothing of ours stays."""
    folder = house.folder.parent / "units"
    folder.mkdir()
    words = ("--systemd", "--units", str(folder))
    preview = answer(house, capsys, "schedule", "install", *words)
    assert (preview.code, list(folder.iterdir())) == (2, [])
    assert "[Timer]\nOnCalendar=hourly\nRandomizedDelaySec=5min\nPersistent=true" in preview.out
    assert answer(house, capsys, "schedule", "install", *words, "--yes").code == 0
    service = (folder / "pradrill.service").read_text()
    assert 'a b%%c/drills"' in service
    assert f'ReadWritePaths="{house.state}"'.replace("%", "%%") in service
    again = answer(house, capsys, "schedule", "install", *words, "--yes")
    assert "installed already" in again.out

    assert answer(house, capsys, "schedule", "remove", *words).code == 0
    assert list(folder.iterdir()) == []
    (folder / "pradrill.timer").write_text("[Timer]\n")
    foreign = answer(house, capsys, "schedule", "install", *words, "--yes")
    assert foreign.code == 3
    assert "is there and is not ours" in foreign.err
    answer(house, capsys, "schedule", "remove", *words)
    assert (folder / "pradrill.timer").is_file()


def test_what_a_drill_locks_and_a_plan_publishes_can_be_written(
    house: StatusHouse, capsys: Capture
) -> None:
    """A repository of borg's on this machine, and the folder of heads; not what is elsewhere."""
    drill = next(path for path in house.drills.glob("*.yml") if path.name != "plan.yml")
    drill.write_text(drill.read_text() + "recovery_point: {borg: {repository: /mnt/backup/borg}}\n")
    with (house.drills / "plan.yml").open("a") as plan:
        plan.write("sealing: {head_log: /mnt/heads/log}\n")
    words = ("--systemd", "--units", str(house.folder))
    lines = answer(house, capsys, "schedule", "install", *words).out.splitlines()
    assert {"ReadWritePaths=-/mnt/backup/borg", "ReadWritePaths=-/mnt/heads"} <= set(lines)
    stranger = answer(house, capsys, "schedule", "install", *words, "--user", "nobody-here")
    assert (stranger.code, stranger.err.splitlines()[0]) == (
        2,
        'there is no user "nobody-here" here',
    )


def test_a_timer_that_is_enabled_calls_it_whoever_shipped_it(
    house: StatusHouse, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package's counts as ours does; units that nobody enabled call nothing."""
    units_folder = house.folder / "units"
    wants = units_folder / "timers.target.wants"
    wants.mkdir(parents=True)
    monkeypatch.setattr("pradrill.cli.commands.schedule.UNITS", units_folder)
    (units_folder / "pradrill.timer").write_text("[Timer]\n")
    assert "nothing calls it" in answer(house, capsys, "schedule", "show").out
    (wants / "pradrill.timer").symlink_to("/usr/lib/systemd/system/pradrill.timer")
    assert "called by pradrill.timer" in answer(house, capsys, "schedule", "show").out


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not here")
@pytest.mark.parametrize(("user", "most"), [("daemon", "25"), ("root", "30")])
def test_systemd_finds_nothing_wrong_and_little_exposed(
    tmp_path: Path, user: str, most: str
) -> None:
    """`systemd-analyze verify` says nothing; `security` stays low, out of 100."""
    settings = ServiceSettings(
        ["/bin/sh", "--drills", "/srv/a b%$\"'\\c", "due"],
        user,
        Path("/var/lib/pradrill"),
        [Path("/mnt/heads")],
    )
    for name, content in units(settings).items():
        (tmp_path / name).write_text(content)
    names = [str(tmp_path / name) for name in units(settings)]
    verify = subprocess.run(
        ["systemd-analyze", "verify", *names], capture_output=True, text=True, check=False
    )
    assert (verify.returncode, verify.stderr) == (0, "")
    security = ["systemd-analyze", "security", "--offline=true", f"--threshold={most}", names[0]]
    result = subprocess.run(security, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout[-300:]

"""Whatever a crontab, a unit, a tool or a health check says, it is read or refused."""

from __future__ import annotations

import os
import shlex
import tempfile
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, texts
from tests.unit.adapters.test_hostile_deletion import answering, brokens, wholes

from pradrill.adapters.notifications.health_check import HealthPinger
from pradrill.adapters.schedules import crontab, systemd
from pradrill.app.doctor import _program
from pradrill.domain.declared.health_check import HealthCheck
from pradrill.domain.run.precondition import Holding
from pradrill.errors import ConfigurationError
from pradrill.system.tools import ToolError

LINE = crontab.crontab_line(["/usr/bin/pradrill", "due", "--run"], 7)
lines = st.sampled_from(
    [
        *(
            LINE,
            f"#{LINE}",
            f"{LINE} ",
            "# pradrill schedule",
            "17 * * * * true",
            "MAILTO=a",
            "",
            " ",
        ),
        *("\x0b# pradrill schedule", "a\rb", "\u2028", "0 0 * * * echo \udce9", "%", "\x1b[2J"),
    ]
) | st.text(st.characters(blacklist_categories=["Cs"]), max_size=12)
tables = st.lists(lines, max_size=8).map("\n".join) | texts


def others(content: str) -> list[str]:
    """Return the lines of a crontab that are not ours."""
    rows = content.removesuffix("\n").split("\n") if content else []
    return [row for row in rows if not row.endswith("# pradrill schedule")]


@settings(max_examples=4 * EXAMPLES)
@given(tables, st.sampled_from([LINE, None]))
def test_a_crontab_keeps_every_line_that_is_not_ours(content: str, line: str | None) -> None:
    """Ours stands in it once, or not at all."""
    fresh = crontab.with_line(content, line)
    assert others(fresh) == others(content)
    assert crontab.line_in(fresh) == line
    assert fresh.count("\n") == len(others(content)) + (line is not None)
    assert crontab.with_line(fresh, line) == fresh


def program(folder: Path, name: str, out: bytes, err: bytes, code: int) -> None:
    """Write a program that says that."""
    for stream, content in (("out", out), ("err", err)):
        (folder / stream).write_bytes(content)
    words = [shlex.quote(str(folder / stream)) for stream in ("out", "err")]
    text = f"#!/bin/sh\ncat {words[0]}\ncat {words[1]} >&2\nexit {code}\n"
    (folder / name).write_text(text)
    (folder / name).chmod(0o755)


prints = st.binary(max_size=40) | texts.map(lambda text: text.encode("utf-8", "surrogatepass"))


@settings(max_examples=EXAMPLES)
@given(
    prints | st.just(LINE.encode()), prints | st.just(b"no crontab for shop\n"), st.integers(0, 1)
)
def test_what_cron_lists_is_given_back_byte_by_byte(out: bytes, err: bytes, code: int) -> None:
    """Or it is refused in one line: what could not be read is not written anew."""
    refusal = None
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        program(Path(name), "crontab", out, err, code)
        with patch.dict(os.environ, {"PATH": f"{name}:{os.environ['PATH']}"}):
            try:
                content = crontab.read_crontab()
            except ToolError as error:
                refusal = error.message
    if refusal is None:
        assert content.encode("utf-8", "surrogateescape") == (out if code == 0 else b"")
        assert code == 0 or b"no crontab for" in err
    else:
        assert code == 1
        assert refusal.isprintable()


@settings(max_examples=EXAMPLES)
@given(prints, prints, st.integers(0, 1))
def test_a_version_is_one_line_that_moves_no_cursor(out: bytes, err: bytes, code: int) -> None:
    """Whatever a tool of a backup source prints for one; without an end of 0 it is none."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        program(Path(name), "borg", out, err, code)
        with patch.dict(os.environ, {"PATH": f"{name}:{os.environ['PATH']}"}):
            answer = _program("borg", ("borg", "--version"))
    assert answer.says.isprintable()
    assert len(answer.says) <= 300
    assert (answer.holding is Holding.HOLDS) is (code == 0)


@settings(max_examples=2 * EXAMPLES)
@given(prints, prints, st.booleans())
def test_a_unit_that_somebody_else_wrote_is_never_written_over(
    service: bytes, timer: bytes, is_ours: bool
) -> None:
    """What is there is ours, or nothing, or the reason why not."""
    mark = systemd.MARK.encode() if is_ours else b""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        for unit, content in ((systemd.SERVICE, service), (systemd.TIMER, timer)):
            Path(name, unit).write_bytes(mark + content)
        try:
            differing = systemd.differing(systemd.packaged_units(), Path(name))
        except ConfigurationError:
            assert not is_ours
            return
    assert set(differing) == {systemd.SERVICE, systemd.TIMER}
    assert is_ours or not (service or timer)


@settings(max_examples=EXAMPLES)
@given(wholes | brokens, st.sampled_from([0, 10]))
def test_a_health_check_that_answers_anything_stops_nothing(answer: bytes, code: int) -> None:
    """What went wrong with it is said in lines that can be printed, without its address."""
    sayings: list[str] = []
    with answering([answer]) as port:
        address = f"http://127.0.0.1:{port}/known-to-few"
        check = HealthCheck.model_validate({"url": address, "start": address, "fail": address})
        pinger = HealthPinger(check, sayings.append)
        pinger.begin()
        pinger.end(code)
    assert all(each.isprintable() and "known-to-few" not in each for each in sayings)


def test_a_tool_that_prints_signs_moves_no_cursor_of_the_doctors(tmp_path: Path) -> None:
    """The line of its version went to the terminal as it came."""
    program(tmp_path, "borg", b"borg\x1b[2J 1.2\nmore\n", b"", 0)
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        assert _program("borg", ("borg", "--version")).says == "borg?[2J 1.2"

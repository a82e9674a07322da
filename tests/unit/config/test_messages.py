"""Problems of files are said in words: no pattern, no bare "invalid", no path without its slash."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from pradrill.config import ansible_command
from pradrill.config.loader import playbook_problem, read_document, validate
from pradrill.config.problems import ConfigurationProblemsError, Problem
from pradrill.domain.declared.drill import Drill
from pradrill.errors import ConfigurationError

DRILL = """\
drill: {name}
services: [shop]
scenario: {{name: loss}}
standby: {{inventory: i.yml, hosts: standby, unchanged_after_teardown: [{path}]}}
restore: [{{playbook: r.yml}}]
verify:
  checks: c
  newest_data: {{{reading}: {{command: date}}}}
  must_not_reach: ["192.0.2.10:443"]
teardown: [{{playbook: t.yml}}]
"""


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"name": "Shop 1"}, '"Shop 1" must begin with a small letter; digits, - and _ may'),
        ({"path": "etc"}, '"etc" must be an absolute path'),
        ({"reading": "Last Order"}, '"Last Order" must begin with a small letter; digits, spaces'),
    ],
)
def test_a_form_is_said_in_words(tmp_path: Path, values: dict[str, str], words: str) -> None:
    """Nobody has to read a regular expression."""
    file = tmp_path / "drill.yml"
    file.write_text(DRILL.format(**{"name": "shop", "path": "/etc", "reading": "last"} | values))
    with pytest.raises(ConfigurationProblemsError) as raised:
        validate(read_document(file), Drill)
    assert words in str(raised.value)
    assert "pattern" not in str(raised.value)


def test_what_should_be_a_mapping_names_its_keys(tmp_path: Path) -> None:
    """Of a list's members, too: a word where several belong is written by whoever guesses."""
    file = tmp_path / "drill.yml"
    text = DRILL.format(name="shop", path="/etc", reading="last")
    file.write_text(text.replace("[{playbook: t.yml}]", "[t.yml]").replace("{name: loss}", "loss"))
    with pytest.raises(ConfigurationProblemsError) as raised:
        validate(read_document(file), Drill)
    assert "HINT: It has the keys name, " in str(raised.value)


def test_an_inventory_that_is_not_read_in_time_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In words, and not as the call that was made."""
    monkeypatch.setattr(ansible_command, "_DEADLINE", 0.01)
    inventory = tmp_path / "i.yml"
    inventory.write_text("standby: {hosts: {web: {}}}\n")
    with pytest.raises(ConfigurationError) as raised:
        ansible_command.ask_of(inventory, "ansible-inventory", "--list")
    assert raised.value.message == f"ansible-inventory has not read {inventory} within 0.01 s"


def test_a_playbook_that_is_no_yaml_says_why(tmp_path: Path) -> None:
    """File, line, and YAML's own reason."""
    file = tmp_path / "restore.yml"
    file.write_text("- hosts: all\n  tasks: [\n")
    words = playbook_problem(file) or ""
    assert words.startswith(f"{file}:")
    assert re.search(r":\d is not valid YAML: .*expected", words)


def test_a_path_keeps_its_slash_wherever_the_command_is_started(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """From / all is below here, and nothing is clear without the slash."""
    monkeypatch.chdir("/")
    assert str(Problem(Path("/etc/pradrill/plan.yml"), 3, "", "x")).startswith("/etc/pradrill/")


def test_a_key_is_read_as_it_is_written(tmp_path: Path) -> None:
    """What names a variable or a provider elsewhere still does with its accents apart."""
    file = tmp_path / "drill.yml"
    for name in ("h\u00e9berg\u00e9", "he\u0301berge\u0301"):
        file.write_text(f"{name}: {name}\n", "utf-8")
        assert read_document(file).content == {name: name}

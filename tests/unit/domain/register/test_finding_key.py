"""Keys of findings: one text in the register, parts in the program."""

import pytest

from pradrill.domain.register.finding_key import About, FindingKey

KEYS = {
    "check/moodle/directory/test_web.py::test_login": FindingKey(
        About.CHECK, "moodle", "directory/test_web.py::test_login"
    ),
    "integrity/moodle//srv/backup": FindingKey(About.INTEGRITY, "moodle", "/srv/backup"),
    "residue/moodle": FindingKey(About.RESIDUE, "moodle"),
    "objective/RTO/moodle": FindingKey(About.OBJECTIVE, "RTO", "moodle"),
    "sla/Acme A/S/response": FindingKey(About.SLA, "Acme A/S", "response"),
}


@pytest.mark.parametrize("text", KEYS)
def test_a_key_reads_as_it_was_written(text: str) -> None:
    """What the register holds since its first entry names the same problem for ever."""
    assert FindingKey.read(text) == KEYS[text]
    assert KEYS[text].text == text


@pytest.mark.parametrize("text", [None, "", "objective/RPO/a", "sla/a/response"])
def test_some_problems_are_no_single_drills(text: str | None) -> None:
    """What a person opened, an objective and a promise may be proved by any drill."""
    assert not FindingKey.read(text).of_a_drill


def test_a_key_of_a_later_version_is_one_of_its_drill() -> None:
    """A kind of problem that this version does not know is proved by its own drill only."""
    assert FindingKey.read("flood/moodle/cellar").of_a_drill

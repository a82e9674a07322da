"""What validation says of steps that run side by side, each problem at its line."""

from __future__ import annotations

from pathlib import Path

from tests.unit.config.test_manual_steps import DRILL, house, problems

_RESTORE = DRILL[DRILL.index("restore:") : DRILL.index("verify:")]


def drill(*words: str | None, before: str = "") -> str:
    """Return a drill whose restore steps say these words."""
    steps = "".join(
        f"  - playbook: checks/restore.yml\n    name: r{number}\n"
        + (f"    together: {word}\n" if word else "")
        for number, word in enumerate(words)
    )
    text = DRILL.replace(_RESTORE, f"restore:\n{steps}")
    return text.replace("    call: hexanet\n", f"    call: hexanet\n{before}")


def test_steps_that_say_one_word_stand_one_below_the_other(tmp_path: Path) -> None:
    """Two groups, and one step between them, are valid, and are planned as they are said."""
    loaded = house(tmp_path, drill("a", "a", None, "b", "b"))
    steps = loaded.drills["moodle"].drill.playbook_steps()
    assert [step.together for step in steps] == ["a", "a", None, "b", "b"]


def test_a_word_that_puts_nothing_side_by_side_is_a_problem(tmp_path: Path) -> None:
    """One that stands alone, ones that stand apart, and one in a phase that runs in order."""
    assert problems(tmp_path, drill("alone", None)) == [
        '14: restore[0].together: no other step says "together: alone"'
    ]
    apart = 'the steps that say "together: a" do not stand one below the other'
    assert problems(tmp_path, drill("a", None, "a")) == [
        f"14: restore[0].together: {apart}",
        f"19: restore[2].together: {apart}",
    ]
    early = "  - playbook: checks/restore.yml\n    together: a\n"
    assert problems(tmp_path, drill("a", "a", before=early)) == [
        "12: prepare[1].together: only steps of restore run side by side"
    ]

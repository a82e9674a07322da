"""The rotation through a repository's parts."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from pradrill.domain.run.backup_integrity import IntegrityResult, Soundness, coverage, next_part
from pradrill.testing import after


def checked(number: int, part: int, parts: int, soundness: Soundness) -> IntegrityResult:
    """Return the check of run `number`."""
    return IntegrityResult(
        soundness=soundness,
        method="restic check",
        detail="",
        source="restic",
        location="/srv",
        backup_id="x",
        at=after(number),
        part=part,
        parts=parts,
        covered=0,
        full_on=None,
    )


@settings(deadline=None)  # a busy machine is no failure
@given(st.integers(1, 12), st.integers(1, 4))
def test_so_many_sound_runs_read_everything(parts: int, rounds: int) -> None:
    """Each round of as many runs as there are parts reads each part once, and is dated."""
    history: list[IntegrityResult] = []
    for number in range(parts * rounds):
        assert coverage(history, parts)[0] == (
            (number % parts) / parts if number % parts or not number else 1.0
        )
        history.append(checked(number, next_part(history, parts), parts, Soundness.SOUND))
    assert sorted(past.part for past in history) == sorted([*range(1, parts + 1)] * rounds)
    assert coverage(history, parts) == (1.0, after(parts * rounds - 1))


@settings(deadline=None)  # a busy machine is no failure
@given(st.lists(st.tuples(st.integers(1, 5), st.sampled_from(Soundness))))
def test_only_what_was_found_sound_counts(past: list[tuple[int, Soundness]]) -> None:
    """A part without proof is read again; after damage everything is."""
    history = [checked(n, part, 5, soundness) for n, (part, soundness) in enumerate(past)]
    covered, full_on = coverage(history, 5)
    assert 0 <= covered <= 1
    sound = {part for part, soundness in past if soundness is Soundness.SOUND}
    assert covered == 0 or sound
    assert full_on is None or sound == {1, 2, 3, 4, 5}
    if past and past[-1][1] is Soundness.DAMAGED:
        assert covered == 0
        assert next_part(history, 5) == 1
    if past and past[-1][1] is Soundness.UNPROVEN and full_on is None:
        assert past[-1][0] in sound or next_part(history, 5) <= past[-1][0]


def test_another_division_begins_anew() -> None:
    """Parts of a tenth say nothing about parts of a third."""
    history = [checked(n, n, 10, Soundness.SOUND) for n in (1, 2)]
    assert next_part(history, 3) == 1
    assert coverage(history, 3) == (0.0, None)
    thirds = [checked(0, 1, 3, Soundness.SOUND), *history]
    assert next_part(thirds, 3) == 1
    assert next_part([*thirds, checked(9, 1, 3, Soundness.SOUND)], 3) == 2

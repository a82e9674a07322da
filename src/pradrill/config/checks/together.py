"""Check what steps say of those that run beside them: one word, one below the other, in restore."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from pradrill.config.loader import Document
from pradrill.config.problems import Problem
from pradrill.domain.declared.drill import Drill, Step
from pradrill.domain.declared.playbook_step import PlaybookStep


def together_problems(document: Document, drill: Drill) -> Iterator[Problem]:
    """Find words of `together` that put nothing side by side, each with its line."""
    for service, way in drill.ways.items():
        above = () if service is None else ("recover", service)
        for where, steps in (("prepare", way.prepare), ("teardown", way.teardown)):
            for number, word in enumerate(map(_word, steps)):
                if word is not None:
                    yield document.problem(
                        (*above, where, number, "together"),
                        "only steps of restore run side by side",
                        "Leave it out.",
                    )
        yield from _alone(document, (*above, "restore"), [_word(step) for step in way.restore])


def _alone(
    document: Document, where: tuple[str | int, ...], words: Sequence[str | None]
) -> Iterator[Problem]:
    """Find the words that stand apart from their like, or have none."""
    for word, group in groupby(enumerate(words), lambda each: each[1]):
        numbers = [number for number, _ in group]
        if word is None or len(numbers) == words.count(word) > 1:
            continue

        apart = words.count(word) > 1
        yield document.problem(
            (*where, numbers[0], "together"),
            f'the steps that say "together: {word}" do not stand one below the other'
            if apart
            else f'no other step says "together: {word}"',
            "Put them one below the other."
            if apart
            else "Write it into each step that is to run beside this one, or leave it out.",
        )


def _word(step: Step) -> str | None:
    return step.together if isinstance(step, PlaybookStep) else None

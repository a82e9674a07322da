"""Texts on which a regular expression that reads some of them in many ways takes for ever.

They are made from the expression itself: whatever it repeats is repeated, behind what leads there,
and before something that ends it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from re import _constants as codes  # type: ignore[attr-defined]
from re import _parser  # type: ignore[attr-defined]
from typing import Any

_SIGNS = "a0 \n.-_/:\"'=A\x01"
_OF_CATEGORY = {
    codes.CATEGORY_DIGIT: "0",
    codes.CATEGORY_SPACE: " ",
    codes.CATEGORY_NOT_WORD: ".",
}
_ENDS = ("", "\x00", "\nX")
_REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT}
_FEW, _PAIRS = 50, 5

Pump = tuple[str, str]
"""What leads to a repetition, and what is repeated."""


def pumped_texts(pattern: re.Pattern[Any]) -> Iterator[tuple[str, str, str]]:
    """Return, each once, a beginning, what comes after it as often as one likes, and an end."""
    pumps: list[Pump] = []
    flags = pattern.flags & ~re.UNICODE if isinstance(pattern.pattern, bytes) else pattern.flags
    whole = _sample(_parser.parse(pattern.pattern, flags), "", pumps)
    pumps += [("", whole), *(("", before + body) for before, body in pumps)]
    pumps += [("", f"{body}\n") for _, body in pumps]
    for before, body in dict.fromkeys(pumps):
        if body:
            yield from ((begin, body, end) for begin in {before, ""} for end in _ENDS)


def _sample(nodes: Any, before: str, pumps: list[Pump]) -> str:
    """Return the shortest text of these parts, and add what they repeat."""
    text = ""
    for kind, value in nodes:
        if kind is codes.LITERAL:
            text += chr(value)
        elif kind is codes.IN:
            text += _signs(value)[0]
        elif kind in {codes.ANY, codes.NOT_LITERAL}:
            text += "a"
        elif kind is codes.SUBPATTERN:
            text += _sample(value[3], before + text, pumps)
        elif kind is codes.ATOMIC_GROUP:
            text += _sample(value, before + text, pumps)
        elif kind is codes.BRANCH:
            text += max((_sample(each, before + text, pumps) for each in value[1]), key=len)
        elif kind in _REPEATS:
            least, most, body = value
            one = _sample(body, before + text, pumps)
            if most is codes.MAXREPEAT or most > _FEW:
                ways = list(dict.fromkeys([one, *_ways(body)]))
                pumps += [(before + text, each) for each in ways]
                few = ways[:_PAIRS]
                pumps += [(before + text, each + other) for each in few for other in few]
            text += one * least
    return text


def _ways(nodes: Any) -> Iterator[str]:
    """Return a text of each way in which a single part may be read."""
    if len(nodes) != 1:
        return
    ((kind, value),) = nodes
    if kind is codes.SUBPATTERN:
        yield from _ways(value[3])
    elif kind is codes.BRANCH:
        yield from (_sample(each, "", []) for each in value[1])
    elif kind is codes.IN:
        yield from _signs(value)
    elif kind is codes.ANY:
        yield from "a -"
    elif kind in _REPEATS:
        yield from _ways(value[2])


def _signs(items: Sequence[tuple[Any, Any]]) -> list[str]:
    """Return a sign of each kind that a set of them holds."""
    if items[0][0] is codes.NEGATE:
        others = set(_signs(items[1:])) if items[1:] else set()
        return [each for each in _SIGNS if each not in others] or ["z"]
    signs = []
    for kind, value in items:
        if kind is codes.LITERAL:
            signs.append(chr(value))
        elif kind is codes.RANGE:
            signs.append(chr(value[0]))
        else:
            signs += [_OF_CATEGORY.get(value, "a"), *("\n" * (value is codes.CATEGORY_SPACE))]
    return signs

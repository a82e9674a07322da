"""What nobody of ours wrote: documents of which any value may be another, and texts that are none.

At night a property is tried with many more of them.
"""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import strategies as st

EXAMPLES = int(os.environ.get("PRADRILL_EXAMPLES", "12"))
"""How many are tried of each property, times what it needs: at night some thousands."""

_DEEP = "[" * 3_000  # deeper than Python follows
_HUGE = 10**5_000
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, -1, 2**63, -(2**80), _HUGE, 1e308, float("nan"), float("inf")),
    *("", " ", "\n", "\x00", "\ud800", "\u202e", "\x1b[2J", "a" * 5_000, "../../etc", "{{ 1 }}"),
    *("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "2026-02-30T00:00:00Z"),
    *("2026-01-01T00:00:00", "2026-01-01T00:00:00Z", "1700000000", "1e400"),
    *([], [[]], {}, {"": {}}, [None], ["x"] * 3, {"id": None}),
)

values = st.one_of(
    st.sampled_from(_VALUES), st.text(max_size=20), st.integers(), st.floats(), st.just(_DEEP)
)
"""A value that stands where another one should."""

texts = st.one_of(
    st.text(max_size=200),
    st.sampled_from(["", "\n", "null", "0", '"', "{", _DEEP, '{"a":' * 3_000, "[1e999]"]),
)
"""What is no document."""


@st.composite
def documents(draw: st.DrawFn, *whole: Any) -> str:
    """Draw a JSON text: one of those, with values changed, left out or added; or none at all."""
    document = draw(st.sampled_from(whole))
    for _ in range(draw(st.integers(0, 3))):
        document = _changed(draw, document)
    text = _text(document)
    match draw(st.sampled_from(["whole"] * 4 + ["cut", "spliced", "none"])):
        case "cut":
            return text[: draw(st.integers(0, len(text)))]
        case "spliced":
            at = draw(st.integers(0, len(text)))
            return text[:at] + draw(texts) + text[at:]
        case "none":
            return draw(texts)
    return text


def _changed(draw: st.DrawFn, document: Any) -> Any:
    """Return a document with one value changed, somewhere in it."""
    children: list[Any] = []
    if isinstance(document, dict):
        children = sorted(document)
    elif isinstance(document, list):
        children = list(range(len(document)))
    if not children or draw(st.integers(0, 4)) == 0:
        return draw(values)

    key = draw(st.sampled_from(children))
    other = document.copy()
    if isinstance(document, dict) and draw(st.integers(0, 5)) == 0:
        del other[key]
    else:
        other[key] = _changed(draw, document[key])
    return other


def _text(document: Any) -> str:
    """Write a document, also with numbers that Python itself does not write."""
    if isinstance(document, dict):
        pairs = (f"{json.dumps(key)}: {_text(each)}" for key, each in document.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(document, list):
        return "[" + ", ".join(map(_text, document)) + "]"
    if document is _HUGE:
        return "1" + "0" * 5_000
    if document is _DEEP:
        return "[" * len(_DEEP) + "]" * len(_DEEP)
    return json.dumps(document)

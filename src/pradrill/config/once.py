"""Look once, while a plan is read, at what many of its drills share.

Files may change from one reading to the next, so nothing is remembered for longer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")
_results: ContextVar[dict[tuple[Any, ...], Any] | None] = ContextVar("results", default=None)


@contextmanager
def one_reading() -> Iterator[None]:
    """Remember what functions marked with `once` return, until the end of the outermost reading."""
    if _results.get() is not None:
        yield
        return

    token = _results.set({})
    try:
        yield
    finally:
        _results.reset(token)


def once(function: Callable[_Arguments, _Result]) -> Callable[_Arguments, _Result]:
    """Let a function of hashable arguments look once in a reading; outside of one, each time."""

    @wraps(function)
    def remembered(*args: _Arguments.args, **options: _Arguments.kwargs) -> _Result:
        results = _results.get()
        if results is None:
            return function(*args, **options)
        key = (function, *args, *sorted(options.items()))
        if key not in results:
            results[key] = function(*args, **options)
        result: _Result = results[key]
        return result

    return remembered

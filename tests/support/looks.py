"""Take stock as a standby does, with other parts: what looks there is one text, here it is many."""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType
from typing import Any
from unittest.mock import patch

from pradrill.adapters.ssh import remote_inventory, remote_looks

_MODULES: tuple[ModuleType, ...] = (
    remote_inventory,
    *(
        import_module(f"{remote_looks.__name__}.{each.name}")
        for each in iter_modules(remote_looks.__path__)
    ),
)


@contextmanager
def everywhere(**values: Any) -> Iterator[None]:
    """Put values in the place of those names, in each module that has them."""
    with ExitStack() as stack:
        for name, value in values.items():
            modules = [each for each in _MODULES if hasattr(each, name)]
            assert modules, name
            for module in modules:
                stack.enter_context(patch.object(module, name, value))
        yield


def stock(looks: Mapping[str, Callable[[], None]], *words: str) -> str:
    """Return what is printed of those kinds."""
    out = io.StringIO()
    with (
        everywhere(LENGTHS={}, UNSEEN=set(), SECRET=[b"s"]),
        patch.dict(remote_inventory.LOOKS, looks, clear=True),
        patch.object(out, "reconfigure", lambda **_: None, create=True),
        patch.object(sys, "stdout", out),
    ):
        remote_inventory.main("", *words)
    return out.getvalue()

"""Take stock as a standby does, in a folder or with other parts.

What looks there is one text; here it is many modules.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from types import ModuleType
from typing import Any
from unittest.mock import patch

from pradrill.adapters.ssh import remote_inventory, remote_looks

MODULES: tuple[ModuleType, ...] = (
    remote_inventory,
    *(
        import_module(f"{remote_looks.__name__}.{each.name}")
        for each in iter_modules(remote_looks.__path__)
    ),
)
_TOPS = ("/etc", "/var", "/usr", "/proc", "/sys", "/dev")


@contextmanager
def everywhere(**values: Any) -> Iterator[None]:
    """Put values in the place of those names, in each module that has them."""
    before = [
        (module, name, getattr(module, name))
        for module in MODULES
        for name in values
        if hasattr(module, name)
    ]
    assert {name for _, name, _ in before} == {*values}
    try:
        for module, name, _ in before:
            setattr(module, name, values[name])
        yield
    finally:
        for module, name, value in before:
            setattr(module, name, value)


@contextmanager
def elsewhere(folder: Path) -> Iterator[None]:
    """Have everything looked at in a folder, as if it were the machine's."""
    paths = {
        name: _below(folder, value)
        for module in MODULES
        for name, value in vars(module).items()
        if name.isupper()
    }
    with everywhere(**{name: value for name, value in paths.items() if value is not None}):
        yield


def _below(folder: Path, value: Any) -> Any:
    """Return paths with the folder before them; None of what is none."""
    match value:
        case str() if value.startswith(_TOPS):
            return f"{folder}{value}"
        case tuple() if value and all(isinstance(_below(folder, each), str) for each in value):
            return tuple(_below(folder, each) for each in value)
        case dict() if value:
            other = {
                _below(folder, key) or key: _below(folder, each) or each
                for key, each in value.items()
            }
            return other if other != value else None
    return None


def stock(*kinds: str, uid: int = 0, words: tuple[str, ...] = ()) -> str:
    """Return what is printed by the looks that tell of those kinds."""
    out = io.StringIO()
    looks = {of: look for of, look in remote_inventory.LOOKS.items() if {*of} & {*kinds}}
    with (
        everywhere(LENGTHS={}, UNSEEN=set(), SECRET=[b"s"]),
        patch.dict(remote_inventory.LOOKS, looks, clear=True),
        patch.object(os, "geteuid", lambda: uid),
        patch.object(out, "reconfigure", lambda **_: None, create=True),
        patch.object(sys, "stdout", out),
    ):
        remote_inventory.main("", *words)
    return out.getvalue()

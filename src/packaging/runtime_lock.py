"""Print the part of a lock file that pradrill needs to run: without what its tests need."""

from __future__ import annotations

import re
import sys
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name


def closure(name: str) -> set[str]:
    """Return the names of all packages that a package needs here, however far away."""
    needed: set[str] = set()
    todo = [name]
    while todo:
        for line in requires(todo.pop()) or ():
            requirement = Requirement(line)
            required = canonicalize_name(requirement.name)
            if required in needed or not _holds(requirement):
                continue

            needed.add(required)
            todo.append(required)

    return needed


def _holds(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def entries(lock: str) -> list[str]:
    """Return the entries of a lock file, each with its hashes."""
    return re.findall(r"^[a-z0-9].*?(?=^[a-z0-9]|\Z)", lock, re.MULTILINE | re.DOTALL)


def main() -> None:
    """Print the entries of the lock file that is named."""
    needed = closure("pradrill")
    for entry in entries(Path(sys.argv[1]).read_text(encoding="utf-8")):
        if entry.partition("==")[0] in needed:
            sys.stdout.write(entry)


if __name__ == "__main__":
    main()

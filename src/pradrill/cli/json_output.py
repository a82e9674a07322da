"""Print what a command answers as JSON: one document, with the number of its format."""

from __future__ import annotations

import json
from argparse import ArgumentParser, Namespace, _MutuallyExclusiveGroup
from datetime import date
from typing import Any

FORMAT = 1
"""Of every answer; it grows when a field changes its meaning, not when one is added."""


def json_argument(
    command: ArgumentParser | _MutuallyExclusiveGroup, about: str = "print it for programs"
) -> None:
    """Let a command answer programs."""
    command.add_argument("--json", action="store_true", help=about)


def print_json(args: Namespace, facts: dict[str, Any], *, indent: int | None = 1) -> None:
    """Print facts without the secrets in them; `indent`: None puts them on one line."""
    plain = json.loads(json.dumps({"format": FORMAT, **facts}, default=_plain))
    print(json.dumps(args.masker.facts(plain), indent=indent, ensure_ascii=False))


def _plain(value: object) -> str:
    """Write what JSON has no form for; an instant as everywhere else."""
    return value.isoformat() if isinstance(value, date) else str(value)


def print_line(args: Namespace, facts: dict[str, Any]) -> None:
    """Print facts on a line of their own, where there may be many."""
    print_json(args, facts, indent=None)

"""Read what an organisation gives its reports: a logo, and its own map of clauses.

The logo's bytes are hostile: it is looked at here, goes into a report as data, and nothing that
it names is ever fetched.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

from pradrill.config.loader import Document, read_document, suggestion, validate
from pradrill.config.problems import ConfigurationProblemsError, Problem
from pradrill.domain.declared.plan import Plan
from pradrill.domain.report.clauses import ClauseMap
from pradrill.errors import ConfigurationError

CLAUSES = "clauses.yml"
SHIPPED = Path(__file__).parent / CLAUSES

_LARGEST = 256 * 1024
_MOST_PIXELS = 4_000
_PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
_NOT_IN_SVG = re.compile(r"<(!DOCTYPE|!ENTITY|script|foreignObject|use|image)\b", re.IGNORECASE)


def read_clauses(folder: Path | None) -> ClauseMap:
    """Return the map beside the plan, else the shipped one. Raises ConfigurationProblemsError."""
    return validate(read_document(_own_clauses(folder) or SHIPPED), ClauseMap)


def chosen_clauses(folder: Path, plan: Plan) -> ClauseMap | None:
    """Return what a house's reports show: the texts that its plan names, or a map of its own.

    Raises ConfigurationProblemsError.
    """
    if plan.clauses:
        return read_clauses(folder).only(plan.clauses)
    return None if _own_clauses(folder) is None else read_clauses(folder)


def _own_clauses(folder: Path | None) -> Path | None:
    path = None if folder is None else folder / CLAUSES
    return path if path is not None and path.is_file() else None


def read_logo(path: Path) -> str:
    """Return an image as a data URI. Raises ConfigurationError unless it is a safe image."""
    try:
        with path.open("rb") as file:
            content = file.read(_LARGEST + 1)
    except OSError as error:
        raise ConfigurationError(f"cannot read the logo {path}: {error.strerror}") from error
    if len(content) > _LARGEST:
        raise ConfigurationError(
            f"the logo {path} is larger than {_LARGEST // 1024} KiB",
            hint="A logo is printed 3 cm wide: scale it down.",
        )

    kind = _png(path, content) if content.startswith(_PNG) else _svg(path, content)
    return f"data:image/{kind};base64,{base64.b64encode(content).decode()}"


def letterhead_problems(document: Document, plan: Plan) -> Iterator[Problem]:
    """Say what is wrong with the logo, and with the map of clauses beside the plan."""
    if plan.logo is not None:
        try:
            read_logo(plan.logo)
        except ConfigurationError as error:
            yield document.problem(("logo",), error.message, error.hint)

    try:
        keys = read_clauses(document.file.parent).keys
    except ConfigurationProblemsError as error:
        yield from error.problems
        return

    for number, key in enumerate(plan.clauses):
        if key not in keys:
            yield document.problem(
                ("clauses", number),
                f'the map of clauses holds no text "{key}"',
                suggestion(key, list(keys)),
            )


def _png(path: Path, content: bytes) -> str:
    width, height = (int.from_bytes(content[at : at + 4], "big") for at in (16, 20))
    if not (0 < width <= _MOST_PIXELS and 0 < height <= _MOST_PIXELS):
        raise ConfigurationError(
            f"the logo {path} is not between 1 and {_MOST_PIXELS} pixels wide and high",
            hint="Scale it down.",
        )
    return "png"


def _svg(path: Path, content: bytes) -> str:
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        text = ""
    if "<svg" not in text or "\x00" in text:
        raise ConfigurationError(
            f"the logo {path} is neither a PNG nor an SVG image", hint="Export it as PNG."
        )

    forbidden = _NOT_IN_SVG.search(text)
    if forbidden is not None:
        raise ConfigurationError(
            f"the logo {path} contains {forbidden[0]}, which a report does not take in",
            hint="Save it as plain SVG without scripts, entities and linked parts, or as PNG.",
        )

    return "svg+xml"

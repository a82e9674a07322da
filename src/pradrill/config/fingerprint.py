"""Hash what a YAML or Python file means, without its comments and layout.

Two files that differ in nothing else have the same hash here, so that a proof does not expire
because somebody explained a line.
"""

from __future__ import annotations

import hashlib
import io
import tokenize
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

import yaml

from pradrill.domain.run.run_plan import FileHash

_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.ENCODING}


def hashed(path: Path, content: bytes, *, whole: bool = False) -> FileHash:
    """Return a file's hash; of what it says, too, unless only the whole of it counts."""
    return FileHash(
        path=path,
        sha256=hashlib.sha256(content).hexdigest(),
        meaning=None if whole else meaning(path.suffix, content),
    )


@lru_cache(maxsize=2048)  # drills share playbooks
def meaning(suffix: str, content: bytes) -> str | None:
    """Return the hash of what a file says; None for other kinds, and for what cannot be read."""
    read = {".yml": _yaml, ".yaml": _yaml, ".py": _python}.get(suffix)
    if read is None:
        return None

    digest = hashlib.sha256()
    try:
        for piece in read(content):
            digest.update(f"{len(piece)}:{piece}".encode("utf-8", "surrogatepass"))
    except (yaml.YAMLError, tokenize.TokenError, SyntaxError, ValueError, RecursionError):
        return None

    return digest.hexdigest()


def _yaml(content: bytes) -> Iterator[str]:
    """Yield what YAML's own reader sees: a quoted word stays apart from a plain one."""
    for event in yaml.parse(content, Loader=yaml.SafeLoader):
        yield type(event).__name__
        for name in ("anchor", "tag", "implicit", "value"):
            yield repr(getattr(event, name, None))


def _python(content: bytes) -> Iterator[str]:
    """Yield Python's tokens; a docstring is one, since reports quote it."""
    for token in tokenize.tokenize(io.BytesIO(content).readline):
        if token.type not in _LAYOUT:
            yield tokenize.tok_name[token.type]
            yield "" if token.type == tokenize.INDENT else token.string.strip("\r\n")

"""Name secrets in a drill; they are never written there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel

_SECRET = re.compile(r"(env|file|credential|command):\s*\S.*")


class _Name(str):
    """The name of a secret, told by its type from every other text of a drill."""

    __slots__ = ()


def _secret(value: str) -> str:
    if not _SECRET.fullmatch(value):
        msg = (
            "a secret is named, never written here: env:NAME, file:PATH (mode 0600), "
            "credential:NAME (systemd) or command:WORDS (what prints it)"
        )
        raise ValueError(msg)
    return _Name(value)


SecretName = Annotated[str, AfterValidator(_secret)]


def secrets_of(declared: Any) -> Iterator[str]:
    """Yield the name of every secret in a declaration, however deep, once."""
    yield from dict.fromkeys(_names(declared))


def _names(value: Any) -> Iterator[str]:
    if isinstance(value, _Name):
        yield value
    elif isinstance(value, BaseModel):
        for field in type(value).model_fields:
            yield from _names(getattr(value, field))
    elif isinstance(value, dict):
        yield from _names(tuple(value.values()))
    elif isinstance(value, tuple | list):
        for each in value:
            yield from _names(each)

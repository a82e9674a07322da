"""Secrets are named in a drill, never written there."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import AfterValidator

_SECRET = re.compile(r"(env|file|credential):.+")


def _secret(value: str) -> str:
    if not _SECRET.fullmatch(value):
        msg = (
            "a secret is named, never written here: env:NAME, file:PATH (mode 0600) or "
            "credential:NAME (systemd)"
        )
        raise ValueError(msg)
    return value


SecretName = Annotated[str, AfterValidator(_secret)]

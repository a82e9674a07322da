"""Describe how people are told that a drill waits for them: one model for each channel.

A new channel is a model here, its name in `AnyChannel`, and its adapter (`app/tools.py`).
"""

from __future__ import annotations

from typing import Annotated

from pydantic import BeforeValidator, ConfigDict, Field, RootModel


class CommandChannel(RootModel[Annotated[tuple[str, ...], Field(min_length=1)]]):
    """A program and its words; it gets the text on its standard input."""

    model_config = ConfigDict(frozen=True)

    @property
    def program(self) -> str | None:
        """Return the program that must be installed for it."""
        return self.root[0]


def _none(value: object) -> object:
    return None if value in ((), []) else value


AnyChannel = CommandChannel
"""A channel of any kind."""

Notify = Annotated[AnyChannel | None, BeforeValidator(_none)]
"""One channel, or none: an empty list, as in older records."""

"""Declare where the schedule says that it is alive: whoever listens there is alarmed by silence."""

from __future__ import annotations

from typing import Any, Self

from pydantic import Field, model_validator

from pradrill.domain.values.model import Model

CODE = "{code}"
"""Stands in an address for the exit code."""


class HealthCheck(Model):
    """Addresses that are asked for (GET) when `due --run` begins and ends."""

    url: str = Field(
        description="at its end when all went well; with {code} in it, at each end, with the exit "
        "code",
        examples=["https://health.example.com/ping/7c1f/{code}"],
    )
    start: str | None = Field(
        default=None,
        description="when it begins",
        examples=["https://health.example.com/ping/7c1f/start"],
    )
    fail: str | None = Field(
        default=None,
        description="at its end when something is wrong; default: nothing, so that silence tells",
        examples=["https://health.example.com/ping/7c1f/fail"],
    )

    @model_validator(mode="before")
    @classmethod
    def _one_address(cls, content: Any) -> Any:
        return {"url": content} if isinstance(content, str) else content

    @model_validator(mode="after")
    def _addresses(self) -> Self:
        for address in (self.url, self.start, self.fail):
            if address is not None and not _is_address(address):
                msg = f'"{address}" is not an http or https address'
                raise ValueError(msg)
        if CODE in self.url and self.fail is not None:
            msg = "url tells the exit code already, so fail would tell it twice"
            raise ValueError(msg)
        return self

    def at_end(self, code: int) -> str | None:
        """Return the address for an exit code; None when silence is to tell."""
        if CODE in self.url:
            return self.url.replace(CODE, str(code))
        return self.url if code == 0 else self.fail


def _is_address(text: str) -> bool:
    scheme, separator, rest = text.partition("://")
    host = rest.partition("/")[0]
    return scheme in {"http", "https"} and bool(separator and host) and text.isprintable()

"""Name the clock of a primary among those of a run's hosts."""

from __future__ import annotations

PRIMARY = "primary"
_OF = f"{PRIMARY} of "


def clock_of_primary(service: str | None = None) -> str:
    """Return the name of the clock of a service's primary; of the only one, if none is given."""
    return PRIMARY if service is None else f"{_OF}{service}"


def is_of_primary(clock: str) -> bool:
    """Tell whether a clock is a primary's."""
    return clock == PRIMARY or clock.startswith(_OF)

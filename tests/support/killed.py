"""What several test files define of a run's death."""

from __future__ import annotations


class Killed(BaseException):
    """What kill -9 does, as far as the code after it is concerned."""

"""Describe who stops a run from elsewhere, and when."""

from __future__ import annotations

from pradrill.domain.values.model import Model, Utc

WISH = "people/abort.json"
"""Where it stands in a run's folder."""


class Abort(Model):
    """The wish that a run ends through its teardown."""

    by: str
    asked: Utc

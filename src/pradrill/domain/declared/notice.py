"""Say how long before its end a commitment is told of. Apart from the models, which are large."""

from __future__ import annotations

from datetime import timedelta

SOON = timedelta(days=60)
"""A commitment that ends within so long is told: time is needed to renew it."""

"""What every test runs under."""

from __future__ import annotations

import os

from hypothesis import settings

# In CI the same examples each time: a property that a new example breaks is found at a desk.
settings.register_profile("ci", derandomize=True)
if os.environ.get("CI"):
    settings.load_profile("ci")

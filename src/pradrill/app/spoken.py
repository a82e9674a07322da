"""Choose the language in which people are asked and told during a run: the plan's."""

from __future__ import annotations

import os
from contextlib import suppress

from pradrill.app.reading import StateReader
from pradrill.config.loader import load_plan
from pradrill.config.plan_file import plan_file
from pradrill.errors import ConfigurationError
from pradrill.reporting.language.i18n import LANGUAGES


def plan_language(app: StateReader) -> str:
    """Return the plan's language; the user's where it names none, or cannot be read."""
    with suppress(ConfigurationError):
        if (language := load_plan(plan_file(app.drills)).language) is not None:
            return language
    return user_language()


def user_language() -> str:
    """Return the language of who runs the command; English where there is none of ours."""
    locale = next(
        (os.environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(n)), ""
    )
    return locale[:2] if locale[:2] in LANGUAGES else "en"

"""Tell people what is new, where the plan names somebody: what that takes is loaded only then."""

from __future__ import annotations

from datetime import datetime

from pradrill.app.composition import App
from pradrill.config.plan_file import may_name_channels


def tell_news(app: App, since: datetime, *, silence: bool = False) -> None:
    """Tell what a command has brought since its start; it stops nothing, and changes no code.

    `silence`: tell also what has no run, as a schedule does.
    """
    if may_name_channels(app.drills):
        from pradrill.app.notifications.post import tell  # noqa: PLC0415 most plans name nobody

        tell(app, since, silence=silence)

"""Read who is told of what from the plan alone, and check it against the plan."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from pradrill.config.loader import Document, read_document, suggestion, validate
from pradrill.config.plan_file import plan_file
from pradrill.config.problems import Problem
from pradrill.domain.declared.notification import NotificationChannel
from pradrill.domain.declared.plan import Plan
from pradrill.domain.values.model import Model

_KEY = "notifications"


class PlanChannels(Model):
    """What the plan says of its channels, however wrong the rest of it is."""

    model_config = ConfigDict(extra="ignore")

    organisation: Any = ""
    language: Any = None
    notifications: tuple[NotificationChannel, ...] = ()


def read_channels(folder: Path) -> PlanChannels:
    """Return the plan's channels alone. Raises ConfigurationProblemsError."""
    document = read_document(plan_file(folder))
    return validate(document._replace(problems=()), PlanChannels)


def absence(program: str | None) -> str | None:
    """Say that a program which tells people is not here, or none if it is.

    No drill stops for it: cron may see other programs, and a run says who was not told.
    """
    if program is None or shutil.which(program) is not None:
        return None
    return f'there is no program "{program}"'


def channel_problems(document: Document, plan: Plan) -> Iterator[Problem]:
    """Find what the plan's channels contradict, each with its line."""
    names: list[str] = []
    for number, channel in enumerate(plan.notifications):
        where = (_KEY, number)
        if channel.name in names:
            first = document.line((_KEY, names.index(channel.name)))
            message = f'"{channel.name}" is the name of the channel on line {first}, too'
            yield document.problem((*where, "name"), message)
        names.append(channel.name)

        for place, service in enumerate(channel.services):
            if service not in plan.services:
                yield document.problem(
                    (*where, "services", place),
                    f'the plan has no service "{service}"',
                    suggestion(service, list(plan.services)),
                )

        kind, _, path = (channel.apprise or "").partition(":")
        is_file = kind == "file"
        if is_file and not Path(path.strip()).is_absolute() and not path.startswith("~"):
            yield document.problem(
                (*where, "apprise"),
                "the file of a secret is named by its whole path: cron starts in another folder",
                f"Write file:{document.file.parent.resolve() / path.strip()}.",
            )

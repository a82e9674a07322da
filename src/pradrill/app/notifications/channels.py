"""Put together what delivers to the plan's channels."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable

from pradrill.adapters.notifications.messengers import AppriseMessenger, ProgramMessenger
from pradrill.app.program import program
from pradrill.app.reading import StateReader
from pradrill.app.spoken import user_language
from pradrill.config.channels import PlanChannels
from pradrill.domain.declared.notification import NotificationChannel
from pradrill.ports import Messenger
from pradrill.reporting.language.i18n import LANGUAGES
from pradrill.reporting.text.notifications import Sender


def messenger_of(channel: NotificationChannel, resolve: Callable[[str], str]) -> Messenger:
    """Return what delivers to a channel: one adapter for each kind."""
    if channel.apprise is not None:
        return AppriseMessenger(channel.apprise, resolve)
    return ProgramMessenger(channel.command or ())


def language_of(channels: PlanChannels) -> str:
    """Return the plan's language, else the user's."""
    return channels.language if channels.language in LANGUAGES else user_language()


def sender_of(app: StateReader, channels: PlanChannels) -> Sender:
    """Return who writes, and how the program is started where its reader is to type."""
    elsewhere = app.args.state is not None or "PRADRILL_STATE" in os.environ
    words = [program(), *(["--state", str(app.state)] if elsewhere else [])]
    organisation = str(channels.organisation or "pradrill")
    return Sender(organisation, platform.node() or "this machine", " ".join(words))

"""`pradrill notify test`: see whether those who are to be told can be."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import NamedTuple

from pradrill.app.composition import App
from pradrill.app.notifications.channels import language_of, messenger_of, sender_of
from pradrill.app.notifications.outbox_file import alone_at_the_outbox
from pradrill.app.reading import warn
from pradrill.cli.arguments import add, subcommands
from pradrill.cli.json_output import json_argument, print_json
from pradrill.config.channels import PlanChannels, read_channels
from pradrill.config.loader import suggestion
from pradrill.domain.declared.notification import NotificationChannel
from pradrill.errors import ConfigurationError, ExitCode, PradrillError, UsageError
from pradrill.reporting.language.formats import line
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.text.notifications import harmless_letter

EXAMPLE = "pradrill notify test on-call"


class ChannelTrial(NamedTuple):
    """What came of a harmless message."""

    channel: str
    delivered: bool
    because: str | None


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    commands = subcommands(parser)
    test = add(
        commands,
        "test",
        "send a harmless message now; exit code 4 when it did not get through",
        "pradrill notify test on-call",
    )
    test.add_argument("channel", nargs="?", help="one of the plan's (default: all of them)")
    json_argument(test)


def run(args: Namespace) -> int:
    """Send it, say for each channel what came of it, and keep which of them work again."""
    app = App(args)
    channels = read_channels(app.drills)
    trials = []
    for channel in _chosen(channels, args.channel):
        trial = _try(app, channels, channel)
        trials.append(trial)
        if not args.json:
            answer = "delivered" if trial.delivered else f"not delivered: {trial.because}"
            print(f"{trial.channel}: {answer}", flush=True)

    if args.json:
        print_json(args, {"channels": [each._asdict() for each in trials]})
    _remember(app, [each.channel for each in trials if each.delivered])
    return ExitCode.PASSED if all(each.delivered for each in trials) else ExitCode.NOT_READY


def _chosen(channels: PlanChannels, name: str | None) -> list[NotificationChannel]:
    names = [each.name for each in channels.notifications]
    if not names:
        raise ConfigurationError(
            "the plan names nobody to be told",
            hint="Write a channel under notifications: in plan.yml; drills/README.md has examples.",
        )
    if name is not None and name not in names:
        message = f'the plan has no channel "{line(name, 80)}"'
        raise UsageError(message, hint=suggestion(name, names))
    return [each for each in channels.notifications if name in {None, each.name}]


def _try(app: App, channels: PlanChannels, channel: NotificationChannel) -> ChannelTrial:
    with speaking(language_of(channels)):
        letter = harmless_letter(channel.name, sender_of(app, channels), app.clock.now())
    because = messenger_of(channel, app.secrets.value).deliver(letter.subject, letter.text)
    if because is not None:
        because = line(app.secrets.masker.text(because), 300)
    return ChannelTrial(channel.name, because is None, because)


def _remember(app: App, names: list[str]) -> None:
    """Let what waits for channels that work go at once, and their failure be past."""
    try:
        with alone_at_the_outbox(app) as file:
            outbox = before = file.read()
            for name in names:
                if name in outbox.failures:
                    outbox = outbox.working(name, app.clock.now())
            if outbox is not before:
                file.write(outbox)
    except PradrillError as error:
        warn(error.message)

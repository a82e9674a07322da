"""Tell the plan's channels what is new, and what could not be told before.

Nothing of it changes a verdict or an exit code: what goes wrong is said on stderr, and kept.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from pradrill.app.composition import App
from pradrill.app.notifications.channels import language_of, messenger_of, sender_of
from pradrill.app.notifications.outbox_file import OutboxFile, alone_at_the_outbox, remark
from pradrill.app.reading import StateReader, warn
from pradrill.app.status.reading import read_status
from pradrill.config.channels import PlanChannels, read_channels
from pradrill.domain.declared.notification import NotificationChannel
from pradrill.domain.dossier.notification import (
    Notification,
    mended,
    of_entries,
    of_silence,
    residue_of,
    troubles_of,
)
from pradrill.domain.dossier.outbox import Message, Outbox, merged
from pradrill.domain.dossier.status import Status
from pradrill.domain.register.entry import Entry, RunEntry
from pradrill.domain.register.finding_history import all_findings
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.verdict import Verdict
from pradrill.errors import PradrillError, RecordError
from pradrill.reporting.language.formats import line
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.text.notifications import letter

BUDGET = timedelta(seconds=60)
"""For all channels together: what is left then is told by the next command."""


def tell(app: App, since: datetime, *, silence: bool = False) -> None:
    """Tell what the register has got since somebody was told, and try again what failed.

    Raises PradrillError when nobody can be told.
    `since`: where nobody ever was, what is older is no news. `silence`: tell also what has no run,
    as a schedule does: what is overdue or has expired, findings that are due.
    """
    channels = read_channels(app.drills)
    names = [each.name for each in channels.notifications]
    if not names:
        return
    with alone_at_the_outbox(app) as file:
        outbox = file.read().only(names)
        try:
            outbox = _collected(app, channels, outbox, since, silence=silence)
        except PradrillError as error:  # what waits is told all the same
            warn(f"nobody is told what is new: {app.secrets.masker.text(error.message)}")
        file.write(outbox)
        _send(app, channels, outbox, file)


def _collected(
    app: App, channels: PlanChannels, outbox: Outbox, since: datetime, *, silence: bool
) -> Outbox:
    """Return the outbox with messages of all that is new."""
    now = app.clock.now()
    entries, damage = _entries(app)
    before = _last_known(outbox, entries, since)
    lasting = [] if damage else [*residue_of(entries)]  # a line may say that it is gone
    troubles, again = outbox.troubles, list[Notification]()

    has_more = bool(entries) and entries[-1].number > before
    status = _status(app, damage) if has_more or silence else None
    if status is not None:
        quiet = [*of_silence(status, all_findings(entries))] if silence else []
        lasting += quiet
        if damage:
            warn(f"what is mended or left is not told: {damage}")
        else:
            again = [*mended(status, troubles, entries, before, lambda run: _failing(app, run))]
        well = [name for each in again for name in each.services]
        troubles = merged(troubles, troubles_of(status, quiet), well)

    ended = of_entries(entries, before, lambda run: _reasons(app, run))
    news = outbox.news([*ended, *again, *lasting], now)
    all_is_seen = silence and status is not None and not damage
    present = {str(each.key) for each in lasting} if all_is_seen else None
    messages = _messages(app, channels, news, now, damage)
    outbox = outbox.remembering(news, present, now).posting(messages)
    last = entries[-1].number if entries else 0
    return outbox.model_copy(update={"entry": last, "troubles": troubles})


def _entries(app: App) -> tuple[list[Entry], str | None]:
    """Return what can be read, and what is wrong: a damaged line silences no other."""
    try:
        return list(app.register.entries()), None
    except RecordError as error:
        return list(app.register.legible()), app.secrets.masker.text(error.message)


def _last_known(outbox: Outbox, entries: Sequence[Entry], since: datetime) -> int:
    """Return up to which entry somebody was told; where that is not known, of what is old."""
    last = entries[-1].number if entries else 0
    if outbox.entry is not None and outbox.entry <= last:
        return outbox.entry
    return max((entry.number for entry in entries if entry.at < since), default=0)


def _status(app: App, damage: str | None) -> Status | None:
    """Return how the services stand; None when plan or drills are wrong, which others tell."""
    try:
        return read_status(StateReader(app.args), damage).status
    except PradrillError as error:
        warn(f"what is overdue or mended is not told: {app.secrets.masker.text(error.message)}")
        return None


def _failing(app: App, run: RunEntry) -> list[str]:
    record = _record(app, run.run_id)
    if record is None:
        return [*run.services]
    verdicts = {
        name: record.services[name].verdict if name in record.services else record.verdict
        for name in run.services
    }
    return [name for name, verdict in verdicts.items() if verdict is not Verdict.PASSED]


def _reasons(app: App, run: RunEntry) -> list[str]:
    record = _record(app, run.run_id)
    return [] if record is None else [str(each) for each in record.reasons]


def _record(app: App, run_id: str) -> RunRecord | None:
    try:
        return app.store.read(run_id)
    except PradrillError:  # its entry tells less, and is there
        return None


def _messages(
    app: App,
    channels: PlanChannels,
    news: Sequence[Notification],
    now: datetime,
    damage: str | None,
) -> Iterator[Message]:
    """Yield one message for each channel that hears any of the news."""
    sender = sender_of(app, channels)
    for channel in channels.notifications:
        its_news = [each for each in news if _hears(channel, each)]
        if not its_news:
            continue
        with speaking(language_of(channels)):
            text = letter(its_news, sender, lambda run_id: _record(app, run_id), now, damage)
        mask = app.secrets.masker.text
        yield Message(
            channel=channel.name,
            subject=mask(text.subject),
            text=mask(text.text),
            made=now,
            next=now,
        )


def _hears(channel: NotificationChannel, news: Notification) -> bool:
    return channel.hears(news.occasion, news.severity, news.services)


def _send(app: App, channels: PlanChannels, outbox: Outbox, file: OutboxFile) -> None:
    """Send what is to be sent now; what was sent is taken out, whatever failed tried again."""
    start = app.clock.now()
    by_name = {each.name: each for each in channels.notifications}
    silent: set[str] = set()
    names = dict.fromkeys(each.channel for each in outbox.waiting if each.is_due(start))
    if names:
        remark(f"telling {', '.join(names)}")
    for message in outbox.waiting:
        now = app.clock.now()
        if not message.is_due(start) or message.channel in silent:
            continue
        if now - start > BUDGET:
            return

        outbox, attempt = outbox.trying(message, now)
        file.write(outbox)  # a kill from here on: it is tried again later, and not at once
        messenger = messenger_of(by_name[message.channel], app.secrets.value)
        because = messenger.deliver(message.subject, message.text)
        if because is None:
            outbox = outbox.delivered(attempt)
        else:
            because = line(app.secrets.masker.text(because), 300)
            warn(f"the channel {message.channel} tells nobody: {because}")
            outbox = outbox.undelivered(attempt, because, now)
            silent.add(message.channel)
        file.write(outbox)

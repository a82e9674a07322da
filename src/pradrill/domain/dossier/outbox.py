"""Keep what is to be told until it was, and remember what was: pure, written by `app/outbox.py`.

Nothing is taken out before it was delivered: after a kill somebody may be told twice, never not at
all. What cannot be delivered is tried again with longer and longer pauses, and at last given up.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta

from pydantic import Field

from pradrill.domain.dossier.notification import Notification
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.severity import Severity

AGAIN = timedelta(days=7)
"""What still stands after so long is told again."""

PAUSES = (
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=8),
    timedelta(days=1),
    timedelta(days=2),
    timedelta(days=4),
)
"""Before each further attempt; after as many failures more a message is given up."""

OUTBOX = "notifications.json"
"""Its file, in the state directory."""

MOST_WAITING = 200
"""Messages that wait, of all channels; the oldest gives way."""


class Message(Model):
    """One message to one channel, as it is sent."""

    channel: str
    subject: str
    text: str
    made: Utc
    attempts: int = 0
    next: Utc

    @property
    def is_spent(self) -> bool:
        """Tell whether its last attempt was made."""
        return self.attempts > len(PAUSES)

    def is_due(self, now: datetime) -> bool:
        """Tell whether it is sent now; after no pause at all it was put off by a wrong clock."""
        return not now < self.next <= now + PAUSES[-1]

    def attempted(self, now: datetime) -> Message:
        """Return it with one more attempt, and when it is tried again unless that one succeeds."""
        pause = PAUSES[min(self.attempts, len(PAUSES) - 1)]
        return self.model_copy(update={"attempts": self.attempts + 1, "next": now + pause})


class ChannelFailure(Model):
    """Why a channel tells nobody, since when, and how many of its messages were given up."""

    since: Utc
    because: str
    lost: int = 0


class Outbox(Model):
    """What waits, and what was told. `entry`: up to which entry of the register."""

    format: int = 1
    entry: int | None = Field(default=None, description="none: nothing was ever looked at")
    lasting: dict[str, Utc] = Field(default={}, description="what lasts → when it was told")
    refusals: dict[str, Utc] = Field(default={}, description="what did not begin → likewise")
    troubles: dict[str, Severity] = Field(default={}, description="services, until proven again")
    waiting: tuple[Message, ...] = ()
    failures: dict[str, ChannelFailure] = {}

    def news(self, notifications: Iterable[Notification], now: datetime) -> list[Notification]:
        """Return those that were not told yet, or so long ago that they are told again."""
        before = {**self.refusals, **self.lasting}
        return [
            each
            for each in notifications
            if each.key is None or not _is_recent(before.get(each.key), now)
        ]

    def remembering(
        self, news: Iterable[Notification], present: Collection[str] | None, now: datetime
    ) -> Outbox:
        """Return it once news are told; `present`: the keys of all that lasts, if it was looked at.

        What lasts no longer is news when it comes back.
        """
        keyed = {each.key: each for each in news if each.key is not None}
        lasting = {
            key: at
            for key, at in self.lasting.items()
            if present is None or key in present
            if _is_recent(at, now)
        }
        refusals = {key: at for key, at in self.refusals.items() if _is_recent(at, now)}
        for key, each in keyed.items():
            (lasting if each.lasts else refusals)[key] = now
        return self.model_copy(update={"lasting": lasting, "refusals": refusals})

    def posting(self, messages: Iterable[Message]) -> Outbox:
        """Return it with more messages; of too many the oldest are lost, which is kept."""
        waiting = [*self.waiting, *messages]
        over, waiting = waiting[:-MOST_WAITING], waiting[-MOST_WAITING:]
        outbox = self.model_copy(update={"waiting": tuple(waiting)})
        for message in over:
            outbox = outbox.failing(message.channel, "too much waits for it", message.made, lost=1)
        return outbox

    def delivered(self, message: Message) -> Outbox:
        """Return it without a message that was delivered: its channel works."""
        failures = {name: each for name, each in self.failures.items() if name != message.channel}
        return self._without(message).model_copy(update={"failures": failures})

    def trying(self, message: Message, now: datetime) -> tuple[Outbox, Message]:
        """Return it as it is kept before an attempt, which a kill may end."""
        after = message.attempted(now)
        waiting = tuple(after if each is message else each for each in self.waiting)
        return self.model_copy(update={"waiting": waiting}), after

    def undelivered(self, message: Message, because: str, now: datetime) -> Outbox:
        """Return it after an attempt that failed: it stands for all that the channel is to tell.

        After its last attempt a message is given up.
        """
        waiting, lost = [], 0
        for each in self.waiting:
            is_meant = each.channel == message.channel and each is not message and each.is_due(now)
            after = each.attempted(now) if is_meant else each
            lost += after.is_spent
            if not after.is_spent:
                waiting.append(after)
        outbox = self.model_copy(update={"waiting": tuple(waiting)})
        return outbox.failing(message.channel, because, now, lost=lost)

    def failing(self, channel: str, because: str, now: datetime, *, lost: int = 0) -> Outbox:
        """Return it with why a channel tells nobody; since when stays."""
        before = self.failures.get(channel)
        since = before.since if before else now
        many = (before.lost if before else 0) + lost
        failure = ChannelFailure(since=since, because=because, lost=many)
        return self.model_copy(update={"failures": {**self.failures, channel: failure}})

    def working(self, channel: str, now: datetime) -> Outbox:
        """Return it once a channel was seen to work: what waits for it can go at once."""
        failures = {name: each for name, each in self.failures.items() if name != channel}
        waiting = tuple(
            each.model_copy(update={"next": now}) if each.channel == channel else each
            for each in self.waiting
        )
        return self.model_copy(update={"failures": failures, "waiting": waiting})

    def only(self, channels: Collection[str]) -> Outbox:
        """Return it without what is of channels that there are no more."""
        waiting = tuple(each for each in self.waiting if each.channel in channels)
        failures = {name: each for name, each in self.failures.items() if name in channels}
        return self.model_copy(update={"waiting": waiting, "failures": failures})

    def _without(self, message: Message) -> Outbox:
        waiting = tuple(each for each in self.waiting if each is not message)
        return self.model_copy(update={"waiting": waiting})


def _is_recent(at: datetime | None, now: datetime) -> bool:
    """Tell whether something was told lately; an instant to come is of a clock that was wrong."""
    return at is not None and at <= now < at + AGAIN


def merged(
    troubles: Mapping[str, Severity], present: Mapping[str, Severity], mended: Collection[str]
) -> dict[str, Severity]:
    """Return the troubles that are left: those before and those of now, but for what is mended."""
    return {
        name: severity for name, severity in {**troubles, **present}.items() if name not in mended
    }

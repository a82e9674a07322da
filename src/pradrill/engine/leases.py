"""Hold the run's leases on each machine of its standby, where every other controller sees them.

A lease is taken once a machine is proven, held on while the run lasts, looked at again before
anything is changed, and given back at the end. Whoever loses one has lost the standby: nothing of
the run touches it any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import datetime, timedelta
from threading import Event, Lock, Thread
from typing import NamedTuple

from pradrill.domain.run.guard import Guard, GuardKind
from pradrill.domain.run.host import Host, HostFacts, Site
from pradrill.domain.run.lease import (
    LEASE_RENEWAL,
    LEASE_TERM,
    Holder,
    LeaseAnswer,
    LeaseEnd,
    LeaseState,
)
from pradrill.domain.run.outcome import GuardOutcome, GuardResult
from pradrill.domain.values.reason import Reason, ReasonError, reason
from pradrill.domain.values.reason_code import Code
from pradrill.errors import BusyError, NotReadyError, PradrillError
from pradrill.ports import Clock, Leases, RunStore

_ENDS = {
    LeaseEnd.EXPIRED: Code.LEASE_EXPIRED,
    LeaseEnd.REBOOTED: Code.LEASE_REBOOTED,
    LeaseEnd.ENDED: Code.LEASE_ENDED,
    LeaseEnd.IMPOSSIBLE: Code.LEASE_IMPOSSIBLE,
}


class _Held(NamedTuple):
    """A lease of ours, and since when it surely holds."""

    host: Host
    site: Site
    machine_id: str
    since: datetime


class Tenancy:
    """What a run holds on its standby. Without `leases` it needs none: the machines are its own."""

    def __init__(
        self,
        leases: Leases | None,
        store: RunStore,
        clock: Clock,
        run_id: str,
        note: Callable[[GuardResult], None],
    ) -> None:
        self.loss: Reason | None = None
        """Why the standby is not this run's any more; None while it is."""
        self._leases = leases
        self._store = store
        self._clock = clock
        self._me = store.holder(run_id)
        self._note = note
        self._by_host: dict[str, _Held] = {}
        self._lock = Lock()
        self._over = Event()

    def take(self, site: Site, facts: HostFacts) -> None:
        """Take a proven machine's lease, once. Raises BusyError, and NotReadyError without one."""
        if self._leases is None or facts.host in self._by_host:
            return

        host = next(host for host in site.hosts if host.name == facts.host)
        answer = self._take(self._leases, host, site, facts.machine_id)
        if answer.state is LeaseState.BUSY:
            raise self._busy(host, answer)
        if answer.state is not LeaseState.HELD:
            raise NotReadyError(
                f"the lease on {host.name} cannot be written: {answer.because}",
                hint="The login must be able to write beside the marker, in /run/lock or in /tmp.",
            )

        self._holds(_Held(host, site, facts.machine_id, self._clock.now()))
        self._note(_guard(host, GuardOutcome.PROVEN, _had(answer)))

    def resume(self, site: Site, facts: HostFacts) -> None:
        """Hold on the lease of a run that was killed, or take it again. Raises as `take` does."""
        if self._leases is None:
            return

        host = next(host for host in site.hosts if host.name == facts.host)
        before = self._leases.renew(host, site, self._me, machine_id=facts.machine_id, lapsed=True)
        if before.state is LeaseState.HELD:
            self._holds(_Held(host, site, facts.machine_id, self._clock.now()))
        else:
            self.take(site, facts)

    def hold_on(self, site: Site, facts: HostFacts) -> None:
        """Hold on the lease of a run that goes on in this process; take none again.

        Raises BusyError when another run has it, NotReadyError when one may have come and gone.
        """
        if self._leases is None:
            return
        host = next(host for host in site.hosts if host.name == facts.host)
        answer = self._leases.renew(host, site, self._me, machine_id=facts.machine_id, lapsed=True)
        if answer.state is LeaseState.LOST and answer.other is not None:
            raise self._busy(host, answer)
        if answer.state is not LeaseState.HELD:
            raise NotReadyError(
                f"the run's lease on {host.name} is gone: another run may have come and gone there",
                hint=f"Tear it down: pradrill teardown {self._me.run}; then launch it again.",
            )
        self._holds(_Held(host, site, facts.machine_id, self._clock.now()))

    def leave(self) -> None:
        """Hold nothing on any more, and give nothing back: each lease runs out by itself."""
        self._over.set()
        with self._lock:
            self._by_host.clear()

    def confirm(self) -> None:
        """Raise PradrillError when the standby is not this run's any more; ask its machines."""
        with self._lock:
            if not self.loss and self._leases is not None:
                for lease in list(self._by_host.values()):
                    self._renew(self._leases, lease)
                if self._by_host and not self.loss:
                    self._store.renewed(self._me.run)
            if self.loss:
                raise ReasonError(reason(Code.STANDBY_LOST, because=self.loss))

    def lose(self, because: Reason) -> None:
        """Touch the standby no more."""
        self.loss = because

    def give_back(self) -> Iterator[str]:
        """Give every lease back; say which could not be: those run out by themselves."""
        self._over.set()
        with self._lock:
            while self._by_host and self._leases is not None:
                _, lease = self._by_host.popitem()
                try:
                    self._leases.release(
                        lease.host, lease.site, self._me, machine_id=lease.machine_id
                    )
                except PradrillError as error:
                    minutes = LEASE_TERM // timedelta(minutes=1)
                    yield (
                        f"the lease on {lease.host.name} was not given back, it runs out within "
                        f"{minutes} minutes: {error.message}"
                    )

    def _take(self, leases: Leases, host: Host, site: Site, machine_id: str) -> LeaseAnswer:
        """Take a lease, also that of a run which is known here to have ended."""
        answer = leases.take(host, site, self._me, machine_id=machine_id, over=())
        other = answer.other
        if answer.state is LeaseState.BUSY and other is not None and self._store.has_ended(other):
            return leases.take(host, site, self._me, machine_id=machine_id, over={other.run})
        return answer

    def _holds(self, lease: _Held) -> None:
        with self._lock:
            is_first = not self._by_host
            self._by_host[lease.host.name] = lease
        self._store.renewed(self._me.run)
        if is_first:
            Thread(target=self._keep, daemon=True).start()

    def _keep(self) -> None:
        """Renew now and then; a machine that does not answer is asked again later."""
        while not self.loss and not self._over.wait(LEASE_RENEWAL.total_seconds()):
            with suppress(Exception):  # whoever changes the standby next asks by itself
                self.confirm()

    def _renew(self, leases: Leases, lease: _Held) -> None:
        now = self._clock.now()
        lapsed = now - lease.since >= LEASE_TERM

        answer = leases.renew(
            lease.host, lease.site, self._me, machine_id=lease.machine_id, lapsed=lapsed
        )
        if answer.state is LeaseState.HELD:
            self._by_host[lease.host.name] = lease._replace(since=now)
        elif answer.state is LeaseState.LOST:
            self.loss = _lost(answer.other)
            self._note(_guard(lease.host, GuardOutcome.REFUSED, self.loss))
        else:
            raise PradrillError(f"the lease on {lease.host.name} is gone: {answer.because}")

    def _busy(self, host: Host, answer: LeaseAnswer) -> BusyError:
        until = self._clock.now() + timedelta(seconds=min(answer.left, LEASE_TERM.total_seconds()))
        return BusyError(
            f"the standby {host.name} is held by {answer.other}, until {until:%H:%M:%S} UTC "
            "unless it holds on",
            hint="Wait for that run to end, or stop it on its controller.",
        )


def _guard(host: Host, outcome: GuardOutcome, detail: Reason) -> GuardResult:
    return GuardResult(
        guard=Guard(kind=GuardKind.LEASE), host=host.name, outcome=outcome, detail=detail
    )


def _had(answer: LeaseAnswer) -> Reason:
    if answer.other is None or answer.end is None:
        return reason(Code.LEASE_FREE)
    return reason(_ENDS[answer.end], holder=_holder(answer.other))


def _lost(other: Holder | None) -> Reason:
    if other is None:
        return reason(Code.LEASE_LAPSED)
    return reason(Code.LEASE_TAKEN, holder=_holder(other))


def _holder(other: Holder) -> Reason:
    return reason(Code.HOLDER, name=other.run, controller=other.controller, folder=other.state)

"""Ask for the addresses of a health check; it waits a few seconds at most, and stops nothing."""

from __future__ import annotations

from collections.abc import Callable
from threading import Thread
from urllib.parse import urlsplit

from pradrill.domain.declared.health_check import HealthCheck

DEADLINE = 5.0
"""Seconds for one answer, with finding the host."""


class HealthPinger:
    """Says at a health check that something begins and has ended. `say` is told what goes wrong."""

    def __init__(self, check: HealthCheck | None, say: Callable[[str], None]) -> None:
        self._check = check
        self._say = say
        self._started: Thread | None = None

    def begin(self) -> None:
        """Ask for the first address, and wait for nothing."""
        if self._check is not None and self._check.start is not None:
            self._started = self._ask(self._check.start)

    def end(self, code: int) -> None:
        """Ask for the last address, once the first was asked for; return within two deadlines."""
        self._wait(self._started)  # the first must come first
        address = self._check.at_end(code) if self._check is not None else None
        if address is not None:
            self._wait(self._ask(address))

    def _wait(self, thread: Thread | None) -> None:
        if thread is None:
            return
        thread.join(DEADLINE)
        if thread.is_alive():
            self._say(f"the health check does not answer within {DEADLINE:g} s")

    def _ask(self, address: str) -> Thread:
        thread = Thread(target=self._get, args=(address,), daemon=True)
        thread.start()
        return thread

    def _get(self, address: str) -> None:
        import urllib.error  # noqa: PLC0415 heavy, and few plans have it
        import urllib.request  # noqa: PLC0415 likewise

        class Unmoved(urllib.request.HTTPRedirectHandler):
            """Follows no redirection: what is asked for is what the plan says."""

            def redirect_request(self, *_args: object, **_options: object) -> None:
                return None

        host = "its address"
        try:
            host = urlsplit(address).hostname or host  # the path may be known to few
            opener = urllib.request.build_opener(Unmoved)
            with opener.open(address, timeout=DEADLINE):
                return
        except urllib.error.HTTPError as error:
            self._say(f"the health check at {host} answers {error.code}")
        except (OSError, ValueError) as error:  # also of a certificate that does not verify
            reason = getattr(error, "reason", None) or error
            self._say(f"the health check at {host} was not reached: {reason}")
        except Exception as error:  # noqa: BLE001 an answer that is no HTTP stops no drill
            self._say(f"the health check at {host} answers nonsense: {type(error).__name__}")

"""Do what takes long beside the loop that answers, in threads that keep nobody from ending."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import copy_context
from functools import partial
from threading import Thread
from typing import TypeVar

_Result = TypeVar("_Result")


async def in_background(work: Callable[[], _Result]) -> _Result:
    """Return what work comes to. Its thread is a daemon: Ctrl-C does not wait for a dossier."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[_Result] = loop.create_future()

    def settle(give: Callable[[], None]) -> None:
        if not result.done():  # else whoever asked is gone
            give()

    def carry_out() -> None:
        give: Callable[[], None]
        try:
            give = partial(result.set_result, work())
        except Exception as error:  # noqa: BLE001 whoever asked gets it
            give = partial(result.set_exception, error)
        with suppress(RuntimeError):  # the loop has ended
            loop.call_soon_threadsafe(settle, give)

    Thread(target=copy_context().run, args=(carry_out,), daemon=True).start()
    return await result

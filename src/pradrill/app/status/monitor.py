"""Answer as a plugin of a monitoring system: one line whatever happens, exit code 0, 1, 2 or 3."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pradrill.domain.dossier.status import Status
from pradrill.errors import PradrillError, RecordError
from pradrill.reporting.text.monitor import PluginState, monitor_lines, plugin_state, unknown_line


class PluginAnswer(NamedTuple):
    """What a plugin prints, and what it ends with."""

    lines: tuple[str, ...]
    state: PluginState


def plugin_answer(read: Callable[[], Status]) -> PluginAnswer:
    """Return the answer. A register that cannot be read is critical: its proofs may be gone.

    Whatever else keeps it from looking is unknown: another code would be taken for an answer.
    """
    try:
        status = read()
    except RecordError as error:
        line = unknown_line(error.message, PluginState.CRITICAL)
        return PluginAnswer((line,), PluginState.CRITICAL)
    except PradrillError as error:
        return PluginAnswer((unknown_line(error.message),), PluginState.UNKNOWN)
    except Exception as error:  # noqa: BLE001 our bug ends with 1, which would be a warning
        line = unknown_line(f"internal error: {error!r}")
        return PluginAnswer((line,), PluginState.UNKNOWN)
    return PluginAnswer(tuple(monitor_lines(status)), plugin_state(status))

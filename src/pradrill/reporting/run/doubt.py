"""Say what a reader must know first: the register does not verify, or the record is another one."""

from __future__ import annotations

from collections.abc import Sequence

from pradrill.domain.register.entry import Wrong
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, ngettext
from pradrill.reporting.language.symptoms import damage

_MOST = 5


def doubts(run_id: str | None, wrong: Sequence[Wrong]) -> list[str]:
    """Return what stands before everything else; nothing when all is what was recorded."""
    if not wrong:
        return []

    of_run = run_id is not None and any(each.where.startswith(f"runs/{run_id}") for each in wrong)
    first = (
        _("This run is not what was recorded: do not rely on what follows.")
        if of_run
        else _("The register does not verify: nobody vouches for what follows.")
    )

    lines = [wording.line(damage(each), 300) for each in wrong[:_MOST]]
    if len(wrong) > _MOST:
        more = len(wrong) - _MOST
        lines.append(ngettext("and one more trouble", "and %(n)s more troubles", more))

    return [first, *lines]

"""Look at what is wrong today with what was recorded of a run."""

from __future__ import annotations

from contextlib import suppress

from pradrill.app.reading import StateReader
from pradrill.domain.register.entry import Wrong
from pradrill.errors import PradrillError
from pradrill.register.chain.register import REGISTER
from pradrill.register.verification.verify import verify


def wrongs(app: StateReader, run_id: str | None) -> tuple[Wrong, ...]:
    """Return what is wrong today with a run's files, the chain or its head; None: with no run's.

    Other runs are left out, and so is damage that somebody answers for.
    """
    heads = ""
    with suppress(PradrillError):  # it was told that they cannot be read
        heads = app.published()[1]
    try:
        verification = verify(
            app.state,
            runs=() if run_id is None else (run_id,),
            only=True,
            published=[heads] if heads.strip() else [],
            trusted=app.trusted(),
        )
    except PradrillError as error:
        return (Wrong(where=REGISTER, what=error.message),)
    return tuple(trouble.wrong for trouble in verification.troubles)

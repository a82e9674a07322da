"""Say which files a run's services opened, and which of them no drill brings."""

from __future__ import annotations

from typing import NamedTuple

from pradrill.domain.run.file_map import FileOrigin, ForeignFiles
from pradrill.domain.run.missing_files import foreign
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.language.i18n import _, ngettext, pgettext, whole

_ROWS, _PATHS = 100, 20


class FolderRow(NamedTuple):
    """The files of a folder, ready to be shown."""

    paths: tuple[str, ...]
    more: str
    host: str
    programs: str
    is_expected: bool
    expectation: str


class OriginRow(NamedTuple):
    """How many files of a host come from where, ready to be shown."""

    host: str
    origin: str
    files: str


def summary(record: RunRecord) -> str:
    """Say in a sentence whether anything was missing, or that it is not known."""
    if not record.files:
        return _("Not looked at: the drill does not ask for it (standby.watch_files).")
    if not any(each.complete for each in record.files.values()):
        return _("Not known: the files could not be watched, or the watch not read.")

    folders = foreign(record)
    unexpected = [use for each in folders if not each.is_expected for use in each.files]
    untold = sum(each.untold for each in record.files.values())
    sentences = []
    if unexpected:
        sentences.append(
            ngettext(
                "%(n)s file that the service opened comes from neither the backup, nor a package, "
                "nor a playbook, and the plan does not speak of it: without it the recovery may "
                "not work elsewhere.",
                "%(n)s files that the service opened come from neither the backup, nor a package, "
                "nor a playbook, and the plan does not speak of them: without them the recovery "
                "may not work elsewhere.",
                len(unexpected) + untold,
            )
        )
    elif untold:
        sentences.append(
            ngettext(
                "%(n)s file that the service opened comes from neither the backup, nor a package, "
                "nor a playbook, and is counted only: whether the plan speaks of it is not known.",
                "%(n)s files that the service opened come from neither the backup, nor a package, "
                "nor a playbook, and are counted only: whether the plan speaks of them is not "
                "known.",
                untold,
            )
        )
    elif folders:
        sentences.append(
            _("Each file that was seen and that the drill does not bring is named in the plan.")
        )
    else:
        sentences.append(_("No file was seen that the drill does not bring."))
    if not all(each.is_whole for each in record.files.values()):
        sentences.append(_("That is not all: the map has gaps, see the limits."))
    return " ".join(sentences)


def rows(record: RunRecord) -> list[FolderRow]:
    """Return the files that no drill brings, folder by folder, the unexpected ones first."""
    return [_row(each) for each in foreign(record)[:_ROWS]]


def counts(record: RunRecord) -> list[OriginRow]:
    """Return how many files come from where, host by host."""
    return [
        OriginRow(host, _origins()[origin], whole(file_map.counts[origin]))
        for host, file_map in record.files.items()
        for origin in FileOrigin
        if file_map.counts.get(origin)
    ]


def more(record: RunRecord) -> str:
    """Say what is not shown, and of how many files nothing is known."""
    sentences = []
    left_out = len(foreign(record)) - _ROWS
    if left_out > 0:
        sentences.append(
            ngettext(
                "%(n)s more folder is in the record.",
                "%(n)s more folders are in the record.",
                left_out,
            )
        )
    unknown = sum(each.gone for each in record.files.values())
    if unknown:
        sentences.append(
            ngettext(
                "%(n)s more time a file was opened by a process that had ended before it was "
                "known.",
                "%(n)s more times a file was opened by processes that had ended before they were "
                "known.",
                unknown,
            )
        )
    return " ".join(sentences)


def legend(_record: RunRecord) -> str:
    """Say what is seen, and what is not."""
    return _(
        "Watched from before the first playbook until the teardown: what services opened, not what "
        "the drill's own commands and logins did. New is what the file system says was changed "
        "since. Not seen are files that were looked for and are not there, containers, and what "
        "lies in memory only."
    )


def _row(each: ForeignFiles) -> FolderRow:
    hidden = len(each.files) - _PATHS
    return FolderRow(
        paths=tuple(
            _("%(path)s (of a package, altered)", path=use.path) if use.altered else use.path
            for use in each.files[:_PATHS]
        ),
        more=ngettext("%(n)s more", "%(n)s more", hidden) if hidden > 0 else "",
        host=each.standby,
        programs=", ".join(each.programs),
        is_expected=each.is_expected,
        expectation=_("yes, the plan says why: %(why)s", why=each.need.why)
        if each.need is not None
        else _("no, and a finding"),
    )


def _origins() -> dict[FileOrigin, str]:
    return {
        FileOrigin.PACKAGE: pgettext("origin of a file", "a package"),
        FileOrigin.RESTORED: pgettext("origin of a file", "restored"),
        FileOrigin.WRITTEN: pgettext(
            "origin of a file", "written during the drill, by a playbook or by the service"
        ),
        FileOrigin.SYSTEM: pgettext(
            "origin of a file",
            "the machine itself: accounts, caches, logs, catalogues of database servers",
        ),
        FileOrigin.NEITHER: pgettext("origin of a file", "neither of these"),
        FileOrigin.UNKNOWN: pgettext("origin of a file", "not known: no packages could be asked"),
    }

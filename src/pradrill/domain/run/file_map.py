"""Describe which files a service opened on a standby, and where they come from."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.declared.plan import FileNeed
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason


class FileOrigin(StrEnum):
    """Where a file comes from that a service opened."""

    PACKAGE = "package"  # as one has brought it
    RESTORED = "restored"  # new since the drill began, below a declared root
    WRITTEN = "written"  # new since then elsewhere: by a playbook, or by the service itself
    SYSTEM = "system"  # what a machine makes itself: accounts, caches, catalogues
    NEITHER = "neither"  # on the standby before, and nothing says from where
    UNKNOWN = "unknown"  # there before, and no packages could be asked


class FileUse(Model):
    """A file that a service opened."""

    path: str = Field(description="what a name hides is spelled out; long ones are cut")
    origin: FileOrigin
    programs: tuple[str, ...] = Field(default=(), description="up to three that opened it")
    altered: bool = Field(
        default=False, description="a package's setting that is not as it was delivered"
    )


class FileMap(Model):
    """Which files the services of one host opened, from before the restore until the teardown."""

    watched: bool = Field(default=False, description="whether the watch began")
    complete: bool = Field(default=False, description="whether it was read at the end")
    because: Reason | None = Field(default=None, description="why it did not begin, or is not read")
    counts: dict[FileOrigin, int] = Field(default={}, description="all that were opened")
    files: tuple[FileUse, ...] = Field(default=(), description="as many of them as are told")
    unkept: int = Field(default=0, ge=0, description="opened, and there was no room for them")
    gone: int = Field(
        default=0,
        ge=0,
        description="times that a process opened one which had ended before it was known",
    )
    overflow: bool = Field(default=False, description="the kernel had more to tell than was read")
    unmarked: tuple[str, ...] = Field(default=(), description="mounts that could not be watched")

    @property
    def untold(self) -> int:
        """Return how many files that no drill brings are counted, and not told one by one."""
        origin = FileOrigin.NEITHER
        return max(0, self.counts.get(origin, 0) - sum(f.origin is origin for f in self.files))

    @property
    def is_whole(self) -> bool:
        """Tell whether all was seen that can be."""
        lost = self.unkept or self.overflow or self.unmarked or self.untold
        return self.complete and not lost and not self.counts.get(FileOrigin.UNKNOWN)


class ForeignFiles(NamedTuple):
    """Files of one folder that a service opened and that come from nowhere that a drill knows."""

    standby: str
    folder: str
    files: tuple[FileUse, ...]
    need: FileNeed | None

    @property
    def where(self) -> str:
        """Return the file where it is one, otherwise the folder."""
        return self.files[0].path if len(self.files) == 1 else self.folder

    @property
    def programs(self) -> tuple[str, ...]:
        """Return what opened them."""
        return tuple(dict.fromkeys(name for each in self.files for name in each.programs))

    @property
    def is_expected(self) -> bool:
        """Tell whether the plan says that it is needed."""
        return self.need is not None


def foreign_files(file_map: FileMap, needs: Iterable[FileNeed], host: str) -> list[ForeignFiles]:
    """Return the files of neither backup, package nor playbook by folder, the unexpected first."""
    needs = tuple(needs)
    groups: dict[tuple[str, FileNeed | None], list[FileUse]] = {}
    for each in file_map.files:
        if each.origin is FileOrigin.NEITHER:
            need = next((need for need in needs if need.covers(each.path)), None)
            groups.setdefault((each.path.rpartition("/")[0] + "/", need), []).append(each)
    every = [
        ForeignFiles(host, folder, tuple(files), need) for (folder, need), files in groups.items()
    ]
    return sorted(every, key=lambda each: (each.is_expected, each.folder))

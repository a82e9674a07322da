"""Archives that nobody's tar makes, in the hands of the script that unpacks folders from them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest
from tests.sources.test_bad_restores import call

FILE, FOLDER, LINK, HARD = tarfile.REGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE
Member = tuple[str, bytes, str]
TOP: Member = ("", FOLDER, "")
FAILING = "/Exiting with failure status due to previous errors"
# Each: its members (the name behind the folder's, type, content), and why it is refused.
HOSTILE: dict[str, tuple[list[Member], str]] = {
    "a link in the folder's place": (
        [("", LINK, "app"), ("/x", FILE, "x")], "Cannot create symlink"),
    "a hard link to a file of another's": (
        [TOP, ("/x", FILE, "x"), ("/h", HARD, "app/secret")], "hard links to what is not in"),
    "a link through what is set aside": (
        [TOP, ("/a", LINK, ".pradrill-before/lnk"), ("/a/x", FILE, "x")], "Cannot open"),
    "a link that leads out": (
        [TOP, ("/a", LINK, "../app"), ("/a/x", FILE, "x")], "Cannot open"),
    "a path that leads out": ([TOP, ("/../app/x", FILE, "x")], "contains '..'"),
    "a file that is not restored, and whose name says what is left out of the reasons": (
        [TOP, ("/y", FILE, "x"), (FAILING, FILE, ""), (f"{FAILING}/x", FILE, "x")], "Cannot open"),
    "a name that the script itself uses": (
        [TOP, ("/.pradrill-moving", LINK, "../app"), ("/a", FILE, ""), ("/a/x", FILE, "")],
        "Cannot open"),
}  # fmt: skip


def write(archive: Path, place: Path, members: list[Member]) -> None:
    """Write such an archive of the folder `files` in a place."""
    root = str(place).lstrip("/")
    with tarfile.open(archive, "w") as file:
        for name, kind, content in members:
            member = tarfile.TarInfo(f"{root}/files{name}")
            member.type, member.mode = kind, 0o755
            if kind == FILE:
                member.size = len(content)
            else:
                member.linkname = f"{root}/{content}" if kind == HARD else content
            file.addfile(member, io.BytesIO(content.encode()))


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a place with an empty folder to restore, and one of another's."""
    (tmp_path / "files").mkdir()
    (tmp_path / "app").mkdir()
    (tmp_path / "app/secret").write_text("of another's")
    return tmp_path


def tree(place: Path) -> dict[str, str]:
    """Return what a place holds, but the archive."""
    paths = {each.relative_to(place): each for each in place.rglob("*")}
    return {
        str(name): f"{each.lstat().st_nlink} {each.read_text()}" if each.is_file() else ""
        for name, each in paths.items()
        if name.name != "night.tar"
    }


@pytest.mark.parametrize("title", HOSTILE)
def test_an_archive_writes_nothing_beyond_its_folder(place: Path, title: str) -> None:
    """It is refused with tar's reason or ours, and all is as it stood, the neighbour too."""
    members, reason = HOSTILE[title]
    if "set aside" in title:
        (place / "files/lnk").symlink_to(place / "app")
    before = tree(place)
    write(place / "night.tar", place, members)
    result = call("unpack-folders", place / "night.tar", place / "files")
    assert result.returncode == 1
    assert reason in result.stderr
    assert tree(place) == before


def test_names_that_look_like_what_tar_says_are_names(place: Path) -> None:
    """Of the archive's end; and hard links are restored where both of their ends are."""
    names = ["/** End of File **", "/A lone zero block at 5", "/a\nblock 1: ** End of File **"]
    members = [TOP, *((name, FILE, "x") for name in names), ("/h", HARD, f"files{names[0]}")]
    write(place / "night.tar", place, members)
    for folders in ([place / "files"], [place / "files", place / "files"]):
        result = call("unpack-folders", place / "night.tar", *folders)
        assert result.returncode == 0, result.stderr
        assert tree(place)["files/h"] == "2 x"


def test_without_room_names_that_look_like_what_tar_says_are_names(place: Path) -> None:
    """There the archive is listed first, and each line is looked at."""
    (place / "bin").mkdir()
    (place / "bin/df").write_text("#!/bin/sh\necho Avail\necho 0\n")
    (place / "bin/df").chmod(0o755)
    (place / "files/old").write_text("x" * 9_000)
    write(place / "night.tar", place, [TOP, ("/A lone zero block at 5", FILE, "x")])
    path = f"{place}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    result = call("unpack-folders", place / "night.tar", place / "files", PATH=path)
    assert result.returncode == 0, result.stderr
    assert [each.name for each in (place / "files").iterdir()] == ["A lone zero block at 5"]


def test_after_a_failure_without_room_the_next_one_keeps_what_came_meanwhile(place: Path) -> None:
    """What somebody put back by hand is no half of a restore."""
    (place / "bin").mkdir()
    (place / "bin/df").write_text("#!/bin/sh\necho Avail\necho 0\n")
    (place / "bin/df").chmod(0o755)
    (place / "files/old").write_text("x" * 9_000)
    write(
        place / "night.tar", place, [TOP, ("/x", FILE, "x"), *HOSTILE["a link that leads out"][0]]
    )
    path = f"{place}/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    assert call("unpack-folders", place / "night.tar", place / "files", PATH=path).returncode == 1
    assert not (place / "files/old").exists()
    (place / "files/mine").write_text("mine")
    (place / "night.tar").write_text("no archive")
    assert call("unpack-folders", place / "night.tar", place / "files").returncode == 1
    assert tree(place)["files/mine"] == "1 mine"


def test_a_link_in_a_folders_place_is_named_and_nothing_made_behind_it(place: Path) -> None:
    """Tools differ in what they do with one: through it, or in its place."""
    (place / "files").rmdir()
    (place / "files").symlink_to(place / "app")
    before = tree(place)
    write(place / "night.tar", place, [TOP, ("/x", FILE, "x")])
    result = call("unpack-folders", place / "night.tar", place / "files")
    assert (result.returncode, "is a link on the standby" in result.stderr) == (1, True), result
    assert tree(place) == before


@pytest.mark.parametrize("name", ["before", "before.1", "moving.1", "gone", "held.1"])
def test_what_a_backup_calls_as_the_script_does_is_not_kept(place: Path, name: str) -> None:
    """The next restore would take it for what stood there."""
    its = f"/.pradrill-{name}"
    write(
        place / "night.tar",
        place,
        [TOP, ("/x", FILE, "x"), (its, FOLDER, ""), (f"{its}/y", FILE, "y")],
    )
    result = call("unpack-folders", place / "night.tar", place / "files")
    assert result.returncode == 0, result.stderr
    assert [each.name for each in (place / "files").iterdir()] == ["x"]


def test_of_two_that_were_set_aside_neither_is_removed(place: Path) -> None:
    """One may be a backup's: a person tells which is the standby's own."""
    for name in (".pradrill-before.1", ".pradrill-moving.2"):
        (place / "files" / name).mkdir()
        (place / "files" / name / "mine").write_text(name)
    before = tree(place)
    write(place / "night.tar", place, [TOP, ("/x", FILE, "x")])
    result = call("unpack-folders", place / "night.tar", place / "files")
    assert (result.returncode, "have set aside" in result.stderr) == (1, True), result
    assert tree(place) == before

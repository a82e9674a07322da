"""The scripts that bring folders back, and the manifest that tells how they were."""

from __future__ import annotations

import gzip
import itertools
import os
import subprocess
import tarfile
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.sources.conftest import largest, mostly_nightly
from tests.sources.restic_crypto import new_repository
from tests.sources.test_bad_restores import Harm, ended_badly, flip, harms

SCRIPTS = Path(__file__).parents[2] / "playbooks/files"
ENVIRONMENT = {**os.environ, "RESTIC_PASSWORD": "pass", "BORG_PASSPHRASE": "pass"}
ASPECTS = ("there", "mode", "owner", "acl", "xattr", "bytes")
Saying = subprocess.CompletedProcess[str]
Restore = Callable[[str], Saying]


def run(*words: str | Path, cwd: Path | None = None) -> Saying:
    """Run a command as a playbook's shell does."""
    return subprocess.run(
        list(map(str, words)), env=ENVIRONMENT, cwd=cwd, capture_output=True, text=True, check=False
    )


def output_of(*words: str | Path, cwd: Path | None = None) -> str:
    """Run a command that must work, and return what it prints."""
    result = run(*words, cwd=cwd)
    assert result.returncode == 0, result.stderr
    return result.stdout


def check(place: Path, aspect: str, sample: str = "1") -> Saying:
    """Compare the restored folder with its manifest."""
    return run(
        "python3", SCRIPTS / "manifest-files", "check", place / "meta/manifest", aspect, sample
    )


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return a place with files of every kind, and their manifest in a folder of its own."""
    files = tmp_path / "files"
    (files / "deep").mkdir(parents=True)
    for number in range(40):
        (files / f"deep/{number}").write_bytes(os.urandom(5000 + number))
    (files / "deep/0").chmod(0o640)
    (files / "deep").chmod(0o2750)
    (files / "link").symlink_to("deep/1")
    os.link(files / "deep/2", files / "same")
    os.mkfifo(files / "pipe")
    Path(os.fsdecode(os.fsencode(files) + b"/caf\xe9\n")).write_text("x")
    os.setxattr(files / "deep/3", "user.origin", b"CAD")
    output_of("find", files, "-exec", "touch", "-h", "-d", "-1 hour", "{}", "+")
    (tmp_path / "meta").mkdir()
    manifest = output_of("python3", SCRIPTS / "manifest-files", "write", files)
    (tmp_path / "meta/manifest").write_text(manifest)
    (tmp_path / "staging/login").mkdir(parents=True)
    return tmp_path


@pytest.fixture(params=["restic", "borg", "tar.gz", "tar.zst"])
def restore(request: pytest.FixtureRequest, place: Path) -> Restore:
    """Back the folders up, then spoil them; return what restores them from an id."""
    folders, kind = (place / "files", place / "meta"), request.param
    relative = [str(folder)[1:] for folder in folders]
    repository = place / "repository"
    staging = place / "staging"
    if kind == "restic":
        new_repository(repository, ENVIRONMENT["RESTIC_PASSWORD"])
        output_of("restic", "-q", "--repo", repository, "backup", "--tag", "t", *folders)
        access = f"export RESTIC_REPOSITORY='{repository}'\n"
    elif kind == "borg":
        output_of("borg", "init", "--encryption=repokey-blake2", repository)
        output_of("borg", "create", f"{repository}::night-1", *relative, cwd=Path("/"))
        access = f"export BORG_REPO='{repository}'\n"
    else:
        packed: list[str | Path] = [
            "tar",
            "-C",
            "/",
            "--acls",
            "--xattrs",
            "-caf",
            place / f"night.{kind}",
        ]
        output_of(*packed, *relative)
        access = ""
    (staging / f"login/{kind}").write_text(access)
    output_of("rm", "-r", place / "files/deep", place / "files/link")
    (place / "files/stale").write_text("of before")

    def from_id(id_: str) -> Saying:
        if kind in {"restic", "borg"}:
            script = SCRIPTS / f"restore-{kind}"
            return run("bash", script, id_, "" if kind == "borg" else "t", staging, *folders)
        archive = place / f"{id_ or 'night'}.{kind}"
        return run("bash", SCRIPTS / "unpack-folders", archive, *folders)

    return from_id


def test_folders_come_back_as_they_were(place: Path, restore: Restore) -> None:
    """Each tool brings back all that the manifest knows of, and takes away what came since."""
    assert check(place, "there").returncode == 1
    result = restore("")
    assert result.returncode == 0, result.stderr
    for aspect in ASPECTS:
        comparison = check(place, aspect)
        assert comparison.returncode == 0, f"{aspect}: {comparison.stdout}"
        assert aspect == "acl" or not comparison.stdout.startswith("0 "), aspect
    assert restore("").returncode == 0, "it cannot be played again"

    login = place / "staging/login"  # the playbooks remove it at the end, whatever happened
    if (login / "restic").exists():
        assert list(login.glob("cache/*/data")), "each folder would cost round trips"


def test_the_newest_snapshot_is_the_latest_instant(place: Path) -> None:
    """One that a clock of summer time calls later was taken before: offsets are reckoned with."""
    repository, staging = place / "repository", place / "staging"
    new_repository(repository, ENVIRONMENT["RESTIC_PASSWORD"])
    backup = ("restic", "-q", "--repo", repository, "backup", "--tag", "t", place / "meta")
    for zone, hour in (("UTC", "01:10:00"), ("Europe/Paris", "02:50:00")):
        output_of("env", f"TZ={zone}", *backup, "--time", f"2026-10-24 {hour}")
    (staging / "login/restic").write_text(f"export RESTIC_REPOSITORY='{repository}'\n")
    result = run("bash", SCRIPTS / "restore-restic", "", "t", staging, place / "meta")
    assert result.stdout.split()[1] == "2026-10-24T01:10:00Z", result.stderr


def test_a_backup_that_is_not_there_leaves_the_folders(place: Path, restore: Restore) -> None:
    """An unknown id ends with an error before anything is removed."""
    result = restore("4321abcd")
    assert result.returncode != 0
    assert result.stderr
    assert (place / "files/same").exists()


@harms
def test_a_damaged_backup_ends_with_an_error(place: Path, restore: Restore, harm: Harm) -> None:
    """Cut or with a changed byte: what was unpacked by then is no restore, and it is said why."""
    archives = list(place.glob("night.*"))
    harm(archives[0] if archives else largest(place / "repository/data"))
    assert ended_badly(result := restore("")), result
    assert len(result.stderr.splitlines()) == 1 or archives, result.stderr


@pytest.mark.parametrize("restore", ["restic"], indirect=True)
def test_a_restore_that_ends_with_0_without_its_files_is_none(
    place: Path, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As restic's of Debian 11 does (0.11): it only says how many errors there were."""
    wrapper = place / "bin/restic"
    wrapper.parent.mkdir()
    wrapper.write_text(
        '#!/bin/sh\n/usr/bin/restic "$@" 2>&1 || case " $* " in\n'
        '*" restore "*) echo "There were 1 errors";; *) exit 1;; esac\n'
    )
    wrapper.chmod(0o755)
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    flip(largest(place / "repository/data"))
    assert ended_badly(result := restore("")), result
    assert "ciphertext verification failed" in result.stderr


@pytest.mark.parametrize("restore", ["restic", "borg"], indirect=True)
def test_a_wrong_password_ends_with_the_tools_reason(place: Path, restore: Restore) -> None:
    """Restic and borg say that it is the password, before anything is removed."""
    for access in (place / "staging/login").iterdir():
        wrong = "export RESTIC_PASSWORD=wrong BORG_PASSPHRASE=wrong\n"
        access.write_text(access.read_text() + wrong)
    result = restore("")
    assert ended_badly(result, "pass")
    assert (place / "files/same").exists()


def test_each_difference_is_named(place: Path) -> None:
    """What differs is told by aspect: missing, too much, permissions, attributes, bytes, links."""
    deep = place / "files/deep"
    (deep / "5").unlink()
    (deep / "new").write_text("x")
    (deep / "6").chmod(0o777)
    os.setxattr(deep / "3", "user.origin", b"XXX")
    os.setxattr(deep / "4", "user.more", b"1")
    with (deep / "7").open("r+b") as file:
        file.seek(100)
        file.write(b"\0\1\2")
    (place / "files/link").unlink()
    (place / "files/link").symlink_to("deep/9")
    output_of("find", place / "files", "-exec", "touch", "-h", "-d", "-1 hour", "{}", "+")

    there = check(place, "there").stdout
    assert "deep/5 is missing" in there
    assert "deep/new was not there" in there
    assert "deep/6 has mode 0777, had 0644" in check(place, "mode").stdout
    attributes = check(place, "xattr").stdout
    assert "deep/3 has another attribute: user.origin" in attributes
    assert "deep/4 has another attribute: user.more" in attributes
    read = check(place, "bytes").stdout
    assert "deep/7 has other bytes" in read
    assert "link leads elsewhere" in read


def test_what_was_changed_since_is_counted_and_not_held_against_the_restore(place: Path) -> None:
    """A file that the primary wrote after the manifest may differ, and is told apart."""
    (place / "files/deep/7").write_text("newer")
    (place / "files/deep/8").write_text("newer")
    comparison = check(place, "bytes")
    assert comparison.returncode == 0
    assert ", 2 changed after the manifest, 0 wrong" in comparison.stdout


def test_a_sample_reads_its_part(place: Path) -> None:
    """A part of the files is read when a part is asked for: neither none nor all."""
    read = int(check(place, "bytes", "0.5").stdout.split()[0])
    assert 8 < read < 36


@pytest.mark.parametrize(
    ("restore", "at"),
    mostly_nightly(itertools.product(["borg", "tar.gz"], [0.5, 0.9]), ("tar.gz", 0.9)),
    indirect=["restore"],
)
def test_what_stands_there_comes_back_when_the_backup_ends_too_early(
    place: Path, restore: Restore, at: float
) -> None:
    """An archive that is cut behind its beginning costs nothing of what stood in the folders."""
    spoil(place, at)
    before = looks(place)
    assert ended_badly(result := restore("")), result
    assert looks(place) == before


@pytest.mark.parametrize("restore", mostly_nightly(["tar.gz", "restic"], "tar.gz"), indirect=True)
def test_a_killed_restore_is_taken_up_by_the_next(place: Path, restore: Restore) -> None:
    """What stood there waits beside the half; a failure gives it back, a restore removes it."""
    before = looks(place)
    for name in ("files", "meta"):
        aside = place / name / ".pradrill-before"
        aside.mkdir()
        for each in (place / name).iterdir():
            if each != aside:
                each.rename(aside / each.name)
    (place / "files/half").write_text("of a restore that was killed")
    assert restore("4321abcd").returncode != 0
    archive = place / "night.tar.gz"
    if archive.exists():
        whole = archive.read_bytes()
        archive.write_bytes(whole[:-100])
        assert ended_badly(restore(""), "unexpected end of file")
        assert looks(place) == before
        archive.write_bytes(whole)
    assert restore("").returncode == 0
    assert check(place, "there").returncode == 0
    assert not list(place.rglob(".pradrill-*"))


_MOVES_HALF = """\
#!/bin/sh
[ -e {place}/half ] && exec /bin/mv "$@"
touch {place}/half
/bin/mv "$1" "$2" "$3"
kill -TERM "$(cut -d' ' -f4 /proc/$PPID/stat)"
"""


@pytest.mark.parametrize("restore", ["tar.gz"], indirect=True)
def test_one_that_is_ended_while_it_sets_aside_gives_all_back(
    place: Path, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With half of a folder moved, TERM leaves it as it stood: nothing of it is in between."""
    (place / "bin").mkdir()
    (place / "bin/mv").write_text(_MOVES_HALF.format(place=place))
    (place / "bin/mv").chmod(0o755)
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{place}/bin:{os.environ['PATH']}")
    before = looks(place)
    assert restore("").returncode == 143
    assert (place / "half").exists()
    assert looks(place) == before


@pytest.mark.parametrize("path", ["unpack-folders", "./unpack-folders", "files/unpack-folders"])
def test_a_script_by_hand_finds_what_it_shares(path: str, place: Path) -> None:
    """From whatever folder it is called: what it shares with others lies beside it."""
    folder = SCRIPTS if "files" not in path else SCRIPTS.parent
    result = run("bash", path, place / "none.tar", place / "files", cwd=folder)
    assert result.returncode != 0
    assert "set-aside" not in result.stderr


@pytest.mark.parametrize(
    "restore", mostly_nightly(["borg", "restic", "tar.gz"], "tar.gz"), indirect=True
)
def test_without_room_for_both_the_backup_is_read_before_anything_goes(
    place: Path, restore: Restore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that holds one copy alone is restored, too; a damaged backup leaves it as it is."""
    (place / "bin").mkdir()
    (place / "bin/df").write_text("#!/bin/sh\necho Avail\necho 1\n")
    (place / "bin/df").chmod(0o755)
    monkeypatch.setitem(ENVIRONMENT, "PATH", f"{place}/bin:{os.environ['PATH']}")
    before = looks(place)
    mend = spoil(place, 0.9) if not (place / "repository/snapshots").exists() else None
    if mend is not None:
        assert ended_badly(restore(""), "nothing was removed")
        assert looks(place) == before
        mend()
    assert restore("").returncode == 0
    assert check(place, "there").returncode == 0


@pytest.mark.parametrize("room", ["room for both", "no room"])
@pytest.mark.parametrize("tool", mostly_nightly(["tar", "borg", "restic"], "tar"))
def test_folders_without_a_file_take_the_place_of_none(
    place: Path, tool: str, room: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A backup of a source that was not mounted holds its folders, and nothing was removed."""
    if room == "no room":
        (place / "bin").mkdir()
        (place / "bin/df").write_text("#!/bin/sh\necho Avail\necho 1\n")
        (place / "bin/df").chmod(0o755)
        monkeypatch.setitem(ENVIRONMENT, "PATH", f"{place}/bin:{os.environ['PATH']}")
    away = place / "away"
    (place / "files").rename(away)
    (place / "files/deep").mkdir(parents=True)
    words: list[str | Path] = [f"{place}/night.tar", place / "files"]
    script, relative, repository = "unpack-folders", str(place / "files")[1:], place / "repository"
    if tool == "tar":
        output_of("tar", "-C", "/", "-cf", place / "night.tar", relative)
    elif tool == "borg":
        output_of("borg", "init", "--encryption=repokey-blake2", repository)
        output_of("borg", "create", f"{repository}::night-1", relative, cwd=Path("/"))
    else:
        new_repository(repository, ENVIRONMENT["RESTIC_PASSWORD"])
        output_of("restic", "-q", "--repo", repository, "backup", place / "files")
    if tool != "tar":
        name = {"borg": "BORG_REPO", "restic": "RESTIC_REPOSITORY"}[tool]
        (place / f"staging/login/{tool}").write_text(f"export {name}='{repository}'\n")
        script, words = f"restore-{tool}", ["", "", place / "staging", place / "files"]
    output_of("rm", "-r", place / "files")
    away.rename(place / "files")
    before = looks(place)
    result = run("bash", SCRIPTS / script, *words)
    assert ended_badly(result, "nothing was removed"), result
    assert looks(place) == before


@pytest.mark.parametrize("first", ["", "./", "/"])
def test_an_archive_names_its_folders_as_people_do(tmp_path: Path, first: str) -> None:
    """Without the first /, with ./ before it, or with -P; what it lacks is told alike."""
    for name in ("files", "meta"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "a").write_text("new")
    (tmp_path / "files/hard").hardlink_to(tmp_path / "files/a")
    names = [first + str(tmp_path / each)[1:] for each in ("files", "meta")]
    output_of("tar", "-P", "-C", "/", "-czf", tmp_path / "a.tar.gz", *names)
    (tmp_path / "files/a").write_text("old")
    words = ("bash", SCRIPTS / "unpack-folders", tmp_path / "a.tar.gz")
    result = run(*words, tmp_path / "files", tmp_path / "other")
    assert ended_badly(result, f"has nothing in {tmp_path}/other: nothing was removed"), result
    assert (tmp_path / "files/a").read_text() == "old"
    result = run(*words, tmp_path / "files", tmp_path / "meta")
    assert result.returncode == 0, result
    assert (tmp_path / "files/hard").read_text() == "new"
    assert [*(tmp_path / "files").glob(".*")] == []


def test_a_borg_archive_is_chosen_by_whatever_name_it_has(place: Path) -> None:
    """Accents are a name's; what would choose others, or be an option, is none."""
    repository, names = place / "repository", ("nuit-d\u00e9cembre=1,2", "nuit")
    output_of("borg", "init", "--encryption=none", repository)
    for name in names:
        (place / "files/named").write_text(name)
        output_of(
            "borg", "create", f"{repository}::{name}", str(place / "files")[1:], cwd=Path("/")
        )
    (place / "staging/login/borg").write_text(f"export BORG_REPO='{repository}'\n")
    script = SCRIPTS / "restore-borg"
    for name in names:
        result = run("bash", script, name, "", place / "staging", place / "files")
        assert (result.returncode, result.stdout.split()[:1]) == (0, [name]), result
        assert (place / "files/named").read_text() == name
    for name in ("nuit*", "-n", "nuit\n", "[n]uit"):
        result = run("bash", script, name, "", place / "staging", place / "files")
        assert ended_badly(result, "signs that no name needs"), result


INSIDES = {
    "its files": ("", "-C {at}/new . ", 0),
    "other paths": ("", "-C {at} ./new", 1),
    "the folder's name": ("", "-C {at} new", 1),
    "no uploads": ("rm -r {at}/new/uploads", "-C {at}/new .", 1),
    "empty uploads": ("rm {at}/new/uploads/*", "-C {at}/new .", 1),
}


@pytest.mark.parametrize("title", INSIDES)
def test_an_archive_of_what_is_within_a_folder_is_looked_at(tmp_path: Path, title: str) -> None:
    """What the intranet's holds beside its uploads, or elsewhere, takes the place of nothing."""
    change, words, code = INSIDES[title]
    folder = tmp_path / "wp-content"
    for each in (tmp_path / "new", folder):
        (each / "uploads").mkdir(parents=True)
        (each / "uploads/photo").write_text(each.name)
        (each / "index.php").write_text(each.name)
    for command in (change, f"tar -czf {tmp_path}/a.tar.gz {words}"):
        subprocess.run(command.format(at=tmp_path), shell=True, check=True)
    result = subprocess.run(
        ["bash", SCRIPTS / "unpack-folders", f"{tmp_path}/a.tar.gz", folder],
        env={**os.environ, "INSIDE": "uploads"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert result.returncode == code, result
    assert (folder / "uploads/photo").read_text() == ("wp-content" if code else "new")
    assert bool(code) is ("nothing was removed" in result.stderr)


def test_an_archive_that_ends_between_two_files_is_cut(place: Path) -> None:
    """Tar itself takes it for whole, plain or packed once it was cut; the zeros of its end miss.

    One with a lone block of zeros between two files is refused, too.
    """
    archive = place / "cut.tar"
    relative = str(place / "files")[1:]
    output_of("tar", "-C", "/", "-cf", archive, relative)
    with tarfile.open(archive) as members:
        middle = members.getmembers()[20].offset
    content = archive.read_bytes()
    (place / "lone.tar").write_bytes(content[:middle] + bytes(512) + content[middle:])
    archive.write_bytes(content[:middle])
    assert run("tar", "-tf", archive).returncode == 0
    (place / "cut.tar.gz").write_bytes(gzip.compress(archive.read_bytes()))
    before = looks(place)
    for each in (archive, place / "cut.tar.gz", place / "lone.tar"):
        result = run("bash", SCRIPTS / "unpack-folders", each, place / "files")
        assert ended_badly(result, "the archive was cut short: its end is missing")
        assert looks(place) == before


def looks(place: Path) -> list[tuple[str, int, int, int]]:
    """Return all that is in the folders, with modes, owners and links."""
    paths = [
        each for name in ("files", "meta") for each in [place / name, *(place / name).rglob("*")]
    ]
    status = ((str(each), each.lstat()) for each in sorted(paths))
    return [(path, its.st_mode, its.st_uid, its.st_nlink) for path, its in status]


def spoil(place: Path, at: float) -> Callable[[], object]:
    """Cut the archive, or the data of the repository, at that part; return what mends it."""
    archives = list(place.glob("night.*"))
    path = archives[0] if archives else largest(place / "repository/data")
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * at)])
    return lambda: path.write_bytes(whole)


def overlapped(place: Path, load: str) -> subprocess.Popen[str]:
    """Restore two folders of a restic repository, and load what the first one holds beside."""
    repository = place / "repository"
    if not repository.exists():
        new_repository(repository, ENVIRONMENT["RESTIC_PASSWORD"])
        folders = (place / "meta", place / "files")
        output_of("restic", "-q", "--repo", repository, "backup", "--tag", "t", *folders)
        access = f"export RESTIC_REPOSITORY='{repository}'\n"
        (place / "staging/login/restic").write_text(access)
    (place / "files/stale").write_text("of before")
    scripts = [(SCRIPTS / name).read_text("utf-8") for name in ("set-aside", "restore-restic")]
    process = subprocess.Popen(
        ["bash", "-s", "--", "", "t", place / "staging", place / "meta", place / "files"],
        env=ENVIRONMENT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    process.stdin.write(f"load() {{ {load}; }}\n".join(scripts))
    process.stdin.close()
    process.stdin = None
    return process


def test_a_dump_is_loaded_while_the_other_folders_come(place: Path) -> None:
    """It begins once its own folder is whole; both must end well, then the old goes."""
    process = overlapped(place, f"cp {place}/meta/manifest {place}/loaded; echo noise")
    output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert len(output.split()) == 3
    assert (place / "loaded").read_bytes() == (place / "meta/manifest").read_bytes()
    assert check(place, "there").returncode == 0
    assert not (place / "files/stale").exists()


def test_a_load_that_fails_ends_the_restore_beside_it(place: Path) -> None:
    """Its own reason is told, alone, and what stood in the folders comes back."""
    process = overlapped(place, "echo the dump was cut short >&2; return 1")
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, "the dump was cut short\n")
    assert (place / "files/stale").read_text() == "of before"


def test_a_restore_that_fails_ends_the_load_beside_it(tmp_path: Path) -> None:
    """A load that would go on for an hour is ended with all that it has begun."""
    functions = """
set -euo pipefail
one() { touch begun; sh -c 'sleep 3600.25; :'; }
other() { until [ -e begun ]; do sleep 0.05; done; echo the disk is full >&2; return 1; }
side_by_side one other
"""
    text = (SCRIPTS / "set-aside").read_text("utf-8") + functions
    result = run("bash", "-c", text, cwd=tmp_path)
    assert (result.returncode, result.stderr) == (1, "the disk is full\n")
    assert_nothing_sleeps()


def test_what_a_process_begins_while_it_is_ended_is_ended_too(tmp_path: Path) -> None:
    """It stands still from the look at what it has begun until its end."""
    functions = """
cat() { command cat "$@"; sleep 0.3; }
one() { touch begun; while :; do sleep 3600.25 & sleep 0.05; done; }
other() { until [ -e begun ]; do sleep 0.05; done; return 1; }
side_by_side one other
"""
    text = (SCRIPTS / "set-aside").read_text("utf-8") + functions
    assert run("bash", "-c", text, cwd=tmp_path).returncode == 1
    assert_nothing_sleeps()


@pytest.mark.nightly
def test_a_process_that_ignores_its_end_is_killed(tmp_path: Path) -> None:
    """It has five seconds."""
    functions = """
one() { trap '' TERM; touch begun; sh -c 'sleep 3600.25; :'; sleep 3600.25; }
other() { until [ -e begun ]; do sleep 0.05; done; return 1; }
side_by_side one other
"""
    text = (SCRIPTS / "set-aside").read_text("utf-8") + functions
    assert run("bash", "-c", text, cwd=tmp_path).returncode == 1
    assert_nothing_sleeps()


def test_what_is_filled_is_loaded_once_the_other_folders_are_there(place: Path) -> None:
    """Their failure would end it, and what the database held would be gone."""
    load = (
        f'[ -z "${{BESIDE:-}}" ] || return 75; test -e {place}/files/same; echo 1 >> {place}/loaded'
    )
    process = overlapped(place, load)
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert (place / "loaded").read_text() == "1\n"
    process = overlapped(place, '[ -n "${BESIDE:-}" ] && return 75; echo refused >&2; return 1')
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, "refused\n")
    assert (place / "files/stale").read_text() == "of before"


def test_a_restore_that_is_ended_ends_both_halves(place: Path) -> None:
    """At its deadline, or by who stops the drill: nothing fills what is put back."""
    marker = place / "begun"
    process = overlapped(place, f"touch {marker}; sh -c 'sleep 3600.25; :'")
    for _ in range(600):
        if marker.exists():
            break
        time.sleep(0.05)
    process.terminate()
    _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (143, "")
    assert (place / "files/stale").read_text() == "of before"
    assert_nothing_sleeps()


def assert_nothing_sleeps() -> None:
    """Fail when a load of these tests goes on."""
    lines = output_of("ps", "-eo", "args").splitlines()
    assert not [line for line in lines if "sleep 3600.25" in line]


def test_a_dump_within_another_folder_is_loaded_after_it() -> None:
    """Nothing is written twice at a time: what is loaded would be half of it."""
    text = (SCRIPTS / "restore-restic").read_text("utf-8")
    start = text.index("are_apart()")
    function = text[start : text.index("\n}\n", start) + 3]
    cases = "".join(
        f"folders=({each}); are_apart && echo apart || echo one\n"
        for each in ("/a/b /a", "/a /a/b", "/a/b /a/bc", "/a", "/a /b")
    )
    assert output_of("bash", "-c", function + cases).split() == [
        "one",
        "one",
        "apart",
        "one",
        "apart",
    ]

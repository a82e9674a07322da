"""Whatever stands in a backup's manifest, or in a folder of backups, is read or refused."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import redirect_stdout, suppress
from functools import cache
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from io import StringIO
from pathlib import Path
from types import ModuleType
from typing import Any
from unittest.mock import MagicMock, patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents

from pradrill.domain.values.instant_text import parse_instant
from pradrill.errors import PradrillError

SCRIPTS = Path(__file__).parents[2] / "playbooks/files"
OF_SAMBA = ("ldb", "samba", "samba.auth", "samba.param", "samba.samdb")


@cache
def script(name: str) -> ModuleType:
    """Return a playbook's script as a module; of Samba's own nothing is asked."""
    loader = SourceFileLoader(name.replace("-", "_"), str(SCRIPTS / name))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    with patch.dict(sys.modules, {each: MagicMock() for each in OF_SAMBA}):
        loader.exec_module(module)
    sys.dont_write_bytecode = writes
    return module


def answer_of(name: str, *words: str) -> tuple[int, str]:
    """Return how a script ends, and the lines that it prints or refuses with."""
    printed = StringIO()
    try:
        with redirect_stdout(printed):
            code = script(name).main([*words])
    except SystemExit as end:
        code = 1
        printed.write(str(end.code))
    printed.getvalue().encode()
    return code, printed.getvalue()


FILE = {
    "path": "/nowhere/a", "kind": "-", "mode": "0644", "owner": "root:root", "acl": {},
    "xattr": {"user.a": "YQ=="}, "size": 1, "changed": 1_773_108_000.5, "link": None,
    "sha256": "ab" * 32,
}  # fmt: skip
LINK = {**FILE, "path": "/etc/mtab", "kind": "l", "link": "../proc/self/mounts"}
FOLDER = {**FILE, "path": "/etc/skel", "kind": "d"}
HEAD = {"taken": 1_773_108_000.0, "folders": ["/etc/skel"], "hashed": 1.0}
ASPECTS = ("there", "mode", "owner", "acl", "xattr", "bytes")


@settings(max_examples=4 * EXAMPLES)
@given(
    documents(HEAD),
    st.lists(documents(FILE, LINK, FOLDER), max_size=4),
    st.sampled_from(ASPECTS),
    st.binary(max_size=3),
)
def test_a_manifest_of_files_is_read_or_refused(
    head: str, lines: list[str], aspect: str, rest: bytes
) -> None:
    """Each line is a file's or a refusal; nothing that was not there is as it was."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        manifest = Path(folder, "manifest")
        text = "\n".join([head, *lines])
        manifest.write_bytes(text.encode("utf-8", "surrogatepass") + rest)
        code, answer = answer_of("manifest-files", "check", str(manifest), aspect)
    assert code == ("0 wrong" not in answer)
    assert answer.count("\n") < 24


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (json.dumps(FILE)[:-30], "line 3"),
        (json.dumps({**FILE, "path": "/a\0b"}), "line 3"),
        (json.dumps({**FILE, "path": "/\ud800"}), "line 3"),
        (json.dumps({**FILE, "mode": None}), "line 3"),
        ("[" * 9_000, "line 3"),
    ],
    ids=["cut", "zero", "surrogate", "of-no-mode", "deep"],
)
def test_a_line_that_is_no_file_is_refused_by_its_number(
    line: str, reason: str, tmp_path: Path
) -> None:
    """A backup that was cut in its manifest showed forty lines of Python's."""
    manifest = tmp_path / "manifest"
    manifest.write_text("\n".join([json.dumps(HEAD), json.dumps(FOLDER), line]), "utf-8")
    code, answer = answer_of("manifest-files", "check", str(manifest), "mode")
    assert code == 1
    assert reason in answer


def test_files_of_a_manifest_from_a_clock_that_was_wrong_are_compared(tmp_path: Path) -> None:
    """Taken in 1970 by its own word, every file was changed after it, and none was looked at."""
    file = tmp_path / "data" / "a"
    file.parent.mkdir()
    file.write_text("a")
    printed = StringIO()
    with redirect_stdout(printed):
        script("manifest-files").main(["write", str(file.parent)])
    head, *lines = printed.getvalue().splitlines()
    manifest = tmp_path / "manifest"
    manifest.write_text("\n".join([json.dumps({**json.loads(head), "taken": 0}), *lines]))

    before = file.stat().st_mtime_ns
    file.chmod(0o777)
    os.utime(file, ns=(before, before))
    code, answer = answer_of("manifest-files", "check", str(manifest), "mode")
    assert code == 1
    assert "has mode 0777" in answer


TABLES = {
    "taken": "2026-03-10T02:00:00Z", "rows": {"orders": 1}, "before": {"orders": 1},
    "columns": {"orders": "ab" * 32}, "values": {"orders.id": "whole:" + "ab" * 32},
    "others": {"view a": "ab" * 32},
}  # fmt: skip
OF_DOMAIN = {"taken": "2026-03-10T02:00:00Z", "objects": {"CN=a": "ab"}, "sysvol": {"a": "ab"}}


def shop(path: Path, name: str = "orders") -> None:
    """Write a database with one row."""
    with sqlite3.connect(path) as database:
        database.execute(f'CREATE TABLE "{name}" (id)')
        database.execute(f'INSERT INTO "{name}" VALUES (1)')  # noqa: S608 a test's own
    database.close()


@settings(max_examples=2 * EXAMPLES)
@given(
    documents(TABLES),
    st.sampled_from(["rows", "columns", "floor", "values"]),
    st.binary(max_size=3),
)
def test_a_manifest_of_tables_is_read_or_refused(text: str, aspect: str, rest: bytes) -> None:
    """And compared with a real database, in which none of its words is more than a name."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        manifest, database = Path(folder, "manifest"), Path(folder, "shop")
        manifest.write_bytes(text.encode("utf-8", "surrogatepass") + rest)
        shop(database)
        code, answer = answer_of(
            "manifest-tables", "check", "sqlite", str(database), str(manifest), aspect
        )
    assert code == ("0 wrong" not in answer)
    assert answer.count("\n") < 24


@settings(max_examples=2 * EXAMPLES)
@given(documents(OF_DOMAIN), st.sampled_from(["objects", "sysvol"]))
def test_a_manifest_of_a_domain_is_read_or_refused(text: str, part: str) -> None:
    """What is read of it can be compared with a domain."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as folder:
        manifest = Path(folder, "manifest")
        manifest.write_bytes(text.encode("utf-8", "surrogatepass"))
        its = script("manifest-samba")
        before = {"CN=a": "ab"}
        with suppress(SystemExit):
            before = its.read(str(manifest), part)
    for line in its.differences(before, {"CN=a": "ab"}, by_value=True):
        assert its.shown(line).isprintable()


def test_a_column_that_a_manifest_names_runs_nothing(tmp_path: Path) -> None:
    """Its name went into SQL as it stood: sqlite3 wrote what the backup said, as root."""
    ran, database, manifest = (tmp_path / name for name in ("ran", "shop", "manifest"))
    shop(database)
    column = f"orders.id`) FROM orders; SELECT writefile('{ran}', 'x'); SELECT (`id"
    values: dict[str, Any] = {"values": {column: "whole:"}}
    manifest.write_text(json.dumps({**TABLES, **values}), "utf-8")
    code, answer = answer_of(
        "manifest-tables", "check", "sqlite", str(database), str(manifest), "values"
    )
    assert not ran.exists()
    assert code == 1
    assert answer.startswith("the database cannot be asked")


def test_a_table_of_postgresqls_that_a_manifest_names_is_a_name_or_nothing() -> None:
    """As quote_ident writes them, and as people do."""
    client = script("manifest-tables").Client("postgresql", "shop")
    for name in ("public.orders", 'public."Orders of ""2026"""', "orders", "caf\u00e9.t$1"):
        assert client.name(name) == name
    for name in ("orders;", "a b", 'public."a', "(select 1)", "orders\n\\! id", "", "a.", "1a"):
        with pytest.raises(SystemExit, match="no name of a table"):
            client.name(name)


def test_a_manifest_that_was_written_by_rows_as_python_ends_them_is_compared_so(
    tmp_path: Path,
) -> None:
    """Hashes of the script before, whose rows ended at any end of a line: the restore is right."""
    database, manifest = tmp_path / "shop", tmp_path / "manifest"
    with sqlite3.connect(database) as shop:
        shop.execute("CREATE TABLE orders (id, name)")
        shop.execute("CREATE INDEX by_name\r\n ON orders(name)")
        shop.execute("INSERT INTO orders VALUES (1, 'a\r\nb\u2028c'), (2, ''), (3, 'd')")
    shop.close()
    columns = {"orders": "215dd33964f19126a11c114311d77024dffa0987dc00d10b970e388990dc5c6d"}
    values = {"orders.name": "f729ae0cbcc8241ebb6918af712a88d5ca2c13f7fbe08f809aa297bfdf99fbe4"}
    manifest.write_text(json.dumps({"rows": {"orders": 3}, "columns": columns, "values": values}))

    def codes() -> list[int]:
        words = ("manifest-tables", "check", "sqlite", str(database), str(manifest))
        return [answer_of(*words, aspect)[0] for aspect in ("columns", "values")]

    assert codes() == [0, 0]
    with sqlite3.connect(database) as shop:
        shop.execute("UPDATE orders SET name = 'a\r\nb\u2028' WHERE id = 1")
        shop.execute("DROP INDEX by_name")
    shop.close()
    assert codes() == [1, 1]


def test_folders_that_are_named_from_where_one_stands_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are written whole; a manifest of before, which has them as they were named, is read."""
    (tmp_path / "srv").mkdir()
    (tmp_path / "srv/a").touch()
    monkeypatch.chdir(tmp_path)
    manifest = tmp_path / "manifest"
    code, text = answer_of("manifest-files", "write", "1.0", "srv")
    assert code == 0
    for words in (text, text.replace(f"{tmp_path}/", "")):
        manifest.write_text(words)
        assert answer_of("manifest-files", "check", str(manifest), "there")[0] == 0
        assert answer_of("manifest-files", "check", str(manifest), "mode")[0] == 0
    assert json.loads(text.split("\n")[0])["folders"] == [f"{tmp_path}/srv"]


@pytest.mark.parametrize(
    "text", [*map(str, sorted(SCRIPTS.glob("manifest-*"))), "fetch-backup's own"]
)
def test_what_runs_on_a_standby_asks_for_no_newer_python(text: str) -> None:
    """Ansible takes 3.8 there, which has no removeprefix, nor | between dictionaries."""
    if text.startswith("fetch"):
        shell = (SCRIPTS / "fetch-backup").read_text("utf-8")
        source = shell[shell.index("from __future__") : shell.index("\nPY\n")]
    else:
        source = Path(text).read_text("utf-8")
    nodes = [*ast.walk(ast.parse(source, feature_version=(3, 8)))]
    calls = {each.attr for each in nodes if isinstance(each, ast.Attribute)}
    assert not calls & {"removeprefix", "removesuffix"}
    joins = [each for each in nodes if isinstance(each, ast.AugAssign)]
    assert not [ast.unparse(each) for each in joins if isinstance(each.op, ast.BitOr)]


@pytest.mark.parametrize("name", ["a\u2028b", "a\x0bb", "a\x85b"])
def test_a_name_that_python_would_take_for_two_lines_is_one(name: str, tmp_path: Path) -> None:
    """Such a table, which a database takes, made the manifest's writer end with a traceback."""
    shop(tmp_path / "shop", name)
    code, answer = answer_of("manifest-tables", "write", "sqlite", str(tmp_path / "shop"))
    assert code == 0
    assert json.loads(answer)["rows"] == {name: 1}


def test_a_name_that_would_be_two_rows_is_refused(tmp_path: Path) -> None:
    """SQLite's client prints it as it is: there is no table of either half."""
    shop(tmp_path / "shop", "a\nb")
    code, answer = answer_of("manifest-tables", "write", "sqlite", str(tmp_path / "shop"))
    assert code == 1
    assert answer.startswith("the database cannot be asked")


names = st.one_of(
    st.sampled_from(
        [
            "shop-1.sql", "shop-2.sql", "shop-2.sql.manifest.json", "shop-2.sql.sha256", "-n",
            "\\c", "a\\c", "a\\nshop-9.sql", "a\nshop-9.sql", "SHA256SUMS", "shop 3.sql", "$(id)",
            "shop-2.sql.lock", "'", '"', "sftp> ls", "caf\udce9",
        ]
    ),
    st.text(st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]), min_size=1,
            max_size=9).filter(lambda name: name not in {".", ".."}),
)  # fmt: skip
MANIFEST = {"taken": "2026-11-24T01:00:00Z", "rows": {"orders": 1_200}}
bodies = documents(MANIFEST).map(lambda text: text.encode("utf-8", "surrogatepass")) | st.binary(
    max_size=80
)


# A server without SSH: what would be a connection to it begins OpenSSH's own server of files.
SERVER = {
    "sftp": "shift 3; exec /usr/bin/sftp -q -b - -D {}",
    "scp": 'exec /usr/bin/scp -D {} "$@"',
}


def fetch(folder: Path, backup: str = "", remote: str = "no") -> tuple[int, str, str]:
    """Return how the script ends that looks for a backup, what it prints, and why not."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as staging:
        for name, line in SERVER.items():
            Path(staging, name).write_text(
                f"#!/bin/sh\n{line.format('/usr/lib/openssh/sftp-server')}\n"
            )
            Path(staging, name).chmod(0o755)
        words: list[str | Path] = ["sh", SCRIPTS / "fetch-backup", folder, backup, staging, remote]
        path = f"{staging}:{os.environ['PATH']}"
        end = subprocess.run(
            words, capture_output=True, check=False, timeout=60, env={**os.environ, "PATH": path}
        )
        out = os.fsdecode(end.stdout).replace(f"{staging}/backup/", f"{folder}/")
    return end.returncode, out, os.fsdecode(end.stderr)


@settings(max_examples=max(2, EXAMPLES // 6))  # a shell and some Pythons for each
@given(
    st.dictionaries(names, bodies, max_size=4),
    st.sampled_from(["", "shop-2.sql", "-n"]),
    st.sampled_from(["no", "yes"]),
)
def test_a_folder_of_any_names_has_a_backup_or_a_reason(
    files: dict[str, bytes], backup: str, remote: str
) -> None:
    """Three words, of which the second is a file there; or one line, and no traceback."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        for each, content in files.items():
            Path(name, each).write_bytes(content)
        code, out, err = fetch(Path(name), backup, remote)
        assert "Traceback" not in err
        if code == 0:
            its, path, instant = out.split()
            assert path == f"{name}/{its}"
            assert Path(path).is_file()
            assert instant == "unreadable" or {*instant} <= {*"0123456789TZ:.,+-"}
        else:
            assert out == ""
            assert err.count("\n") == 1


@pytest.mark.parametrize("remote", ["no", "yes"])
def test_a_sum_called_as_nobody_calls_one_is_fetched_as_it_is(remote: str, tmp_path: Path) -> None:
    """In its name a star is a star: scp took it for all that fits, an old one asked a shell."""
    for name in ("shop-1.sql", "shop-0.sql", '$(touch ran) "\\*.sha256'):
        (tmp_path / name).write_bytes(b"x")
    listed = hashlib.sha256(b"x").hexdigest()
    (tmp_path / '$(touch ran) "\\*.sha256').write_text(f"{listed}  shop-1.sql\n")
    assert fetch(tmp_path, "", remote)[0] == 0
    (tmp_path / "shop-1.sql").write_bytes(b"y")
    code, _, reason = fetch(tmp_path, "", remote)
    assert (code, reason) == (1, "the backup shop-1.sql is not what was written\n")


@pytest.mark.parametrize("name", ["a\nz", "a\u2028z", "caf\udce9"])
def test_a_name_that_is_no_line_of_text_hides_no_backup(name: str, tmp_path: Path) -> None:
    """Half of it was the newest, and was not there; or grep took all of the listing for binary."""
    for each in ("shop-1.sql", name):
        (tmp_path / each).touch()
    code, out, _ = fetch(tmp_path)
    assert (code, out.split()[:1]) == (0, ["shop-1.sql"])


@pytest.mark.parametrize("name", ["shop-1.sql", "shop-1.sql.sha256"])
def test_a_pipe_in_a_backups_place_or_beside_it_holds_nobody_up(name: str, tmp_path: Path) -> None:
    """Who opens it waits until somebody writes."""
    (tmp_path / "shop-1.sql").touch()
    (tmp_path / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / name)
    code, _, reason = fetch(tmp_path)
    if name.endswith(".sql"):
        assert (code, reason) == (1, "the backup shop-1.sql is neither a file nor a folder\n")
    else:
        assert code == 0


def test_a_name_with_a_backslash_hides_no_backup(tmp_path: Path) -> None:
    """Where sh is dash its echo ended there: an older backup was taken for the newest."""
    for name in ("shop-1.sql", "shop-1.sql\\c", "shop-2.sql"):
        (tmp_path / name).touch()
    code, out, _ = fetch(tmp_path)
    assert code == 0
    assert out.split()[0] == "shop-2.sql"


INSTANT = "2026-11-29T00:00:00+00:00"


def taken_of(text: str) -> tuple[int, str]:
    """Return how what fetch-backup reads a manifest with ends, and what it prints."""
    _, _, rest = (SCRIPTS / "fetch-backup").read_text("utf-8").rpartition("python3 -I -c '")
    words = [sys.executable, "-I", "-c", rest.partition("'")[0]]
    end = subprocess.run(words, input=text, capture_output=True, text=True, check=False)
    return end.returncode, end.stdout.removesuffix("\n")


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ('"2026-11-29T01:00:00,123456789+01:00"', "2026-11-29T00:00:00.123456+00:00"),
        ('"2026-11-29 00:00:00+00:00"', INSTANT),
        ('"2026-11-29t00:00:00z"', INSTANT),
        ('"2026-11-29 01:00:00"', None),
        ('"2026-11-29 01:00:00 +0100"', None),
        ('"2026-11-29T00:00:00Z\\n"', None),
        ("1796000000", None),
        ('"the 29th"', None),
        ("[]", None),
    ],
)
def test_a_time_in_another_form_ends_no_restore(text: str, instant: str | None) -> None:
    """It is read, or the age of what came back is not known; the playbook took the day alone."""
    code, word = taken_of(f'{{"taken": {text}}}')
    assert (code, word.split()) == (0, [word])
    if instant:
        assert parse_instant(word, "iso", None).isoformat() == instant
    else:
        with pytest.raises(PradrillError):
            parse_instant(word, "iso", None)


def test_a_backup_whose_manifest_tells_no_time_is_as_old_as_its_file(tmp_path: Path) -> None:
    """Its writer knew none."""
    assert taken_of('{"rows": {}}') == taken_of('{"taken": ""}') == (0, "")
    (tmp_path / "shop-1.sql").touch()
    os.utime(tmp_path / "shop-1.sql", (1_773_108_000, 1_773_108_000))
    (tmp_path / "shop-1.sql.manifest.json").write_text('{"taken": null}')
    assert fetch(tmp_path)[1].split()[2] == "2026-03-10T02:00:00Z"


@pytest.mark.parametrize("text", ["[]", '{"taken": "2026-11-24T01:'])
def test_a_manifest_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    """Or was cut: nobody knows what else it said."""
    (tmp_path / "shop-1.sql").touch()
    (tmp_path / "shop-1.sql.manifest.json").write_text(text)
    code, out, err = fetch(tmp_path)
    assert code == 1
    assert out == ""
    assert err.startswith("shop-1.sql.manifest.json does not say when")


POINT = {"id": "ab" * 32, "time": "2026-11-24T01:00:00.123456789+01:00", "tree": "cd" * 32}
ARCHIVE = {"name": "night-1", "start": "2026-11-24T01:00:00.000000"}
LISTINGS: dict[str, tuple[Any, ...]] = {
    "restic": ([POINT], [POINT, {**POINT, "time": "2026-11-24T01:00:00Z"}], []),
    "borg": ({"archives": [ARCHIVE]}, {"archives": [ARCHIVE, ARCHIVE]}, {"archives": []}),
}


def chosen(tool: str, listing: str) -> tuple[int, str, str]:
    """Return what a script takes of a tool's listing of backups; the tool restores nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        (Path(name) / "login").mkdir()
        (Path(name) / "login" / tool).touch()
        (Path(name) / "listing").write_bytes(listing.encode("utf-8", "surrogatepass"))
        (Path(name) / tool).write_text(
            f'#!/bin/sh\ncase "$*" in *--json*) cat {name}/listing; esac\n'
        )
        (Path(name) / tool).chmod(0o755)
        text = (SCRIPTS / f"restore-{tool}").read_text("utf-8")
        script = (
            f"type() {{ :; }}\n{text.partition('make_place')[0]}\n"  # what it does of it is cut
        )
        script += 'printf "<%s>\\n" "$found"'
        path = f"{name}:{os.environ['PATH']}"
        end = subprocess.run(
            ["bash", "-c", script, "bash", "", "", name], capture_output=True, check=False,
            timeout=60, env={**os.environ, "PATH": path},
        )  # fmt: skip
    return end.returncode, os.fsdecode(end.stdout), os.fsdecode(end.stderr)


@settings(max_examples=max(2, EXAMPLES // 6))  # a shell and a Python for each
@given(st.data(), st.sampled_from([*LISTINGS]))
def test_a_listing_of_any_words_has_a_backup_or_a_reason(data: st.DataObject, tool: str) -> None:
    """The words that the playbook takes apart, on one line; or one line, and no traceback."""
    code, out, err = chosen(tool, data.draw(documents(*LISTINGS[tool])))
    if code == 0:
        assert len(out.split()) == (3 if tool == "restic" else 2)
        assert len(out.splitlines()) == 1
    else:
        assert out == ""
        assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("tool", "listing", "reason"),
    [
        ("restic", "", "cannot be read"),
        ("restic", '{"message_type": "exit_error"}', "cannot be read"),
        ("restic", json.dumps([{**POINT, "id": "--target=/etc"}]), "cannot be read"),
        ("restic", "null", "there is no snapshot"),
        ("borg", "{}", "cannot be read"),
        ("borg", json.dumps({"archives": [{**ARCHIVE, "name": "a\nb"}]}), "a space in it"),
        ("borg", '{"archives": []}', "there is no archive"),
    ],
)
def test_a_listing_that_is_none_is_told_in_one_line(tool: str, listing: str, reason: str) -> None:
    """Ten lines of Python's were the reason of a restore; a name of two lines was two names."""
    code, out, err = chosen(tool, listing)
    assert (code, out, err.count("\n")) == (1, "", 1)
    assert reason in err

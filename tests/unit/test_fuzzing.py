"""What is tried with a few examples by day is tried with thousands at night, each time others.

Drawn at random, and led by what of the program they came upon.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.fuzzing import FILES, REPOSITORY, Property, break_property, properties
from tests.support.sources import Sources, package

READERS = {
    "test_hostile_answers": (
        "adapters.backups.restic",
        "adapters.backups.borg",
        "adapters.backups.pgbackrest",
        "adapters.backups.barman",
        "adapters.backups.dumps.local_folder",
        "adapters.ssh.leases",
        "adapters.ssh.probe",
        "adapters.ssh.reach",
        "adapters.testinfra.answers",
        "adapters.testinfra.worker_process",
    ),
    "test_hostile_catalogues": (
        "adapters.backups.dumps.checksums",
        "adapters.backups.dumps.source",
        "domain.run.backup_catalogue",
    ),
    "test_hostile_contents": (
        "adapters.ansible.tool_progress",
        "adapters.backups.dumps.contents",
        "adapters.backups.dumps.unpacking",
        "app.proposal.contents",
    ),
    "test_hostile_manifests": (),  # the playbooks' own scripts: SCRIPTS
    "test_hostile_scripts": (),
    "test_hostile_sql": (),
    "test_hostile_packings": (
        "adapters.backups.dumps.soundness",
        "adapters.backups.dumps.unpacking",
    ),
    "test_hostile_hosts": (
        "adapters.ssh.egress",
        "adapters.ssh.files",
        "adapters.ssh.remote_reason",
        "adapters.ssh.remote_resolver",
        "adapters.standbys.lab.capture",
        "domain.run.host_answers",
        "domain.run.inventory_answers",
        "domain.values.masking",
    ),
    "test_hostile_deletion": ("adapters.backups.borg_deletion", "adapters.backups.deletion"),
    "test_hostile_lab": (
        "adapters.standbys.lab.accelerator",
        "adapters.standbys.lab.image",
        "adapters.standbys.lab.links",
        "adapters.standbys.lab.machine",
        "adapters.standbys.lab.qemu",
    ),
    "test_hostile_mail": ("adapters.ssh.remote_mail_sink",),
    "test_hostile_documents": ("config.loader", "domain.register.annotation_file"),
    "test_hostile_ways": (
        "adapters.standbys.pinned_keys",
        "adapters.standbys.ssh_route",
        "config.jumps",
        "domain.values.host_key",
        "domain.values.ssh_place",
    ),
    "test_hostile_events": ("adapters.ansible.binding", "adapters.ansible.events"),
    "test_hostile_files": (
        "engine.crashed_runs",
        "register.runs.genuine",
        "register.runs.store",
    ),
    "test_hostile_authorities": ("register.sealing.stamping",),
    "test_hostile_calendars": (
        "app.proposal.place",
        "config.cron",
        "domain.declared.drill_on",
        "domain.values.dated_text",
    ),
    "test_hostile_copies": (
        "register.sealing.publishing",
        "register.sealing.signing",
        "register.sealing.stamping",
        "register.verification.bundle",
        "register.verification.verify",
    ),
    "test_hostile_folders": ("adapters.ssh.sftp",),
    "test_hostile_inventories": ("config.inventory", "config.templates"),
    "test_hostile_leftovers": (
        "adapters.questions.files",
        "register.chain.intent",
        "register.runs.draft",
        "register.runs.ownership",
        "register.runs.sabotage_folders",
        "register.runs.status_index",
        "register.runs.tail",
        "register.runs.vouched",
        "system.ownership",
    ),
    "test_hostile_looks": (
        "adapters.ssh.remote_lease",
        "adapters.ssh.remote_looks.answer",
        "adapters.ssh.remote_looks.containers",
        "adapters.ssh.remote_looks.databases",
        "adapters.ssh.remote_looks.devices",
        "adapters.ssh.remote_looks.firewall",
        "adapters.ssh.remote_looks.jobs",
        "adapters.ssh.remote_looks.logins",
        "adapters.ssh.remote_looks.mail",
        "adapters.ssh.remote_looks.netlink",
        "adapters.ssh.remote_looks.network",
        "adapters.ssh.remote_looks.system",
        "adapters.ssh.remote_marker",
        "domain.run.inventory_answers",
    ),
    "test_hostile_newest": ("app.proposal.newest",),
    "test_hostile_schedules": (
        "adapters.notifications.health_check",
        "adapters.schedules.crontab",
        "adapters.schedules.systemd",
        "app.doctor",
    ),
    "test_hostile_reasons": ("adapters.backups.barman", "adapters.backups.pgbackrest"),
    "test_hostile_standbys": (
        "adapters.ssh.remote_egress",
        "adapters.ssh.remote_file_watch",
    ),
    "test_hostile_processes": (
        "adapters.ssh.remote_file_watch",
        "adapters.ssh.remote_files",
        "adapters.ssh.remote_lease",
        "adapters.ssh.remote_strays",
    ),
    "test_hostile_sessions": (
        "adapters.ssh.connection",
        "adapters.ssh.damage",
        "adapters.ssh.interpreter",
        "adapters.testinfra.commands",
    ),
    "test_hostile_outbox": ("adapters.notifications.messengers", "app.notifications.outbox_file"),
    "test_hostile_requests": ("web.door", "web.token"),
    "test_hostile_wires": ("web.connections", "web.door"),
    "test_hostile_registers": (
        "domain.values.instant_text",
        "register.chain.lines",
        "register.chain.walk",
    ),
}
"""Files of properties, and what they read with: whatever else comes to read others' words joins."""
OTHERS = {
    "adapters.ansible.runner": "what its own vault_reader prints",
    "adapters.ansible.stopping": "processes of this machine, as the kernel tells of them",
    "adapters.ansible.vault_reader": "what the runner asks of it",
    "adapters.backups.dumps.kinds": "names of dumps: with adapters.backups.dumps.source",
    "adapters.backups.pgbackrest_stanza": "with adapters.backups.pgbackrest",
    "adapters.notifications.apprise_process": "what the messengers ask of it",
    "adapters.questions.terminal": "what somebody types at the terminal",
    "adapters.secrets": "references to secrets that are declared",
    "adapters.ssh.remote_interpreter": "what is asked of it, by us",
    "adapters.ssh.remote_inventory": "nothing: it calls the looks",
    "adapters.ssh.remote_command": "nothing: it becomes a command",
    "adapters.ssh.remote_looks.contents": "bytes alone: all other looks read with it",
    "adapters.ssh.remote_looks.crontabs": "nothing: it names places",
    "adapters.ssh.remote_looks.programs": "bytes alone: test_standby_looks",
    "adapters.ssh.remote_reach": "endpoints that are declared, and what sshd says of its client",
    "adapters.standbys.inventory": "the known_hosts of a run, which we have written",
    "adapters.standbys.lab.lab": "a name that is declared",
    "adapters.standbys.lab.standby": "endpoints that are declared",
    "adapters.standbys.seed": "nothing: it writes an archive",
    "adapters.testinfra.assertion_count": "the project's own checks, which are carried out",
    "adapters.testinfra.rehearsal": "the project's own checks, which are carried out",
    "adapters.testinfra.worker": "what is asked of it, by us, and names of checks",
    "app.case_file": "records whose hash the register names",
    "app.status.watched": "the name of a run's folder: test_watched_runs",
    "cli.commands.dossier": "days that somebody types at the command",
    "cli.json_output": "what it has just written itself",
    "config.checks.play_texts": "the project's own playbooks, which are carried out",
    "config.checks.suites": "the project's own checks, which are carried out",
    "domain.register.entry": "a part of an entry: with register.chain.lines",
    "domain.values.identity": "a part of a key: with domain.values.host_key",
    "domain.values.secret_forms": "a secret that is declared",
    "register.chain.growth": "what it has just written itself",
    "register.chain.register": "entries: with register.chain.lines and walk",
    "register.runs.enter": "a record: with register.runs.store",
    "reporting.language.quotations": "words of our own reasons; any other stays as it is",
}
"""What decodes something and needs no property: what it reads."""
SCRIPTS = {
    "test_hostile_manifests": (
        "fetch-backup",
        "manifest-files",
        "manifest-samba",
        "manifest-tables",
        "restore-borg",
        "restore-restic",
    ),
    "test_hostile_scripts": (
        "compare-postgresql",
        "load-directory",
        "load-samba",
        "load-sqlite",
        "pradrill-heartbeat",
        "prepare-mariabackup",
        "quiet-moodle",
        "replay-postgresql",
        "set-aside",
        "start-samba",
        "unpack-folders",
    ),
    "test_hostile_sql": ("load-mariadb", "load-postgresql", "read-dump"),
}
"""And of the playbooks' scripts."""
OTHER_SCRIPTS = {
    "backup-moodle": "nothing: it calls the tools, on the primary",
    "backup-wordpress": "nothing: it calls the tools, on the primary",
    "fill-wordpress.php": "nothing: it fills the demo's site",
    "heartbeat": "nothing: it writes the time, on the demo's primary",
    "plant-moodle": "Moodle's own functions, on the primary",
    "remove-mariadb": "rows with the load's own mark, in statements of its own",
}
"""What of them needs none: what it reads."""
DECODERS = frozenset(
    {
        *("json.load", "json.loads", "yaml.compose", "yaml.load", "ast.parse", "csv.reader"),
        *("tarfile.open", "zipfile.ZipFile", "gzip.open", "parse_qs", "tomllib.loads"),
        *("base64.b64decode", "email.message_from_bytes"),
    }
)
DECODING = frozenset(
    {
        "loads",
        "safe_load",
        "model_validate_json",
        "unpack",
        "unpack_from",
        "iter_unpack",
        "strptime",
    }
)
"""Methods of whatever object."""
SPLITTING = frozenset(
    {
        *("splitlines", "split", "rsplit", "partition", "rpartition"),
        *("match", "fullmatch", "search", "findall", "finditer"),
    }
)
"""What takes text to pieces: the adapters do so with words of programs and of hosts."""
SENT = ("adapters.ssh.remote_",)
SECONDS = int(os.environ.get("PRADRILL_FUZZ_SECONDS", "60"))
"""For how long each property is led; set it for hours of a desk's own."""
EVERY = [each for file in FILES for each in properties(file)]
HAS_WHEEL = sys.version_info < (3, 14)
"""Of Atheris, for this Python."""
with_a_wheel = pytest.mark.skipif(not HAS_WHEEL, reason="Atheris has no wheel for this Python")


@pytest.mark.nightly
@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_what_others_write_is_read_or_refused_in_thousands_of_ways(file: Path) -> None:
    """Every property of that file holds for many more examples than by day."""
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", file],
        cwd=REPOSITORY,
        env={**environment, "PRADRILL_EXAMPLES": "1000"},
        capture_output=True,
        text=True,
        timeout=1_800,
        check=False,
    )
    assert result.returncode == 0, result.stdout[-10_000:]


@with_a_wheel
@pytest.mark.nightly
@pytest.mark.parametrize("of", EVERY, ids=[f"{each.file.stem}-{each.name}" for each in EVERY])
def test_what_others_write_is_read_or_refused_where_coverage_leads(of: Property) -> None:
    """No input of those that come upon more and more of the program breaks the property."""
    failure = break_property(of, f"-max_total_time={SECONDS}")
    assert failure is None, failure


# A number, because Hypothesis by itself tries the words and bytes that stand in the program.
PARSER = '''
"""Reads what begins with a magic number, and has a bug behind it."""


def read(payload: bytes) -> int:
    """Return where its text ends."""
    if int.from_bytes(payload[:4], "big") == 0x5047444D:
        return payload[4:].index(b"\\xff\\xff")
    return 0
'''
PROPERTY = '''
"""Whatever is read."""

import sys

from hypothesis import given
from hypothesis import strategies as st

sys.path.insert(0, "{folder}")
from planted_parser import read


@given(st.binary(max_size=60))
def test_any_bytes_are_read(payload):
    """They are."""
    read(payload)
'''
RUNS = 40_000


@with_a_wheel
@pytest.mark.nightly
def test_a_bug_behind_a_magic_number_is_come_upon(tmp_path: Path) -> None:
    """Coverage leads there, and the simplest example is shown; as many at random do not."""
    (tmp_path / "planted_parser.py").write_text(PARSER)
    file = tmp_path / "test_hostile_planted.py"
    file.write_text(PROPERTY.format(folder=tmp_path))
    (of,) = properties(file)

    sys.path.insert(0, str(tmp_path))
    try:
        read = importlib.import_module("planted_parser").read
    finally:
        sys.path.remove(str(tmp_path))

    @settings(max_examples=RUNS, derandomize=True)
    @given(st.binary(max_size=60))
    def at_random(payload: bytes) -> None:
        read(payload)

    at_random()

    storage = {"HYPOTHESIS_STORAGE_DIRECTORY": str(tmp_path / "kept")}
    failure = break_property(
        of, f"-runs={RUNS}", "-seed=1", package="planted_parser", environment=storage
    )
    assert failure is not None
    assert "payload=b'PGDM'" in failure
    assert [*REPOSITORY.glob("crash-*")] == []


@pytest.mark.parametrize("file", FILES, ids=[file.stem for file in FILES])
def test_each_property_takes_what_a_fuzzer_makes_up(file: Path) -> None:
    """A fixture of pytest's, or a class around it, would leave it out of the night."""
    spec = importlib.util.spec_from_file_location(f"led_{file.stem}", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = {
        name
        for name, each in vars(module).items()
        if getattr(each, "is_hypothesis_test", False) and each.__module__ == module.__name__
    }
    assert {each.name for each in properties(file)} == names
    for name in names:
        getattr(module, name).hypothesis.fuzz_one_input(bytes(30_000))


def test_each_reader_of_what_others_write_has_a_property() -> None:
    """The table names every file of properties, and what each of them takes from the program."""
    trees = {file.stem: ast.parse(file.read_text("utf-8")) for file in FILES}
    assert READERS.keys() == trees.keys()
    for stem, readers in READERS.items():
        imports = {
            name
            for node in ast.walk(trees[stem])
            if isinstance(node, ast.ImportFrom)
            for name in (node.module, *(f"{node.module}.{each.name}" for each in node.names))
        }
        assert {f"pradrill.{each}" for each in readers} - imports == set(), stem


def readers_of(sources: Sources) -> set[str]:
    """Return the modules that read what somebody may have written: they decode it, or split it.

    And all that is sent to a standby.
    """
    readers = set()
    for path, tree in sources.items():
        name = path.removesuffix(".py").replace("/", ".")
        calls = {word for each in ast.walk(tree) for word in words_of(each)}
        splits = name.startswith("adapters.") and calls & SPLITTING
        if calls & (DECODERS | DECODING) or splits or name.startswith(SENT):
            readers.add(name)
    return {each for each in readers if not each.endswith("__init__")}


def words_of(node: ast.AST) -> Iterator[str]:
    """Yield what is called: a function's name, a method's, and a module's with its function's."""
    match node:
        case ast.Call(func=ast.Name(id=name)):
            yield name
        case ast.Call(func=ast.Attribute(value=ast.Name(id=module), attr=name)):
            yield from (name, f"{module}.{name}")
        case ast.Call(func=ast.Attribute(attr=name)):
            yield name


def test_each_module_that_decodes_has_a_property_or_a_reason() -> None:
    """Whoever writes the next parser is told to say with which property it is tried."""
    sources = {path: tree for path, tree in package().items() if not path.startswith("testing/")}
    tried = {each for readers in READERS.values() for each in readers}
    readers = readers_of(sources)
    unnamed = readers - tried - OTHERS.keys()
    assert unnamed == set(), "a property for it in test_hostile_*.py, or a line of OTHERS"
    assert OTHERS.keys() & tried == set(), "it has a property"
    assert OTHERS.keys() - readers == set(), "it decodes nothing any more"


def test_each_script_of_the_playbooks_has_a_property_or_a_reason() -> None:
    """The table names every one, and the files of properties name what they run."""
    scripts = {each.name for each in (REPOSITORY / "playbooks/files").iterdir()}
    tried = {each for names in SCRIPTS.values() for each in names}
    assert tried | OTHER_SCRIPTS.keys() == scripts, "a property for it, or a line of OTHER_SCRIPTS"
    assert tried & OTHER_SCRIPTS.keys() == set(), "it has a property"
    for file in FILES:
        words = {
            node.value
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if isinstance(node, ast.Constant)
        }
        unnamed = {each for each in SCRIPTS.get(file.stem, ()) if each not in words}
        assert {each.rpartition("-")[0] + "-" for each in unnamed} <= words, file.stem  # of a tool


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("app/x.py", "import json\njson.loads(text)"),
        ("register/x.py", "Entry.model_validate_json(line)"),
        ("adapters/backups/x.py", "for line in answer.out.splitlines(): pass"),
        ("adapters/backups/x.py", "_NAME.fullmatch(line)"),
        ("adapters/ssh/remote_x.py", "print(1)"),
        ("adapters/ssh/remote_looks/x.py", "print(1)"),
    ],
)
def test_the_rule_sees_a_new_parser(path: str, source: str) -> None:
    """However it decodes, and wherever it is; the same call in the domain's words is none."""
    assert readers_of({path: ast.parse(source)}) == {path.removesuffix(".py").replace("/", ".")}
    assert readers_of({"domain/x.py": ast.parse("a.split()")}) == set()


def test_what_fuzzes_is_locked_as_it_is_declared() -> None:
    """One package, in the same version for the same Pythons, and with its hashes."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text("utf-8"))
    declared = set(project["dependency-groups"]["fuzzing"])
    lines = (REPOSITORY / "tests/fuzzing.lock").read_text("utf-8").splitlines()
    locked = {
        line.removesuffix(" \\").replace(" ; python_full_version", "; python_version")
        for line in lines
        if not line.startswith(("#", " "))
    }
    assert locked == declared
    assert any(line.strip().startswith("--hash=sha256:") for line in lines)

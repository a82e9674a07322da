"""Who may import what, where things live, and how classes are named, read from the source."""

from __future__ import annotations

import ast
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sources import PACKAGE, Sources, package

from pradrill.cli.registry import COMMANDS

TESTS = Path(__file__).parent
LAYERS = {
    "domain": {"domain", "errors"},
    "errors": set[str](),
    "ports": {"domain", "errors"},
    "system": {"system", "ports", "domain", "errors"},
    "engine": {"engine", "system", "ports", "domain", "errors"},
    "register": {"register", "system", "ports", "domain", "errors"},
    "reporting": {"reporting", "domain", "errors"},
    "config": {"config", "system", "domain", "errors"},
    "adapters": {"ports", "system", "domain", "errors"},
    "testing": {"testing", "engine", "ports", "domain", "errors"},
    "__main__": {"cli"},
    "__init__": set[str](),
}
LAYERS["app"] = {"app", "__init__"} | {
    "engine", "config", "register", "reporting", "adapters", "system", "ports", "domain", "errors",
}  # fmt: skip
LAYERS["web"] = LAYERS["app"] | {"web"}
LAYERS["cli"] = LAYERS["web"] | {"cli"}
LADDER = ("values", "declared", "run", "register", "report", "dossier")
"""The rooms of the domain: each imports those before it, and itself."""
MODELS = {"pydantic", "pydantic_core"}  # the language of every layer's data
OUTSIDE_WORLD = {
    "asyncio", "io", "logging", "os", "random", "secrets", "shutil", "socket", "subprocess",
    "tempfile", "threading", "time", "urllib",
}  # fmt: skip
CLOCKS = {
    "time": {"time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "perf_counter_ns"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
}
TIME_IS_READ_IN = {"adapters/clock.py"}
TIME_MAY_BE_READ_IN = {
    "cli/commands/lab.py": "how long a person waited: shown, and in no record",
    "cli/commands/demo.py": "how far the scene is: shown, and in no record",
    "adapters/ssh/remote_egress.py": "sent to the standby: how long it waits for an answer there",
    "adapters/ssh/remote_file_watch.py": "sent to the standby: since when files are new there",
    "adapters/ssh/remote_interpreter.py": "sent to the standby: its clock is what is asked for",
    "adapters/ssh/remote_mail_sink.py": "sent to the standby: when mail came there",
    "adapters/ssh/remote_looks/programs.py": "sent to the standby: how long it waits for a program",
    "adapters/ssh/remote_reach.py": "sent to the standby: how long it waits for an answer there",
    "adapters/ssh/remote_strays.py": "sent to the standby: since when processes are new there",
}
"""Exceptions, path → why. Scripts that run on another machine or in another process, where the
port Clock cannot be, belong here too."""
OWN_PROCESSES = {
    "adapters/ssh/remote_reach.py": "sent to the standby and run there",
    "adapters/ssh/remote_reason.py": "likewise",
    "adapters/ssh/remote_interpreter.py": "likewise",
    "adapters/testinfra/worker.py": "the process that pytest runs in",
    "adapters/testinfra/rehearsal.py": "a child of that process, for checks on made-up answers",
    "adapters/standbys/lab/relay.py": "a process that QEMU starts, one a connection",
    "adapters/notifications/apprise_process.py": "the process that Apprise runs in",
}

RUN_ELSEWHERE = {
    "adapters/ansible/vault_reader.py": "run by Ansible's own Python",
    "adapters/ssh/remote_command.py": "sent to the standby and run there",
    "adapters/ssh/remote_egress.py": "likewise",
    "adapters/ssh/remote_file_watch.py": "likewise",
    "adapters/ssh/remote_files.py": "likewise",
    "adapters/ssh/remote_inventory.py": "likewise",
    "adapters/ssh/remote_lease.py": "likewise",
    "adapters/ssh/remote_mail_sink.py": "likewise",
    "adapters/ssh/remote_marker.py": "likewise",
    "adapters/ssh/remote_resolver.py": "likewise",
    "adapters/ssh/remote_strays.py": "likewise",
}


def imported(tree: ast.Module) -> Iterator[str]:
    """Return the full name of everything that a module imports, anywhere in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            assert node.level == 0, f"a relative import of {module}"
            yield from (f"{module}.{alias.name}" for alias in node.names)


def part(path: str) -> str:
    """Return the layer of a file; of an adapter, the adapter."""
    parts = path.removesuffix(".py").split("/")
    return "/".join(parts[:2]) if parts[0] == "adapters" and len(parts) > 1 else parts[0]


def wrong_steps(sources: Sources) -> list[str]:
    """Return the imports that go up the domain's ladder."""
    wrong = []
    for path, tree in sources.items():
        parts = path.split("/")
        if parts[0] != "domain" or len(parts) == 2:
            continue
        for name in imported(tree):
            steps = name.split(".")
            if steps[:2] != ["pradrill", "domain"]:
                continue
            if steps[2] not in LADDER or LADDER.index(steps[2]) > LADDER.index(parts[1]):
                wrong.append(f"{path} imports {name}")
    return wrong


def wrong_directions(sources: Sources) -> list[str]:
    """Return the imports that go against the layers, or from adapter to adapter."""
    wrong = []
    for path, tree in sources.items():
        here = part(path)
        for name in imported(tree):
            parts = [*name.split("."), "__init__"]
            if parts[0] != "pradrill":
                continue
            there = parts[1] if parts[1] in LAYERS else "__init__"
            same_adapter = there == "adapters" and part("/".join(parts[1:3])) == here
            if there not in LAYERS[here.split("/")[0]] and not same_adapter:
                wrong.append(f"{path} imports {name}")
    return wrong


_FOLDER_MAKERS = {"TemporaryDirectory", "mkdtemp"}


def importers(sources: Sources) -> dict[str, set[str]]:
    """Return which parts import each library from outside the standard one."""
    users: dict[str, set[str]] = defaultdict(set)
    for path, tree in sources.items():
        for name in imported(tree):
            top = name.split(".")[0]
            if top not in {"pradrill", "__future__"} and top not in sys.stdlib_module_names:
                users[top].add(part(path))
    return users


def clock_readers(sources: Sources) -> dict[str, set[str]]:
    """Return which files read the time of day or a monotonic clock, and how."""
    users: dict[str, set[str]] = defaultdict(set)
    for path, tree in sources.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module == "time":
                names = {alias.name for alias in node.names} & CLOCKS["time"]
                users[path] |= {f"time.{name}" for name in names}
            if not isinstance(node, ast.Attribute):
                continue
            owner = node.value.attr if isinstance(node.value, ast.Attribute) else None
            owner = node.value.id if isinstance(node.value, ast.Name) else owner
            if node.attr in CLOCKS.get(owner or "", set()):
                users[path].add(f"{owner}.{node.attr}")
    return {path: how for path, how in users.items() if how}


def test_throw_away_folders_go_where_there_is_room() -> None:
    """A full /tmp keeps nothing from being looked at or torn down: each says where it goes."""
    homeless = [
        f"{path}:{node.lineno}"
        for path, tree in package().items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", getattr(node.func, "id", "")) in _FOLDER_MAKERS
        and "dir" not in {keyword.arg for keyword in node.keywords}
    ]
    assert homeless == [], "dir=scratch.base()"


def test_imports_go_one_way() -> None:
    """Every layer imports only what DESIGN §5 lets it, and no adapter another one."""
    assert wrong_directions(package()) == []


def test_the_domain_is_a_ladder() -> None:
    """No room of the domain imports one above it."""
    assert wrong_steps(package()) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("domain/values/x.py", "from pradrill.domain.declared.plan import Plan"),
        ("domain/declared/x.py", "from pradrill.domain.run.record import RunRecord"),
        ("domain/run/x.py", "from pradrill.domain import register"),
        ("domain/register/x.py", "import pradrill.domain.dossier.build"),
        ("domain/run/x.py", "from pradrill.domain.loose import Model"),
    ],
)
def test_the_ladder_sees_a_step_up(path: str, source: str) -> None:
    """An import of a higher room, or of a module in no room, is noticed."""
    assert wrong_steps({path: ast.parse(source)})


def test_every_part_has_its_place() -> None:
    """A new folder or module of the package needs a line in the layers."""
    assert homeless(package()) == set()
    assert homeless({"helpers/x.py": ast.parse("")}) == {"helpers"}


def homeless(sources: Sources) -> set[str]:
    """Return the parts that no layer knows."""
    return {part(path).split("/")[0] for path in sources} - set(LAYERS)


def test_the_domain_does_nothing() -> None:
    """The domain is standard library and pydantic, without the parts that touch the world."""
    assert impure(package()) == []


@pytest.mark.parametrize("source", ["import os", "from time import sleep", "import yaml"])
def test_the_rule_sees_what_a_domain_does(source: str) -> None:
    """An import that touches the world, or of a library, is noticed, in the domain alone."""
    assert impure({"domain/run/x.py": ast.parse(source)})
    assert not impure({"adapters/ssh/x.py": ast.parse(source)})


def impure(sources: Sources) -> list[str]:
    """Return what the domain imports beside pure parts of the standard library and pydantic."""
    pure = ({*sys.stdlib_module_names} - OUTSIDE_WORLD) | {*MODELS, "pradrill"}
    return [
        f"{path} imports {name}"
        for path, tree in sources.items()
        for name in imported(tree)
        if path.startswith("domain/") and name.split(".")[0] not in pure
    ]


def test_an_outside_library_has_one_importer() -> None:
    """Replacing a library changes one part of the house."""
    assert shared(package()) == {}
    twice = {name: ast.parse("import yaml") for name in ("config/x.py", "adapters/ssh/x.py")}
    assert shared(twice) == {"yaml": {"config", "adapters/ssh"}}
    assert (
        shared({"config/x.py": ast.parse("import yaml"), "config/y.py": twice["config/x.py"]}) == {}
    )


ALSO_IN = {"jinja2": {"config"}}
"""What Ansible's templates are written in is parsed there; reports are rendered with it."""


def shared(sources: Sources) -> dict[str, set[str]]:
    """Return the libraries that several parts import."""
    return {
        library: parts
        for library, parts in importers(sources).items()
        if len(parts - ALSO_IN.get(library, set())) > 1 and library not in MODELS
    }


def test_the_engine_knows_no_library() -> None:
    """The engine sequences ports; it needs nothing from outside, not even pydantic."""
    assert of_the_engine(package()) == []
    assert of_the_engine({"engine/x.py": ast.parse("import pydantic")}) == ["pydantic"]


def of_the_engine(sources: Sources) -> list[str]:
    """Return the libraries that the engine imports."""
    return [library for library, parts in importers(sources).items() if "engine" in parts]


def test_time_is_read_in_one_module() -> None:
    """Only the clock's adapter reads a clock; every exception is documented and needed."""
    assert set(clock_readers(package())) == TIME_IS_READ_IN | set(TIME_MAY_BE_READ_IN)


def test_only_the_command_line_exits() -> None:
    """No layer below can end the process around the teardown."""
    assert exits_below(package()) == set(OWN_PROCESSES)


@pytest.mark.parametrize(
    "source", ["raise SystemExit(1)", "exit()", "import sys\nsys.exit(2)", "import os\nos._exit(0)"]
)
def test_the_rule_sees_an_exit(source: str) -> None:
    """However a module ends the process, it is noticed; the command line may."""
    assert exits_below({"engine/x.py": ast.parse(source)}) == {"engine/x.py"}
    assert exits_below({"cli/x.py": ast.parse(source)}) == set()


def exits_below(sources: Sources) -> set[str]:
    """Return the files below the command line that end the process."""
    return {
        path
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if part(path) not in {"cli", "__main__"}
        if (isinstance(node, ast.Name) and node.id in {"SystemExit", "exit", "quit"})
        or (isinstance(node, ast.Attribute) and node.attr in {"exit", "_exit"})
    }


def test_no_implementation_hides_in_an_init() -> None:
    """Whoever looks for a function finds it in a module that is named after what it does."""
    assert hidden(package()) == []
    source = "def take():\n    pass"
    assert hidden({"engine/steps/__init__.py": ast.parse(source)}) == ["engine/steps/__init__.py"]
    assert hidden({"engine/steps/take.py": ast.parse(source)}) == []


def hidden(sources: Sources) -> list[str]:
    """Return every `__init__` with a function or a class in it."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return [
        path
        for path, tree in sources.items()
        if path.endswith("__init__.py") and any(isinstance(node, kinds) for node in ast.walk(tree))
    ]


def test_every_module_is_used() -> None:
    """A module that nobody imports was forgotten: by its registry, or by who replaced it."""
    assert unused(package()) == []
    assert unused({"adapters/backups/kopia.py": ast.parse("")}) == ["adapters/backups/kopia.py"]


def unused(sources: Sources) -> list[str]:
    """Return the modules that no other one imports, and that are no command and no script."""
    used = {name for path, tree in sources.items() for name in imported(tree)}
    commands = {f"cli/commands/{name}.py" for name in COMMANDS}
    begins = {"__main__.py", *commands, *OWN_PROCESSES, *RUN_ELSEWHERE}
    return [
        path
        for path in sources
        if path not in begins and not path.endswith("__init__.py")
        if not path.startswith("testing/")
        if not any(f"{name}.".startswith(f"{_module(path)}.") for name in used)
    ]


def _module(path: str) -> str:
    return "pradrill." + path.removesuffix(".py").replace("/", ".")


def test_every_command_is_a_module_and_a_line() -> None:
    """`cli/registry.py` has every module of `cli/commands/`, and no other."""
    modules = {path.stem for path in (PACKAGE / "cli/commands").glob("[a-z]*.py")}
    assert modules == set(COMMANDS), "cli/registry.py"


def test_tests_mirror_the_rooms() -> None:
    """A folder of unit tests is named after the room that its tests are about."""
    rooms = {path.relative_to(TESTS).as_posix() for path in TESTS.rglob("test_*.py")}
    folders = {str(Path(path).parent) for path in rooms} - {"."}
    assert [folder for folder in sorted(folders) if not (PACKAGE / folder).is_dir()] == []
    assert "domain" not in folders, "a test of the domain goes into tests/unit/domain/ROOM"


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("domain/x.py", "from pradrill.ports import Clock"),
        ("engine/x.py", "from pradrill.adapters.clock import SteadyClock"),
        ("engine/x.py", "def f():\n    import pradrill.register.runs.store"),
        ("engine/x.py", "from pradrill import adapters"),
        ("register/x.py", "from pradrill.engine.run import run_drill"),
        ("reporting/x.py", "from pradrill.config.project import Project"),
        ("adapters/ssh/x.py", "from pradrill.adapters.clock import SteadyClock"),
        ("adapters/ansible/x.py", "from pradrill.adapters.ssh.sessions import Sessions"),
        ("adapters/secrets.py", "from pradrill.adapters import ssh"),
        ("adapters/secrets.py", "from pradrill.engine import run"),
        ("engine/x.py", "from pradrill.testing import FakeClock"),
        ("system/x.py", "from pradrill.register.index import write"),
        ("domain/run/x.py", "from pradrill.system.processes import end"),
        ("app/x.py", "from pradrill.cli.parser import parser"),
        ("app/x.py", "from pradrill.web.serving import serve"),
        ("web/x.py", "from pradrill.cli.parser import parser"),
        ("register/x.py", "from pradrill.app.settle import swept"),
        ("adapters/backups/borg.py", "from pradrill.app import composition"),
    ],
)
def test_the_rule_sees_a_wrong_import(path: str, source: str) -> None:
    """Each kind of wrong import is noticed, wherever in the module it stands."""
    assert wrong_directions({path: ast.parse(source)})


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("adapters/ssh/x.py", "from pradrill.adapters.ssh.sessions import Sessions"),
        ("adapters/ssh/__init__.py", "from pradrill.adapters.ssh.probe import knock"),
        ("adapters/ssh/x.py", "from pradrill.system.processes import end"),
        ("cli/x.py", "from pradrill import __version__"),
        ("engine/x.py", "from pradrill.domain.declared.drill import Drill"),
    ],
)
def test_the_rule_lets_a_right_import_be(path: str, source: str) -> None:
    """An adapter's own parts, and what a layer may have, are no violation."""
    assert wrong_directions({path: ast.parse(source)}) == []


@pytest.mark.parametrize(
    "source",
    [
        "import time\ntime.monotonic()",
        "from time import perf_counter",
        "from datetime import datetime\ndatetime.now()",
        "import datetime\ndatetime.datetime.utcnow()",
        "import datetime as dt\ndt.date.today()",
    ],
)
def test_the_rule_sees_a_clock_being_read(source: str) -> None:
    """However it is spelt, reading a clock is noticed; sleeping is not reading."""
    assert clock_readers({"engine/x.py": ast.parse(source)})
    assert not clock_readers({"engine/x.py": ast.parse("import time\ntime.sleep(1)")})

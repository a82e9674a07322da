"""Start the worker that runs pytest, and probes of the hosts."""

from __future__ import annotations

import json
import os
import re
import select
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pradrill.domain.run.host import Site
from pradrill.domain.run.scope import LOGIN_SHELL
from pradrill.domain.values.quotas import CHECK_FILE, CHECK_PRINTS
from pradrill.errors import UNREADABLE
from pradrill.system import processes

_WORKER = Path(__file__).with_name("worker.py")
_GRACE = 5.0
_CONNECT = 5
_LONGEST = 1000
_CHUNK = 65_536
_LONGEST_LINE = 1_000_000
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(\x07|\x1b\\)?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]+")


class Probe:
    """A command that does nothing on a host, to see whether SSH reaches it."""

    def __init__(self, site: Site, host: str, environment: dict[str, str]) -> None:
        self.host = host
        self._ssh = ["ssh", "-F", str(site.ssh_config)]
        self._environment = environment
        self._process = subprocess.Popen(
            [*self._ssh, "-o", f"ConnectTimeout={_CONNECT}", host, "true"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env=environment,
            start_new_session=True,
        )
        self.ended = os.pidfd_open(self._process.pid)

    def close(self) -> tuple[int | None, str]:
        """Return its exit code, None for one that had to be ended, and its last words."""
        os.close(self.ended)
        code = self._process.poll()
        if code is None:
            self._process.kill()
            self._process.wait()
            self._drop_connection()

        assert self._process.stderr is not None  # noqa: S101 it is a pipe
        with self._process.stderr as pipe:
            # Not to its end: a shared connection that it started may hold it open.
            os.set_blocking(pipe.fileno(), False)
            text = (pipe.read(_CHUNK) or b"").decode("utf-8", "replace").strip()

        return code, clean(text.splitlines()[-1]) if text else ""

    def _drop_connection(self) -> None:
        """Drop a shared connection that may be dead, so that the next probe makes a new one."""
        with suppress(subprocess.TimeoutExpired):
            subprocess.run(
                [*self._ssh, "-O", "exit", self.host],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=1,
                check=False,
            )


class Worker:
    """The process that runs pytest; started when it is needed."""

    def __init__(self, suite: Path, site: Site, marker: str, folder: Path) -> None:
        config = quote(str(site.ssh_config))
        hosts = [
            f"ssh://{quote(host.name, safe='')}?ssh_config={config}"
            + (f"&sudo=true&sudo_user={quote(host.become)}" if host.become else "")
            for host in site.hosts
        ]
        limits = [str(CHECK_PRINTS), str(CHECK_FILE)]
        mark = f"{site.beginning} {LOGIN_SHELL}" if site.beginning else ""
        place = [str(folder), str(suite), ",".join(hosts)]
        self._command = [sys.executable, str(_WORKER), *place, *limits, mark]
        self._home = suite if suite.is_dir() else suite.parent
        self._folder = folder
        (folder / "pytest.ini").write_text(
            "[pytest]\nnorecursedirs = __pycache__\nenable_assertion_pass_hook = true\n", "utf-8"
        )
        (folder / "tmp").mkdir()
        self.environment = _environment(marker, folder)
        self.passwords: dict[str, str] = {}
        """Host → what sudo asks for there; the worker is told with each task, by its pipe."""
        self._process: subprocess.Popen[bytes] | None = None
        self._unfinished = b""

    def start(self) -> None:
        """Start it unless it runs."""
        if self._process is not None:
            return
        self._unfinished = b""
        with (self._folder / "worker.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                cwd=self._home,
                env=self.environment,
                start_new_session=True,
            )

    def tell(self, message: dict[str, Any]) -> None:
        """Send it a message; if it is gone, `hear` will say so."""
        assert self._process is not None and self._process.stdin is not None  # noqa: S101, PT018
        with suppress(BrokenPipeError):
            os.write(self._process.stdin.fileno(), json.dumps(message).encode() + b"\n")

    def hear(self, seconds: float) -> list[dict[str, Any]]:
        """Return what it has said, waiting up to `seconds` for it to say something."""
        assert self._process is not None and self._process.stdout is not None  # noqa: S101, PT018
        source = self._process.stdout.fileno()
        if not select.select([source], [], [], seconds)[0]:
            return []

        data = os.read(source, _CHUNK)
        if not data:
            code = self.end()
            errors = (self._folder / "worker.txt").read_text("utf-8", "replace").splitlines()
            detail = errors[-1] if errors else ""

            return [{"task": None, "event": "ended", "code": code, "detail": detail}]

        *lines, unfinished = (self._unfinished + data).split(b"\n")
        self._unfinished = unfinished[-_LONGEST_LINE:]  # a longer one is no message of the worker's

        return [message for line in lines if (message := _message(line)) is not None]

    def end(self) -> int | None:
        """End it with the pass that it runs; return its exit code."""
        process, self._process = self._process, None
        if process is None:
            return None

        assert process.stdin is not None and process.stdout is not None  # noqa: S101, PT018
        process.stdin.close()  # which tells it to end
        process.stdout.close()

        try:
            return process.wait(_GRACE)
        except subprocess.TimeoutExpired:
            process.kill()
            return process.wait()


def _environment(marker: str, folder: Path) -> dict[str, str]:
    """Return the environment of the checks: nothing of pytest's, little of the caller's."""
    passed_on = {
        key: os.environ[key] for key in ("SSH_AUTH_SOCK", "SSL_CERT_FILE") if key in os.environ
    }
    system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
    return {
        **passed_on,
        processes.MARKER: marker,
        "PATH": f"{Path(sys.executable).parent}:{os.environ.get('PATH', system)}:{system}",
        "HOME": os.environ.get("HOME", "/"),
        "LANG": "C.UTF-8",
        "TMPDIR": str(folder / "tmp"),
        "PYTHONSAFEPATH": "1",  # or the folder of the worker would come first on its path
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }


def _message(line: bytes) -> dict[str, Any] | None:
    """Read a line; None for an empty one or what a killed child left unfinished."""
    try:
        message = json.loads(line)
    except UNREADABLE:
        return None
    return message if isinstance(message, dict) else None


def clean(text: str) -> str:
    """Return hostile text as one line of bounded length that a terminal does not obey."""
    text = _ESCAPE.sub("", text.encode("utf-8", "replace").decode())
    lines = (line.strip().removeprefix("+  ") for line in text.splitlines() if line.strip())
    line = _CONTROL.sub(" ", "; ".join(lines)).removeprefix("AssertionError: ")
    line = line.removeprefix("Failed: ").removeprefix("Skipped: ")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"

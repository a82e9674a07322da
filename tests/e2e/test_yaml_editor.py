"""An editor's own language server reads plan and drills by the published schemas."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pradrill.config.schema import json_schema

REPOSITORY = Path(__file__).parents[2]
SERVER = "yaml-language-server@1.25.0"

pytestmark = [
    pytest.mark.nightly,
    pytest.mark.skipif(shutil.which("npm") is None, reason="npm is not installed"),
]


class Editor:
    """Speaks the language server protocol, as an editor does."""

    def __init__(self, process: subprocess.Popen[bytes], settings: dict[str, Any]) -> None:
        self._process = process
        self._settings = settings
        self._number = 0
        self._diagnostics: dict[str, list[dict[str, Any]]] = {}

    def problems(self, path: Path, text: str) -> list[str]:
        """Open a file, and return what the server underlines in it."""
        uri = path.as_uri()
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})
        while uri not in self._diagnostics:
            self._read()
        return [each["message"] for each in self._diagnostics.pop(uri)]

    def at(self, method: str, path: Path, line: int, character: int) -> Any:
        """Ask for what is at a place: its completions, or what hovers over it."""
        place = {"line": line, "character": character}
        return self.request(method, {"textDocument": {"uri": path.as_uri()}, "position": place})

    def request(self, method: str, parameters: dict[str, Any]) -> Any:
        """Ask the server, and return its answer."""
        self._number += 1
        self._send({"id": self._number, "method": method, "params": parameters})
        while True:
            message = self._read()
            if message.get("id") == self._number and "method" not in message:
                return message["result"]

    def notify(self, method: str, parameters: dict[str, Any]) -> None:
        """Tell the server."""
        self._send({"method": method, "params": parameters})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        stdin.flush()

    def _read(self) -> dict[str, Any]:
        stdout = self._process.stdout
        assert stdout is not None
        length = 0
        while line := stdout.readline().strip():
            name, _, value = line.partition(b": ")
            length = int(value) if name == b"Content-Length" else length
        assert length, "the server has ended"
        message: dict[str, Any] = json.loads(stdout.read(length))

        if message.get("method") == "textDocument/publishDiagnostics":
            report = message["params"]
            self._diagnostics[report["uri"]] = report["diagnostics"]
        elif "id" in message and "method" in message:  # it asks for its configuration
            sections = [each.get("section") for each in message["params"].get("items", ())]
            answers = [self._settings if section == "yaml" else None for section in sections]
            self._send({"id": message["id"], "result": answers})

        return message


@contextmanager
def editor(folder: Path) -> Iterator[Editor]:
    """Install the language server, and start it with the two schemas."""
    subprocess.run(
        ["npm", "install", "--silent", "--no-save", SERVER], cwd=folder, check=True, timeout=300
    )
    schemas = {}
    for kind, names in (("plan", "plan.yml"), ("drill", "drill-*.yml")):
        path = folder / f"{kind}.schema.json"
        path.write_text(json.dumps(json_schema(kind)), encoding="utf-8")
        schemas[path.as_uri()] = names

    settings = {"validate": True, "hover": True, "completion": True, "schemas": schemas}
    server = folder / "node_modules/yaml-language-server/bin/yaml-language-server"
    with subprocess.Popen(
        ["node", server, "--stdio"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        session = Editor(process, settings)
        session.request("initialize", {"processId": None, "rootUri": None, "capabilities": {}})
        session.notify("initialized", {})
        session.notify("workspace/didChangeConfiguration", {"settings": {"yaml": settings}})
        try:
            yield session
        finally:
            process.kill()


def test_an_editor_knows_plan_and_drills(tmp_path: Path) -> None:
    """It underlines nothing that is valid, names what is not, completes keys and explains them."""
    drills = sorted(each for each in (REPOSITORY / "drills").glob("*.yml") if each.stem != "plan")
    with editor(tmp_path) as session:
        for drill in drills:
            copy = tmp_path / f"drill-{drill.name}"
            assert session.problems(copy, drill.read_text("utf-8")) == [], drill.name

        plan = (REPOSITORY / "drills/plan.yml").read_text("utf-8")
        assert session.problems(tmp_path / "plan.yml", plan) == []

        text = (
            drills[0].read_text("utf-8")
            + "deadlin: 1h\nteardown: [{playbook: x, deadline: PT1H}]\n"
        )
        wrong = "\n".join(session.problems(tmp_path / "drill-wrong.yml", text))
        assert "Property deadlin is not allowed" in wrong
        assert "PT1H" in wrong or "pattern" in wrong

        fresh = tmp_path / "drill-new.yml"
        session.problems(fresh, "drill: shop\n\n")
        items = session.at("textDocument/completion", fresh, 1, 0)["items"]
        labels = {item["label"] for item in items}
        assert {"standby", "verify", "restore", "recovery_point", "unattended"} <= labels

        hover = json.dumps(session.at("textDocument/hover", fresh, 0, 1))
        assert "Example:" in hover

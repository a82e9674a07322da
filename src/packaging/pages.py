"""Write man pages and completion from what the command line declares of itself."""

from __future__ import annotations

import gzip
import sys
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path

import shtab
from argparse_manpage.manpage import Manpage

from pradrill import __version__
from pradrill.cli.parser import parser
from pradrill.cli.registry import COMMANDS

_FILES = """\
.TP
/etc/pradrill/drills/plan.yml
the plan that pradrill\\-due.timer looks at
.TP
/var/lib/pradrill
the records of what root runs"""


def pages(top: ArgumentParser) -> Iterator[tuple[str, str]]:
    """Yield each page's name and text: the program's, and one for each command."""
    commands = next(a for a in top._actions if isinstance(a, _SubParsersAction))  # noqa: SLF001
    for name, command in commands.choices.items():
        yield f"pradrill-{name}", _page(command, f"pradrill-{name}", COMMANDS[name])

    usage = top.format_usage()
    top._subparsers = None  # noqa: SLF001 each command has a page of its own
    top._actions.remove(commands)  # noqa: SLF001
    top._action_groups = [g for g in top._action_groups if g.title != "commands"]  # noqa: SLF001
    sections = {"commands": _commands(), "files": _FILES}
    about = "prove a recovery plan by drills"
    yield "pradrill", _page(top, "pradrill", about, usage, **sections)


def _page(
    command: ArgumentParser, name: str, about: str, usage: str | None = None, **sections: str
) -> str:
    heading, _, lines = (command.epilog or "").partition(":\n")
    command.epilog = None
    page = Manpage(command)
    page.prog = name
    page.description = about
    page.source = f"pradrill {__version__}"
    page.manual = "pradrill"
    if usage is not None:
        page.synopsis = usage.partition(": ")[2].split()
    if heading:
        title = "exit status" if heading.startswith("exit") else heading
        sections[title] = f".nf\n{_literal(lines)}\n.fi"
    for title, content in sections.items():
        page.add_section(title, "=", content)
    return str(page)


def _commands() -> str:
    """Return every command with what it does, and where it is described."""
    names = (f".TP\n.BR pradrill\\-{name} (1)\n{_literal(COMMANDS[name])}" for name in COMMANDS)
    return "\n".join(names)


def _literal(text: str) -> str:
    return text.replace("\\", "\\e").replace("-", "\\-")


def main() -> None:
    """Write them below the folder that is named, as in /usr/share."""
    share = Path(sys.argv[1])
    for shell, path in (("bash", "bash-completion/completions/pradrill"), ("zsh", "zsh/_pradrill")):
        _write(share / path, shtab.complete(parser(declared=True), shell=shell).encode())
    for name, text in pages(parser(declared=True)):
        _write(share / f"man/man1/{name}.1.gz", gzip.compress(text.encode(), mtime=0))


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


if __name__ == "__main__":
    main()

"""Run scripts of ours, each in a process of its own; sent to a host and run there.

Standard library only, Python 3.8 or later, never imported by pradrill. Starting Python costs a
slow machine more than most of what it is asked, so one that is started waits for more.

Each line of standard input is a JSON object: the `name` of the request, and `scripts` that go on
at one time, each with its `source`, its `words` and the `password` that sudo asks for, which the
script finds as PASSWORD; or none. The answer is "+", the name and the time in seconds since 1970 at
once; and, when all have ended, a JSON object: the `name`, and of each script among `answers`
its exit `code` (null: it wrote more than `LONGEST` bytes and was ended), the last bytes of what it
wrote, `out` and `err`, and whether that is the `whole` of `out`. It ends with its standard input,
and what it carries out ends with it; also when nothing is asked for so long that whoever asked must
have gone without a word.

What a script imports is imported here, once: the next that needs it finds it there.
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs more than the rest
    from typing import Any

KEPT, LONGEST = (int(word) for word in sys.argv[1:3])  # bytes of each stream

IDLE = 600.0  # seconds, as long as a lease holds: nothing of ours stays longer on a lost standby
CODE: dict[str, Any] = {}  # of the scripts that were carried out


def carry_out(script: dict[str, Any], out: int, err: int) -> None:
    """Run the script in this process, and end as it ends."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for handle, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(handle, number)
    sys.argv = ["-c", *script["words"]]
    space = {"__name__": "__main__", "PASSWORD": script["password"]}

    code = 0
    try:
        exec(CODE[script["source"]], space)  # noqa: S102 ours
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code and code is not end.code:
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 as Python itself: told, and exit code 1
        sys.excepthook(*sys.exc_info())
        code = 1

    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def learn(source: str) -> None:
    """Compile a script, and import what it imports; what it cannot have, it will tell itself."""
    if source in CODE:
        return
    CODE[source] = compile(source, "<script>", "exec")
    for line in source.splitlines():
        if line.startswith(("import ", "from ")) and "__future__" not in line:
            try:
                exec(line, {})  # noqa: S102 ours
            except ImportError:
                continue


class Task:
    """A script that goes on in a process of its own, and what it has written so far."""

    def __init__(self, script: dict[str, Any]) -> None:
        (self.out, out_end), (self.err, err_end) = os.pipe(), os.pipe()
        self.tails = {self.out: b"", self.err: b""}
        self.sizes = {self.out: 0, self.err: 0}
        self.open = {self.out, self.err}
        self.endless = False
        self.pid = os.fork()
        if self.pid == 0:
            carry_out(script, out_end, err_end)
        os.close(out_end)
        os.close(err_end)

    def read(self, handle: int) -> None:
        """Take what it writes to one of its streams; end it when that is too much."""
        chunk = os.read(handle, 65_536)
        if not chunk:
            self.open.discard(handle)
            return

        self.sizes[handle] += len(chunk)
        self.tails[handle] = (self.tails[handle] + chunk)[-KEPT:]
        if self.sizes[handle] > LONGEST:
            self.endless = True
            os.kill(self.pid, signal.SIGKILL)
            self.open.clear()

    def answer(self) -> dict[str, Any]:
        """Return what came of it, once nothing of it is open any more."""
        os.close(self.out)  # what it has started and still prints ends of it
        os.close(self.err)
        status = os.waitpid(self.pid, 0)[1]
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)

        return {
            "code": None if self.endless else code,
            "out": "" if self.endless else self.tails[self.out].decode("utf-8", "replace"),
            "err": self.tails[self.err].decode("utf-8", "replace"),
            "whole": not self.endless and self.sizes[self.out] <= KEPT,
        }


def answers(scripts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Carry out scripts at one time; return what came of each."""
    for script in scripts:
        learn(script["source"])
    tasks = [Task(script) for script in scripts]

    while any(task.open for task in tasks):
        waiting = select.poll()
        for handle in [0, *(handle for task in tasks for handle in task.open)]:
            waiting.register(handle, select.POLLIN)
        for handle, _ in waiting.poll():
            if handle == 0:  # nothing is asked meanwhile: the connection is gone
                for task in tasks:
                    os.kill(task.pid, signal.SIGKILL)
                os._exit(1)
            for task in tasks:
                if handle in task.open:
                    task.read(handle)

    return [task.answer() for task in tasks]


def main() -> None:
    """Answer line by line."""
    os.chdir("/")  # no folder is held
    waiting = b""
    while True:
        while b"\n" not in waiting:
            if not select.select([0], [], [], IDLE)[0]:
                return
            chunk = os.read(0, 65_536)
            if not chunk:
                return
            waiting += chunk

        line, _, waiting = waiting.partition(b"\n")
        request = json.loads(line)
        os.write(1, f"+{request['name']} {time.time():.9f}\n".encode())
        if not request["scripts"]:
            continue

        reply = {"name": request["name"], "answers": answers(request["scripts"])}
        payload = memoryview(json.dumps(reply).encode() + b"\n")
        while payload:
            payload = payload[os.write(1, payload) :]


if __name__ == "__main__":
    main()

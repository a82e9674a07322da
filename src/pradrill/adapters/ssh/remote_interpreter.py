"""Run scripts of ours, each in a process of its own; sent to a host and run there.

Standard library only, Python 3.8 or later, never imported by pradrill. Starting Python costs a
slow machine more than most of what it is asked, so one that is started waits for more.

Each line of standard input is a JSON object: the `name` of the request, and the `source` of a
script with its `words`, or neither. The answer is "+", the name and the time in seconds since 1970
at once; and, when the script has ended, a JSON object: the `name`, its exit `code` (null: it wrote
more than `LONGEST` bytes and was ended), the last bytes of what it wrote, `out` and `err`, and
whether that is the `whole` of `out`. It ends with its standard input, and what it carries out ends
with it; also when nothing is asked for so long that whoever asked must have gone without a word.

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


def carry_out(source: str, words: list[str], out: int, err: int) -> None:
    """Run the script in this process, and end as it ends."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for handle, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(handle, number)
    sys.argv = ["-c", *words]

    code = 0
    try:
        exec(CODE[source], {"__name__": "__main__"})  # noqa: S102 ours
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


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Carry out a script in a process of its own; return what came of it."""
    learn(request["source"])
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        carry_out(request["source"], request["words"], out_end, err_end)
    os.close(out_end)
    os.close(err_end)

    tails = {out: b"", err: b""}
    sizes = {out: 0, err: 0}
    endless = False
    waiting = select.poll()
    for handle in (0, out, err):
        waiting.register(handle, select.POLLIN)
    streams = 2
    while streams and not endless:
        for handle, _ in waiting.poll():
            chunk = os.read(handle, 65_536)
            if handle == 0:  # nothing is asked meanwhile: the connection is gone
                os.kill(pid, signal.SIGKILL)
                os._exit(1)
            if not chunk:
                waiting.unregister(handle)
                streams -= 1
                continue

            sizes[handle] += len(chunk)
            tails[handle] = (tails[handle] + chunk)[-KEPT:]
            endless = endless or sizes[handle] > LONGEST

    if endless:
        os.kill(pid, signal.SIGKILL)
    os.close(out)  # what it has started and still prints ends of it
    os.close(err)

    status = os.waitpid(pid, 0)[1]
    code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)
    return {
        "name": request["name"],
        "code": None if endless else code,
        "out": "" if endless else tails[out].decode("utf-8", "replace"),
        "err": tails[err].decode("utf-8", "replace"),
        "whole": not endless and sizes[out] <= KEPT,
    }


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
        if "source" not in request:
            continue

        payload = memoryview(json.dumps(answer(request)).encode() + b"\n")
        while payload:
            payload = payload[os.write(1, payload) :]


if __name__ == "__main__":
    main()

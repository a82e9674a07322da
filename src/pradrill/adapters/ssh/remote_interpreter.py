"""Run scripts of ours, each in a process of its own; sent to a host and run there.

Standard library only, Python 3.8 or later, never imported by pradrill. Starting Python costs a
slow machine more than most of what it is asked, so one that is started waits for more.

Each line of standard input is a JSON object: the `name` of the request, the `source` of a script
and its `words`. The answer is two lines: "+" and the name at once, and when the script has ended a
JSON object: the `name`, its exit `code` (null: it wrote more than `LONGEST` bytes and was ended),
the last bytes of what it wrote, `out` and `err`, and whether that is the `whole` of `out`. It ends
with its standard input, and what it carries out ends with it; also when nothing is asked for so
long that whoever asked must have gone without a word.
"""

from __future__ import annotations

import json
import os
import select
import selectors
import signal
import sys
import traceback
from typing import Any

KEPT, LONGEST = (int(word) for word in sys.argv[1:3])  # bytes of each stream

IDLE = 3600.0  # seconds

Words = Any  # a dictionary of JSON; Python 3.8 cannot say so outside annotations


def carry_out(source: str, words: list[str], out: int, err: int) -> None:
    """Run the script in this process, and end as it ends."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    for handle, number in ((nothing, 0), (out, 1), (err, 2)):
        os.dup2(handle, number)
    sys.argv = ["-c", *words]

    code = 0
    try:
        exec(compile(source, "<script>", "exec"), {"__name__": "__main__"})  # noqa: S102 ours
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
        if code and code is not end.code:
            sys.stderr.write(f"{end.code}\n")
    except BaseException:  # noqa: BLE001 as Python itself: told, and exit code 1
        traceback.print_exc()
        code = 1

    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def answer(request: Words) -> Words:
    """Carry out a script in a process of its own; return what came of it."""
    (out, out_end), (err, err_end) = os.pipe(), os.pipe()
    pid = os.fork()
    if pid == 0:
        carry_out(request["source"], request["words"], out_end, err_end)
    os.close(out_end)
    os.close(err_end)

    tails = {out: b"", err: b""}
    sizes = {out: 0, err: 0}
    endless = False
    with selectors.DefaultSelector() as waiting:
        for handle in (0, out, err):
            waiting.register(handle, selectors.EVENT_READ)
        while len(waiting.get_map()) > 1:
            for key, _ in waiting.select():
                chunk = os.read(key.fd, 65_536)
                if key.fd == 0:  # nothing is asked meanwhile: the connection is gone
                    os.kill(pid, signal.SIGKILL)
                    os._exit(1)
                if not chunk:
                    waiting.unregister(key.fd)
                    continue

                sizes[key.fd] += len(chunk)
                tails[key.fd] = (tails[key.fd] + chunk)[-KEPT:]
                if sizes[key.fd] > LONGEST:
                    endless = True
                    break

            if endless:
                break

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
        os.write(1, f"+{request['name']}\n".encode())
        payload = memoryview(json.dumps(answer(request)).encode() + b"\n")
        while payload:
            payload = payload[os.write(1, payload) :]


if __name__ == "__main__":
    main()

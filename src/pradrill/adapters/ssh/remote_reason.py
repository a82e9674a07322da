"""Run a command of the drill's; of a database's error only the reason leaves the standby.

Sent to the standby and run there, by any Python from 3.9 on. The word is the command, for sh, which
finds on its standard input what sudo asks for, where it is told to ask. One that says too
much is told to end, so that it can end what it has started.
"""

import re
import subprocess
import sys

_PASSWORD: str = globals().get("PASSWORD", "")  # given by who carries it out; never a word
_KEPT = 65_536  # bytes of what it says, the last ones
_MOST = 8 << 20  # bytes of all that it says: more is no error message


# The shipped load scripts hold the same function; a test compares them.
def reason(output: str) -> str:
    """Return number, state and reason of a database client's error: no statement, no data.

    Of what is quoted only names stay: where the word before says that it is one.
    """
    names = (
        r"\b(table|column|database|schema|relation|constraint|key|index|role|user|sequence|type"
        r"|function|view|trigger|extension|engine|collation|character set|plugin|socket|file"
        r"|cluster|server|parameter):? ?\(?$"
    )

    data = r"\b(INSERT|REPLACE|UPDATE|DELETE|SELECT|COPY \S+ \(|VALUES|Query)\b|0x[0-9a-f]|=\s*\("
    output = re.sub(r"(?ms)^-{10,}\n.*?^-{10,}$", "", output)  # a client's statement
    lines = re.findall(r"(?m)^(?:\S+ )?(?:ERROR|FATAL|PANIC)\b.*$", output)
    lines += re.findall("(?im)^.*(?:error|fatal|critical).*$", output)
    rest, shown_part = (lines or [""])[0].replace("n't", "n\u2019t"), ""
    if re.search(r"\(45000\)|\bERROR:? +(P0001|1644)\b", rest):
        return "ERROR (P0001 or 45000): one that the database's own code raises"

    while rest:
        before = re.split("['\"`\u00ab\u201c]", rest)[0]
        after, match = rest[len(before) :], re.search(data, before)
        name = re.match(r"(['\"`])[\w.$/ -]{1,64}\1", after)
        if not match and name and re.search(names, before, re.IGNORECASE):
            shown_part, rest = shown_part + before + name.group(), after[name.end() :]
            continue

        if match or after:
            before = before[: match.start()] if match else before
            tail = re.search(r" for key '[\w.]+'$| at (line|row) \d+$", after)
            before += "(not shown)" + (tail.group() if tail else "")

        shown_part, rest = shown_part + before, ""

    return shown_part.strip()[:300].replace("\u2019", "'") or "it gave no reason that can be shown"


def main() -> None:
    """Run the command by sh, with its output as it is; say why it failed."""
    command = ["sh", "-c", sys.argv[1]]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdin is not None  # noqa: S101 it is a pipe
    try:
        process.stdin.write(f"{_PASSWORD}\n".encode() if _PASSWORD else b"")
        process.stdin.close()
    except BrokenPipeError:  # it did not ask
        pass
    tail, size = b"", 0
    while piece := process.stderr.read1(_KEPT):  # type: ignore[union-attr]
        tail, size = (tail + piece)[-_KEPT:], size + len(piece)
        if size > _MOST:
            process.terminate()
            sys.exit(f"it printed more than {_MOST >> 20} MB and was ended")

    output, code = tail.decode("utf-8", "replace"), process.wait()
    if code:
        # psql and mariadb begin like this: ERROR 1054, psql:…: ERREUR:, DETAIL:, LINE 1:
        database = re.search(r"(?m)\bERROR\b|^[^\W\d_]+ ?:  |: [^\W\d_]+ ?:  |^LINE \d", output)
        last = [each for each in output.splitlines() if each.strip()][-1:]
        sys.stderr.write(reason(output) if database else "".join(last))

    sys.exit(code if code >= 0 else 128 - code)


if __name__ == "__main__":
    main()

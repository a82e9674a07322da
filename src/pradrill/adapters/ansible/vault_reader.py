"""Read what Ansible Vault has encrypted, so that the plain values can be masked.

Run by path, in a process of its own: {"passwords": […], "files": […]} on standard input, {"plain":
the texts, "closed": file and line of those that no password opens} on standard output.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

_INLINE = re.compile(r"\$ANSIBLE_VAULT;[^\n]*\n(?:[ \t]*[0-9a-f]+[ \t]*(?:\n|$))+")


def main() -> None:
    """Decrypt each file, or what stands encrypted in it."""
    from ansible.parsing.dataloader import DataLoader  # noqa: PLC0415 costs 0.2 s
    from ansible.parsing.vault import VaultLib, VaultSecret  # noqa: PLC0415 likewise

    request = json.load(sys.stdin)

    vault = VaultLib([("default", VaultSecret(each.encode())) for each in request["passwords"]])
    plain: list[str] = []
    closed: list[tuple[str, int]] = []
    for name in request["files"]:
        text = Path(name).read_text("utf-8", "replace")
        for hit in _INLINE.finditer(text):
            block = "\n".join(line.strip() for line in hit[0].splitlines())
            try:
                opened = vault.decrypt(block.encode()).decode()
            except Exception:  # noqa: BLE001 encrypted for somebody else
                closed.append((name, text.count("\n", 0, hit.start()) + 1))
                continue

            plain.append(opened)
            if text.startswith("$ANSIBLE_VAULT;"):
                plain += leaves(DataLoader().load(opened))

    json.dump({"plain": plain, "closed": closed}, sys.stdout)


def leaves(value: Any) -> Iterator[str]:
    """Yield every value of a file of variables, as text."""
    if isinstance(value, dict):
        for each in value.values():
            yield from leaves(each)
    elif isinstance(value, list):
        for each in value:
            yield from leaves(each)
    elif value is not None and not isinstance(value, bool):
        yield str(value)


if __name__ == "__main__":
    main()

"""How far a tool has come, as it says it itself; nothing else of what it prints is shown."""

import pytest

from pradrill.adapters.ansible.tool_progress import tool_progress

RESTIC = (
    '{"message_type":"status","percent_done":0.3,"total_files":80,"files_restored":12,'
    '"total_bytes":4000000000,"bytes_restored":1200000000}'
)
BORG = '{"type":"progress_percent","current":1200000000,"total":4000000000,"message":"secret.txt"}'


@pytest.mark.parametrize(
    ("output", "words"),
    [
        (RESTIC, "1.2 GB of 4.0 GB, 12 of 80 files"),
        (f"{RESTIC}\nsomething else\n", "1.2 GB of 4.0 GB, 12 of 80 files"),
        (BORG, "1.2 GB of 4.0 GB"),
        ("  1,200,000  42%  1.20MB/s  0:00:01 (xfr#3)", "1.2 MB, 42 %"),
        ("old 1%\r  1,200,000  42%  1.20MB/s  0:00:01", "1.2 MB, 42 %"),
        ('{"message_type":"status","bytes_restored":5}', "5 bytes"),
        ('{"message_type":"status","bytes_restored":true,"total_bytes":-1}', ""),
        ('{"message_type":"status","bytes_restored":1e400,"total_bytes":"x"}', ""),
        ('{"message_type":["status"],"bytes_restored":5}', ""),
        ("alice@example.com,42%", ""),
        ("{" * 5_000, ""),
        ("[" * 100_000, ""),
        (None, ""),
        (["x"], ""),
    ],
)
def test_figures_alone_are_taken(output: object, words: str) -> None:
    """Of restic, borg and rsync; a row, a name or nonsense says nothing."""
    assert tool_progress(output) == words

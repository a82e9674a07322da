"""Did the files come back as they were? The manifest that their backup job wrote can tell."""

from __future__ import annotations

MANIFEST = "/var/backups/files/manifest.jsonl"
READER = "/var/lib/pradrill-restore/manifest-files"  # left there by the restore playbook
# Which part of the files that the manifest has hashes of is read, in each pass of the checks: 1.0
# is each of them, 0.1 a tenth, another one each day.
SAMPLE = 1.0
HEARTBEAT = "/srv/files/pradrill-heartbeat/heartbeat"
OLDEST = 25  # hours that the heartbeat may be old: the backup is made every night


def compare(host, aspect):
    """Compare one aspect of all files with the manifest, and fail with what differs."""
    done = host.run(f"python3 {READER} check {MANIFEST} {aspect} {SAMPLE}")
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    return done.stdout.split()


def test_nothing_is_missing(host):
    """Every file and folder of the manifest is there, and nothing that it does not know."""
    looked_at = compare(host, "there")[0]
    assert int(looked_at) > 1, "the manifest names no file"


def test_permissions(host):
    """Every file and folder has its kind and its permissions, setuid, setgid and sticky too."""
    compare(host, "mode")


def test_owners(host):
    """Every file and folder has its owner and its group, by name."""
    compare(host, "owner")


def test_access_control_lists(host):
    """Every file and folder has its ACL and its default ACL, and none has one too many."""
    compare(host, "acl")


def test_extended_attributes(host):
    """Every file and folder has its extended attributes, with their values."""
    compare(host, "xattr")


def test_bytes(host, record_property):
    """The files drawn have their bytes."""
    read, _, every = compare(host, "bytes")[:3]
    record_property("sampled", (int(read), int(every)))  # the report says which part that is
    assert int(read) > 0, "no file was read: raise SAMPLE"


test_bytes.__doc__ = (
    f"{SAMPLE * 100:g} % of the files hashed by the manifest (drawn by the day) have their bytes."
)


def test_the_files_are_of_the_newest_backup(host):
    """The heartbeat among the files is no older than the nightly backup may be."""
    instant = host.file(HEARTBEAT).content_string.strip()
    assert instant[:4].isdecimal(), f"the heartbeat holds no instant: {instant[:100]!r}"
    age = host.check_output(f"echo $(( $(date +%s) - $(date -d '{instant}' +%s) ))")
    assert age.lstrip("-").isdecimal(), f"the heartbeat holds no instant: {instant[:100]!r}"
    assert int(age) < OLDEST * 3600, f"the heartbeat is {int(age) // 3600} hours old"

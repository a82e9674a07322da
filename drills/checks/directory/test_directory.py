"""Does the restored directory work, is it whole, is it quiet? What its users would notice."""

from __future__ import annotations

import base64

import pytest

DUMPS = "/srv/backups/directory"  # where config.ldif and data.ldif (or .gz) lie, as in the drill
OLDEST = 25  # hours that the dump may be old: the backup is made every night
# An account that was planted on the primary, and the file with its password beside the dumps:
#   ldappasswd …; printf %s PASSWORD > planted-password; chmod 600 planted-password
PLANTED = "pradrill"
PASSWORD = f"{DUMPS}/planted-password"
LDAP = "-x -H ldap://127.0.0.1"

# What a server writes by itself, what the planted account changes below, and what the restore
# leaves out so that the copy follows no other server.
MOVING = "contextCSN olcSyncrepl olcMultiProvider olcMirrorMode olcUpdateRef"
OF_PLANTED = "userPassword pwdChangedTime entryCSN modifyTimestamp modifiersName"

# Compares what slapd holds with the dump, entry by entry: NUMBER DUMP PLANTED MOVING OF_PLANTED.
COMPARE = r"""
import base64, glob, gzip, subprocess, sys
number, dump, planted, moving, of_planted = sys.argv[1:]
def entries(lines):
    unfolded, entry, all_of_it = [], set(), {}
    for line in lines:
        if line.startswith(b" ") and unfolded:
            unfolded[-1] += line[1:].rstrip(b"\r\n")
        elif not line.startswith(b"#"):
            unfolded.append(line.rstrip(b"\r\n"))
    for line in [*unfolded, b""]:
        name, _, value = line.partition(b":")
        if line:
            decoded = base64.b64decode(value[1:]) if value.startswith(b":") else value.strip()
            entry.add((name.decode().lower(), decoded))
        elif entry:
            (dn,) = [value.decode("utf-8", "replace") for name, value in entry if name == "dn"]
            own = f"{moving} {of_planted}" if dn.startswith(f"uid={planted},") else moving
            all_of_it[dn] = {(n, v) for n, v in entry if n not in own.lower().split()}
            entry = set()
    return all_of_it
files = sorted(glob.glob(dump + ".ldif*"))
if not files:
    sys.exit(f"there is no {dump}.ldif")
with (gzip.open if files[-1].endswith(".gz") else open)(files[-1], "rb") as file:
    before = entries(file)
done = subprocess.run(["slapcat", "-n", number], capture_output=True)
if done.returncode:
    sys.exit("slapcat: " + (done.stderr.decode("utf-8", "replace").splitlines() or ["?"])[-1])
now = entries(done.stdout.splitlines(True))
wrong = [f"{dn} is missing" for dn in before if dn not in now]
wrong += [f"{dn} was not there" for dn in now if dn not in before]
for dn in before.keys() & now.keys():
    names = sorted({name for name, _ in before[dn] ^ now[dn]})
    wrong += [f"{dn} has another " + " ".join(names)] if names else []
print(len(before), "entries compared,", len(wrong), "wrong")
print("\n".join(wrong[:20]))
sys.exit(bool(wrong))
"""


def planted_dn(host):
    """Return the planted account's name, as anybody finds it who signs in."""
    name, _, value = search(host, "dn").partition(":")
    assert name == "dn", f"there is no account {PLANTED}: plant one on the primary"
    value = value.strip()
    return base64.b64decode(value[1:]).decode() if value.startswith(":") else value


def search(host, attribute):
    """Return what anybody is told of the planted account."""
    return host.check_output(
        f"ldapsearch {LDAP} -LLL -o ldif-wrap=no -b '{base(host)}' '(uid={PLANTED})' {attribute}"
    )


def base(host):
    """Return the root of the content."""
    answer = host.check_output(f"ldapsearch {LDAP} -LLL -s base -b '' namingContexts")
    roots = [line.partition(": ")[2] for line in answer.splitlines() if "namingContexts" in line]
    assert roots, "the directory serves no naming context"
    return roots[0]


def test_slapd_runs(host):
    """The directory server, slapd, is active, and will be after a reboot."""
    assert host.service("slapd").is_running
    assert host.service("slapd").is_enabled, "it does not start with the machine"


def test_the_directory_answers_a_search(host):
    """A search from the root finds entries: the directory is not empty."""
    count = host.check_output(f"ldapsearch {LDAP} -LLL -b '{base(host)}' dn | grep -c ^dn:")
    assert int(count) > 1, "the directory is empty"


def test_somebody_signs_in_and_changes_their_password(host):
    """The planted account signs in, and sets its password anew: the directory takes writes."""
    account = planted_dn(host)
    who = host.run(f"ldapwhoami {LDAP} -D '{account}' -y {PASSWORD}")
    assert who.rc == 0, f"{account} cannot sign in: {who.stderr.strip()}"
    done = host.run(f"ldappasswd {LDAP} -D '{account}' -y {PASSWORD} -T {PASSWORD}")
    assert done.rc == 0, f"{account} cannot change its password: {done.stderr.strip()}"
    again = host.run(f"ldapwhoami {LDAP} -D '{account}' -y {PASSWORD}")
    assert again.rc == 0, "the password that was set does not hold"


@pytest.mark.negative  # a control: it passes when something does not work
def test_a_wrong_password_is_refused(host):
    """Nobody signs in with a wrong password, and nobody reads passwords without one."""
    account = planted_dn(host)
    done = host.run(f"ldapwhoami {LDAP} -D '{account}' -w wrong")
    assert done.rc == 49, f"a wrong password is not refused: {done.stdout}{done.stderr}"
    assert "userPassword" not in search(host, "userPassword"), "everybody may read passwords"


@pytest.mark.parametrize(("part", "number"), [("data", 1), ("config", 0)])
def test_the_directory_is_as_at_the_backup(host, part, number):
    """Each entry is there with its attributes: content, access rules, indexes, schema."""
    done = host.run(
        f"python3 -c '{COMPARE}' {number} {DUMPS}/{part} {PLANTED} '{MOVING}' '{OF_PLANTED}'"
    )
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    assert int(done.stdout.split()[0]) > 1, "the dump holds hardly an entry"


def test_the_backup_is_the_newest(host):
    """The dump is of the newest backup, and no entry was changed in the future."""
    age = host.check_output(
        f"echo $(($(date +%s) - $(stat -c %Y {DUMPS}/data.ldif* | sort -n | tail -n 1)))"
    )
    assert int(age) < OLDEST * 3600, f"the newest dump is {int(age) // 3600} hours old"
    newest = host.check_output(
        "slapcat -n 1 -o ldif-wrap=no | sed -n 's/^modifyTimestamp: \\([0-9]*\\).*/\\1/p' "
        "| sort | tail -n 1"
    )
    now = host.check_output("date -u -d '+1 minute' +%Y%m%d%H%M%S")
    assert newest, "no entry tells when it was changed"
    assert newest <= now, f"the newest change is of {newest}"


def test_the_copy_stays_quiet(host):
    """The copy follows no other server."""
    answer = host.check_output("slapcat -n 0 -o ldif-wrap=no")
    assert "olcSyncrepl:" not in answer, "it follows another server as a replica"

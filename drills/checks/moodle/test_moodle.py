"""Does the restored Moodle work, is it whole, does it stay quiet? What its users would notice."""

from __future__ import annotations

import json
import re
import time
from contextlib import contextmanager
from urllib.parse import quote

import pytest

WWWROOT = "http://moodle-dr.example"  # the standby's, as the restore playbook was told
CODE = "/var/www/moodle"
DATA = "/var/moodledata"
DATABASE, PREFIX = "moodle", "mdl_"
SERVER = "mariadb"  # or "postgresql"
BACKUP = "/var/backups/moodle"  # with the manifests that playbooks/files/backup-moodle wrote
READERS = "/var/lib/pradrill-restore"  # left there by the restore playbook
# The copy's own programs log and count: tables may grow. Those that it clears are left out.
CLEARED = ("sessions", "cache_flags", "cache_filters", "lock_db", "task_adhoc")
GROWING = " ".join(["'*'", *(f"-{PREFIX}{name} -public.{PREFIX}{name}" for name in CLEARED)])
# An account with a course and a file of its own, as playbooks/files/plant-moodle makes it.
PLANTED = "pradrill"
PASSWORD = f"{BACKUP}/planted-password"
COURSE = "Recovery drill, épreuve de reprise"
HEARTBEAT = "select max(at) from pradrill_heartbeat"  # or the newest row of your own
OLDEST = 25  # hours that the newest data may be old: the backup is made every night
# Which part of the stored files is read and hashed, in each pass of the checks: 1.0 is each of
# them, 0.1 a tenth, another one each day. 100 GB take minutes: the drill's deadline has to know.
SAMPLE = 1.0
# What admin/cli/checks.php may find: a copy whose cron is off is told that cron does not run.
EXPECTED = {"tool_task_cronrunning", "tool_task_maxfaildelay", "tool_task_adhocqueue"}
MAY_FAIL = (
    set()
)  # scheduled tasks that fail on the primary, too: {r"\enrol_db\task\sync_enrolments"}

NAME, PORT = re.fullmatch(r"http://([^:/]+):?(\d*).*", WWWROOT).groups()
CURL = f"curl --silent --show-error --fail --max-time 60 --resolve {NAME}:{PORT or 80}:127.0.0.1"
NOT_OURS = f"userid not in (select id from {PREFIX}user where username = '{PLANTED}')"

# A file in a course that the planted account takes part in.
ITS_FILE = f"""
select c.id, f.contextid, f.contenthash, f.filename
from {PREFIX}user u
join {PREFIX}user_enrolments p on p.userid = u.id
join {PREFIX}enrol e on e.id = p.enrolid
join {PREFIX}course c on c.id = e.courseid
join {PREFIX}course_modules m on m.course = c.id
join {PREFIX}context x on x.instanceid = m.id and x.contextlevel = 70
join {PREFIX}files f on f.contextid = x.id and f.component = 'mod_resource'
  and f.filearea = 'content' and f.filename <> '.'
where u.username = '{PLANTED}' order by f.id limit 1
"""

# One line for each content; a reference's content is elsewhere.
STORED = f"""
select contenthash, max(filesize), min(concat(component, '/', filearea, ' ', filename))
from {PREFIX}files where filename <> '.' and referencefileid is null group by contenthash
"""
# Reads those lines, takes the day's sample, and names each file that is missing or has other bytes.
HASH = r"""
import concurrent.futures, datetime, hashlib, os, sys
filedir, sample = sys.argv[1], float(sys.argv[2])
day = datetime.date.today().isoformat()
def drawn(content):
    draw = hashlib.sha256((day + content).encode()).digest()[:6]
    return int.from_bytes(draw, "big") < sample * 2**48
def fault(line):
    content, size, name = line.rstrip("\n").split("\t", 2)
    path = os.path.join(filedir, content[:2], content[2:4], content)
    found = hashlib.sha1()
    try:
        with open(path, "rb") as file:
            if os.fstat(file.fileno()).st_size != int(size):
                return f"{path} has another size ({name})"
            while piece := file.read(1 << 20):
                found.update(piece)
    except OSError as error:
        return f"{path}: {error.strerror} ({name})"
    return "" if found.hexdigest() == content else f"{path} has other bytes ({name})"
every = list(sys.stdin)
lines = [line for line in every if drawn(line[:40])]
with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
    faults = [each for each in pool.map(fault, lines) if each]
print(len(lines), "of", len(every), "read,", len(faults), "wrong")
print("\n".join(faults[:20]))
"""


def asking(sql):
    """Return the command that prints a query's rows, their columns apart by tabs."""
    client = {
        "mariadb": f"mariadb -N -B {DATABASE}",
        "postgresql": f"runuser -u postgres -- psql -XAtq -F '\t' -v ON_ERROR_STOP=1 -d {DATABASE}",
    }[SERVER]
    return f"{client} <<'SQL'\n{sql}\nSQL\n"


def query(host, sql):
    """Return what a query prints."""
    return host.check_output(asking(sql)).strip()


def moodle(host, words):
    """Run one of Moodle's own command-line programs as the web server's account."""
    return host.run(f"runuser -u www-data -- php {CODE}/admin/cli/{words}")


def setting(host, name):
    """Return a setting as Moodle itself sees it."""
    done = moodle(host, f"cfg.php --name={name}")
    assert done.rc == 0, f"Moodle does not tell {name}: {(done.stderr or done.stdout).strip()}"
    return done.stdout.strip()


def test_the_servers_run(host):
    """Apache and the database server are active, and will be after a reboot."""
    assert host.service("apache2").is_running
    for unit in ("apache2", SERVER):
        assert host.service(unit).is_enabled, f"{unit} does not start with the machine"
    assert query(host, "select 1") == "1"


def test_the_login_page_shows_its_form(host):
    """A visitor gets the login page with its form, at the standby's address."""
    page = host.check_output(f"{CURL} {WWWROOT}/login/index.php")
    assert 'name="logintoken"' in page, f"there is no login form on {WWWROOT}/login/index.php"
    assert f'action="{WWWROOT}/login/index.php"' in page, "the form leads to another address"


def test_nobody_is_sent_elsewhere_to_sign_in(host):
    """The copy signs people in itself: what does it elsewhere on the primary is switched off."""
    named = query(host, f"select value from {PREFIX}config where name = 'auth'")
    enabled = setting(host, "auth")
    assert enabled == "", (
        f"the copy signs people in by {enabled[:100]} (the primary: {named[:100]})"
    )
    assert setting(host, "alternateloginurl") == "", "the copy has a login page elsewhere"
    where = host.check_output(
        f"{CURL} --output /dev/null --write-out '%{{http_code}} %{{redirect_url}}' "
        f"{WWWROOT}/login/index.php"
    )
    code, _, elsewhere = where.partition(" ")
    assert code == "200", f"who wants to sign in is sent to {elsewhere[:100]} (auth: {named[:100]})"


@contextmanager
def signed_in(host):
    """Sign the planted account in as a person does; its password stays on the machine."""
    jar = host.check_output("mktemp")
    curl = f"{CURL} --cookie {jar} --cookie-jar {jar}"
    key = ""
    try:
        form = host.check_output(f"{curl} {WWWROOT}/login/index.php")
        token = re.search(r'name="logintoken" value="(\w+)"', form)
        assert token, "the login page has no token"
        host.check_output(
            f"{curl} --output /dev/null --data logintoken={token[1]} --data username={PLANTED} "
            f"--data-urlencode password@{PASSWORD} {WWWROOT}/login/index.php"
        )
        page = host.check_output(f"{curl} --location {WWWROOT}/my/")
        assert "login/logout.php" in page, f"{PLANTED} cannot sign in with its password"
        sesskey = re.search(r'"sesskey":"(\w+)"', page)
        assert sesskey, "the page after the login has no sesskey"
        key = sesskey[1]
        yield curl, key
    finally:
        if key:
            host.run(f"{curl} --output /dev/null '{WWWROOT}/login/logout.php?sesskey={key}'")
        host.run(f"rm -f {jar}")


def test_somebody_opens_a_course_and_reads_a_file(host):
    """The planted account signs in, opens its course, and gets its file with its own bytes."""
    row = query(host, ITS_FILE).split("\t")
    assert len(row) == 4, f"{PLANTED} takes part in no course that has a file"
    course, context, content, name = row
    with signed_in(host) as (curl, _):
        page = host.check_output(f"{curl} '{WWWROOT}/course/view.php?id={course}'")
        assert COURSE in page, f"the page of the course does not say {COURSE!r}"
        file = f"{WWWROOT}/pluginfile.php/{context}/mod_resource/content/1/{quote(name)}"
        digest = host.check_output(f"{curl} '{file}' | sha1sum").split()[0]
        assert digest == content, f"{name} comes with other bytes"


def test_somebody_uploads_a_file(host):
    """The planted account signs in, uploads a file, reads it, and removes it."""
    repository = query(
        host,
        f"select min(i.id) from {PREFIX}repository_instances i "
        f"join {PREFIX}repository r on r.id = i.typeid where r.type = 'upload'",
    )
    assert repository.isdecimal(), "there is no way to upload files"
    item, text = time.time_ns() % 10**9, "written by a drill"
    with signed_in(host) as (curl, key):
        ours = f"{curl} --form sesskey={key} --form itemid={item}"
        answer = host.check_output(
            f"printf '{text}' | {ours} --form 'repo_upload_file=@-;filename=drill.txt' "
            f"--form title=drill.txt --form author= --form license=unknown --form savepath=/ "
            f"--form repo_id={repository} --form env=filemanager --form 'accepted_types[]=*' "
            f"'{WWWROOT}/repository/repository_ajax.php?action=upload'"
        )
        assert '"url"' in answer, f"a file cannot be uploaded: {answer[:300]}"
        read = host.check_output(f"{curl} '{json.loads(answer)['url']}'")
        answer = host.check_output(
            f"{ours} --form filepath=/ --form filename=drill.txt "
            f"'{WWWROOT}/repository/draftfiles_ajax.php?action=delete'"
        )
        assert read == text, "the uploaded file reads otherwise"
        assert json.loads(answer) == {"filepath": "/"}, (
            f"the file cannot be removed: {answer[:300]}"
        )


def test_moodle_finds_itself_sound(host):
    """Moodle's own status checks (admin/cli/checks.php) find no error and no warning."""
    said = moodle(host, "checks.php --type=status --verbose").stdout
    found = re.findall(
        r"^ *(\S.*?) *\| (\S.*) \((\w+)\) *$", re.sub(r"\x1b\[[\d;]*m", "", said), re.MULTILINE
    )
    refs = {ref: (status, title) for status, title, ref in found}
    assert "core_environment" in refs, f"it does not say what it found: {said[:500]}"
    faults = [
        f"{title}: {status}"
        for ref, (status, title) in refs.items()
        if status not in {"OK", "INFO", "NA"} and ref not in EXPECTED
    ]
    assert not faults, f"Moodle says {'; '.join(faults)}"


def test_the_database_has_this_moodles_schema(host):
    """The database has the tables and columns of this Moodle and its plugins, and no others."""
    done = moodle(host, "check_database_schema.php")
    said = re.sub(r"-{9,}\s*", "", done.stdout + done.stderr).strip()
    assert done.rc == 0, f"the schema differs: {said[:1000]}"


@pytest.mark.parametrize("aspect", ["rows", "columns", "floor", "values"])
def test_the_tables_are_as_at_the_backup(host, aspect):
    """Tables have their rows and columns, half of the backup before, accounts their passwords."""
    done = host.run(
        f"python3 {READERS}/manifest-tables check {SERVER} {DATABASE} {BACKUP}/manifest.json "
        f"{aspect} {GROWING}"
    )
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    assert int(done.stdout.split()[2]) > 3, "the manifest names hardly a table"


@pytest.mark.parametrize("aspect", ["there", "mode", "owner", "bytes"])
def test_the_programs_are_those_of_the_backup(host, aspect):
    """Each program of Moodle's is there, with its permissions, its owner and its bytes."""
    assert compare(host, "code.jsonl", aspect) > 3, "the manifest names hardly a file"


@pytest.mark.parametrize("aspect", ["there", "mode", "owner"])
def test_the_stored_files_are_moodles(host, aspect):
    """Each stored file is there, and can be read by the web server as before."""
    compare(host, "filedir.jsonl", aspect)


def compare(host, manifest, aspect):
    """Compare files with a manifest; return how many were looked at."""
    done = host.run(f"python3 {READERS}/manifest-files check {BACKUP}/{manifest} {aspect}")
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    return int(done.stdout.split()[0])


def test_no_scheduled_task_runs(host):
    """Every scheduled task is disabled, and cron is off."""
    total, enabled = query(
        host,
        "select count(*), coalesce(sum(case when disabled = 0 then 1 else 0 end), 0) "
        f"from {PREFIX}task_scheduled",
    ).split()
    assert int(total) > 0, "there is no scheduled task: this is no Moodle"
    assert enabled == "0", f"{enabled} of {total} scheduled tasks are not disabled"
    assert setting(host, "cron_enabled") == "0", "Moodle's cron is not switched off"
    jobs = host.run(
        "grep -rlE 'admin/cli/(cron|adhoc_task)' /etc/cron* /etc/systemd /var/spool/cron"
    )
    assert jobs.stdout == "", f"this machine would run Moodle's cron: {jobs.stdout.strip()}"


def test_no_scheduled_task_had_failed(host):
    """No scheduled task was failing when the backup was made."""
    failing = query(host, f"select classname from {PREFIX}task_scheduled where faildelay > 0")
    assert set(failing.splitlines()) <= MAY_FAIL, f"failing on the primary: {failing}"


def test_the_stored_files_have_their_bytes(host, record_property):
    """Each of the stored files drawn has the bytes that the database's content hash says."""
    said = host.check_output(f"{{ {asking(STORED)}}} | python3 -c '{HASH}' {DATA}/filedir {SAMPLE}")
    counted, _, faults = said.partition("\n")
    read, _, every = counted.split()[:3]
    record_property("sampled", (int(read), int(every)))  # the report says which part that is
    assert not counted.startswith("0 "), "no stored file was read: raise SAMPLE"
    assert not faults.strip(), f"{counted}: {faults.strip()[:1500]}"


test_the_stored_files_have_their_bytes.__doc__ = (
    f"{SAMPLE * 100:g} % of the stored files (drawn by the day) have their content hash's bytes."
)


def test_the_copy_has_its_own_address(host):
    """Moodle's address (wwwroot) and its data folder are the standby's."""
    assert setting(host, "wwwroot") == WWWROOT
    assert setting(host, "dataroot") == DATA


def test_the_copy_sends_nothing(host):
    """No mail goes out, neither Moodle's nor PHP's, and calls to the outside end nowhere."""
    assert setting(host, "noemailever") == "1", "Moodle may send mail"
    assert setting(host, "smtphosts") == "", "Moodle has a mail server"
    assert setting(host, "proxyhost") == "127.0.0.1", "Moodle calls the outside"
    mailer = host.check_output("php -r 'echo ini_get(\"sendmail_path\");'")
    assert mailer == "/bin/false", f"PHP sends mail with {mailer}"


def test_nobody_is_logged_in(host):
    """No session of production's is left: everybody has to log in anew."""
    others = query(host, f"select count(*) from {PREFIX}sessions where userid <> 0 and {NOT_OURS}")
    assert others == "0", f"{others} people are logged in"


def test_the_newest_event_is_not_from_the_future(host):
    """The log's newest event is there, of the newest backup, and not from the future."""
    log = f"{PREFIX}logstore_standard_log where {NOT_OURS}"
    newest = query(host, f"select max(timecreated) from {log}")
    now = host.check_output("date +%s")
    assert newest.isdecimal(), "the log is empty"
    assert int(newest) <= int(now) + 5, f"the newest event is {int(newest) - int(now)} s ahead"
    assert int(newest) > int(now) - OLDEST * 3600, "the newest event is of an older backup"


def test_the_data_is_of_the_newest_backup(host):
    """The newest data is no older than the nightly backup may be."""
    seconds = {
        "mariadb": f"select timestampdiff(second, ({HEARTBEAT}), utc_timestamp())",
        "postgresql": f"select floor(extract(epoch from now() - ({HEARTBEAT})))",
    }[SERVER]
    age = query(host, seconds)
    assert re.fullmatch(r"-?\d+", age), "there is no such row"
    assert int(age) < OLDEST * 3600, f"the newest data is {int(age) // 3600} hours old"
    assert int(age) > -5, f"the newest data is {-int(age)} s in the future"

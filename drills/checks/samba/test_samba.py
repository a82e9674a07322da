"""Does the restored Samba AD domain work, is it whole, is it quiet? What its users would notice."""

from __future__ import annotations

import pytest

UNIT = "samba-ad-dc"
PLANTED = "pradrill"  # an account of the domain, which nobody else uses
OLDEST = 25  # hours that the heartbeat may be old: the backup is made every night
STAGING = "/var/lib/pradrill-restore"  # what the restore playbook left there
READER = f"/usr/bin/python3 {STAGING}/manifest-samba"
KERBEROS = f"KRB5_CONFIG={STAGING}/samba-krb5.conf KRB5CCNAME={STAGING}/samba-tickets"


def setting(host, name, section="global"):
    """Return a setting of the copy's, as Samba itself reads it."""
    words = f"--section-name={section} --parameter-name='{name}'"
    return host.check_output(f"testparm -s {words} 2> /dev/null").strip()


def records(host, name, kind):
    """Return what the copy's own name server answers, and nobody else."""
    script = (
        "import dns.resolver as d, sys\n"
        "r = d.Resolver(configure=False); r.nameservers, r.lifetime = ['127.0.0.1'], 10\n"
        "try: print(*sorted(map(str, r.resolve(sys.argv[1], sys.argv[2]))), sep='\\n')\n"
        "except (d.NXDOMAIN, d.NoAnswer, d.NoNameservers): pass\n"
    )
    answer = host.check_output(f"/usr/bin/python3 - {name} {kind} <<'END'\n{script}END")
    return answer.splitlines()


def test_the_server_runs(host):
    """The domain controller is active, and will be after a reboot."""
    assert host.service(UNIT).is_running
    assert host.service(UNIT).is_enabled, "it does not start with the machine"


def test_somebody_signs_in_and_reads_the_policies(host):
    """The planted account gets a ticket with its password, and reads sysvol with it."""
    realm = setting(host, "realm")
    ticket = host.run(f"{KERBEROS} kinit {PLANTED}@{realm} < {STAGING}/samba-planted")
    assert ticket.rc == 0, f"{PLANTED} cannot sign in: {ticket.stderr.strip()[-300:]}"
    server = f"{setting(host, 'netbios name').lower()}.{realm.lower()}"
    done = host.run(
        f"{KERBEROS} smbclient --use-kerberos=required --use-krb5-ccache={STAGING}/samba-tickets "
        f"//{server}/sysvol -I 127.0.0.1 -c 'ls {realm.lower()}/Policies/*'"
    )
    assert done.rc == 0, f"{PLANTED} cannot read sysvol: {(done.stdout + done.stderr)[-300:]}"
    assert "{31B2F340-016D-11D2-945F-00C04FB984F9}" in done.stdout, "there is no default policy"


@pytest.mark.negative  # a control: it passes when something does not work
def test_nobody_reads_without_signing_in(host):
    """Without a password nobody reads sysvol, or finds an account."""
    done = host.run("smbclient -N //127.0.0.1/sysvol -c ls")
    assert done.rc != 0, "everybody reads sysvol"
    found = host.run(
        f"LDAPTLS_REQCERT=never ldbsearch -H ldap://127.0.0.1 -U% '(sAMAccountName={PLANTED})' dn"
    )
    assert "dn: CN=" not in found.stdout, "everybody may list accounts"


def test_machines_find_the_copy_and_no_other(host):
    """The domain's records of Kerberos and LDAP lead to the copy alone, which has an address."""
    realm, name = setting(host, "realm").lower(), setting(host, "netbios name").lower()
    for service in ("_ldap._tcp", "_kerberos._udp", "_ldap._tcp.dc._msdcs", "_gc._tcp"):
        leads = {each.split()[-1] for each in records(host, f"{service}.{realm}", "SRV")}
        assert leads == {f"{name}.{realm}."}, f"{service} leads to {', '.join(sorted(leads))}"
    assert records(host, f"{name}.{realm}", "A"), f"{name} has no address"


def test_the_copy_stays_quiet(host):
    """The copy knows no other controller, replicates with none, and forwards no names."""
    services = setting(host, "server services")
    assert services, "Samba does not tell its services"
    loud = {"drepl", "nbt", "wrepl", "dnsupdate"}
    at_work = loud & {each.strip() for each in services.split(",")}
    assert not at_work, f"it runs {', '.join(sorted(at_work))}"
    assert setting(host, "dns forwarder") == "", "it forwards names"
    database = f"{setting(host, 'private dir')}/sam.ldb"
    answer = host.check_output(f"ldbsearch -H {database} --cross-ncs '(objectClass=nTDSDSA)' dn")
    others = [each for each in answer.splitlines() if each.startswith("dn: ")]
    assert len(others) == 1, f"it knows {len(others)} controllers"


def test_the_database_is_sound(host):
    """samba-tool dbcheck finds no error in any partition."""
    done = host.run("samba-tool dbcheck --cross-ncs")
    assert done.rc == 0, (done.stdout + done.stderr).strip()[-1000:]
    assert "(0 errors)" in done.stdout, done.stdout.strip()[-1000:]


def test_the_policies_have_their_rights(host):
    """samba-tool finds sysvol's access lists as the domain's policies want them."""
    done = host.run("samba-tool ntacl sysvolcheck")
    assert done.rc == 0, (done.stdout + done.stderr).strip()[-1000:]
    assert done.stderr.strip() == "", done.stderr.strip()[-1000:]


@pytest.mark.parametrize("aspect", ["objects", "attributes", "sysvol"])
def test_the_domain_is_as_at_the_backup(host, aspect):
    """Accounts, groups with members, units, policies and their files are as the manifest says."""
    done = host.run(f"{READER} check {STAGING}/manifest.json {aspect}")
    assert done.rc == 0, (done.stdout or done.stderr).strip()[-1500:]
    assert int(done.stdout.split()[0]) > 1, "the manifest holds hardly anything"


def test_the_domain_takes_changes(host):
    """A contact can be made, and deleted again."""
    made = host.run("samba-tool contact create pradrill-probe")
    assert made.rc == 0, f"nothing can be added: {(made.stdout + made.stderr).strip()[-300:]}"
    gone = host.run("samba-tool contact delete pradrill-probe")
    assert gone.rc == 0, f"nothing can be deleted: {(gone.stdout + gone.stderr).strip()[-300:]}"


def test_the_heartbeat_is_of_the_newest_backup(host):
    """The time that the primary wrote into its domain is of the newest nightly backup."""
    instant = host.check_output(f"{READER} newest heartbeat").strip()
    assert instant[:4].isdecimal(), f"the domain holds no heartbeat: {instant[:100]!r}"
    age = host.check_output(f"echo $(( $(date +%s) - $(date -d '{instant}' +%s) ))")
    assert age.lstrip("-").isdecimal(), f"the heartbeat is no instant: {instant[:100]!r}"
    assert int(age) < OLDEST * 3600, f"the heartbeat is {int(age) // 3600} hours old"
    assert int(age) > -60, f"the heartbeat is {-int(age)} s in the future"

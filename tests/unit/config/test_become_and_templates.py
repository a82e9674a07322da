"""What an inventory says and only Ansible could follow is refused, at its line."""

from __future__ import annotations

from pathlib import Path

import pytest

from pradrill.config.checks.connection import allowed
from pradrill.config.inventory import read_inventory
from pradrill.config.jumps import jump_of
from pradrill.config.template_actions import action_in
from pradrill.errors import ConfigurationError

INI = "[standby]\nweb-dr ansible_host=192.0.2.20 dr_role=standby\n\n[standby:vars]\n"
SHORT = INI.replace(" ansible_host=192.0.2.20", "")
YAML = "standby:\n  hosts:\n    web-dr:\n      dr_role: standby\n"
VAULT = "!vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        6162\n"
ALONE = "would reach playbooks alone"
ACTS = "ansible_host of web-dr is a template that may act on this machine"

REFUSALS = {
    "a password": ({"i": INI + "ansible_become=true\nansible_become_password=x\n"}, "i:6", ALONE),
    "its older name": ({"i": INI + "ansible_become=yes\nansible_become_pass=x\n"}, "i:6", ALONE),
    "of sudo": ({"i": INI + "ansible_become=1\n# x\nansible_sudo_pass=x\n"}, "i:7", ALONE),
    "in a folder": (
        {"i": INI, "group_vars/standby/a.yml": "ansible_become: true\n",
         "group_vars/standby/b.yml": "# ours\nansible_become_password: '{{ vault_it }}'\n"},
        "group_vars/standby/b.yml:2", ALONE,
    ),
    "from the vault": (
        {"i.yml": f"{YAML}      ansible_become: true\n      ansible_become_password: {VAULT}"},
        "i.yml:6", ALONE,
    ),
    "su": ({"i": INI + "ansible_become=true\nansible_become_method=su\n"}, "i:6", ALONE),
    "doas": (
        {"i": INI + "ansible_become=true\nansible_become_method=community.general.doas\n"},
        "i:6", ALONE,
    ),
    "a program": ({"i": INI + "ansible_become=true\nansible_become_exe=dzdo\n"}, "i:6", ALONE),
    "flags": (
        {"i": INI + "ansible_become=true\nansible_become_flags='-H -u postgres'\n"}, "i:6", ALONE,
    ),
    "older flags": (
        {"i": INI + "ansible_become=true\nansible_sudo_flags='-nR /srv/root'\n"}, "i:6", ALONE,
    ),
    "a login in an address": (
        {"i": SHORT + "ansible_host=ops@192.0.2.20\n"}, "i:5", "an unusable ansible_host",
    ),
    "a port in an address": (
        {"i": SHORT + "ansible_host=192.0.2.20:2222\n"}, "i:5", "an unusable ansible_host",
    ),
    "brackets": (
        {"i": SHORT + "ansible_host=[2001:db8::20]\n"}, "i:5", "an unusable ansible_host",
    ),
    "an address of nothing": (
        {"i": SHORT + "ansible_host={{ ip }}\n"}, "i:5",
        "ansible_host of web-dr is a template of which Ansible makes nothing",
    ),
    "a port of nothing": (
        {"i.yml": f"{YAML}      ansible_port: '{{{{ base + 22 }}}}'\n"}, "i.yml:5",
        "ansible_port of web-dr is a template of which Ansible makes nothing",
    ),
    "a role": (
        {"i.yml": YAML.replace("dr_role: standby", "dr_role: '{{ \"standby\" }}'")}, "i.yml:4",
        "dr_role of web-dr is the template",
    ),
    "a lookup": (
        {"i.yml": f"{YAML}      ansible_host: \"{{{{ lookup('pipe', 'id') }}}}\"\n"},
        "i.yml:5", ACTS,
    ),
    "a lookup put together": (
        {"i.yml": f"{YAML}      ansible_host: \"{{{{ lookup('pi' ~ 'pe', 'id') }}}}\"\n"},
        "i.yml:5", ACTS,
    ),
    "a lookup behind names": (
        {"i.yml": f"{YAML}      ansible_host: '{{{{ site.ip }}}}'\n"
         "      site: {ip: '{{ one }}'}\n"
         "      one: '{% set l = query %}{{ l(\"pipe\", \"id\") }}'\n"},
        "i.yml:5", ACTS,
    ),
    "a lookup of another host's": (
        {"i.yml": f"{YAML}      ansible_host: '{{{{ hostvars.two.ip }}}}'\n"
         "    two: {ip: '{{ q(\"pipe\", \"id\") }}'}\n"},
        "i.yml:5", ACTS,
    ),
    "a lookup chosen": (
        {"i.yml": f"{YAML}      ansible_host: "
         "\"{{ lookup('env' if false else 'pipe', 'id') }}\"\n"},
        "i.yml:5", ACTS,
    ),
    "delimiters of its own": (
        {"i.yml": f"{YAML}      ansible_host: "
         "\"#jinja2: variable_start_string: '[['\\n[[ x ]]\"\n"},
        "i.yml:5", ACTS,
    ),
    "a vaulted address": (
        {"i.yml": f"{YAML}      ansible_host: {VAULT}"}, "i.yml:5", "is encrypted",
    ),
}  # fmt: skip
BY_DAY = ("in a folder", "doas", "flags", "a port in an address", "a lookup behind names")


@pytest.mark.parametrize(
    "case",
    [
        each if each in BY_DAY else pytest.param(each, marks=pytest.mark.nightly)
        for each in REFUSALS
    ],
)
def test_what_only_ansible_could_follow_is_refused_at_its_line(tmp_path: Path, case: str) -> None:
    """It names the file, the line, the variable and the host, and what mends it."""
    files, place, words = REFUSALS[case]
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    with pytest.raises(ConfigurationError) as refusal:
        read_inventory(tmp_path / next(iter(files)), "standby")
    assert refusal.value.message.startswith(f"{tmp_path}/{place}: "), refusal.value
    assert words in refusal.value.message
    assert refusal.value.hint


@pytest.mark.nightly
def test_what_is_unusable_is_named_as_somebody_set_it(tmp_path: Path) -> None:
    """A name that is the address, too, is told as a name; a port that is none as a port."""
    for line, words in (
        ("wéb", "{}: host wéb has an unusable name (letters of ASCII, digits, . _ : -)"),
        ("web ansible_port=abc", "{}:2: host web has an unusable ansible_port"),
        ("web ansible_host=-x", "{}:2: host web has an unusable ansible_host"),
        (
            "web ansible_host=-x ansible_port=abc",
            "{}:2: host web has an unusable ansible_host and ansible_port",
        ),
    ):
        (tmp_path / "i").write_text(f"[standby]\n{line}\n")
        with pytest.raises(ConfigurationError) as refusal:
            read_inventory(tmp_path / "i", "standby")
        assert refusal.value.message == words.format(tmp_path / "i")


BROKEN = {
    "i.yml": ("standby:\n  hosts:\n   web-dr: [\n", r"i\.yml:4: YAML parsing failed|i\.yml: "),
    "i": ("[standby\nweb-dr\n", "/i: Failed to parse inventory: |/i: "),
}


@pytest.mark.parametrize("name", ["i.yml", pytest.param("i", marks=pytest.mark.nightly)])
def test_an_inventory_that_nothing_reads_is_told_with_its_cause(tmp_path: Path, name: str) -> None:
    """By the plugin that its name is for: not that all of Ansible's have failed."""
    text, words = BROKEN[name]
    (tmp_path / name).write_text(text)
    with pytest.raises(ConfigurationError, match=words) as refusal:
        read_inventory(tmp_path / name, "standby")
    assert "Completely failed" not in refusal.value.message
    assert refusal.value.hint


@pytest.mark.nightly
def test_sudo_without_a_password_is_taken(tmp_path: Path) -> None:
    """Under each of its names; what is not used does no harm."""
    for lines, user in (
        ("ansible_become=true\nansible_become_method=ansible.builtin.sudo\n", "root"),
        ("ansible_become=True\nansible_become_exe=/usr/bin/sudo\nansible_become_user=web\n", "web"),
        ("ansible_become=true\nansible_become_flags='-HSn --login'\n", "root"),
        ("ansible_become=false\nansible_become_method=su\nansible_become_password=x\n", None),
    ):
        (tmp_path / "i").write_text(INI + lines)
        (host,) = (
            read_inventory.__wrapped__(tmp_path / "i", "standby")
            if hasattr(read_inventory, "__wrapped__")
            else read_inventory(tmp_path / "i", "standby")
        )
        assert host.become == user


ELSEWHERE = {
    "ansible_ssh_common_args": (
        "-oProxyCommand='ssh -W %h:%p jump'",
        "-J jump -o StrictHostKeyChecking=no",
        "-J jump -F /etc/ssh/ours",
        "-o ControlPath=/tmp/theirs",
        "-o ControlMaster=auto -S /tmp/theirs",
        "-J -oProxyCommand=x",
        "-J a,-oProxyCommand=x",
        "-J jump;id",
        "-c aes128-ctr -J jump",
        "-c -J jump",
        "-o ProxyJump=",
        "-J '{{ bastion }}'",
        "-J 'jump",
    ),
    "ansible_ssh_extra_args": ("-J jump", "-o ProxyJump=jump"),
    "ansible_ssh_args": ("-F /etc/ssh/ours", "-o ProxyCommand=x", "-J jump"),
    "ansible_sftp_extra_args": ("-J jump",),
    "ansible_scp_extra_args": ("-J jump",),
    "ansible_ssh_executable": ("/srv/ssh-by-jump",),
    "ansible_ssh_host": ("jump",),
    "ansible_host": ("192.0.2.1 -J jump",),
    "ansible_paramiko_proxy_command": ("ssh -W %h:%p jump",),
}


def test_what_leads_elsewhere_is_refused_in_each_spelling(tmp_path: Path) -> None:
    """Of ssh's arguments jump hosts are taken, in one variable; a host's address is one word."""
    for variable, values in ELSEWHERE.items():
        for value in values if variable != "ansible_host" else ():
            assert not allowed(variable, value, inventory=True), (variable, value)
    (tmp_path / "i").write_text(SHORT + f"ansible_host='{ELSEWHERE['ansible_host'][0]}'\n")
    with pytest.raises(ConfigurationError, match="web-dr"):
        read_inventory(tmp_path / "i", "standby")


@pytest.mark.parametrize(
    "arguments",
    [
        *(
            "-J jump",
            "-Jjump",
            "-o ProxyJump=jump",
            "-oProxyJump=jump",
            "-o 'proxyjump jump'",
            '-o "ProxyJump =jump"',
        ),
        "-C -o ControlMaster=auto -o ControlPersist=60s -J jump",
        "-oProxyJump=jump -oServerAliveInterval=5 -o 'ConnectTimeout 10'",
        "-o 'ProxyJump = jump' -o 'Compression = yes'",
    ],
)
def test_a_jump_host_is_taken_from_the_inventory_alone(arguments: str) -> None:
    """In each of ssh's spellings, with what leads nowhere, and in no play."""
    assert jump_of(arguments) == "jump"
    assert allowed("ansible_ssh_common_args", arguments, inventory=True)
    assert not allowed("ansible_ssh_common_args", arguments)


@pytest.mark.parametrize("name", ["bastion-c", "bastion-q", "gate-cq", "jump-C", "a-c,b-q"])
@pytest.mark.parametrize("form", ["-J {}", "-o ProxyJump={}", "-C -J {} -q", "-oproxyjump={} -C"])
def test_a_jump_host_keeps_its_whole_name(name: str, form: str) -> None:
    """One that ends as an option of ssh's does is no other machine."""
    assert jump_of(form.format(name)) == name


def test_a_drills_password_outranks_one_that_is_not_plain(tmp_path: Path) -> None:
    """An encrypted one, or a template, may stay for others; a plain one is refused all the same."""
    secret = "file:/etc/pradrill/sudo"  # noqa: S105 a name
    (tmp_path / "i").write_text(INI + "ansible_become=true\nansible_become_pass='{{ it }}'\n")
    (host,) = read_inventory(tmp_path / "i", "standby", secret)
    assert (host.become, host.password) == ("root", secret)
    (tmp_path / "j").write_text(INI + "ansible_become=true\nansible_become_pass=plain\n")
    with pytest.raises(ConfigurationError, match=r"j:6: ansible_become_pass of web-dr"):
        read_inventory(tmp_path / "j", "standby", secret)


ACTIONS = {
    "lookup('env' if false else 'pipe', 'id')": "a call of lookup",
    "lookup('env'.replace('env', 'pipe'), 'id')": "a call of lookup",
    "lookup('file'[:0] ~ 'pipe', 'id')": "a call of lookup",
    "lookup('pi' 'pe', 'id')": "a call of lookup",
    "lookup(*['pipe', 'id'])": "a call of lookup",
    "lookup(name, 'id')": "a call of lookup",
    "lookup ('pipe', 'id')": "a call of lookup",
    "query('pipe', 'id')": "a call of query",
    "q('community.general.env', 'id')": "a call of q",
    "(lookup)('pipe', 'id')": "a call of lookup",
    "[lookup][0]('pipe', 'id')": "",
    "{'l': lookup}.l('pipe', 'id')": "",
    "(lookup if true else q)('pipe', 'id')": "",
    "vars['lookup']('pipe', 'id')": "a call of",
    "vars.get('lookup')('pipe', 'id')": "a call of",
    "self._TemplateReference__context.resolve('lookup')": "",
    "''.__class__": "the attribute __class__",
    "cycler(lookup).next()('pipe', 'id')": "",
    "lipsum.get('x')()": "a call of",
    "'pipe' | lookup('id')": "the filter lookup",
    "['id'] | map('pipe')": "the filter map",
    "x | attr('y')": "the filter attr",
    "x | ansible.builtin.extract(y)": "the filter ansible.builtin.extract",
    "x | select('file')": "the filter select",
    "x is file": "the test file",
    "lookup('env', '{{ lookup(1) }}')": "a template inside of it",
    "'a\\' ~ lookup('env', 'b') ~ \\''": "a quote behind a backslash",
    "2 ** 99": "jinja2's Pow",
    "1 }}{% set l = lookup %}{{ l('pipe', 'id')": "",
    "1 }}{% import 'x' as y %}{{ 1": "jinja2's Import",
    "1 }}{% include 'x' %}{{ 1": "jinja2's Include",
    "1 }}{% extends 'x' %}{{ 1": "jinja2's Extends",
    "1 }}{% macro l() %}{% endmacro %}{{ 1": "jinja2's Macro",
    "1 }}{% call lookup('pipe', 'id') %}{% endcall %}{{ 1": "",
    "1 }}{% filter upper %}x{% endfilter %}{{ 1": "jinja2's FilterBlock",
    "1 }}{% for l in [lookup] %}{{ l('pipe', 'id') }}{% endfor %}{{ 1": "",
    "1 }}{% with l = lookup %}{{ l('pipe', 'id') }}{% endwith %}{{ 1": "",
    "1 }}{% raw %}{{ x }}{% endraw %}{{ 1": "a template inside of it",
    "1 }}{% do x.append(1) %}{{ 1": "what jinja2 alone does not read",
    "(" * 3000 + ")" * 3000: "what jinja2 alone does not read",
}
READS = (
    "lookup('env', 'SITE') | default('x', true)",
    "query(\"ansible.builtin.file\", inventory_dir ~ '/ip', rstrip=True)[0].split('/')[0]",
    "hostvars[groups['db'][0]]['ansible_host'].upper()",
    "base + 22 if site is defined and site in [1, 2] else none",
    "1 }}{% if site == 'a' %}192.0.2.1{% else %}{{ ip | trim }}{% endif %}{{ 1",
)


def test_a_template_that_may_act_is_known_in_each_spelling() -> None:
    """What is not known to read only is refused, however it is put together."""
    for template, why in ACTIONS.items():
        action = action_in(f"{{{{ {template} }}}}")
        assert action is not None, template
        assert why in action, template
    assert action_in("#jinja2: variable_start_string: '[['\n[[ q('pipe', 'id') ]]") is not None
    for template in READS:
        assert action_in(f"{{{{ {template} }}}}") is None, template


RENDERED = """\
standby:
  vars:
    {site: 20, base: 2200, bastion: ops@192.0.2.1, ansible_sftp_extra_args: "{{ touching }}",
    ansible_ssh_extra_args: "{{ touching }}", touching: "{{ lookup('pipe', 'touch TOUCHED') }}"}
  hosts:
    web-dr:
      ip: "192.0.2.{{ site }}"
      ansible_host: "{{ ip }}"
      ansible_port: "{{ base + 22 }}"
      ansible_user: "{{ lookup('env', 'NOBODY_SETS_IT') or 'ops' }}"
      ansible_ssh_common_args: "-J {{ bastion }}"
      ansible_ssh_private_key_file: "{{ inventory_dir }}/{{ lookup('file', 'name') }}"
      ansible_become_password: "{{ touching }}"
      dr_role: standby
    db-dr: {ansible_host: 192.0.2.9, dr_role: standby}
"""


def test_templates_are_what_ansible_makes_of_them(tmp_path: Path) -> None:
    """Address, port, login and jump host; a lookup that only reads may be in one.

    What else Ansible renders on its way to a host, for any task, is not rendered.
    """
    touched = tmp_path / "touched"
    (tmp_path / "i.yml").write_text(RENDERED.replace("TOUCHED", str(touched)))
    (tmp_path / "name").write_text("key\n")
    (tmp_path / "group_vars").mkdir()
    acting = f"ansible_scp_extra_args: \"{{{{ lookup('pipe', 'touch {touched}') }}}}\"\n"
    (tmp_path / "group_vars/all.yml").write_text(acting)
    web, other = read_inventory(tmp_path / "i.yml", "standby")
    assert (web.address, web.port, web.user) == ("192.0.2.20", 2222, "ops")
    assert (web.jump, other.address) == ("ops@192.0.2.1", "192.0.2.9")
    assert web.private_key == tmp_path / "key"
    assert not touched.exists()


@pytest.mark.nightly
def test_a_template_may_be_made_of_another_hosts_variables(tmp_path: Path) -> None:
    """By its name or its group; none of those that act goes with them."""
    touched = tmp_path / "touched"
    text = RENDERED.replace("TOUCHED", str(touched))
    text = text.replace("192.0.2.9", "\"{{ hostvars[groups['web'][0]].ansible_host ~ '0' }}\"")
    text = text.replace("touching: ", "ansible_touching: ").replace("{{ t", "{{ ansible_t")
    (tmp_path / "name").write_text("key")
    (tmp_path / "i.yml").write_text(f"{text}web: {{hosts: {{web-dr: }}}}\n")
    _, other = read_inventory(tmp_path / "i.yml", "standby")
    assert other.address == "192.0.2.200"
    assert not touched.exists()

# Writes a house of drills with two services, backed up by two tools into a file system that is mounted
# elsewhere; $1: folder of the house, $2: the standby's host key. Prints the key that logs in there.
set -e
house=$1
newest=$(date -u +%FT%TZ)  # of what is backed up below
mkdir -p /mnt/backup "$house"/drills/checks/answers "$house"/playbooks ~/.ssh
mountpoint -q /mnt/backup || mount -t tmpfs none /mnt/backup
[ -f ~/.ssh/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -f ~/.ssh/id_ed25519
echo "10.0.2.100 $2" > ~/.ssh/known_hosts
echo un-mot-de-passe > "$house"/password
chmod 600 "$house"/password

cat > "$house"/drills/plan.yml <<'YAML'
plan: 1
organisation: Exemple SAS
services:
  shop: {objectives: {rto: 2h, rpo: 7d}, drill_every: 3 months, primary: none}
  mail: {objectives: {rto: 2h, rpo: 7d}, drill_every: 3 months, primary: none}
health_check:
  start: http://127.0.0.1:8000/start
  url: http://127.0.0.1:8000/ok
  fail: http://127.0.0.1:8000/fail
YAML

drill() {
  cat > "$house/drills/$1.yml" <<YAML
drill: $1
services: [$1]
scenario: {name: loss of the machine}
standby: {inventory: ../inventory.yml, hosts: standby}
recovery_point: {$2: {repository: /mnt/backup/$2, password: "file:$house/password"}}
restore: [{playbook: ../playbooks/restore.yml, deadline: 15m}]
verify:
  checks: checks/answers
  deadline: 15m
  stable_for: 100ms
  newest_data: {command: "echo $newest"}
  must_not_reach: ["[100::1]:9"]
teardown: [{playbook: ../playbooks/teardown.yml}]
unattended: true
YAML
}
drill shop restic
drill mail borg

cat > "$house"/drills/checks/answers/test_answers.py <<'PYTHON'
def test_what_was_restored_is_there(host):
    """The data are back."""
    assert host.file("/srv/restored").content_string == "data"
PYTHON
cat > "$house"/inventory.yml <<'YAML'
standby: {hosts: {web-dr: {ansible_host: 10.0.2.100, ansible_user: root, dr_role: standby}}}
YAML
cat > "$house"/playbooks/restore.yml <<'YAML'
- hosts: standby
  gather_facts: false
  tasks: [{name: put it back, ansible.builtin.copy: {content: data, dest: /srv/restored, mode: "0644"}}]
YAML
cat > "$house"/playbooks/teardown.yml <<'YAML'
- hosts: standby
  gather_facts: false
  tasks: [{name: remove it, ansible.builtin.file: {path: /srv/restored, state: absent}}]
YAML

export RESTIC_PASSWORD_FILE=$house/password BORG_PASSPHRASE=un-mot-de-passe
[ -d /mnt/backup/restic ] || {
  restic -q -r /mnt/backup/restic init
  restic -q -r /mnt/backup/restic backup /etc/hostname
}
[ -d /mnt/backup/borg ] || {
  borg init -e repokey /mnt/backup/borg
  borg create /mnt/backup/borg::one /etc/hostname
} > /dev/null 2>&1
cat ~/.ssh/id_ed25519.pub

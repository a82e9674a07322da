# Take stock of a standby; sent to it and run there by sh, as root or as a login that may sudo.
#
# Prints lines KIND, VALUE, NAME with tabs between, or "!KIND" and why it cannot be seen. Most of it
# is read by the shell itself: a machine without tools has it, and starting none costs nothing.
# LC_ALL: names are bytes. What is told is bounded and read by domain/run/inventory_answers.py.

LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin:/usr/local/sbin
export LC_ALL PATH

line() { printf '%s\t%s\t%s\n' "$@"; }
cannot() { printf '!%s\t%s\n' "$1" "$2"; }
has() { command -v "$1" >/dev/null 2>&1; }
is_root() { [ "$(id -u)" = 0 ]; }

root=
is_root || { has sudo && sudo -n true 2>/dev/null && root='sudo -n'; }
sees_all() { is_root || [ -n "$root" ]; }

users() {
  while IFS=: read -r name _ uid gid _ home shell; do
    line user "$uid:$gid:$home:$shell" "$name"
  done </etc/passwd || cannot user '/etc/passwd cannot be read'
  while IFS=: read -r name _ gid members; do
    line group "$gid:$members" "$name"
  done </etc/group || cannot group '/etc/group cannot be read'
}

packages() {
  if has dpkg-query; then
    dpkg-query -W -f 'package\t${db:Status-Abbrev}\t${Package}\n' 2>/dev/null ||
      cannot package 'dpkg-query failed'
  elif has rpm; then
    rpm -qa --qf 'package\tii\t%{NAME}\n' 2>/dev/null || cannot package 'rpm failed'
  else
    cannot package 'neither dpkg-query nor rpm is there'
  fi
}

cron_files() {
  if ! has find || ! has cksum; then
    cannot cron 'find or cksum is missing'
    return
  fi
  sees_all || cannot cron 'only root sees the crontabs of others'
  $root find /etc/crontab /etc/anacrontab /etc/cron.d /etc/cron.hourly /etc/cron.daily \
    /etc/cron.weekly /etc/cron.monthly /var/spool/cron /var/spool/at ! -type d ! -name .SEQ \
    -exec cksum {} + 2>/dev/null |
    while read -r sum size name; do line cron "$sum $size" "$name"; done
}

units() {
  if [ -d /run/systemd/system ] && has systemctl; then
    listed=$(systemctl list-units --type=timer,socket,path --state=active \
      --plain --no-legend --no-pager --full 2>/dev/null) || cannot timer 'systemctl failed'
    while read -r name _; do line unit '' "$name"; done <<END
$listed
END
  fi
  has find || { cannot unit 'find is missing'; return; }
  find /etc/systemd/system /usr/local/lib/systemd ! -type d 2>/dev/null |
    while IFS= read -r name; do line unit '' "$name"; done
}

mounts() {
  while read -r _ point type _; do line mount "$type" "$point"; done </proc/self/mounts
}

sockets() {
  read -r ephemeral _ </proc/sys/net/ipv4/ip_local_port_range || ephemeral=32768
  for table in /proc/net/udp /proc/net/udp6; do
    [ -r "$table" ] || continue
    while read -r _ here _ state _; do
      [ "$state" != 07 ] || line socket "$ephemeral" "$here"
    done <"$table"
  done
}

users
packages
cron_files
units
mounts
sockets
exit 0

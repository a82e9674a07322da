# A primary that is the controller of a Samba AD domain, with people, groups, a policy and a heartbeat. It
# is backed up onto /srv, running, offline and online, each with its manifest. $1 what writes manifests,
# $2 the planted account's password.
set -eu
trap '[ $? -eq 0 ] || tail -n 20 /tmp/log >&2' EXIT
ip link set lo up
ip address add 10.99.0.1/24 dev lo
rm -f /etc/samba/smb.conf
provision() {
  samba-tool domain provision --use-rfc2307 --realm=AD.EXEMPLE.FR --domain=EXEMPLE --server-role=dc \
    --dns-backend=SAMBA_INTERNAL --host-name=dc1 --host-ip=10.99.0.1 \
    --option='dns forwarder = 192.0.2.53' --option='log file = /var/log/samba/log'
}
provision > /tmp/log 2>&1
{
  samba-tool user create pradrill "$2"
  for each in anne bruno chloe; do
    samba-tool user create $each --random-password --mail-address=$each@exemple.fr
  done
  samba-tool group add comptabilite
  samba-tool group addmembers comptabilite anne,bruno
  samba-tool ou create OU=Ateliers
  samba-tool computer create poste-1
} > /tmp/log 2>&1
policy=$(find /var/lib/samba/sysvol -name GPT.INI | sort | head -n 1)
printf '[General]\r\nVersion=3\r\n' > "$policy"
systemctl start samba-ad-dc
kit() { /usr/bin/python3 -c "$1" "$2"; }
kit "$1" beat
mkdir -p /srv/backups/samba /srv/backups/samba-online
keep() {
  kit "$1" write > /tmp/manifest
  shift
  "$@" > /tmp/log 2>&1
  for each in "$folder"/*.bz2; do cp /tmp/manifest "$each.manifest.json"; done
}
folder=/srv/backups/samba
keep "$1" samba-tool domain backup offline --targetdir=$folder
folder=/srv/backups/samba-online
echo 'nameserver 127.0.0.1' > /tmp/resolver
mount --bind /tmp/resolver /etc/resolv.conf
samba-tool group addmembers 'Domain Admins' pradrill > /dev/null
keep "$1" samba-tool domain backup online --server=dc1.ad.exemple.fr --targetdir=$folder \
  -U "pradrill%$2"
systemctl stop samba-ad-dc

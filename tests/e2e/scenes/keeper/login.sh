# A primary's way to its backups. $1 the backup server's host key; stdin: the key.
set -eu
umask 077
mkdir -p /root/.ssh
cat > /root/.ssh/id_ed25519
echo "10.0.2.100 $1" > /root/.ssh/known_hosts
cat > /root/.ssh/config <<'END'
# A new login costs an emulated machine seconds.
KexAlgorithms curve25519-sha256
ControlMaster auto
ControlPath ~/.ssh/shared
ControlPersist 10m
END

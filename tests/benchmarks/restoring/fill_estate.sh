# Makes a directory of $1 people and an intranet with $2 MB of files, and backs both up into /srv/b.
set -eu
rows=$1 megabytes=$2
install -d /srv/b/directory /srv/b/intranet
# Debian's slapd has room for 1 GB: whoever has millions of people has given it more.
slapcat -n 0 | sed 's/^olcDbMaxSize: .*/olcDbMaxSize: 17179869184/' > /srv/b/directory/config.ldif
base=$(slapcat -n 1 | sed -n '1s/^dn: //p')
{
  slapcat -n 1
  python3 - "$rows" "$base" <<'END'
import sys, uuid
rows, base = int(sys.argv[1]), sys.argv[2]
admin = f"cn=admin,{base}"
for n in range(rows):
    print(f"""dn: uid=person{n},{base}
objectClass: inetOrgPerson
uid: person{n}
cn: Person {n}
sn: {n * 7919 % rows}
mail: person{n}@exemple.fr
telephoneNumber: +33 3 26 {n:06}
structuralObjectClass: inetOrgPerson
entryUUID: {uuid.UUID(int=n)}
creatorsName: {admin}
createTimestamp: 20261001000000Z
entryCSN: 202610010000{n // 1000000:02}.{n % 1000000:06}Z#000000#000#000000
modifiersName: {admin}
modifyTimestamp: 20261001000000Z
""")
END
} | gzip -1 > /srv/b/directory/data.ldif.gz
python3 - "$megabytes" <<'END'
import os, random, sys
from pathlib import Path
some = os.urandom(32_000_000)
uploads = Path("/var/lib/wordpress/wp-content/uploads")
uploads.mkdir(parents=True, exist_ok=True)
for n in range(int(sys.argv[1]) * 5):
    at = random.randrange(31_900_000)
    (uploads / str(n)).write_bytes(some[at : at + 100_000] + b"x" * 100_000)
END
tar -c -C /var/lib/wordpress/wp-content . | gzip -1 > /srv/b/intranet/wp-content.tar.gz

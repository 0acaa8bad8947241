"""A certificate as files: how long it is good, how a broken one goes, and how one reaches the edge."""

import datetime
import os
import shutil
import tempfile

from acme_common import CERTIFICATES, DAY, HOUR, STATE, lock, read, say, write
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key


class Certificate:
    """A chain and its key, as files; `usable` only if they belong together."""

    def __init__(self, folder):
        self.chain, self.key = read(folder + "/fullchain.pem"), read(folder + "/privkey.pem")
        self.usable = False
        try:
            leaf = x509.load_pem_x509_certificate(self.chain.encode())
            key = load_pem_private_key(self.key.encode(), None)
            san = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except (ValueError, TypeError, x509.ExtensionNotFound):
            return
        spki = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        self.usable = key.public_key().public_bytes(*spki) == leaf.public_key().public_bytes(*spki)
        self.names = {*san.get_values_for_type(x509.DNSName), *map(str, san.get_values_for_type(x509.IPAddress))}
        self.start, self.end = moment(leaf, "not_valid_before"), moment(leaf, "not_valid_after")
        self.serial = leaf.serial_number

    def good_for(self, names, now):
        return self.usable and self.names == names and now < self.end

    def lifetime(self):
        return self.end - self.start

    def interval(self):
        """How often the loop looks: twice a day for the usual ones, more often for those that live for days or minutes."""
        return min(max(self.lifetime() / 24, 5), 12 * HOUR)

    def runs_out(self, now):
        """As certbot 4 has it: at a third of the lifetime left, at half if that is below ten days."""
        share = 1 / 2 if self.lifetime() < 10 * DAY else 1 / 3
        return self.end - now < self.lifetime() * share


def moment(leaf, name):
    """cryptography 42 renamed the times that know their zone."""
    value = getattr(leaf, name + "_utc", None) or getattr(leaf, name).replace(tzinfo=datetime.timezone.utc)
    return value.timestamp()


def heal(name):
    """Takes away a lineage that a killed run or a full disk left unfinished: certbot would stumble over it for ever."""
    paths = [f"{STATE}/renewal/{name}.conf", f"{STATE}/live/{name}", f"{STATE}/archive/{name}"]
    if not any(map(os.path.lexists, paths)):
        return
    whole = read(paths[1] + "/cert.pem") and read(paths[1] + "/chain.pem") and Certificate(paths[1]).usable
    if whole and "[renewalparams]" in read(paths[0]):
        return
    say("the ACME state holds an unfinished certificate; it is removed")
    for path in paths:
        if os.path.isdir(path):
            shutil.rmtree(path)
        elif os.path.lexists(path):
            os.remove(path)


def deploy(id, certificate):
    """What nginx reads: a new folder, then the link `current` by rename. Says whether anything changed."""
    folder = f"{CERTIFICATES}/{id}"
    now = Certificate(folder + "/current")
    if (now.chain, now.key) == (certificate.chain, certificate.key) and read(folder + "/current/source") == "issued\n":
        return False
    os.makedirs(folder, mode=0o755, exist_ok=True)
    held = lock(CERTIFICATES + "/.lock")
    new = tempfile.mkdtemp(prefix="v-", dir=folder)
    write(new + "/fullchain.pem", certificate.chain, 0o644)
    write(new + "/privkey.pem", certificate.key, 0o600)
    write(new + "/source", "issued\n", 0o644)
    os.chmod(new, 0o755)
    if os.path.lexists(folder + "/current.new"):
        os.remove(folder + "/current.new")
    os.symlink(os.path.basename(new), folder + "/current.new")
    os.replace(folder + "/current.new", folder + "/current")
    for entry in os.listdir(folder):
        if entry.startswith("v-") and entry != os.path.basename(new):
            shutil.rmtree(f"{folder}/{entry}")
    os.close(held)
    return True

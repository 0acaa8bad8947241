"""The garden's certificate from an ACME server; runs in the certbot container, with its Python and its certbot.

usage: certbot-issue now       pulumi up asks: may use a try even while the loop holds back
       certbot-issue loop      the loop's round; prints the seconds until the next
       certbot-issue due       prints whether a certificate must be asked for: {"due", "reason"}
       certbot-issue resolve NAME   prints what DNS says, without the host's /etc/hosts: {"v4", "v6", "error"}

`now` prints {"result", "message"}: issued, kept, failed (a try was used), unreachable (none was), limited (the
CA was not asked).
Progress goes to standard error, keys go nowhere but into their files.
"""

import datetime
import email.utils
import fcntl
import hashlib
import importlib.metadata
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from urllib.parse import urlparse

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

STATE = "/etc/letsencrypt"
OWN = STATE + "/garden"
JOURNAL = OWN + "/journal.json"
CERTIFICATES = "/certificates"
WEBROOT = "/var/www/acme"
WORK = "/tmp/certbot"
REQUEST = "/garden/request.json"

MINUTE, HOUR, DAY = 60, 3600, 86400
TRIES_PER_HOUR = 4
OTHER_CA = "the CA is another one now"


def say(text):
    print(text, file=sys.stderr, flush=True)


def lock(path):
    """Held until the process ends. The host's script takes the one beside the certificates too, with flock(1)."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("waiting for another run of certbot")
        fcntl.flock(file, fcntl.LOCK_EX)
    return file


def write(path, text, mode):
    """By rename, so that nobody ever reads a half; on the disk before the rename."""
    with open(os.open(path + ".new", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    os.replace(path + ".new", path)


def read(path):
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except OSError:
        return ""


# --- The journal: what this ACME server was asked, kept beside certbot's own state -------------------------------


class Journal:
    """Per server: `failures` (times of the last hour), `streak`, `holdUntil` (the loop's patience), `retryAt` (what the
    server asked for), `last` (the last failure of any kind), `nextTry`, `checked` (when all was well), `email`, and
    `authority` by certificate. Times are in seconds since 1970."""

    def __init__(self, server):
        try:
            self.all = dict(json.loads(read(JOURNAL)))
            self.own = dict(self.all.get(server, {}))
        except (ValueError, TypeError):
            self.all, self.own = {}, {}
        self.server = server

    def save(self):
        self.all[self.server] = self.own
        write(JOURNAL, json.dumps(self.all), 0o600)

    def recent(self, now):
        return [at for at in self.own.get("failures", []) if now - HOUR < at <= now]

    def blocked(self, now, patient):
        """(until, why) if the server must not be asked now; `patient`: the loop's backoff counts too."""
        retry_at = self.own.get("retryAt", 0)
        if now < retry_at <= now + 8 * DAY:
            return retry_at, "the CA asked for patience: " + self.own.get("last", {}).get("reason", "")
        recent = self.recent(now)
        if len(recent) >= TRIES_PER_HOUR:
            last = self.own.get("last", {}).get("reason", "")
            return recent[-TRIES_PER_HOUR] + HOUR, f"{len(recent)} tries failed within an hour, the last one: {last}"
        hold = self.own.get("holdUntil", 0)
        if patient and now < hold <= now + DAY:
            return hold, "the last try failed: " + self.own.get("last", {}).get("reason", "")
        return None

    def failed(self, now, reason):
        streak = self.own.get("streak", 0) + 1
        hold = now + min(15 * MINUTE * 2 ** (streak - 1), 12 * HOUR) * random.uniform(1, 1.1)
        self.own.update(failures=[*self.recent(now), now], streak=streak, holdUntil=hold)
        self.note(now, reason)

    def note(self, now, reason):
        self.own["last"] = {"at": now, "reason": reason}

    def succeeded(self, now):
        self.own["checked"] = now
        for key in ("failures", "streak", "holdUntil", "retryAt", "last"):
            self.own.pop(key, None)


# --- Certificates ------------------------------------------------------------------------------------------------


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


# --- certbot -----------------------------------------------------------------------------------------------------


def version():
    return tuple(int(part) for part in re.findall(r"\d+", importlib.metadata.version("certbot"))[:2])


def arguments(request, force):
    """All of them every time: certbot then needs none of its own memory, which may have been deleted."""
    args = ["certonly", "--webroot", "--webroot-path", WEBROOT, "--cert-name", "garden-" + request["id"]]
    args += ["--server", request["server"], "--key-type", request["keyType"], "--agree-tos", "--no-eff-email"]
    args += ["--email", request["email"]] if request["email"] else ["--register-unsafely-without-email"]
    for domain in request["domains"]:
        args += ["--domain", domain]
    if request["address"]:
        args += ["--ip-address", request["address"]]
    if request["profile"]:
        args += ["--preferred-profile", request["profile"]]
    account = accounts(request["server"])
    if len(account) > 1:
        args += ["--account", account[0]]
    return [*args, "--force-renewal" if force else "--keep-until-expiring"]


def accounts(server):
    """Newest first. Two are there if a run was killed while it registered; certbot would ask which."""
    url = urlparse(server)
    folder = os.path.join(STATE, "accounts", url.netloc, *url.path.strip("/").split("/"))
    try:
        found = [entry.path for entry in os.scandir(folder) if os.path.exists(entry.path + "/private_key.json")]
    except OSError:
        return []
    return [os.path.basename(path) for path in sorted(found, key=os.path.getmtime, reverse=True)]


def forget_accounts(server):
    """The server no longer knows them, so certbot has to register anew."""
    url = urlparse(server)
    shutil.rmtree(os.path.join(STATE, "accounts", url.netloc, *url.path.strip("/").split("/")), ignore_errors=True)


def certbot(request, args):
    """(exit code, output, log) of certbot. Its log holds the server's answers with their headers, and no keys."""
    shutil.rmtree(WORK, ignore_errors=True)
    os.makedirs(WORK, mode=0o700)
    env = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "ignore"}
    if request["authority"]:
        import requests.certs

        write(WORK + "/authorities.pem", read(requests.certs.where()) + "\n" + request["authority"], 0o644)
        env["REQUESTS_CA_BUNDLE"] = WORK + "/authorities.pem"
    folders = ["--config-dir", STATE, "--work-dir", WORK + "/work", "--logs-dir", WORK + "/log"]
    command = ["certbot", *args, "--non-interactive", *folders]
    try:
        done = subprocess.run(
            command, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=900
        )
        code, output = done.returncode, done.stdout.decode(errors="replace")
    except subprocess.TimeoutExpired:
        code, output = 1, "requests.exceptions.Timeout: certbot was not done after 15 minutes"
    log = read(WORK + "/log/letsencrypt.log")
    shutil.rmtree(WORK, ignore_errors=True)
    return code, output, log


NETWORK = re.compile(
    r"ConnectionError|Timeout|timed out|Max retries exceeded|Connection (refused|aborted|reset)|RemoteDisconnected"
    r"|Name or service not known|Temporary failure in name resolution|No route to host|Network is unreachable"
)
NOISE = re.compile(
    r"^(Saving debug log|Account registered|Requesting a|Renewing an|Ask for help|An unexpected error|Certbot failed to"
    r"|Some challenges|Hint:|Simulating|Plugins selected|Processing|- - -|Please see|The error was|Unable to register)"
)


def explain(server, output, log):
    """(kind, reason, seconds to wait) of a failure: failed, unreachable or limited."""
    host = urlparse(server).netloc
    problems = re.findall(r"(?:Domain|Identifier): *(\S+)\n *Type: *(\S+)\n *Detail: *(.+)", output)
    if problems:
        return "failed", "; ".join(f"{name}: {detail.strip()} ({kind})" for name, kind, detail in problems), 0
    answers = re.findall(r"Received response:\nHTTP (\d+)\n(.*?)\n\n(.*?)(?=\n\d{4}-\d\d-\d\d |\Z)", log, re.S)
    status, headers, body = answers[-1] if answers else ("0", "", "")
    detail = re.search(r'"detail": *"((?:[^"\\]|\\.)*)"', body)
    if status == "429" or "error:rateLimited" in output:
        said = f" ({detail.group(1)})" if detail else ""
        return "limited", f"{host} refuses more requests for now{said}", wait_from(headers, body)
    if "CERTIFICATE_VERIFY_FAILED" in output + log:
        advice = "give its CA as certificate.authority, in PEM"
        return "unreachable", f"{host} has a certificate that this host does not trust; if it is yours, {advice}", 0
    if status.startswith("5"):
        return "unreachable", f"{host} answers with HTTP {status}", min(wait_from(headers, body, 0), HOUR)
    lines = [line.strip() for line in output.splitlines() if line.strip() and not NOISE.match(line.strip())]
    reason = " ".join(lines)[:400] or "certbot gave no reason"
    if NETWORK.search(output):
        return "unreachable", f"{host} cannot be reached ({network_reason(output)})", 0
    return "failed", reason, 0


def network_reason(output):
    known = re.search(
        r"Connection refused|Name or service not known|Temporary failure in name resolution|timed out|No route to host"
        r"|Network is unreachable|Connection reset by peer|closed connection without response|not done after 15 minutes",
        output,
    )
    return known.group(0) if known else "no connection"


def wait_from(headers, body, wait=HOUR):
    """Seconds, from Retry-After (seconds or a date) or Let's Encrypt's text; `wait` if the server names no time."""
    header = re.search(r"^retry-after: *(.+)$", headers, re.I | re.M)
    text = re.search(r"retry after (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d) UTC", body)
    if header and header.group(1).strip().isdigit():
        wait = int(header.group(1))
    elif header and email.utils.parsedate(header.group(1)):
        wait = email.utils.parsedate_to_datetime(header.group(1)).timestamp() - time.time()
    elif text:
        at = datetime.datetime.strptime(text.group(1) + " +0000", "%Y-%m-%d %H:%M:%S %z")
        wait = at.timestamp() - time.time()
    return min(max(wait, 0), 7 * DAY)


# --- A round -----------------------------------------------------------------------------------------------------


class Round:
    def __init__(self, mode):
        self.request = json.loads(read(REQUEST))
        self.mode = mode
        self.name = "garden-" + self.request["id"]
        self.names = {*self.request["domains"], *filter(None, [self.request["address"]])}
        self.live = f"{STATE}/live/{self.name}"
        os.makedirs(OWN, mode=0o700, exist_ok=True)
        self.held = lock(OWN + "/lock") if mode != "due" else None
        self.journal = Journal(self.request["server"])
        if mode != "due":
            heal(self.name)

    def due(self, now):
        """Why a certificate must be asked for; empty if what is there will do, as far as the CA need not be asked."""
        lineage = Certificate(self.live)
        if not lineage.usable:
            return "there is none yet"
        if not lineage.good_for(self.names, now):
            return "it has expired" if lineage.names == self.names else "it has other names"
        if lineage.runs_out(now):
            return "it runs out"
        issuer = self.journal.own.get("authority", {}).get(self.request["id"])
        return OTHER_CA if issuer and self.authority() and issuer != self.authority() else ""

    def authority(self):
        """A CA of one's own that was made anew, roots and all, is told by its certificates."""
        text = self.request["authority"]
        return hashlib.sha256(text.encode()).hexdigest()[:16] if text else None

    def unfit(self):
        """What this certbot cannot do."""
        has, image = version(), "set images.certbot to"
        if self.request["address"] and has < (5, 4):
            return f"certbot {has[0]}.{has[1]} cannot ask for an address's certificate: {image} certbot/certbot:v5.5.0"
        if self.request["profile"] and has < (4, 0):
            return f"certbot {has[0]}.{has[1]} knows no profiles: {image} certbot/certbot:v4.0.0 or newer"
        return ""

    def run(self):
        """(result, message)"""
        now = time.time()
        before = Certificate(self.live)
        due = self.due(now)
        result, message = "kept", ""
        if due or self.may_be_early(before, now) or self.mode == "now" and self.new_email():
            blocked = self.journal.blocked(now, patient=self.mode == "loop")
            if blocked:
                if due:
                    result, message = "limited", f"{blocked[1]}. The next try is possible at {utc(blocked[0])}"
            elif self.unfit():
                result, message = "failed", self.unfit()
            else:
                result, message = self.ask(due, before)
        after = Certificate(self.live)
        if after.good_for(self.names, time.time()) and deploy(self.request["id"], after):
            say(f"the edge has a new certificate, good until {utc(after.end)}")
        self.plan(result, after)
        self.journal.save()
        return result, message

    def may_be_early(self, before, now):
        """certbot may hear from the CA (ARI) that a renewal is due early. Below a day of lifetime the window that CAs give
        says nothing, and once in an interval is enough."""
        if version() < (4, 1) or not before.usable or before.lifetime() < DAY:
            return False
        return not now - before.interval() / 2 < self.journal.own.get("checked", 0) <= now

    def ask(self, due, before):
        server = self.request["server"]
        if due:
            say(f"asking {urlparse(server).netloc} for a certificate: {due}")
        self.tell_email()
        # certbot before 4.0 sees a certificate of less than a month as due at any time, and one of a year only then.
        force = bool(due) and before.usable and (version() < (4, 0) or due == OTHER_CA)
        args = arguments(self.request, force)
        code, output, log = certbot(self.request, args)
        if code != 0 and "error:accountDoesNotExist" in output + log:
            say("the CA does not know the account any more; registering a new one")
            forget_accounts(server)
            code, output, log = certbot(self.request, arguments(self.request, force))
        now = time.time()
        after = Certificate(self.live)
        if code == 0 and after.good_for(self.names, now):
            self.journal.succeeded(now)
            self.journal.own["email"] = self.request["email"]
            self.journal.own.setdefault("authority", {})[self.request["id"]] = self.authority()
            renewed = not before.usable or after.serial != before.serial
            return ("issued" if renewed else "kept"), ""
        kind, reason, wait = explain(server, output, log)
        if code == 0:
            kind, reason = "failed", "certbot was content, but its certificate does not fit; see live/" + self.name
        if kind == "failed":
            self.journal.failed(now, reason)
        else:
            self.journal.note(now, reason)
        if kind == "limited":
            self.journal.own["retryAt"] = now + wait
            reason += f". The next try is possible at {utc(now + wait)}"
        elif wait:
            self.journal.own["holdUntil"] = now + wait
        return kind, reason

    def new_email(self):
        known = accounts(self.request["server"]) and "email" in self.journal.own
        return known and self.journal.own["email"] != self.request["email"]

    def tell_email(self):
        """The CA hears of another address only through a call of its own. It is no reason to be without a certificate."""
        if not self.new_email():
            return
        wanted = self.request["email"]
        args = ["update_account", "--server", self.request["server"], "--account", accounts(self.request["server"])[0]]
        args += ["--email", wanted, "--no-eff-email"] if wanted else ["--register-unsafely-without-email"]
        code, output, log = certbot(self.request, args)
        if code == 0:
            self.journal.own["email"] = wanted
            say("the CA has the new e-mail address")
        else:
            say(f"the CA did not take the new e-mail address: {explain(self.request['server'], output, log)[1]}")

    def plan(self, result, certificate):
        """Sets when the loop looks again."""
        now = time.time()
        usable = certificate.good_for(self.names, now)
        wait = certificate.interval() if usable else 10 * MINUTE
        if result == "unreachable":
            wait = min(wait, HOUR)
        blocked = self.journal.blocked(now, patient=True)
        until = max(wait * random.uniform(0.9, 1.1), blocked[0] - now if blocked else 0)
        self.journal.own["nextTry"] = now + until
        self.seconds = max(1, round(until))


def utc(at):
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")


def loop():
    """Prints the seconds until the next round."""
    age = time.time() - os.stat(REQUEST).st_mtime if os.path.exists(REQUEST) else None
    if age is None:
        print(60)
        return
    round = Round("loop")
    # A new request is the business of `pulumi up`, which checks DNS and port 80 first.
    served = read(f"{CERTIFICATES}/{round.request['id']}/current/source")
    first = served != "issued\n" and not Certificate(round.live).usable
    if first and 0 <= age < 10 * MINUTE and not round.journal.own.get("last"):
        print(int(10 * MINUTE - age) + 1)
        return
    result, message = round.run()
    if message:
        say(f"no certificate: {message}")
    print(round.seconds)


def wake_loop():
    """It may be asleep for longer than the new certificate lives."""
    try:
        with open("/proc/1/cmdline", "rb") as file:
            if b"certbot-loop" in file.read():
                os.kill(1, signal.SIGUSR1)
    except OSError:
        pass


def resolve(name):
    found = {"v4": [], "v6": [], "error": None}
    try:
        for family, _, _, _, address in socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM):
            found["v4" if family == socket.AF_INET else "v6"].append(address[0])
    except socket.gaierror as error:
        found["error"] = error.strerror
    return found


def main(mode, *rest):
    if mode == "resolve":
        print(json.dumps(resolve(*rest)))
    elif mode == "loop":
        loop()
    elif mode == "due":
        reason = Round("due").due(time.time())
        print(json.dumps({"due": bool(reason), "reason": reason}))
    elif mode == "now":
        result, message = Round("now").run()
        wake_loop()
        print(json.dumps({"result": result, "message": message}))
    else:
        raise SystemExit(__doc__)


if __name__ == "__main__":
    main(*(sys.argv[1:] or [""]))

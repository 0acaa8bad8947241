"""One round: is a certificate due, may the CA be asked, what came of it, and when to look again."""

import hashlib
import json
import os
import random
import time
from urllib.parse import urlparse

from acme_certbot import accounts, arguments, certbot, forget_accounts, version
from acme_certificate import Certificate, deploy, heal
from acme_common import DAY, HOUR, MINUTE, OWN, STATE, lock, read, say, utc
from acme_failure import explain
from acme_journal import Journal

REQUEST = "/garden/request.json"
OTHER_CA = "the CA is another one now"


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

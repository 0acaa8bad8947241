"""What an ACME server was asked and how it ended, kept beside certbot's own state: no limit of a CA is ever burnt."""

import json
import random

from acme_common import DAY, HOUR, MINUTE, OWN, read, write

JOURNAL = OWN + "/journal.json"
TRIES_PER_HOUR = 4


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

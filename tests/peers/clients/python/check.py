"""What every script here shares: the demo's ready file, and one line for each check."""

import json
import os
import sys
from contextlib import contextmanager


class Demo:
    """What `sluice demo --ready-file` wrote: addresses, people, apps."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            ready = json.load(file)
        self.fhir = ready["fhir_base"]
        self.ca = ready["ca_cert"]
        host, port = ready["mllp"].rsplit(":", 1)
        self.mllp = (host, int(port))
        self.patients = [user for user in ready["users"] if user["patient"]]
        self.clinicians = [user for user in ready["users"] if user["fhir_user"].startswith("Practitioner/")]
        self.representatives = [user for user in ready["users"] if user["fhir_user"].startswith("RelatedPerson/")]
        self.public = next(app for app in ready["clients"] if not app.get("client_secret"))
        self.service = next(app for app in ready["clients"] if app.get("jwk"))
        self.confidential = next(app for app in ready["clients"] if app.get("client_secret"))
        # Both libraries ask `requests`, which trusts an authority by this alone.
        os.environ["REQUESTS_CA_BUNDLE"] = self.ca

    def user(self, username):
        """The person who signs in as `username`."""
        return next(user for user in self.patients + self.clinicians + self.representatives if user["username"] == username)


class Checks:
    """Counts, and speaks one line a check."""

    def __init__(self, who):
        self.who = who
        self.failed = 0

    @contextmanager
    def that(self, sentence):
        """Runs a block; an exception in it is the check's failure, and the rest goes on."""
        try:
            yield
            print(f"ok      {self.who}: {sentence}", flush=True)
        except Exception as why:  # every fault of a foreign library is an answer too
            self.failed += 1
            said = " ".join(f"{type(why).__name__}: {why}".split())
            print(f"not ok  {self.who}: {sentence}: {said}", flush=True)

    def leave(self):
        """Ends the process, with 1 where anything failed."""
        sys.exit(1 if self.failed else 0)


def same(have, want):
    """Fails where two values differ, and shows both."""
    if have != want:
        raise AssertionError(f"have {have!r}, want {want!r}")

"""A standalone SMART launch without a browser: what a person does on the pages, by their forms alone.

`sign_in` takes the address a client library made and returns the address the app is sent back to.
`Launch` is a whole launch of our own: PKCE, code, token, refresh, revocation.
"""

import base64
import hashlib
import secrets
import sys
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urljoin, urlsplit

import requests

from check import Checks, Demo, same

STEPS_MAX = 12
"""Pages and redirects of one launch, at most."""


class Forms(HTMLParser):
    """The forms of a page, as a browser would send them untouched."""

    def __init__(self, page):
        super().__init__()
        self.forms = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        have = dict(attrs)
        if tag == "form":
            self.forms.append({"action": have.get("action", ""), "fields": [], "buttons": [], "radios": []})
        if not self.forms or "name" not in have:
            return
        form, pair = self.forms[-1], (have["name"], have.get("value") or "")
        if tag == "button":
            form["buttons"].append(pair)
        elif tag == "input" and have.get("type") == "radio":
            form["radios"].append(pair)
        elif tag == "input" and (have.get("type") != "checkbox" or "checked" in have):
            form["fields"].append(pair)


def sign_in(address, redirect, user, patient=None, leave_out=()):
    """Walks login, choice of patient (clinicians) and consent, and returns the address with the code.

    `leave_out` names the ticks taken away on the consent page.
    """
    browser = requests.Session()
    answer = browser.get(address, allow_redirects=False, timeout=20)
    for _ in range(STEPS_MAX):
        if answer.is_redirect:
            to = urljoin(answer.url, answer.headers["location"])
            if to.startswith(redirect):
                return to
            answer = browser.get(to, allow_redirects=False, timeout=20)
            continue
        same(answer.status_code, 200)
        form = next(iter(Forms(answer.text).forms), None)
        if form is None:
            raise AssertionError(f"no form at {urlsplit(answer.url).path}")
        fields = form["fields"]
        names = {name for name, _ in fields}
        if "password" in names:
            if 'role="alert"' in answer.text:
                raise AssertionError("the sign-in page refused the password")
            given = {"username": user["username"], "password": user["password"]}
            fields = [(name, given.get(name, value)) for name, value in fields]
        elif form["radios"]:
            fields.append(next(pair for pair in form["radios"] if pair[1] == patient))
        else:
            fields = [pair for pair in fields if pair[1] not in leave_out]
            fields.append(next(pair for pair in form["buttons"] if pair[1] == "allow"))
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(answer.url))
        answer = browser.post(
            urljoin(answer.url, form["action"]),
            data=fields,
            headers={"Origin": origin},
            allow_redirects=False,
            timeout=20,
        )
    raise AssertionError("the launch never came back to the app")


class Launch:
    """One app's standalone launch for one person, after which `get` reads with the token."""

    def __init__(self, demo, app, user, scope, patient=None, leave_out=()):
        self.demo, self.app = demo, app
        self.config = requests.get(demo.fhir + "/.well-known/smart-configuration", timeout=20).json()
        self.redirect = app["redirect_uris"][0]
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
        asked = {
            "response_type": "code",
            "client_id": app["client_id"],
            "redirect_uri": self.redirect,
            "scope": scope,
            "state": state,
            "aud": demo.fhir,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        address = self.config["authorization_endpoint"] + "?" + urlencode(asked)
        back = parse_qs(urlsplit(sign_in(address, self.redirect, user, patient, leave_out)).query)
        if "code" not in back:
            raise AssertionError(f"no code: {back}")
        same(back["state"], [state])
        same(back["iss"], [self.config["issuer"]])
        self.code = {"grant_type": "authorization_code", "code": back["code"][0], "redirect_uri": self.redirect, "code_verifier": verifier}
        answer = self.token(self.code)
        same(answer.status_code, 200)
        self.granted = answer.json()

    def post(self, endpoint, form):
        """A form to one of the app's endpoints, as this app identifies itself."""
        secret = self.app.get("client_secret")
        if secret is None:
            form = {**form, "client_id": self.app["client_id"]}
        basic = (self.app["client_id"], secret) if secret else None
        return requests.post(self.config[endpoint], data=form, auth=basic, timeout=20)

    def token(self, form):
        """A grant at the token endpoint."""
        return self.post("token_endpoint", form)

    def refresh(self):
        """Trades the refresh token, and keeps what came."""
        answer = self.token({"grant_type": "refresh_token", "refresh_token": self.granted["refresh_token"]})
        same(answer.status_code, 200)
        self.granted = {**self.granted, **answer.json()}

    def revoke(self, which):
        """Revokes `access_token` or `refresh_token`."""
        same(self.post("revocation_endpoint", {"token": self.granted[which]}).status_code, 200)

    def get(self, path):
        """Reads below the FHIR base with the access token."""
        bearer = {"Authorization": "Bearer " + self.granted["access_token"]}
        return requests.get(self.demo.fhir + "/" + path, headers=bearer, timeout=20)


SCOPE = "launch/patient openid fhirUser offline_access patient/*.rs"
"""What a patient's app asks for here."""


def refused_alike(launch, kind, another, nobody):
    """The answer for another's id is the answer for an id that does not exist, in all that an app can see."""

    def seen(id):
        answer = launch.get(f"{kind}/{id}")
        own = {"date", "x-correlation-id"}
        headers = sorted((name.lower(), value) for name, value in answer.headers.items() if name.lower() not in own)
        return answer.status_code, headers, answer.text

    same(seen(another), seen(nobody))
    same(seen(another)[0], 404)


def main():
    """Both apps: granted, used once, refreshed, revoked."""
    demo = Demo(sys.argv[1])
    checks = Checks("launch.py")
    person = demo.patients[0]
    for app in (demo.public, demo.confidential):
        name, launch = app["client_id"], None
        with checks.that(f"{name}: a standalone launch grants a token, the patient and an id_token"):
            launch = Launch(demo, app, person, SCOPE)
            same(launch.granted["patient"], person["patient"])
            same(launch.granted["token_type"].lower(), "bearer")
            same(launch.granted["id_token"].count("."), 2)
        if launch is None:
            continue
        with checks.that(f"{name}: the token reads the person's own record"):
            same(launch.get("Patient/" + person["patient"]).json()["id"], person["patient"])
        with checks.that(f"{name}: a refresh brings a new token, and the new one reads"):
            before = launch.granted["access_token"]
            launch.refresh()
            assert launch.granted["access_token"] != before
            same(launch.get("Patient/" + person["patient"]).status_code, 200)
        with checks.that(f"{name}: once revoked, the token is 401 with WWW-Authenticate and cannot be refreshed"):
            launch.revoke("refresh_token")
            launch.revoke("access_token")
            answer = launch.get("Patient/" + person["patient"])
            same(answer.status_code, 401)
            assert "www-authenticate" in answer.headers
            again = launch.token({"grant_type": "refresh_token", "refresh_token": launch.granted["refresh_token"]})
            same((again.status_code, again.json()["error"]), (400, "invalid_grant"))
        with checks.that(f"{name}: a code works once"):
            again = launch.token(launch.code)
            same((again.status_code, again.json()["error"]), (400, "invalid_grant"))
    with checks.that("a tick taken away on the consent page is not granted"):
        launch = Launch(demo, demo.public, person, "launch/patient patient/Patient.rs patient/Observation.rs offline_access", leave_out={"offline"})
        assert "refresh_token" not in launch.granted, "a refresh token came all the same"
        assert "offline_access" not in launch.granted["scope"].split()
    checks.leave()


if __name__ == "__main__":
    main()

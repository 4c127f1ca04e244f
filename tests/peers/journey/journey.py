#!/usr/bin/env python3
"""The whole journey against a running demo, with nothing but Python's own library.

Usage: journey.py READY_FILE. A patient's app is authorized, a laboratory sends a result, the app finds it, nobody else
does; refresh and revocation do what they say. Prints a line a check and `N passed, N failed`.
"""
import base64
import hashlib
import http.cookiejar
import json
import os
import re
import socket
import ssl
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

d = json.load(open(sys.argv[1]))
ctx = ssl.create_default_context(cafile=d["ca_cert"])
passed = failed = 0


def check(sentence, holds):
    global passed, failed
    passed, failed = passed + bool(holds), failed + (not holds)
    print(("ok   " if holds else "FAIL ") + sentence)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *a, **k):
        return None


def browser():
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    opener = urllib.request.build_opener(NoRedirect, urllib.request.HTTPSHandler(context=ctx), jar)

    def go(url, data=None, headers={}):
        body = urllib.parse.urlencode(data).encode() if data is not None else None
        try:
            r = opener.open(urllib.request.Request(url, data=body, headers=headers))
        except urllib.error.HTTPError as e:
            r = e
        return r.status, dict(r.headers), r.read().decode()

    return go


def attributes(tag):
    return dict(re.findall(r'(\w+)="([^"]*)"', tag))


def launch(user, client, scope="openid fhirUser offline_access launch/patient patient/*.rs"):
    go = browser()
    verifier = base64.urlsafe_b64encode(os.urandom(40)).decode().rstrip("=")
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    redirect = "http://127.0.0.1:5555/callback"
    query = dict(response_type="code", client_id=client["client_id"], redirect_uri=redirect, scope=scope, state="st",
                 aud=d["fhir_base"], code_challenge=challenge, code_challenge_method="S256")
    status, headers, body = go(d["base_url"] + "/oauth/authorize?" + urllib.parse.urlencode(query))
    assert status == 303, (status, body)
    location = headers["location"]
    while not location.startswith(redirect):
        status, headers, body = go(urllib.parse.urljoin(d["base_url"], location))
        assert status == 200, (status, location)
        first = body[body.index("<form"):body.index("</form>")]
        fields = []
        for tag in re.findall(r"<input([^>]*)>", first):
            a = attributes(tag)
            if "name" in a and not (a.get("type") == "radio" and any(k == a["name"] for k, _ in fields)):
                fields.append((a["name"], a.get("value", "")))
        known = {"username": user["username"], "password": user["password"]}
        fields = [(name, known.get(name, value)) for name, value in fields]
        for tag in re.findall(r"<button([^>]*)>", first):
            a = attributes(tag)
            if "name" in a:
                fields.append((a["name"], a["value"]))
                break
        action = re.search(r'<form[^>]*action="([^"]*)"', body).group(1)
        status, headers, body = go(d["base_url"] + action, fields, {"Sec-Fetch-Site": "same-origin"})
        assert status == 303, (status, action)
        location = headers["location"]
    answer = urllib.parse.parse_qs(urllib.parse.urlparse(location).query)
    form = dict(grant_type="authorization_code", code=answer["code"][0], redirect_uri=redirect, code_verifier=verifier)
    headers = {}
    if client.get("client_secret"):
        pair = (client["client_id"] + ":" + client["client_secret"]).encode()
        headers = {"Authorization": "Basic " + base64.b64encode(pair).decode()}
    else:
        form["client_id"] = client["client_id"]
    status, _, body = go(d["base_url"] + "/oauth/token", form, headers)
    assert status == 200, (status, body)
    again, _, _ = go(d["base_url"] + "/oauth/token", form, headers) if user.get("reuse") else (400, 0, 0)
    assert again == 400
    return json.loads(body), go


def get(tokens, path):
    url = d["fhir_base"] + path if path.startswith("/") else path
    try:
        r = urllib.request.urlopen(
            urllib.request.Request(url, headers={"Authorization": "Bearer " + tokens["access_token"]}), context=ctx)
    except urllib.error.HTTPError as e:
        r = e
    return r.status, json.loads(r.read() or "null")


def total(tokens, path):
    return get(tokens, path)[1].get("total")


def mllp(message):
    host, port = d["mllp"].rsplit(":", 1)
    with socket.create_connection((host, int(port)), timeout=30) as s:
        s.sendall(b"\x0b" + message.encode() + b"\x1c\r")
        return s.recv(65536)


patients = [user for user in d["users"] if user["patient"]]
clinician = next(user for user in d["users"] if user["fhir_user"].startswith("Practitioner/"))
mine, other = patients[0], patients[1]
public = next(client for client in d["clients"] if "client_secret" not in client)
confidential = next(client for client in d["clients"] if "client_secret" in client)

a, go = launch(mine, public)
b, _ = launch(other, confidential)
check("the app is told which patient it is about", a["patient"] == mine["patient"])
status, me = get(a, "/Patient/" + mine["patient"])
check("the app reads its patient", status == 200 and me["id"] == mine["patient"])

name = next(n for n in me["name"] if n.get("use") != "old")
fresh = str(time.time_ns())
oru = "\r".join([
    f"MSH|^~\\&|LAB|LABFAC|SLUICE|HOSP|20261120101500-0500||ORU^R01^ORU_R01|{fresh}|P|2.5.1",
    f"PID|1||{mine['pid_3']}||{name['family']}^{name['given'][0]}||{me['birthDate'].replace('-', '')}|{me['gender'][0].upper()}",
    f"ORC|RE|P{fresh}^HIS|F{fresh}^LAB",
    f"OBR|1|P{fresh}^HIS|F{fresh}^LAB|2345-7^Glucose^LN|||20261120090000-0500|||||||||||||||20261120101000-0500||LAB|F",
    f"OBX|1|NM|2345-7^Glucose^LN||5.50|mmol/L^^UCUM|3.9-5.5|H|||F|||20261120090000-0500",
    "",
])
asked = "/Observation?category=laboratory&code=2345-7&date=2026-11-20"
known = {entry["resource"]["id"] for entry in get(a, asked)[1].get("entry", [])}
before = total(a, "/Observation?category=laboratory&_count=0")
ack = mllp(oru)
check("the laboratory is told AA", b"MSA|AA|" + fresh.encode() in ack)
found = [entry for entry in get(a, asked)[1].get("entry", []) if entry["resource"]["id"] not in known]
check("the first search after the acknowledgement finds the result", len(found) == 1)
result = found[0]["resource"]["id"] if found else "none"
check("sent again it is answered with the same bytes", mllp(oru) == ack)
check("and nothing is there twice", total(a, "/Observation?category=laboratory&_count=0") == before + 1)

hidden, absent = get(b, "/Observation/" + result), get(b, "/Observation/no-such-id")
check("for another patient it is as if it were not there", hidden[0] == 404 and hidden == absent)
check("another patient finds nothing by patient", total(b, "/Observation?patient=" + mine["patient"]) == 0)
check("another patient finds nothing by id", total(b, "/Observation?_id=" + result) == 0)
check("a compartment address is not there", get(b, f"/Patient/{mine['patient']}/Observation")[0] == 404)

ids, url = [], "/Observation?_count=10"
while url:
    page = get(a, url)[1]
    ids += [entry["resource"]["id"] for entry in page.get("entry", [])]
    url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
    foreign = get(b, url)[0] if url else 410
    if foreign != 410:
        check("a page link leads nobody else anywhere", False)
check("pages hold each row once", len(ids) == len(set(ids)) == total(a, "/Observation?_count=0"))
notes = json.dumps([get(a, f"/{kind}?_count=500")[1] for kind in ("DocumentReference", "Observation")])
check("psychotherapy notes never leave", "PSYTHPN" not in notes)
check("a chain is refused", get(a, "/Observation?subject:Patient.name=x")[0] == 400)

c, _ = launch(mine, public, "launch/patient patient/Condition.read")
check("a v1 scope is answered as v1", c["scope"] == "launch/patient patient/Condition.read")
check("what was not granted is forbidden", get(c, "/Observation")[0] == 403)

doctor, _ = launch(clinician, public)
check("a clinician reads the chosen patient", get(doctor, "/Patient/" + doctor["patient"])[0] == 200)

form = dict(grant_type="refresh_token", refresh_token=a["refresh_token"], client_id=public["client_id"])
status, _, body = go(d["base_url"] + "/oauth/token", form)
renewed = json.loads(body)
check("a refresh token is renewed on use", status == 200 and renewed["refresh_token"] != a["refresh_token"])
status, _, _ = go(d["base_url"] + "/oauth/revoke", dict(token=renewed["refresh_token"], client_id=public["client_id"]))
check("revocation is in force at once, for every token of the grant",
      status == 200 and get(renewed, "/Patient")[0] == 401 and get(a, "/Patient")[0] == 401)
check("a bad token is exactly 401", get({"access_token": "nonsense"}, "/Patient")[0] == 401)

print(f"{passed} passed, {failed} failed")
sys.exit(failed > 0)

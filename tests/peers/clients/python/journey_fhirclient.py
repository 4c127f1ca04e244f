"""PyPI fhirclient: its own launch by the conformance statement, then the journey, as a confidential app."""

import sys

from fhirclient.client import FHIRClient
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirclient.server import FHIRNotFoundException, FHIRUnauthorizedException

import requests

from check import Checks, Demo, same
from launch import SCOPE, Launch, sign_in
from send_oru import send_oru


def launched(demo, app, user):
    """The library's own launch; the person is played by `sign_in`."""
    redirect = "http://localhost:8000/fhir-app/"
    settings = {
        "app_id": app["client_id"],
        "app_secret": app.get("client_secret"),
        "api_base": demo.fhir,
        "redirect_uri": redirect,
        "scope": "openid fhirUser offline_access patient/*.rs",
    }
    client = FHIRClient(settings=settings)
    client.prepare()
    assert not client.ready, "the server looked open"
    client.handle_callback(sign_in(client.authorize_url, redirect, user))
    assert client.ready
    return client


def main():
    demo = Demo(sys.argv[1])
    checks = Checks("PyPI fhirclient")
    person, stranger = demo.patients[1], demo.patients[0]
    client = found = None
    with checks.that("launches by /metadata as a confidential app, and is told the patient"):
        client = launched(demo, demo.confidential, person)
        same(client.patient_id, person["patient"])
    with checks.that("reads the Patient"):
        patient = client.patient
        same(patient.id, person["patient"])
    with checks.that("the first search after the acknowledgement finds the result, over its pages"):
        sent = send_oru(demo, person, patient.as_json())
        same(sent["ack"], "AA")
        search = Observation.where({"category": "laboratory", "patient": person["patient"], "_count": "5"})
        rows = list(search.perform_resources_iter(client.server))
        found = next(row for row in rows if row.valueQuantity and row.valueQuantity.value == sent["value"])
        same(found.subject.reference, "Patient/" + person["patient"])
    with checks.that("another patient's login finds nothing of it"):
        other = launched(demo, demo.public, stranger)
        same(other.patient_id, stranger["patient"])
        rows = Observation.where({"category": "laboratory"}).perform_resources(other.server)
        assert found.id not in [row.id for row in rows]
        same(Observation.where({"_id": found.id}).perform_resources(other.server), [])
        for kind, id in ((Observation, found.id), (Patient, person["patient"]), (Observation, "nobody-has-this")):
            try:
                kind.read(id, other.server)
                raise AssertionError("it was given out")
            except FHIRNotFoundException:
                pass
    with checks.that("a clinician in a care relationship finds it, when the patient is theirs"):
        seen = 0
        for clinician in demo.clinicians:
            try:
                launch = Launch(demo, demo.public, clinician, SCOPE, patient=person["patient"])
            except StopIteration:  # not among the patients this clinician may choose
                continue
            same(launch.get("Observation/" + found.id).json()["id"], found.id)
            seen += 1
        assert seen, "no clinician of the demo may choose this patient"
    with checks.that("refreshes, and reads on"):
        before = client.server.auth.access_token
        client.reauthorize()
        assert client.server.auth.access_token != before
        same(Observation.read(found.id, client.server).id, found.id)
    with checks.that("once revoked, every read is refused"):
        config = requests.get(demo.fhir + "/.well-known/smart-configuration", timeout=20).json()
        app = (demo.confidential["client_id"], demo.confidential["client_secret"])
        for token in (client.server.auth.access_token, client.server.auth.refresh_token):
            same(requests.post(config["revocation_endpoint"], data={"token": token}, auth=app, timeout=20).status_code, 200)
        try:
            Observation.read(found.id, client.server)
            raise AssertionError("it was given out")
        except FHIRUnauthorizedException:
            pass
    checks.leave()


if __name__ == "__main__":
    main()

"""PyPI fhirpy: a patient reads what a laboratory just sent; another patient's login finds nothing of it."""

import sys

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import AuthorizationError, ResourceNotFound

from check import Checks, Demo, same
from launch import SCOPE, Launch, refused_alike
from send_oru import send_oru


def main():
    demo = Demo(sys.argv[1])
    checks = Checks("fhirpy")
    person, stranger = demo.patients[2], demo.patients[3]
    launch = Launch(demo, demo.public, person, SCOPE)

    def library(launch):
        return SyncFHIRClient(demo.fhir, authorization="Bearer " + launch.granted["access_token"])

    client, found = library(launch), None
    patient = client.get("Patient", person["patient"])
    with checks.that("reads the Patient"):
        same(patient["id"], person["patient"])
    with checks.that("the first search after the acknowledgement finds the result, over its pages"):
        sent = send_oru(demo, person, patient)
        same(sent["ack"], "AA")
        rows = list(client.resources("Observation").search(category="laboratory").limit(5))
        assert len(rows) > 5, "one page only: paging was not tried"
        found = next(row for row in rows if row.get("valueQuantity", {}).get("value") == sent["value"])
        same(found["subject"]["reference"], "Patient/" + person["patient"])
        same(len({row["id"] for row in rows}), len(rows))
    with checks.that("the report is found by the filler's number, and names the result"):
        report = client.resources("DiagnosticReport").search(identifier=sent["filler"]).first()
        assert "Observation/" + found["id"] in [result["reference"] for result in report["result"]]
    with checks.that("counts"):
        same(client.resources("Observation").search(category="laboratory").count(), len(rows))
    other = Launch(demo, demo.confidential, stranger, SCOPE)
    with checks.that("another patient's login finds nothing of it, by category, patient, id or filler's number"):
        theirs = library(other)
        ids = {row["id"] for row in theirs.resources("Observation").search(category="laboratory")}
        assert found["id"] not in ids
        for asked in ({"_id": found["id"]}, {"patient": person["patient"]}, {"_id": found["id"], "category": "laboratory"}):
            same(list(theirs.resources("Observation").search(**asked)), [])
        same(list(theirs.resources("DiagnosticReport").search(identifier=sent["filler"])), [])
    with checks.that("a page link is of no use to another's login"):
        pages = launch.get("Observation?category=laboratory&_count=5").json()["link"]
        link = next(one["url"] for one in pages if one["relation"] == "next")
        taken = other.get(link.removeprefix(demo.fhir + "/"))
        assert taken.status_code >= 400, taken.status_code
        assert "entry" not in taken.json() and person["patient"] not in taken.text
    with checks.that("reading it by id is not found, as for an id that does not exist"):
        try:
            library(other).get("Observation", found["id"])
            raise AssertionError("it was given out")
        except ResourceNotFound:
            pass
        nobody = found["id"][:-4] + ("0000" if found["id"][-4:] != "0000" else "1111")
        refused_alike(other, "Observation", found["id"], nobody)
        refused_alike(other, "Patient", person["patient"], "p-9999")
        refused_alike(other, f"Patient/{person['patient']}", "Observation", "Nonsense")
        version = found["meta"]["versionId"]
        refused_alike(other, "Observation", f"{found['id']}/_history/{version}", f"{nobody}/_history/{version}")
    with checks.that("a refreshed token reads on"):
        launch.refresh()
        same(library(launch).get("Observation", found["id"])["id"], found["id"])
    with checks.that("a revoked token is refused"):
        launch.revoke("access_token")
        try:
            library(launch).get("Observation", found["id"])
            raise AssertionError("it was given out")
        except AuthorizationError:
            pass
    checks.leave()


if __name__ == "__main__":
    main()

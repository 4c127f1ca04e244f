"""A backend service: its assertion is signed by jwcrypto, with the key that the demo's ready file tells."""

import sys
import time
import uuid

import requests
from check import Checks, Demo, same
from jwcrypto import jwk, jwt

JWT_BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Service:
    """A client with a key, and the endpoint that the server's own discovery names."""

    def __init__(self, demo):
        self.id = demo.service["client_id"]
        self.key = jwk.JWK(**demo.service["jwk"])
        told = requests.get(f"{demo.fhir}/.well-known/smart-configuration", timeout=30).json()
        self.endpoint = told["token_endpoint"]

    def assertion(self, key=None, **changes):
        """A signed statement, some of its claims replaced."""
        key = key or self.key
        now = int(time.time())
        claims = {"iss": self.id, "sub": self.id, "aud": self.endpoint, "jti": str(uuid.uuid4()), "exp": now + 240}
        token = jwt.JWT({"alg": "ES384", "typ": "JWT", "kid": self.key["kid"]}, {**claims, **changes})
        token.make_signed_token(key)
        return token.serialize()

    def ask(self, **changes):
        """The answer of the token endpoint, some parameters replaced."""
        form = {
            "grant_type": "client_credentials",
            "scope": "system/Patient.rs system/Observation.rs",
            "client_assertion_type": JWT_BEARER,
            "client_assertion": self.assertion(),
        }
        return requests.post(self.endpoint, data={**form, **changes}, timeout=30)


def main():
    demo, checks = Demo(sys.argv[1]), Checks("jwcrypto")
    service = Service(demo)
    for sentence, changes, statuses in [
        ("a grant type that does not exist is refused", {"grant_type": "not_a_grant_type"}, [400]),
        ("an assertion type that does not exist is refused", {"client_assertion_type": "not_a_type"}, [400, 401]),
        ("an assertion of nobody is refused", {"client_assertion": service.assertion(iss="nobody")}, [400, 401]),
        ("an assertion that has run out is refused", {"client_assertion": service.assertion(exp=1)}, [400, 401]),
    ]:
        with checks.that(sentence):
            same(service.ask(**changes).status_code in statuses, True)
    with checks.that("an assertion under another key is refused"):
        stranger = jwk.JWK.generate(kty="EC", crv="P-384")
        same(service.ask(client_assertion=service.assertion(stranger)).status_code, 401)
    with checks.that("an assertion counts once"):
        once = service.assertion()
        same([service.ask(client_assertion=once).status_code for _ in range(2)], [200, 401])
    with checks.that("a token opens every patient's records and lives for five minutes"):
        told = service.ask().json()
        same((told["expires_in"], told["token_type"].lower(), "refresh_token" in told), (300, "bearer", False))
        bearer = {"Authorization": f"Bearer {told['access_token']}"}
        for patient in demo.patients[:2]:
            found = requests.get(f"{demo.fhir}/Patient/{patient['patient']}", headers=bearer, timeout=30)
            same(found.json()["id"], patient["patient"])
        same(requests.get(f"{demo.fhir}/Condition", headers=bearer, timeout=30).status_code, 403)
    checks.leave()


if __name__ == "__main__":
    main()

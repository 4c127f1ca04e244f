"""A laboratory that is not ours: PyPI hl7's MLLP client sends an ORU^R01 about a person of the demo.

    send_oru.py READY_FILE USERNAME PATIENT_FILE

PATIENT_FILE holds the person's Patient as FHIR JSON, read by whoever signed in; PID takes its name, birth date
and sex from there. Prints the acknowledgement's code, the order's numbers and the value sent, as one JSON line.
"""

import datetime
import json
import random
import secrets
import sys

import hl7
from hl7.client import MLLPClient

from check import Demo

SEX = {"female": "F", "male": "M", "other": "O", "unknown": "U"}
"""FHIR's administrative gender as HL7 table 0001."""


def write_oru(user, patient):
    """A fresh message about one potassium result: control id, order numbers and value were never sent before."""
    now = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(minutes=5)
    at = now.strftime("%Y%m%d%H%M%S+0000")
    fresh = secrets.token_hex(6).upper()
    value = f"{random.SystemRandom().uniform(3.5, 5.0):.6f}".rstrip("0")
    name = next((one for one in patient["name"] if one.get("use") == "official"), patient["name"][0])
    person = "^".join([name["family"], *name["given"][:2]])
    born = patient["birthDate"].replace("-", "")
    segments = [
        f"MSH|^~\\&|LAB|MAIN|SLUICE|HOSP|{at}||ORU^R01^ORU_R01|MSG{fresh}|P|2.5.1|||||||UNICODE UTF-8",
        f"PID|1||{user['pid_3']}||{person}||{born}|{SEX[patient['gender']]}",
        f"ORC|RE|ORD{fresh}^EHR|FIL{fresh}^LAB",
        f"OBR|1|ORD{fresh}^EHR|FIL{fresh}^LAB|24323-8^Comprehensive metabolic panel^LN|||{at}|||||||||||||||{at}||LAB|F",
        f"OBX|1|NM|2823-3^Potassium^LN||{value}|mmol/L^^UCUM|3.5-5.1|N|||F|||{at}",
    ]
    sent = {"control": f"MSG{fresh}", "placer": f"ORD{fresh}", "filler": f"FIL{fresh}", "value": float(value)}
    return "\r".join(segments) + "\r", sent


def send_oru(demo, user, patient):
    """Sends it, and returns what was sent together with MSA-1; fails where the answer is for another message."""
    text, sent = write_oru(user, patient)
    with MLLPClient(*demo.mllp) as laboratory:
        laboratory.socket.settimeout(20)
        answer = laboratory.send_message(text)
    if not (answer.startswith(b"\x0b") and answer.endswith(b"\x1c\r")):
        raise AssertionError(f"not one whole frame: {answer!r}")
    ack = hl7.parse(answer[1:-2].decode())
    if str(ack.segment("MSA")[2]) != sent["control"]:
        raise AssertionError("the acknowledgement names another message")
    return {**sent, "ack": str(ack.segment("MSA")[1])}


if __name__ == "__main__":
    demo = Demo(sys.argv[1])
    with open(sys.argv[3], encoding="utf-8") as file:
        print(json.dumps(send_oru(demo, demo.user(sys.argv[2]), json.load(file))))

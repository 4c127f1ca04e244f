#!/usr/bin/env python3
"""Holds resources, one in a line, and the Bundles in lines of `sluice hl7v2 map` against a running validator.

Usage: judge.py COMMAND... -- FILE.ndjson... where COMMAND starts the validator of ../java/validator. Fails when one
resource is refused, when a message became nothing readable, or when there was nothing to judge.
"""
import collections
import json
import subprocess
import sys
import threading


def resources(path):
    """Name and raw text of each resource or Bundle of a file. A message that was rejected has none."""
    for number, line in enumerate(open(path, encoding="utf-8"), 1):
        row = json.loads(line)
        if "resourceType" in row:
            yield f"{row['resourceType']}/{row.get('id')}", line.strip()
        elif row["bundle"].get("entry"):
            yield f"{row['source']} (line {number})", raw_bundle(line)


def raw_bundle(line):
    """The Bundle as it was written: a parse and a print would hide what is wrong with it."""
    start = line.index('"bundle":') + len('"bundle":')
    _, end = json.JSONDecoder().raw_decode(line, start)
    return line[start:end]


cut = sys.argv.index("--")
command, files = sys.argv[1:cut], sys.argv[cut + 1:]
asked = [row for path in files for row in resources(path)]
judge = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8")


def ask():
    for number, (_, raw) in enumerate(asked):
        judge.stdin.write(json.dumps({"id": str(number), "resource": raw}) + "\n")
    judge.stdin.close()


threading.Thread(target=ask, daemon=True).start()
told, refused, kinds = 0, 0, collections.Counter()
for line in judge.stdout:
    answer = json.loads(line)
    if "id" not in answer:
        continue
    told += 1
    name = asked[int(answer["id"])][0]
    kinds[name.split("/")[0] if name.count("/") == 1 and " " not in name else "message"] += 1
    bad = [issue for issue in answer["issues"] if issue["severity"] in ("error", "fatal")]
    refused += bool(bad)
    for issue in bad:
        print(f"refused {name} at {issue['at']}: {issue['message']}")
judge.wait()
print(f"{told} judged ({', '.join(f'{n} {kind}' for kind, n in sorted(kinds.items()))}), {refused} refused")
sys.exit(0 if asked and told == len(asked) and refused == 0 else 1)

#!/usr/bin/env python3
"""Runs test programs, some at once: most of them wait for deadlines, browsers and servers, and leave the cores to others.

    cargo test --no-run --message-format=json-render-diagnostics | at_once.py [NAME COMMAND]...

Each NAME is told with the seconds that its COMMAND, a line for bash, took; these begin first, in their order, and the
programs that cargo has built come behind them. What one that failed has said is shown whole, and the others go on.
"""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

AT_ONCE = 3


def built(lines):
    """The programs of cargo's messages: name, command, and the folder and variables that cargo gives them."""
    for line in lines:
        message = json.loads(line) if line.startswith("{") else {}
        if message.get("reason") == "compiler-artifact" and message["profile"]["test"] and message["executable"]:
            folder = str(Path(message["manifest_path"]).parent)
            target = message["target"]
            name = f"{Path(folder).name}: {'its own' if 'lib' in target['kind'] else target['name']}"
            yield name, [message["executable"], "--quiet"], folder


def run(job):
    name, command, folder = job
    begun = time.monotonic()
    environment = {**os.environ, "CARGO_MANIFEST_DIR": folder}
    done = subprocess.run(
        command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    took = time.monotonic() - begun
    verdict = "ok  " if done.returncode == 0 else "FAIL"
    said = b"" if done.returncode == 0 else done.stdout
    sys.stdout.buffer.write(f"{verdict} {took:4.0f} s  {name}\n".encode() + said)
    sys.stdout.flush()
    return done.returncode == 0


def main():
    words = sys.argv[1:]
    jobs = [(name, ["bash", "-c", command], os.getcwd()) for name, command in zip(words[::2], words[1::2])]
    programs = list(built(sys.stdin))
    if not programs:
        sys.exit("at_once.py: cargo named no test program")
    # The product from outside takes longest.
    programs.sort(key=lambda job: not job[0].startswith("tests:"))
    with ThreadPoolExecutor(AT_ONCE) as pool:
        good = list(pool.map(run, jobs + programs))
    print(f"{sum(good)} of {len(good)} passed")
    sys.exit(0 if all(good) else 1)


main()

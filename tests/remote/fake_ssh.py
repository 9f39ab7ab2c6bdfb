#!/usr/bin/env python3
"""`ssh` for tests: runs the remote command here, or fails the way ssh fails.

The host says what happens: `fine...` runs it, `refused`, `unknown`, `changed`, `denied` and
`nameless` fail as ssh does, `missing` has no paretobench, `cut-N` dies after N lines of answer,
`greeting` prints a banner first.
"""

import os
import subprocess
import sys

FAILURES = {
    "refused": "ssh: connect to host refused port 22: Connection refused",
    "late": "ssh: connect to host late port 22: Connection timed out",
    "nameless": "ssh: Could not resolve hostname nameless: Name or service not known",
    "denied": "me@denied: Permission denied (publickey).",
    "unknown": "No ED25519 host key is known for unknown and you have requested strict "
    "checking.\nHost key verification failed.",
    "changed": "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n"
    "Host key for changed has changed and you have requested strict checking.\n"
    "Host key verification failed.",
}


def main() -> int:
    """Be ssh."""
    words = sys.argv[1:]
    host, command = words[words.index("--") + 1 :]
    wanted = {"BatchMode=yes", "StrictHostKeyChecking=yes"}
    if not wanted <= set(words):
        print("fake ssh: host keys must be checked and nothing asked", file=sys.stderr)
        return 99
    if host in FAILURES:
        print(FAILURES[host], file=sys.stderr)
        return 255
    if host == "missing":
        print("bash: line 1: paretobench: command not found", file=sys.stderr)
        return 127
    if host == "greeting":
        print("Welcome to this machine. Do not disturb.", flush=True)
    if host.startswith("cut-"):
        return _cut(command, int(host.split("-")[1]))
    return os.execvp("/bin/sh", ["sh", "-c", command])


def _cut(command: str, lines: int) -> int:
    """Pass so many lines on, then half of the next, and lose the connection."""
    process = subprocess.Popen(["/bin/sh", "-c", command], stdout=subprocess.PIPE)
    assert process.stdout is not None
    for _ in range(lines):
        sys.stdout.buffer.write(process.stdout.readline())
        sys.stdout.buffer.flush()
    line = process.stdout.readline()
    sys.stdout.buffer.write(line[: len(line) // 2])
    sys.stdout.buffer.flush()
    process.terminate()
    print("client_loop: send disconnect: Broken pipe", file=sys.stderr)
    return 255


if __name__ == "__main__":
    sys.exit(main())

"""A program on a pseudo-terminal, driven as somebody at the keyboard would.

stdin: {"command": [...], "env": {...}, "steps": [{"until": "text to wait for", "send": "keys"}], "seconds": 60}.
stdout: {"screen": everything it printed without control sequences, "code": exit code or null, "missed": index or null}."""

import fcntl
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time

request = json.load(sys.stdin)
deadline = time.monotonic() + request["seconds"]
pid, terminal = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 160, 0, 0))
    os.environ.update(request["env"])
    os.execvp(request["command"][0], request["command"])

raw = b""
CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]|\x1b\][^\x07]*\x07|[\x00\x07\x08\r]")


def screen():
    return CONTROL.sub("", raw.decode("utf8", "replace"))


def read(wait):
    global raw
    ready, _, _ = select.select([terminal], [], [], wait)
    if not ready:
        return True
    try:
        part = os.read(terminal, 65536)
    except OSError:
        return False
    raw += part
    return part != b""


missed = None
seen = 0
for index, step in enumerate(request["steps"]):
    while step["until"] not in screen()[seen:]:
        if time.monotonic() > deadline or not read(0.2):
            missed = index
            break
    if missed is not None:
        break
    seen = screen().index(step["until"], seen) + len(step["until"])
    time.sleep(step.get("pause", 0))
    os.write(terminal, step["send"].encode())

# Until it ends, or its time is over.
while missed is None and time.monotonic() < deadline and read(0.2):
    pass
code = None
for _ in range(50):
    done, status = os.waitpid(pid, os.WNOHANG)
    if done:
        code = os.waitstatus_to_exitcode(status)
        break
    time.sleep(0.1)
else:
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
print(json.dumps({"screen": screen(), "code": code, "missed": missed}))

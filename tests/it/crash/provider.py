#!/usr/bin/env -S python3 -I -S
"""The provider of the crash matrix: state and an append-only record in a folder, and a temper that a test sets.

Arguments: the folder, and the ownership that it plays. In the folder:
  state.json    what is on
  record.jsonl  every change and every look, with the machine's time in microseconds, in the order in which they happened
  temper.json   {"grant": "kill_after"}: what to do at the next call of that kind
"""

import contextlib
import fcntl
import json
import os
import signal
import sys
import time

FOLDER, OWNERSHIP = sys.argv[1], sys.argv[2]
DESCRIPTION = {
    "protocols": ["hallpass-adapter/1"],
    "name": "gate",
    "version": "1",
    "ownership": OWNERSHIP,
    "sessions": "cut",
    "native_expiry": {"grain_s": 1, "extendable": True},
    "deadline_s": 2,
    "ops": ["observe", "grant", "revoke", "extend"] + (["list"] if OWNERSHIP == "per_grant" else []),
}


def bot():
    """The process that asks: the parent of the keeper, which is this program's parent."""
    with open(f"/proc/{os.getppid()}/stat") as stat:
        return int(stat.read().rpartition(")")[2].split()[1])


def path(name):
    return os.path.join(FOLDER, name)


def load(name, empty):
    try:
        with open(path(name), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return empty


def save(name, data):
    beside = path(f"{name}.{os.getpid()}")
    with open(beside, "w", encoding="utf-8") as file:
        json.dump(data, file)
    os.replace(beside, path(name))


@contextlib.contextmanager
def locked():
    with open(path("lock"), "a", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def key(request):
    """A shared bit has no owner: it does not know the grant."""
    grant = request["grant"] if OWNERSHIP == "per_grant" else ""
    target = json.dumps(request["target"], sort_keys=True, separators=(",", ":"))
    return json.dumps([target, request["principal"], grant], separators=(",", ":"))


def record(what, which):
    with open(path("record.jsonl"), "a", encoding="utf-8") as file:
        target, principal, grant = json.loads(which)
        line = {"at": time.time_ns() // 1000, "what": what, "target": target, "principal": principal, "grant": grant}
        file.write(json.dumps(line) + "\n")


def take_temper(op):
    """What to do this time. Kills and silence come once."""
    with locked():
        tempers = load("temper.json", {})
        temper = tempers.get(op)
        if temper in ("kill_before", "kill_after", "silent"):
            del tempers[op]
            save("temper.json", tempers)
        return temper


def change(which, on):
    with locked():
        state = load("state.json", [])
        if (which in state) != on:
            save("state.json", [*state, which] if on else [other for other in state if other != which])
            record("on" if on else "off", which)


def observe(which):
    with locked():
        present = which in load("state.json", [])
        record("present" if present else "absent", which)
        return {"status": "active" if present else "absent"}


def holders(target):
    here = json.dumps(target, sort_keys=True, separators=(",", ":"))
    with locked():
        held = [json.loads(which) for which in load("state.json", [])]
    return {"status": "active", "holders": [{"principal": who, "grant": grant} for name, who, grant in held if name == here]}


def perform(op, request, temper):
    if op == "list":
        return holders(request["target"])
    which = key(request)
    if op == "observe":
        return observe(which)
    if op == "revoke":
        change(which, False)
        return {"status": "absent", "residue": ["a queue of hers"] if temper == "leaves" else []}
    if op == "grant":
        change(which, True)
    return {"status": "active", "native_expiry": request["until"]}


def main():
    request = json.load(sys.stdin)
    op = request["op"]
    if op == "describe":
        return DESCRIPTION, 0
    temper = take_temper(op)
    if temper == "refuse":
        return {"error": {"code": "transient", "message": "the gate is being painted"}}, 1
    if temper == "kill_before":
        os.kill(bot(), signal.SIGKILL)
        time.sleep(0.3)  # what was sent still arrives, after the sender's death
    reply = perform(op, request, temper)
    if temper == "kill_after":
        os.kill(bot(), signal.SIGKILL)
        sys.exit(2)
    if temper == "silent":
        time.sleep(60)
    return reply, 0


if __name__ == "__main__":
    answer, code = main()
    print(json.dumps(answer))
    sys.exit(code)

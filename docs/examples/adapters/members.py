#!/usr/bin/env python3
"""A complete adapter for Hallpass in Python, standard library only: membership of groups in a JSON file.

The file is {"groups": {"prod-admins": ["ana"]}, "users": ["ana", "ben"]}. A membership has no owner, so it is "shared":
Hallpass itself remembers who was a member before, and never asks to remove them.

  kind = "exec"
  program = "/opt/hallpass/adapters/members.py"
  config = { file = "/srv/groups.json" }
  # a role's target: { group = "prod-admins" }   a person's logins: { groups = "ana" }
"""

import contextlib
import fcntl
import json
import os
import sys
import tempfile

DESCRIPTION = {
    "protocols": ["hallpass-adapter/1"],
    "name": "members",
    "version": "1",
    "ownership": "shared",
    "sessions": "next_request",
    "settling": {"reads": 1, "apart_s": 0},
    "inputs": [{"key": "groups", "how": "ask an administrator to add your name in the groups file to bot.toml"}],
    "principal": "groups",
    "deadline_s": 10,
    "ops": ["resolve", "observe", "grant", "revoke", "list", "health"],
}


class Refusal(Exception):
    """Nothing was changed, and why."""

    def __init__(self, code, message):
        super().__init__(message)
        self.code = code


@contextlib.contextmanager
def locked(path):
    """One writer at a time. The lock is a file of its own, since the other one is replaced."""
    try:
        lock = open(path + ".lock", "a", encoding="utf-8")
    except OSError as error:
        raise Refusal("transient", f"the lock cannot be opened: {error.strerror}") from error
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def read(path):
    """Raises rather than taking a file that cannot be read for an empty one."""
    try:
        with open(path, encoding="utf-8") as file:
            data = json.load(file)
        if not all(isinstance(names, list) for names in data["groups"].values()) or not isinstance(data["users"], list):
            raise ValueError
        return data
    except OSError as error:
        raise Refusal("transient", f"the groups cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refusal("transient", "the groups file has another form than expected") from error


def write(path, data):
    """All or nothing: written beside, flushed, renamed, and the folder flushed."""
    folder = os.path.dirname(path)
    handle, beside = tempfile.mkstemp(dir=folder, prefix=".members")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        json.dump(data, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.chmod(beside, 0o644)
    os.replace(beside, path)
    handle = os.open(folder, os.O_RDONLY)
    os.fsync(handle)
    os.close(handle)


def members(data, target):
    """The list of a group; a group that is gone is an error, never an empty one."""
    if not isinstance(target, dict) or set(target) != {"group"}:
        raise Refusal("invalid", "a target has one key, group")
    found = data["groups"].get(target["group"]) if isinstance(target["group"], str) else None
    if found is None:
        raise Refusal("no_such_target", "there is no such group")
    return found


def change(path, request, wanted):
    """Brings one membership in line; does not write when it already is."""
    with locked(path):
        data = read(path)
        names, name = members(data, request["target"]), request["principal"]
        if wanted and name not in data["users"]:
            raise Refusal("no_such_principal", "there is no such user")
        if wanted and name not in names:
            names.append(name)
            write(path, data)
        elif not wanted and name in names:
            names[:] = [other for other in names if other != name]
            write(path, data)
    return {"status": "active" if wanted else "absent"}


def resolve(path, request):
    data = read(path)
    target, name = request["role"]["target"], request["person"]["logins"].get("groups")
    members(data, target)
    if name not in data["users"]:
        raise Refusal("no_such_principal", "there is no such user")
    group = target["group"]
    return {
        "status": "active",
        "principal": name,
        "target": target,
        "preview": f"{name} becomes a member of {group}",
        "by_hand": f"take {name} out of {group} in {path}",
    }


def answer(request):
    op = request["op"]
    if op == "describe":
        return DESCRIPTION
    path = request["config"].get("file")
    if not isinstance(path, str) or not os.path.isabs(path):
        raise Refusal("invalid", "config.file must be an absolute path")
    if op == "resolve":
        return resolve(path, request)
    if op == "observe":
        return {"status": "active" if request["principal"] in members(read(path), request["target"]) else "absent"}
    if op in ("grant", "revoke"):
        return change(path, request, op == "grant")
    if op == "list":
        return {"status": "active", "holders": [{"principal": name} for name in members(read(path), request["target"])]}
    if op == "health":
        return {"status": "active", "message": f"{len(read(path)['groups'])} groups"}
    raise Refusal("unsupported", "this adapter does not know that")


def main():
    try:
        reply, code = answer(json.load(sys.stdin)), 0
    except Refusal as refusal:
        reply, code = {"error": {"code": refusal.code, "message": str(refusal)}}, 1
    # Anything else ends Python with a traceback on standard error and no reply, which Hallpass takes for "unknown".
    json.dump(reply, sys.stdout)
    return code


if __name__ == "__main__":
    sys.exit(main())

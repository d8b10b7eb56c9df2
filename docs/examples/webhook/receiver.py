#!/usr/bin/env python3
"""A complete receiver for Hallpass's webhooks in Python, standard library only: keys to doors, one object per grant.

It keeps who holds which key, and the answers that it gave, in one file:
{"doors": ["front"], "people": ["ana"], "keys": {"G-1": {"door": "front", "name": "ana", "until": ".."}}, "answers": {..}}

  RECEIVER_SECRET=whsec_.. receiver.py --state keys.json --port 8443 --certificate cert.pem --key key.pem
  # RECEIVER_SECRET may hold several secrets with spaces between them, while one takes the place of another
  # a role's target: { door = "front" }   a person's logins: { doors = "ana" }
"""

import argparse
import base64
import contextlib
import fcntl
import hashlib
import hmac
import http.server
import json
import os
import ssl
import sys
import tempfile
import threading
import time

DESCRIPTION = {
    "protocols": ["hallpass-adapter/1"],
    "name": "keys",
    "version": "1",
    "ownership": "per_grant",
    "sessions": "next_request",
    "native_expiry": {"grain_s": 1, "extendable": True},
    "inputs": [{"key": "doors", "how": "ask an administrator to add your name at the doors to bot.toml"}],
    "principal": "doors",
    "deadline_s": 10,
    "ops": ["resolve", "observe", "grant", "revoke", "extend", "list", "health"],
}
CHANGES = ("grant", "revoke", "extend")
LARGEST = 1024 * 1024  # bytes of a request
TOLERANCE = 5  # seconds that the bot's clock may be ahead of ours
KEPT = 24 * 3600  # seconds that answers are kept; the bot does not use a name again after that
HEADERS = ("webhook-id", "webhook-timestamp", "webhook-signature")
CODES = {"invalid": 400, "denied": 403, "no_such_principal": 404, "no_such_target": 404, "conflict": 409, "transient": 503}


class Refusal(Exception):
    """Nothing was changed, and why."""

    def __init__(self, code, message, status=None):
        super().__init__(message)
        self.code = code
        self.status = status or CODES.get(code, 400)


def verify(secrets, headers, body):
    """The id and the time of a message that is signed with one of the secrets. Compares in constant time."""
    name, at, signatures = (headers.get(header) for header in HEADERS)
    if not name or not at or not signatures or not at.isdigit():
        raise Refusal("denied", "the message is not signed", 401)
    signed = f"{name}.{at}.".encode() + body
    good = [base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode() for secret in secrets]
    given = [signature[3:] for signature in signatures.split(" ") if signature.startswith("v1,")]
    if not any(hmac.compare_digest(one.encode(), other.encode()) for one in good for other in given):
        raise Refusal("denied", "the message is not signed with our secret", 401)
    return name, int(at)


def in_time(at, deadline):
    """Nothing may take effect after the time that the call has: the bot takes it for over then."""
    now = time.time()
    if not at - TOLERANCE <= now <= at + deadline:
        raise Refusal("transient", "the message came too late, or the clocks differ")


class Store:
    """The file. One change at a time, and all or nothing: written beside, flushed, renamed."""

    def __init__(self, path):
        self.path = path

    @contextlib.contextmanager
    def locked(self):
        with open(self.path + ".lock", "a", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def read(self):
        """Raises rather than taking a file that cannot be read for an empty one."""
        try:
            with open(self.path, encoding="utf-8") as file:
                data = json.load(file)
            return {"doors": data["doors"], "people": data["people"], "keys": data["keys"], "answers": data.get("answers", {})}
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refusal("transient", "the keys cannot be read") from error

    def write(self, data):
        folder = os.path.dirname(os.path.abspath(self.path))
        handle, beside = tempfile.mkstemp(dir=folder, prefix=".keys")
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1, sort_keys=True)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, self.path)
        handle = os.open(folder, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def door_of(data, target):
    if not isinstance(target, dict) or set(target) != {"door"}:
        raise Refusal("invalid", "a target has one key, door")
    if target["door"] not in data["doors"]:
        raise Refusal("no_such_target", "there is no such door")
    return target["door"]


def resolve(data, request):
    target, name = request["role"]["target"], request["person"]["logins"].get("doors")
    door = door_of(data, target)
    if name not in data["people"]:
        raise Refusal("no_such_principal", "nobody of that name has keys here")
    return {"status": "active", "principal": name, "target": target, "preview": f"{name} gets a key to {door}"}


def look(data, request):
    """What changes nothing."""
    op = request["op"]
    if op == "resolve":
        return resolve(data, request)
    if op == "observe":
        key = data["keys"].get(request["grant"])
        return {"status": "active", "native_expiry": key["until"]} if key else {"status": "absent"}
    if op == "list":
        door = door_of(data, request["target"])
        held = [(grant, key) for grant, key in data["keys"].items() if key["door"] == door]
        return {"status": "active", "holders": [{"principal": key["name"], "grant": grant} for grant, key in held]}
    if op == "health":
        return {"status": "active", "message": f"{len(data['doors'])} doors"}
    raise Refusal("unsupported", "this receiver does not know that")


def change(data, request):
    """What changes the keys; safe to repeat."""
    keys, grant = data["keys"], request["grant"]
    if request["op"] == "revoke":
        keys.pop(grant, None)
        return {"status": "absent"}
    door = door_of(data, request["target"])
    if request["principal"] not in data["people"]:
        raise Refusal("no_such_principal", "nobody of that name has keys here")
    until = max(request["until"], keys.get(grant, {}).get("until", ""))
    keys[grant] = {"door": door, "name": request["principal"], "until": until}
    return {"status": "active", "handle": {"key": grant}, "native_expiry": until}


class Receiver(http.server.BaseHTTPRequestHandler):
    """One request. `secrets` and `store` are set where it is served."""

    protocol_version = "HTTP/1.1"
    secrets = ()
    store = None
    lock = threading.Lock()

    def do_POST(self):
        try:
            length = int(self.headers.get("content-length", ""))
            if not 0 <= length <= LARGEST:
                raise ValueError
        except ValueError:
            return self.answer(413, {"error": {"code": "invalid", "message": "the request is too large"}})
        body = self.rfile.read(length)
        try:
            self.answer(200, self.handle_call(body))
        except Refusal as refusal:
            self.answer(refusal.status, {"error": {"code": refusal.code, "message": str(refusal)}})
        # Anything else closes the connection without an answer, which Hallpass takes for "unknown".

    def handle_call(self, body):
        name, at = verify(self.secrets, self.headers, body)
        try:
            request = json.loads(body)
            op = request["op"]
        except (ValueError, KeyError, TypeError) as error:
            raise Refusal("invalid", "the request is no object with an op") from error
        if op == "describe":
            return DESCRIPTION
        in_time(at, request["deadline_s"])
        with self.lock, self.store.locked():
            data = self.store.read()
            if op not in CHANGES:
                return look(data, request)
            # It may have waited for its turn.
            in_time(at, request["deadline_s"])
            return self.once(name, data, request)

    def once(self, name, data, request):
        """A message that comes again changes nothing and gets the answer that it got before."""
        answers = data["answers"]
        if name in answers:
            return answers[name]["answer"]
        answer = change(data, request)
        now = time.time()
        data["answers"] = {old: kept for old, kept in answers.items() if kept["at"] > now - KEPT}
        data["answers"][name] = {"at": now, "answer": answer}
        self.store.write(data)
        return answer

    def answer(self, status, reply):
        body = json.dumps(reply).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def log_message(self, form, *arguments):
        """Neither bodies nor signatures."""
        print(form % arguments, file=sys.stderr)


def keys_of(text):
    """`whsec_` and base64, as the Standard Webhooks specification has it."""
    return [base64.b64decode(secret.removeprefix("whsec_"), validate=True) for secret in text.split()]


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    context = None

    def finish_request(self, request, client_address):
        """In the connection's own thread, so that one that says nothing holds up nobody."""
        request.settimeout(30)
        if not self.context:
            return self.RequestHandlerClass(request, client_address, self)
        with self.context.wrap_socket(request, server_side=True) as request:
            return self.RequestHandlerClass(request, client_address, self)


def serve(receiver=Receiver):
    flags = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    flags.add_argument("--state", required=True)
    flags.add_argument("--address", default="127.0.0.1")
    flags.add_argument("--port", type=int, default=8443)
    flags.add_argument("--certificate")
    flags.add_argument("--key")
    flags = flags.parse_args()
    receiver.secrets, receiver.store = keys_of(os.environ["RECEIVER_SECRET"]), Store(flags.state)
    if not receiver.secrets:
        sys.exit("RECEIVER_SECRET is empty")
    server = Server((flags.address, flags.port), receiver)
    if flags.certificate:
        server.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        server.context.load_cert_chain(flags.certificate, flags.key)
    print(f"listening on port {server.server_address[1]}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    serve()

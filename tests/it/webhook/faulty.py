"""The example receiver, whose next answer to a change can be spoiled after the change was made.

STATE.fault says how, and is used up, for describe STATE.fault_of_describe; STATE.heard gets a line for each message: its headers and its body. STATE.describe is
what it says of itself, if it is there.
"""

import json
import os
import sys

sys.path.insert(0, os.environ["RECEIVER_FOLDER"])
import receiver  # noqa: E402


class Faulty(receiver.Receiver):
    """Everything but the answer is as in the example."""

    op = None

    def handle_call(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        with open(self.store.path + ".heard", "a", encoding="utf-8") as heard:
            heard.write(json.dumps({"path": self.path, "headers": headers, "body": body.decode()}) + "\n")
        answer = super().handle_call(body)
        self.op = json.loads(body)["op"]
        if self.op == "describe" and os.path.exists(self.store.path + ".describe"):
            with open(self.store.path + ".describe", encoding="utf-8") as file:
                return json.load(file)
        return answer

    def answer(self, status, reply):
        how = self.fault(".fault") if self.op in receiver.CHANGES else None
        if self.op == "describe":
            how = self.fault(".fault_of_describe")
        if how is None:
            return super().answer(status, reply)
        return getattr(self, how)(reply)

    def fault(self, which):
        path = self.store.path + which
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            how = file.read().strip()
        os.remove(path)
        return how

    def send(self, status, body, **headers):
        self.send_response(status)
        for name, value in {"content_type": "application/json", "content_length": len(body), **headers}.items():
            self.send_header(name.replace("_", "-"), str(value))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = True

    def cut(self, _):
        self.close_connection = True

    def half(self, reply):
        self.send(200, json.dumps(reply).encode()[:-1], content_length=100)

    def late(self, _):
        """Until the caller has gone."""
        self.connection.recv(1)
        self.close_connection = True

    def garbage(self, _):
        self.send(200, b'{"status":"acti')

    def large(self, reply):
        self.send(200, json.dumps({**reply, "message": "x" * 2_000_000}).encode())

    def page(self, _):
        self.send(200, b"<html>welcome</html>", content_type="text/html")

    def nothing(self, _):
        self.send(204, b"")

    def list(self, _):
        self.send(200, b"[]")

    def packed(self, reply):
        self.send(200, json.dumps(reply).encode(), content_encoding="gzip")

    def redirect(self, reply):
        self.send(307, json.dumps(reply).encode(), location="/elsewhere")

    def gateway(self, _):
        self.send(503, b"try later", content_type="text/plain", retry_after=7)

    def error(self, _):
        self.send(500, b'{"message":"internal error"}')

    def tell(self, _):
        told = f"you sent {self.headers['authorization']}"
        self.send(409, json.dumps({"error": {"code": "conflict", "message": told, "retry_after_s": 3}}).encode())


if __name__ == "__main__":
    receiver.serve(Faulty)

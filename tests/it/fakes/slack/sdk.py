"""Slack's own Python SDK against the fake Slack, so that the fake is no kinder and no stranger than Slack is.

    sdk.py calls             the Web API, called as the SDK calls it; exits with 0 when every answer was as it should be
    sdk.py bolt http|socket  an app of Bolt, until its input closes; over HTTP it prints the port on which it listens

The address and the secrets come in FAKE_URL, FAKE_BOT_TOKEN, FAKE_APP_TOKEN and FAKE_SECRET.
"""

import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from slack_bolt import App, BoltRequest
from slack_bolt.adapter.socket_mode import SocketModeHandler
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_handlers import RateLimitErrorRetryHandler
from slack_sdk.models import blocks as kit
from slack_sdk.models.views import View

CLIENT = WebClient(token=os.environ["FAKE_BOT_TOKEN"], base_url=os.environ["FAKE_URL"] + "/")


def refused(error, call, *args, **kwargs):
    """The call must be refused with this error; gives the answer."""
    try:
        call(*args, **kwargs)
    except SlackApiError as problem:
        assert problem.response["error"] == error, problem
        return problem.response
    raise AssertionError(f"{call.__name__} should be refused with {error}")


def card():
    """Blocks as the SDK's own classes write them."""
    confirm = kit.ConfirmObject(title="Deny?", text="They hear of it.", confirm="Deny", deny="Back", style="danger")
    text = kit.RichTextElementParts
    return [
        kit.HeaderBlock(text="Ana asks"),
        kit.SectionBlock(text=kit.PlainTextObject(text="for write"), fields=[kit.MarkdownTextObject(text="*Rule*")]),
        kit.RichTextBlock(elements=[
            kit.RichTextSectionElement(elements=[
                text.User(user_id="U1"),
                text.Text(text=" until ", style=text.TextStyle(bold=True)),
                text.Date(timestamp=1795528800, format="{date_short_pretty} {time}", fallback="14:00"),
                text.Link(url="https://x.example/OPS-1", text="OPS-1"),
                text.UserGroup(usergroup_id="S1"),
                text.Emoji(name="tada"),
            ]),
            kit.RichTextQuoteElement(elements=[text.Text(text="unblock")]),
        ]),
        kit.DividerBlock(),
        kit.ContextBlock(elements=[kit.PlainTextObject(text="R-1")]),
        kit.ActionsBlock(block_id="decide", elements=[
            kit.ButtonElement(text="Approve", action_id="approve", value="R-1", style="primary"),
            kit.ButtonElement(text="Deny", action_id="deny", value="R-1", style="danger", confirm=confirm),
            kit.OverflowMenuElement(action_id="more", options=[kit.Option(text="Pass on", value="p")]),
        ]),
    ]


def form():
    """A form as the SDK's own classes write it."""
    roles = [kit.Option(text="Read", value="read"), kit.Option(text="Write", value="write")]
    return View(
        type="modal", callback_id="ask", title="Ask", submit="Send", close="Cancel", notify_on_close=True, private_metadata="kept",
        blocks=[
            kit.InputBlock(block_id="what", label="What", element=kit.ExternalDataSelectElement(
                action_id="resource", placeholder="Which?", min_query_length=1)),
            kit.InputBlock(block_id="role", label="Role", dispatch_action=True, element=kit.StaticSelectElement(
                action_id="role", options=roles, initial_option=roles[0])),
            kit.InputBlock(block_id="why", label="Why", hint="One line.", element=kit.PlainTextInputElement(
                action_id="why", multiline=True)),
            kit.InputBlock(block_id="when", label="When", optional=True, element=kit.DateTimePickerElement(action_id="when")),
            kit.ActionsBlock(elements=[kit.ButtonElement(text="Other", action_id="other")]),
        ],
    )


def messages():
    posted = CLIENT.chat_postMessage(channel="C1", text="Ana asks", blocks=card(), metadata={
        "event_type": "card", "event_payload": {"key": "R-1"}}, unfurl_links=False)
    ts = posted["ts"]
    CLIENT.chat_postMessage(channel="C1", text="reply", thread_ts=ts)
    CLIENT.chat_update(channel="C1", ts=ts, text="decided")
    link = CLIENT.chat_getPermalink(channel="C1", message_ts=ts)["permalink"]
    assert ts.replace(".", "") in link, link
    history = CLIENT.conversations_history(channel="C1", include_all_metadata=True, oldest=ts, inclusive=True, limit=10)
    found = [m for m in history["messages"] if m.get("metadata", {}).get("event_payload", {}).get("key") == "R-1"]
    assert [m["ts"] for m in found] == [ts] and found[0]["text"] == "decided" and "blocks" not in found[0], found
    replies = CLIENT.conversations_replies(channel="C1", ts=ts)["messages"]
    assert [m["text"] for m in replies] == ["decided", "reply"], replies
    said = CLIENT.chat_postEphemeral(channel="C1", user="U1", text="psst")
    assert said["message_ts"]
    direct = CLIENT.conversations_open(users=["U1"])["channel"]["id"]
    gone = CLIENT.chat_postMessage(channel=direct, text="private")
    CLIENT.chat_delete(channel=direct, ts=gone["ts"])
    too_long = refused("invalid_blocks", CLIENT.chat_postMessage, channel="C1", text="x", blocks=[
        {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}])
    assert "/blocks/0/text/text" in too_long["response_metadata"]["messages"][0], too_long
    refused("thread_not_found", CLIENT.chat_postMessage, channel="C1", text="x", thread_ts="1.000001")
    refused("channel_not_found", CLIENT.chat_postMessage, channel="C9", text="x")


def people():
    me = CLIENT.auth_test()
    assert me["user_id"] == "U0BOT" and "chat:write" in me.headers["x-oauth-scopes"], me.headers
    pages = [[user["id"] for user in page["members"]] for page in CLIENT.users_list(limit=2)]
    assert pages == [["U0BOT", "U1"], ["U2"]], pages
    assert CLIENT.users_info(user="U1")["user"]["profile"]["real_name"] == "Ana Reyes"
    groups = CLIENT.usergroups_list(include_users=True)["usergroups"]
    assert groups[0]["users"] == ["U2"], groups
    assert CLIENT.usergroups_users_list(usergroup="S1")["users"] == ["U2"]
    members = [m for page in CLIENT.conversations_members(channel="C1", limit=2) for m in page["members"]]
    assert members == ["U1", "U2", "U0BOT"], members
    assert CLIENT.conversations_info(channel="C1", include_num_members=True)["channel"]["num_members"] == 3
    names = [c["name"] for page in CLIENT.conversations_list(types="public_channel") for c in page["channels"]]
    assert names == ["db-approvers"], names
    scope = refused("missing_scope", CLIENT.users_lookupByEmail, email="ana@home.example")
    assert scope["needed"] == "users:read.email", scope
    refused("user_not_found", CLIENT.users_info, user="U99")
    refused("invalid_auth", WebClient(token="xoxb-other", base_url=CLIENT.base_url).auth_test)
    refused("unknown_method", CLIENT.api_call, "no.method")
    refused("invalid_trigger_id", CLIENT.views_open, trigger_id="1.2.3", view=form())
    CLIENT.views_publish(user_id="U1", view=View(type="home", blocks=[kit.DividerBlock()]))


def limits():
    """The test planned two refusals by rate: one is met without and one with the SDK's own retrying."""
    answer = refused("ratelimited", CLIENT.bots_info, bot="B0BOT")
    assert answer.status_code == 429 and answer.headers["Retry-After"] == "1", answer.headers
    CLIENT.retry_handlers.append(RateLimitErrorRetryHandler(max_retry_count=1))
    assert CLIENT.bots_info(bot="B0BOT")["bot"]["app_id"] == "A0HALLPASS"


def app():
    bolt = App(client=CLIENT, signing_secret=os.environ["FAKE_SECRET"])

    @bolt.command("/jit")
    def command(ack, command, client):
        if command["text"] == "form":
            ack()
            client.views_open(trigger_id=command["trigger_id"], view=form())
        elif command["text"] == "card":
            ack()
            client.chat_postMessage(channel=command["channel_id"], text="Ana asks", blocks=card())
        else:
            ack(f"Heard: {command['text']}")

    @bolt.action("approve")
    def approve(ack, body, action, client, respond):
        ack()
        who = body["user"]["id"]
        client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text=f"{action['value']} by {who}")
        respond(text="Thank you.", response_type="ephemeral", replace_original=False)

    @bolt.action("role")
    def role(ack, body, client):
        ack()
        chosen = body["view"]["state"]["values"]["role"]["role"]["selected_option"]["value"]
        view = form().to_dict()
        view["blocks"].insert(0, {"type": "section", "text": {"type": "plain_text", "text": f"Chosen: {chosen}"}})
        client.views_update(view_id=body["view"]["id"], hash=body["view"]["hash"], view=view)

    @bolt.action("other")
    def other(ack, body, client):
        ack()
        view = View(type="modal", title="Other", blocks=[kit.DividerBlock()])
        client.views_push(trigger_id=body["trigger_id"], view=view)

    @bolt.options("resource")
    def resource(ack, payload):
        ack(options=[kit.Option(text=f"{payload['value']}-db", value=f"{payload['value']}-db")])

    @bolt.view("ask")
    def submitted(ack, view, body, client):
        values = view["state"]["values"]
        if len(values["why"]["why"]["value"]) < 5:
            return ack(response_action="errors", errors={"why": "Say more."})
        ack(response_action="clear")
        what = values["what"]["resource"]["selected_option"]["value"]
        client.chat_postMessage(channel="C1", text=f"{body['user']['id']} asks for {what}, {view['private_metadata']}")

    @bolt.view_closed("ask")
    def closed(ack, body, client):
        ack()
        client.chat_postMessage(channel="C1", text=f"{body['user']['id']} thought better of it")

    @bolt.shortcut("request")
    def shortcut(ack, shortcut, client):
        ack()
        client.views_open(trigger_id=shortcut["trigger_id"], view=form())

    @bolt.shortcut("request_about")
    def about(ack, shortcut, client):
        ack()
        client.chat_postMessage(channel=shortcut["channel"]["id"], text=f"About: {shortcut['message']['text']}")

    @bolt.event("app_home_opened")
    def home(event, client):
        client.views_publish(user_id=event["user"], view=View(type="home", blocks=[kit.HeaderBlock(text="My access")]))

    return bolt


def serve(bolt):
    """Hands every request to Bolt, which checks its signature."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            headers = {name.lower(): [value] for name, value in self.headers.items()}
            answer = bolt.dispatch(BoltRequest(body=body, headers=headers))
            self.send_response(answer.status)
            for name, values in answer.headers.items():
                for value in values:
                    self.send_header(name, value)
            body = answer.body.encode()
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()


def main():
    what = sys.argv[1:]
    if what == ["calls"]:
        people()
        messages()
        limits()
    elif what == ["bolt", "http"]:
        serve(app())
        sys.stdin.read()
    elif what == ["bolt", "socket"]:
        SocketModeHandler(app(), os.environ["FAKE_APP_TOKEN"]).connect()
        sys.stdin.read()
        os._exit(0)  # its threads would go on
    else:
        sys.exit(__doc__)


main()

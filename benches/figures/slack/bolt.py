"""Bolt for Python on aiohttp doing the least that an app can: a signed press is verified, dispatched and acknowledged.

python bolt.py PORT API, with SLACK_BOT_TOKEN and SLACK_SIGNING_SECRET. Nothing is kept.
"""

import os
import sys

from aiohttp import web
from slack_bolt.app.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

port, api = int(sys.argv[1]), sys.argv[2]
app = AsyncApp(
    signing_secret=os.environ["SLACK_SIGNING_SECRET"],
    client=AsyncWebClient(token=os.environ["SLACK_BOT_TOKEN"], base_url=api),
)


@app.action("approve")
async def approve(ack):
    await ack()


web.run_app(app.web_app(path="/slack/interactive"), host="127.0.0.1", port=port, access_log=None, print=None)

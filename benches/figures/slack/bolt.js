// Bolt for JavaScript doing the least that an app can: a signed press is verified, dispatched and acknowledged; nothing is kept.
// node bolt.js PORT API, with SLACK_BOT_TOKEN, SLACK_SIGNING_SECRET and, where its packages are, NODE_PATH.
'use strict';
const { App, HTTPReceiver, LogLevel } = require('@slack/bolt');

const [port, api] = process.argv.slice(2);
const logLevel = LogLevel.ERROR;
const receiver = new HTTPReceiver({ signingSecret: process.env.SLACK_SIGNING_SECRET, endpoints: '/slack/interactive', logLevel });
const app = new App({ receiver, token: process.env.SLACK_BOT_TOKEN, clientOptions: { slackApiUrl: api }, logLevel });
app.action('approve', async ({ ack }) => ack());
app.start({ port: Number(port), host: '127.0.0.1' });

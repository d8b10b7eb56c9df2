// The least that an app can do over HTTP: the signature of a press is verified by Discord's own package, its JSON is read, and it is
// acknowledged; nothing is kept. node bare.js PORT PUBLIC_KEY, with NODE_PATH where the package is.
'use strict';
const http = require('node:http');
const { InteractionResponseType, InteractionType, verifyKey } = require('discord-interactions');

const [port, key] = process.argv.slice(2);

async function answer(body, request) {
  const signature = request.headers['x-signature-ed25519'];
  const stamp = request.headers['x-signature-timestamp'];
  if (!(await verifyKey(body, signature, stamp, key))) return [401, ''];
  const interaction = JSON.parse(body.toString());
  const type = interaction.type === InteractionType.PING ? InteractionResponseType.PONG : InteractionResponseType.DEFERRED_UPDATE_MESSAGE;
  return [200, JSON.stringify({ type })];
}

http
  .createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk));
    request.on('end', async () => {
      const [status, said] = await answer(Buffer.concat(chunks), request);
      response.writeHead(status, { 'content-type': 'application/json' });
      response.end(said);
    });
  })
  .listen(Number(port), '127.0.0.1');

// A till in another language, at a live hub: node till.mjs COMMAND, with the hub, root key, partner and seed from the
// environment. `register` prints the thumbprint to compare; `sell` reports a sale twice and reads the balance.

import assert from "node:assert/strict";

import { Client, jwkOf, thumbprint } from "./hansa.mjs";

const { HANSA_HUB: hub, HANSA_ROOT_KEY: rootX, HANSA_PARTNER_ID: partner, TILL_SEED: seedHex } = process.env;
const client = new Client({ hub, rootX, partner, seedHex });

async function register() {
  const { status, content } = await client.register();
  assert.equal(status, 200, JSON.stringify(content));
  assert.equal(content.thumbprint, thumbprint(jwkOf(client.key)));
  console.log(`${content.keyid} ${content.state} ${content.thumbprint}`);
}

async function sell(eventId, member, occurredAt, minor) {
  const sale = { event_id: eventId, member, occurred_at: occurredAt, amount: { minor: Number(minor), currency: "USD" } };
  const first = await client.earn({ ...sale, store: "Łódź 3" });
  const again = await client.earn({ ...sale, store: "Łódź 3" });
  const other = await client.earn({ ...sale, store: "Warszawa" });
  const [result] = first.content.results;
  assert.equal(result.status, "posted", JSON.stringify(result));
  assert.deepEqual(again.content.results, [{ ...result, duplicate: true }]);
  assert.equal(other.content.results[0].error.code, "event_conflict");
  const balance = await client.call("GET", `/v1/members/${encodeURIComponent(member)}`);
  const events = await client.call("GET", "/v1/events?limit=7");
  const missing = await client.call("GET", "/v1/members/card:nobody");
  assert.equal(missing.content.code, "unknown_member");
  console.log(`${result.points} points, ${balance.content.available} available, ${events.content.events.length} event`);
}

async function forged() {
  const [kept] = (await client.fetchKeys(), client.list.keys);
  client.list.keys = [{ ...kept, public_key: jwkOf(client.key) }];
  await assert.rejects(client.call("GET", "/v1/ping"), /does not verify/);
  console.log("an answer that another key would have signed is not believed");
}

const [command, ...given] = process.argv.slice(2);
await { register, sell, forged }[command](...given);

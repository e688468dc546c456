// Holds the client against the vectors in a folder, to the byte: node vectors.mjs FOLDER. Prints what was compared.

import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";

import * as hansa from "./hansa.mjs";

const read = (name) => JSON.parse(fs.readFileSync(path.join(process.argv[2], `${name}.json`), "utf8"));
const lower = (headers) => Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
const counts = {};
const done = (name) => { counts[name] = (counts[name] ?? 0) + 1; };

for (const one of read("keys").keys.filter((key) => key.jwk.kty === "OKP")) {
  const jwk = hansa.jwkOf(hansa.keyFromSeed(one.seed_hex));
  assert.deepEqual(jwk, one.jwk);
  assert.equal(hansa.thumbprint(jwk), one.thumbprint);
  assert.equal(hansa.keyidOf(one.owner, jwk), one.keyid);
  done("keys");
}

const requests = read("requests");
requests.requests = requests.requests.map((one) => ({ ...one, body: one.body ?? undefined }));
for (const one of requests.requests) {
  const { created, expires, nonce, keyid, seed_hex: seed } = requests;
  const signed = hansa.signRequest({ ...one, key: hansa.keyFromSeed(seed), keyid, created, expires, nonce });
  assert.equal(signed.base, one.base);
  assert.deepEqual(signed.headers, one.headers);
  done("requests");
}

const answers = read("answers");
const hubJwk = hansa.jwkOf(hansa.keyFromSeed(answers.seed_hex));
const keys = [{ keyid: answers.keyid, public_key: hubJwk, not_before: 0 }];
for (const one of answers.answers.filter((answer) => answer.nonce)) {
  const request = requests.requests.find((asked) => asked.name === one.request);
  const received = { ...one, headers: lower(one.headers), request, keys, now: answers.created };
  assert.equal(hansa.verifyAnswer(received).base, one.base);
  const wrong = [
    { status: one.status + 1 },
    { body: `${one.body} ` },
    { nonce: "BBECAwQFBgcICQoLDA0ODw" },
    { now: answers.created + 331 },
    { keys: [{ ...keys[0], not_after: answers.created }] },
    { request: { ...request, url: `${request.url}0` } },
    { request: { ...request, method: "PUT" } },
    { headers: { ...received.headers, signature: "hansa=:AAAA:" } },
    { headers: { ...received.headers, signature: undefined } },
  ];
  for (const change of wrong) {
    assert.throws(() => hansa.verifyAnswer({ ...received, ...change }), Error, JSON.stringify(change));
    done("altered answers refused");
  }
  done("answers");
}
for (const one of answers.answers.filter((answer) => !answer.nonce)) {
  const request = requests.requests.find((asked) => asked.name === one.request);
  const received = { ...one, nonce: requests.nonce, headers: lower(one.headers), request, keys, now: answers.created };
  assert.throws(() => hansa.verifyAnswer(received));
  done("answers without a nonce refused");
}

const hub = read("hub_keys");
assert.equal(hansa.readKeyList(hub.document, hub.root_public).keys.length, 2);
assert.throws(() => hansa.readKeyList(hub.document, hubJwk.x));
assert.throws(() => hansa.readKeyList(hub.document, hub.root_public, 3));
done("key lists");

const registered = read("key_registration");
assert.deepEqual(hansa.registration(registered.partner, hansa.keyFromSeed(registered.seed_hex)), {
  signed: registered.signed,
  document: registered.document,
});
done("registrations");

for (const one of read("webhooks").messages) {
  const message = { ...one, headers: lower(one.headers), keys, now: requests.created };
  assert.equal(hansa.verifyWebhook(message).base, one.base);
  assert.throws(() => hansa.verifyWebhook({ ...message, body: one.body.replace(":12", ": 12") }));
  assert.throws(() => hansa.verifyWebhook({ ...message, url: `${one.url}1` }));
  assert.throws(() => hansa.verifyWebhook({ ...message, now: requests.created + 301 }));
  done("webhooks");
}

for (const [name, count] of Object.entries(counts)) console.log(`${name}: ${count}`);

// A second client of the wire protocol, written from docs/protocol.md with nothing but Node.js's own library.
//
// It shows that the page is enough: what it signs is equal byte for byte to the vectors, and it believes an answer
// only by the rules of section 4. Numbers stay below 2^53 here; a client that meets larger ones reads them as BigInt.

import crypto from "node:crypto";
import http from "node:http";

const PKCS8_ED25519 = Buffer.from("302e020100300506032b657004220420", "hex");
const ANSWER = ['"@status"', '"content-type"', '"content-digest"', '"@method";req', '"@authority";req', '"@path";req', '"@query";req'];
const TOLERANCE_S = 330;

export const base64url = (bytes) => Buffer.from(bytes).toString("base64url");

// Section 2: keys and their names.

export function keyFromSeed(seedHex) {
  const der = Buffer.concat([PKCS8_ED25519, Buffer.from(seedHex, "hex")]);
  return crypto.createPrivateKey({ key: der, format: "der", type: "pkcs8" });
}

export function jwkOf(privateKey) {
  const { kty, crv, x } = crypto.createPublicKey(privateKey).export({ format: "jwk" });
  return { kty, crv, x };
}

export function publicKey(x) {
  return crypto.createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
}

export function thumbprint({ crv, kty, x }) {
  return crypto.createHash("sha256").update(JSON.stringify({ crv, kty, x })).digest("base64url");
}

export const keyidOf = (owner, jwk) => `${owner}.${thumbprint(jwk).slice(0, 16)}`;

const sign = (key, text) => crypto.sign(null, Buffer.from(text), key);
const verifies = (key, text, signature) => crypto.verify(null, Buffer.from(text), key, signature);

// Section 3: signing a request.

export function contentDigest(body) {
  return `sha-256=:${crypto.createHash("sha256").update(body).digest("base64")}:`;
}

function target(url) {
  const match = /^(https?):\/\/([^/?#]+)([^?#]*)(\?[^#]*)?$/.exec(url);
  if (!match) throw new Error(`not a URL of a hub: ${url}`);
  const standard = match[1] === "http" ? ":80" : ":443";
  const host = match[2].toLowerCase();
  const authority = host.endsWith(standard) ? host.slice(0, -standard.length) : host;
  return { authority, path: match[3] || "/", query: match[4] || "?" };
}

export function signRequest({ method, url, body, key, keyid, created, expires, nonce, tag = "hansa-request" }) {
  const { authority, path, query } = target(url);
  const lines = [['"@method"', method], ['"@authority"', authority], ['"@path"', path], ['"@query"', query]];
  const headers = {};
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    headers["Content-Digest"] = contentDigest(body);
    lines.push(['"content-type"', headers["Content-Type"]], ['"content-digest"', headers["Content-Digest"]]);
  }
  const parameters = `;created=${created};expires=${expires};nonce="${nonce}";keyid="${keyid}";tag="${tag}"`;
  const covered = `(${lines.map(([name]) => name).join(" ")})${parameters}`;
  const base = [...lines, ['"@signature-params"', covered]].map((line) => line.join(": ")).join("\n");
  headers["Signature-Input"] = `hansa=${covered}`;
  headers["Signature"] = `hansa=:${sign(key, base).toString("base64")}:`;
  return { base, headers };
}

// Section 4: verifying an answer. Whatever does not hold is thrown: it is a failure of the transport, no outcome.

function dictionary(value) {
  const found = {};
  const pattern = /\s*([a-z*][a-z0-9_.*-]*)=((?:"(?:[^"\\]|\\.)*"|:[A-Za-z0-9+/=]*:|[^,"])*)\s*(?:,|$)/gy;
  for (let match; pattern.lastIndex < value.length; ) {
    match = pattern.exec(value);
    if (!match || match[0] === "") throw new Error("a signature field is malformed");
    found[match[1]] = match[2].trim();
  }
  return found;
}

function parametersOf(member) {
  const match = /^\(([^()]*)\)((?:;[a-z]+=(?:[0-9]+|"[^"\\]*"))*)$/.exec(member);
  if (!match) throw new Error("the signature's parameters are malformed");
  const pairs = match[2].split(";").slice(1).map((pair) => {
    const [name, value] = [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)];
    return [name, value.startsWith('"') ? value.slice(1, -1) : Number(value)];
  });
  const parameters = Object.fromEntries(pairs);
  if (Object.keys(parameters).length !== pairs.length) throw new Error("a parameter is there twice");
  return { components: match[1], parameters };
}

function expect(holds, what) {
  if (!holds) throw new Error(what);
}

function taggedMember(headers, tag) {
  const inputs = dictionary(headers["signature-input"] ?? "");
  const tagged = Object.entries(inputs).filter(([, member]) => member.includes(`;tag="${tag}"`));
  expect(tagged.length === 1, `exactly one signature must bear the tag ${tag}`);
  const [label, member] = tagged[0];
  const signature = /^:([A-Za-z0-9+/=]+):$/.exec(dictionary(headers["signature"] ?? "")[label] ?? "");
  expect(signature, "there is no signature under the label");
  return { member, ...parametersOf(member), signature: Buffer.from(signature[1], "base64") };
}

export function verifyAnswer({ status, headers, body, request, nonce, keys, now }) {
  expect(headers["content-digest"] === contentDigest(body), "the body is not what was signed");
  const { member, components, parameters, signature } = taggedMember(headers, "hansa-response");
  const { authority, path, query } = target(request.url);
  const values = [status, headers["content-type"], headers["content-digest"], request.method, authority, path, query];
  const names = [...ANSWER];
  if (request.body !== undefined) {
    names.push('"content-digest";req');
    values.push(contentDigest(request.body));
  }
  expect(components === names.join(" "), "the signature covers other components");
  const { created, keyid, nonce: bound, tag, alg, ...others } = parameters;
  expect(Object.keys(others).length === 0 && (alg ?? "ed25519") === "ed25519", "unknown parameters");
  expect(bound === nonce, "the answer is to another request");
  const known = keys.find((one) => one.keyid === keyid);
  expect(known && known.not_before <= now && (known.not_after === undefined || now < known.not_after), "unknown hub key");
  const lines = names.map((name, place) => `${name}: ${values[place]}`);
  const base = [...lines, `"@signature-params": ${member}`].join("\n");
  expect(verifies(publicKey(known.public_key.x), base, signature), "the signature does not verify");
  const content = JSON.parse(body);
  expect(content.code === "clock_skew" || Math.abs(created - now) <= TOLERANCE_S, "the answer is old");
  return { base, content };
}

// Section 15: a webhook's message is signed like a request with a body, by one of the hub's keys.

export function verifyWebhook({ method, url, headers, body, keys, now }) {
  expect(headers["content-digest"] === contentDigest(body), "the body is not what was signed");
  const { member, components, parameters, signature } = taggedMember(headers, "hansa-webhook");
  const { authority, path, query } = target(url);
  const names = ['"@method"', '"@authority"', '"@path"', '"@query"', '"content-type"', '"content-digest"'];
  expect(components === names.join(" "), "the signature covers other components");
  const { created, expires, keyid } = parameters;
  expect(created <= now + 30 && now - created <= 300 && now < expires, "the message is old");
  const known = keys.find((one) => one.keyid === keyid);
  expect(known, "unknown hub key");
  const values = [method, authority, path, query, headers["content-type"], headers["content-digest"]];
  const base = [...names.map((name, place) => `${name}: ${values[place]}`), `"@signature-params": ${member}`].join("\n");
  expect(verifies(publicKey(known.public_key.x), base, signature), "the signature does not verify");
  return { base, content: JSON.parse(body) };
}

// Section 5: the hub's keys, under the root key that is pinned.

export function readKeyList(document, rootX, lowest = 0) {
  const text = Buffer.from(document.key_list, "base64url");
  const signed = Buffer.concat([Buffer.from("hansa-hub-keys-v1\n"), text]);
  expect(verifies(publicKey(rootX), signed, Buffer.from(document.signature, "base64url")), "not signed by the root key");
  const list = JSON.parse(text);
  expect(list.version >= lowest, "an older list than the one that is known");
  return list;
}

// Section 6: registering a key.

export function registration(partner, key) {
  const jwk = jwkOf(key);
  const signed = `hansa-key-registration-v1\n${partner}\n${thumbprint(jwk)}`;
  return { signed, document: { partner, public_key: jwk, proof: base64url(sign(key, signed)) } };
}

// A client of a hub: signs, sends, verifies; keeps the difference of the clocks; follows no redirect.

export class Client {
  constructor({ hub, rootX, partner, seedHex }) {
    this.hub = hub;
    this.rootX = rootX;
    this.partner = partner;
    this.key = keyFromSeed(seedHex);
    this.keyid = keyidOf(partner, jwkOf(this.key));
    this.offsetS = 0;
    this.list = { version: 0, keys: [], issued_at: 0 };
  }

  now() {
    return Math.max(Math.floor(Date.now() / 1000) + this.offsetS, this.list.issued_at);
  }

  async fetchKeys() {
    const { body } = await send({ method: "GET", url: `${this.hub}/v1/hub-keys`, headers: {} });
    this.list = readKeyList(JSON.parse(body), this.rootX, this.list.version);
  }

  async call(method, path, content) {
    if (this.list.keys.length === 0) await this.fetchKeys();
    const answer = await this.attempt(method, path, content);
    if (answer.content.code !== "clock_skew") return answer;
    this.offsetS = Math.floor(Date.parse(answer.content.server_time) / 1000) - Math.floor(Date.now() / 1000);
    return this.attempt(method, path, content);
  }

  async attempt(method, path, content) {
    const request = { method, url: `${this.hub}${path}`, body: content && JSON.stringify(content) };
    const created = Math.floor(Date.now() / 1000) + this.offsetS;
    const nonce = base64url(crypto.randomBytes(16));
    const { headers } = signRequest({ ...request, key: this.key, keyid: this.keyid, created, expires: created + 60, nonce });
    const answer = await send({ ...request, headers });
    const verified = verifyAnswer({ ...answer, request, nonce, keys: this.list.keys, now: this.now() });
    return { status: answer.status, content: verified.content };
  }

  register() {
    return this.call("POST", "/v1/keys", registration(this.partner, this.key).document);
  }

  earn(...earnings) {
    return this.call("POST", "/v1/earnings", { earnings });
  }
}

function send({ method, url, body, headers }) {
  return new Promise((resolve, reject) => {
    const length = body === undefined ? {} : { "Content-Length": Buffer.byteLength(body) };
    const request = http.request(url, { method, headers: { ...headers, ...length }, timeout: 20_000 }, (answer) => {
      const parts = [];
      answer.on("data", (part) => parts.push(part));
      answer.on("end", () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(parts).toString() }));
    });
    request.on("timeout", () => request.destroy(new Error("no answer in time")));
    request.on("error", reject);
    request.end(body);
  });
}

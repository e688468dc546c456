// Checks the log's vectors by docs/protocol.md, section 16, alone: node log.mjs FOLDER. Prints what was compared.

import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import path from "node:path";

import { keyFromSeed, jwkOf, thumbprint } from "./hansa.mjs";

const vectors = JSON.parse(fs.readFileSync(path.join(process.argv[2], "proofs.json"), "utf8"));
const sha256 = (...parts) => crypto.createHash("sha256").update(Buffer.concat(parts.map((part) => Buffer.from(part)))).digest();
const node = (left, right) => sha256([1], left, right);
const unhex = (text) => Buffer.from(text, "hex");

export const leafHash = (leaf) => sha256([0], [
  "hansa-event-v1", leaf.partner, leaf.event_id, leaf.kind, leaf.status, String(leaf.points), leaf.posted_at, leaf.content, leaf.record,
].join("\n"));

// RFC 9162 sections 2.1.3.2 and 2.1.4.2; positions are numbers below 2^53.
const half = (number) => Math.floor(number / 2);

export function rootOfInclusion(leaf, position, size, steps) {
  let [fn, sn, root] = [position, size - 1, leaf];
  for (const step of steps) {
    assert.ok(sn > 0, "too long");
    if (fn % 2 === 1 || fn === sn) {
      root = node(step, root);
      while (fn % 2 === 0 && fn > 0) [fn, sn] = [half(fn), half(sn)];
    } else root = node(root, step);
    [fn, sn] = [half(fn), half(sn)];
  }
  assert.equal(sn, 0, "too short");
  return root;
}

export function checkConsistency(from, to, old, later, steps) {
  if (from === 0 || from === to) return assert.equal(steps.length, 0);
  const hashes = Number.isInteger(Math.log2(from)) ? [old, ...steps] : [...steps];
  let [fn, sn] = [from - 1, to - 1];
  while (fn % 2 === 1) [fn, sn] = [half(fn), half(sn)];
  let [fr, sr] = [hashes[0], hashes[0]];
  for (const step of hashes.slice(1)) {
    assert.ok(sn > 0, "too long");
    if (fn % 2 === 1 || fn === sn) {
      [fr, sr] = [node(step, fr), node(step, sr)];
      while (fn % 2 === 0 && fn > 0) [fn, sn] = [half(fn), half(sn)];
    } else sr = node(sr, step);
    [fn, sn] = [half(fn), half(sn)];
  }
  assert.equal(sn, 0, "too short");
  assert.deepEqual([fr, sr], [old, later]);
}

// The digest of a report: sorted keys, no spaces, ASCII only, instants in UTC without an empty fraction.
const escaped = (text) => JSON.stringify(text).replace(/[\u007f-\uffff]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, "0")}`);
const written = (value) => Array.isArray(value) ? `[${value.map(written).join(",")}]`
  : value !== null && typeof value === "object"
    ? `{${Object.keys(value).sort().map((key) => `${escaped(key)}:${written(value[key])}`).join(",")}}`
    : typeof value === "string" ? escaped(value) : String(value);
const inUtc = (text) => new Date(text).toISOString().replace(".000Z", "Z");

const reported = { ...vectors.reported, occurred_at: inUtc(vectors.reported.occurred_at) };
const digest = sha256(written(["earning", reported]));
assert.equal(digest.toString("hex"), vectors.reported_digest);
const salted = sha256(Buffer.from(vectors.content_salt, "base64url"), digest);
assert.equal(salted.toString("hex"), vectors.leaves[0].leaf.content);

for (const one of vectors.leaves) assert.equal(leafHash(one.leaf).toString("hex"), one.hash);
const roots = vectors.roots.map(unhex);
for (const one of vectors.inclusion) {
  const leaf = leafHash(vectors.leaves[one.position].leaf);
  assert.deepEqual(rootOfInclusion(leaf, one.position, one.size, one.path.map(unhex)), roots[one.size]);
}
for (const one of vectors.consistency) checkConsistency(one.from, one.to, roots[one.from], roots[one.to], one.path.map(unhex));

const [text, signatures] = vectors.checkpoint.split("\n\n");
const [origin, size, root] = text.split("\n");
assert.equal(origin, `hansa-log/${thumbprint({ kty: "OKP", crv: "Ed25519", x: vectors.root_public })}`);
assert.deepEqual([Number(size), Buffer.from(root, "base64")], [8, roots[8]]);
const jwk = jwkOf(keyFromSeed(vectors.seed_hex));
const [dash, name, signed] = signatures.trimEnd().split(" ");
const bytes = Buffer.from(signed, "base64");
assert.deepEqual([dash, name], ["\u2014", origin]);
assert.deepEqual(bytes.subarray(0, 4), sha256(`${origin}\n`, [1], Buffer.from(jwk.x, "base64url")).subarray(0, 4));
const key = crypto.createPublicKey({ key: jwk, format: "jwk" });
assert.ok(crypto.verify(null, Buffer.from(`${text}\n`), key, bytes.subarray(4)));

console.log(`leaves: ${vectors.leaves.length}\nproofs: ${vectors.inclusion.length + vectors.consistency.length}\ncheckpoints: 1`);

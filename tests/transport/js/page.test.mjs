// Tests of page.js and reader.js, as their first comments describe them, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";

import { FakeWorld, createRandom, parseReference, rebuild } from "./harness.mjs";

const sse = (data) => `data: ${data}\n\n`;
const event = (text) => JSON.stringify({ message: { content: { parts: [text] } }, end: null });
const eventsOf = (world, id = 1) =>
  world.framesOf(id).flatMap(([kind, items]) => (kind === "events" ? items : []));

/** Return a world that has read a body which arrived in these chunks. */
async function read(chunks) {
  const world = new FakeWorld();
  const call = world.open().respond();
  call.send(...chunks.filter((chunk) => chunk.length > 0)).end();
  await world.flush();
  return world;
}

// ---- reduced events ---------------------------------------------------------------------------------------------------

const PIECES = ["a", "é", "😀", '"', "\\", "\n", "\u2028", "\ud83d", '"parts": ["', "[DONE]", "ha", " ", "data: ", ""];

const FORMS = [
  (text, tail) => ({ m: { parts: [text] }, tail }),
  (text) => ({ m: { parts: [text, text] } }),
  (text, tail) => ({ parts: [tail], m: { parts: [text] } }),
  (text) => [text],
  (text) => ({ v: text }),
];

/** Create an unusual but possible body. Most of its events resemble the previous one. */
function randomBody(random) {
  const ends = random.pick([["\n"], ["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"], ["\n", "\r\n", "\r"]]);
  const ascii = random.below(2) === 0;
  const colon = random.pick([": ", ":"]);
  const usual = { form: random.pick(FORMS), type: random.pick(["", "", "delta"]), indent: random.pick([0, 0, 0, 1]) };
  const line = (words) => words + random.pick(ends);
  let [text, tail, body] = ["", "x", random.pick(["", "", "\ufeff"])];
  for (let count = 1 + random.below(9); count > 0; count -= 1) {
    const { form, type, indent } =
      random.below(5) > 0 ? usual : { form: random.pick(FORMS), type: random.pick(["", "other"]), indent: random.pick([0, 1]) };
    if (random.below(6) === 0) body += line(random.pick([": ping", "data", "data:", "id: 1", "event: other", "nonsense: 1"]));
    if (random.below(6) === 0) body += line("");
    if (random.below(8) === 0) text = "";
    if (random.below(6) === 0) tail += random.pick(PIECES);
    text += random.pick(PIECES) + random.pick(PIECES);
    let json = JSON.stringify(form(text, tail), null, indent);
    if (ascii) json = json.replace(/[^\x00-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
    if (random.below(12) === 0) json = random.pick(["[DONE]", "{", text.replace(/[\r\n]/g, ""), json.slice(0, 9)]);
    if (type !== "") body += line(`event: ${type}`);
    body += json.split("\n").map((words) => line(`data${colon}${words}`)).join("");
    if (random.below(12) === 0) body += line("id: 2");
    body += line("");
  }
  if (random.below(3) === 0) body += line(`data${colon}[DONE]`) + line("");
  return Buffer.from(random.below(3) === 0 ? body.slice(0, -1 - random.below(20)) : body);
}

const SEEDS = Number(process.env.SEEDS ?? 40);

test("random bodies, cut at any byte, yield the events of the reference parser", async () => {
  let forms = new Set();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const body = randomBody(createRandom(seed));
    const expected = parseReference(body);
    const cuts = Array.from(body, (_, at) => [body.subarray(0, at), body.subarray(at)]);
    cuts.push(Array.from(body, (byte) => Buffer.of(byte)));
    const world = new FakeWorld();
    for (const [at, chunks] of cuts.entries()) {
      await readInto(world, chunks);
      const events = eventsOf(world);
      assert.deepEqual(rebuild(events), expected, `seed ${seed}, cut at ${at}: ${JSON.stringify(String(body))}`);
      const done = expected.some(({ data, unended }) => data === "[DONE]" && !unended);
      assert.equal(world.framesOf().at(-1)[0], done ? "events" : "end", `seed ${seed}, cut at ${at}`);
      for (const each of events) forms.add(formOf(each));
    }
  }
  assert.deepEqual([...forms].sort(), ["data", "grown", "new tail", "other text", "text", "unended"], "each form must occur");
});

/** Like `read`, but in a used world and without waiting longer than necessary, because it runs about ten thousand times. */
async function readInto(world, chunks) {
  world.pushes.length = world.calls.length = 0;
  const call = world.open().respond();
  call.send(...chunks.filter((chunk) => chunk.length > 0)).end();
  for (let count = 0; count < 100 && world.client.openCount() > 0; count += 1) await new Promise(setImmediate);
}

function formOf(reduced) {
  if (typeof reduced === "string") return "grown";
  if (Array.isArray(reduced)) return reduced.length === 1 ? "other text" : "new tail";
  if (reduced.unended) return "unended";
  return "text" in reduced ? "text" : "data";
}

test("an event whose lines end in CR alone is not compared with the next event", async () => {
  const chunks = ['data: {"parts": ["a"]}\r\r', 'x"]}\n\n', 'xb"]}\n\n', 'data: {"parts": ["ab"]}\n\n'];
  const world = new FakeWorld();
  const call = world.open().respond();
  for (const chunk of chunks) {
    call.send(chunk);
    await world.settle();
  }
  call.end();
  await world.flush();

  assert.deepEqual(rebuild(eventsOf(world)), parseReference(Buffer.from(chunks.join(""))));
});

test("a body that is not a byte stream is read too", async () => {
  const world = new FakeWorld();
  const call = world.open();
  call.bytes = false;
  call.respond().send(sse(event("a")), sse(event("ab")).slice(0, 9), sse(event("ab")).slice(9)).end();
  await world.flush();

  assert.deepEqual(rebuild(eventsOf(world)).map(({ data }) => data), [event("a"), event("ab")]);
});

test("of a delta that resembles the previous one, only the text is pushed", async () => {
  const world = await read(["one", " two", "\\n", ""].map((text) => `event: delta\ndata: {"v": "${text}"}\n\n`));

  const [first, ...others] = eventsOf(world);
  assert.deepEqual(first, { type: "delta", head: '{"v": "', text: "one", tail: '"}' });
  assert.deepEqual(others, [[" two"], ["\\n"], [""]]);
});

test("deltas with a path and patches with one change are split around their text, others are not", async () => {
  const append = '"p": "/a/0", "o": "append"';
  for (const [head, tail] of [
    [`{${append}, "v": "`, '"}'],
    [`{"c":3,${append}, "v":"`, '" }'],
    ['{"v":"', `", ${append}}`],
    [`{"p": "", "o": "patch", "v": [{${append}, "v": "`, '"}]}'],
    [`{"v":[{${append},"v":"`, `"}],"p":"","o":"patch"}`],
  ]) {
    const world = await read(["one", " two"].map((text) => `data: ${head}${text}${tail}\n\n`));
    assert.deepEqual(eventsOf(world), [{ type: "", head, text: "one", tail }, [" two"]], head);
  }
  for (const data of [`{"v": [{${append}, "v": "x"}, {"p": "/b", "v": "y"}]}`, '{"p": "/a\\"b", "v": "x"}', '{"v": "x", "w": "y"}']) {
    const world = await read([`data: ${data}\n\n`]);
    assert.deepEqual(eventsOf(world), [{ type: "", data }]);
  }
});

test("the size of all pushes is linear in the length of the reply", async () => {
  const texts = Array.from({ length: 500 }, (_, count) => "0123456789".repeat(count + 1));
  const world = await read(texts.map((text) => sse(event(text))));
  const crossed = world.pushes.reduce((sum, push) => sum + JSON.stringify(push).length, 0);

  assert.equal(rebuild(eventsOf(world)).at(-1).data, event(texts.at(-1)));
  assert.equal(eventsOf(world).length, 500);
  assert.ok(crossed < 3 * texts.at(-1).length, `${crossed} characters for a reply of ${texts.at(-1).length}`);
});

test("each frame contains the number of its characters", async () => {
  const world = await read([sse(event("a")), sse(event("ab")), sse("[1, 2]")]);
  const frames = world.framesOf().filter(([kind]) => kind === "events");

  assert.equal(
    frames.reduce((sum, [, , chars]) => sum + chars, 0),
    event("a").length + "b".length + "[1, 2]".length,
  );
});

test("comments and empty events yield alive frames", async () => {
  const world = await read([": ping\n\n", "data:\n\n"]);

  assert.deepEqual(
    world.framesOf().map(([kind]) => kind),
    ["head", "end"].toSpliced(1, 0, ...world.framesOf().slice(1, -1).map(() => "alive")),
  );
  const alone = new FakeWorld();
  alone.open().respond().send(": ping\n\n");
  await alone.flush();
  alone.calls[0].send(": ping\n\n");
  await alone.flush();
  assert.ok(alone.framesOf().filter(([kind]) => kind === "alive").length >= 1);
});

test("events after [DONE] are ignored", async () => {
  const world = await read([sse("{}"), sse("[DONE]"), sse('{"late": 1}'), ": ping\n\n"]);

  assert.deepEqual(rebuild(eventsOf(world)).map(({ data }) => data), ["{}", "[DONE]"]);
});

test("[DONE] is pushed at once, and its request is aborted after two seconds", async () => {
  const world = new FakeWorld();
  const call = world.open().respond().send(sse("{}") + sse("[DONE]"));
  await world.settle();
  assert.deepEqual(rebuild(eventsOf(world)).map(({ data }) => data), ["{}", "[DONE]"]);
  assert.equal(call.signal.aborted, false);

  world.clock.advance(1999);
  assert.equal(call.signal.aborted, false);
  world.clock.advance(1);
  assert.equal(call.signal.aborted, true);
  await world.flush();
  assert.equal(world.client.openCount(), 0);
  assert.equal(world.clock.pending, 0);
});

test("a body that ends after [DONE] leaves no timer behind", async () => {
  const world = await read([sse("[DONE]")]);

  assert.equal(world.calls[0].signal.aborted, false);
  assert.equal(world.clock.pending, 0);
  assert.equal(world.client.openCount(), 0);
});

// ---- heads, texts, errors ---------------------------------------------------------------------------------------------

test("fetch is called with the fields of the request", () => {
  const world = new FakeWorld();
  const headers = { authorization: "Bearer x" };
  const call = world.open(1, { url: "/y", headers, body: "words", credentials: "omit" });

  assert.equal(call.url, "/y");
  const { method, body, cache, credentials, redirect } = call.init;
  assert.deepEqual({ method, body, cache, credentials, redirect }, {
    method: "POST",
    body: "words",
    cache: "no-store",
    credentials: "omit",
    redirect: "manual",
  });
  assert.deepEqual({ ...call.init.headers }, headers);
});

test("a response that is not an event stream yields text frames", async () => {
  for (const [stream, status, type] of [
    [true, 429, "text/event-stream"],
    [true, 200, "application/json"],
    [true, 200, "text/html; charset=utf-8"],
    [false, 200, "text/event-stream"],
  ]) {
    const world = new FakeWorld();
    world.open(1, { stream }).respond({ status, headers: { "content-type": type } }).send("data: x", "\n\nyé").end();
    await world.flush();
    const [head, ...rest] = world.framesOf();
    assert.deepEqual([head[0], head[1].status, head[1].headers["content-type"]], ["head", status, type]);
    assert.equal(rest.filter(([kind]) => kind === "text").map(([, text]) => text).join(""), "data: x\n\nyé");
    assert.deepEqual(rest.at(-1), ["end"]);
  }
});

test("a redirect is reported and not followed", async () => {
  const world = new FakeWorld();
  const call = world.open();
  call.outcome.resolve({ status: 0, statusText: "", ok: false, type: "opaqueredirect", body: null, headers: new Headers() });
  await world.flush();

  assert.equal(world.framesOf()[0][1].redirected, true);
  assert.deepEqual(world.framesOf()[1], ["end"]);
});

test("a network failure yields an error frame with its phase", async () => {
  const world = new FakeWorld();
  world.open(1).fail(new TypeError("Failed to fetch"));
  world.open(2).respond().send(sse("{}"));
  await world.settle();
  world.calls[1].fail(new TypeError("network error"));
  await world.flush();

  assert.deepEqual(world.framesOf(1), [["error", "head", "TypeError", "Failed to fetch"]]);
  assert.deepEqual(world.framesOf(2).at(-1), ["error", "body", "TypeError", "network error"]);
  assert.deepEqual(rebuild(eventsOf(world, 2)).map(({ data }) => data), ["{}"]);
  assert.equal(world.client.openCount(), 0);
});

test("an invalid byte is an error after the events before it", async () => {
  for (const bad of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80]]) {
    const world = await read([Buffer.concat([Buffer.from(sse("{}") + "data: é"), Buffer.from(bad)])]);
    assert.deepEqual(rebuild(eventsOf(world)).map(({ data }) => data), ["{}"]);
    assert.deepEqual(world.framesOf().at(-1), ["error", "body", "EncodingError", "the body is not valid UTF-8"]);
  }
  const cut = await read([sse("{}"), Buffer.from("data: é").subarray(0, -1)]);
  assert.equal(cut.framesOf().at(-1)[2], "EncodingError");
});

test("an invalid byte after lines that end in CR alone is an error after the events before it", async () => {
  const [before, after] = [Buffer.from("data: é\r\rdata: 1"), Buffer.concat([Buffer.from("é\r\rdata: é\r\r"), Buffer.of(0xff)])];
  for (let cut = 0; cut <= after.length; cut += 1) {
    const world = await read([Buffer.concat([before, after.subarray(0, cut)]), after.subarray(cut)]);
    assert.deepEqual(rebuild(eventsOf(world)).map(({ data }) => data), ["é", "1é", "é"], `cut at ${cut}`);
    assert.equal(world.framesOf().at(-1)[2], "EncodingError");
  }
});

test("an invalid byte after a character that two chunks share is an error after the events before it", async () => {
  const whole = Buffer.from("data: é\n\n" + sse("{}"));
  const world = await read([whole.subarray(0, 7), Buffer.concat([whole.subarray(7), Buffer.of(0xff)])]);

  assert.deepEqual(rebuild(eventsOf(world)).map(({ data }) => data), ["é", "{}"]);
});

// ---- pieces -----------------------------------------------------------------------------------------------------------

/** Send the events `from` to `to`, each when the previous one has been read. */
async function sendOneByOne(world, call, from, to, pause = 0) {
  for (let count = from; count <= to; count += 1) {
    world.clock.advance(pause);
    call.send(sse(event("x".repeat(count))));
    await world.settle();
  }
}

test("after many pieces in quick succession, the next read is delayed", async () => {
  const world = new FakeWorld();
  const call = world.open().respond();
  await sendOneByOne(world, call, 1, 40);
  world.clock.advance(0.9);
  await world.settle();
  const early = eventsOf(world).length;
  assert.ok(early >= 4 && early <= 16, `${early} of 40 events`);

  world.clock.advance(0.1);
  await world.settle();
  world.clock.advance(16);
  assert.equal(eventsOf(world).length, 40);
  call.send(sse("[DONE]"));
  await world.settle();
  world.clock.advance(1);
  await world.settle();
  assert.equal(eventsOf(world).length, 41);
});

test("pieces that arrive slowly are read without delay", async () => {
  const world = new FakeWorld();
  const call = world.open().respond();
  await sendOneByOne(world, call, 1, 40, 5);

  assert.equal(eventsOf(world).length, 40);
});

// ---- the outbox -------------------------------------------------------------------------------------------------------

test("a head is pushed together with the first event", async () => {
  const world = new FakeWorld();
  world.open().respond().send(sse("{}"));
  await world.settle();

  assert.equal(world.pushes.length, 1);
  assert.deepEqual(world.pushes[0].map(([, kind]) => kind), ["head", "events"]);
});

test("a head without an event is pushed alone after the interval", async () => {
  const world = new FakeWorld();
  world.open().respond();
  await world.settle();
  assert.deepEqual(world.pushes, []);
  world.clock.advance(4);
  await world.settle();

  assert.deepEqual(world.frames.map(([, kind]) => kind), ["head"]);
  assert.equal(world.clock.pending, 0);
});

test("the first push is the result of open, the others use the binding, and all are numbered", async () => {
  const world = new FakeWorld();
  const given = [];
  world.receive = (payload) => given.push(payload);
  const call = world.open();
  call.respond().send(sse("1"));
  await world.settle();
  call.send(sse("2"));
  await world.settle();
  assert.deepEqual(given.map((payload) => JSON.parse(payload)[0]), [1, 2]);

  world.open(2);
  world.client.abort(2);
  await world.settle();
  assert.deepEqual(given.slice(2), [null], "open resolves with null after an abort");
});

test("four pushes are sent at once, then frames are collected", async () => {
  const world = new FakeWorld();
  const call = world.open().respond();
  for (let count = 0; count < 12; count += 1) {
    call.send(sse(event("x".repeat(count + 1))));
    await world.settle();
  }
  assert.equal(world.pushes.length, 4, "the clock has not advanced");
  assert.equal(world.clock.pending, 1);

  world.clock.advance(4);
  assert.equal(world.pushes.length, 5);
  assert.equal(eventsOf(world).length, 12);
  assert.equal(rebuild(eventsOf(world)).at(-1).data, event("x".repeat(12)));
});

test("the rate limit is reset for the next reply", async () => {
  const world = new FakeWorld();
  const call = world.open(1).respond();
  await sendOneByOne(world, call, 1, 12);
  call.end();
  await world.settle();
  world.open(2).respond().send(sse("{}"));
  await world.settle();

  assert.equal(eventsOf(world, 2).length, 1, "the clock has not advanced");
});

test("events at intervals of 10 ms are pushed without delay", async () => {
  const world = new FakeWorld();
  const call = world.open().respond();
  for (let count = 1; count <= 50; count += 1) {
    call.send(sse(event("x".repeat(count))));
    await world.settle();
    assert.equal(eventsOf(world).length, count);
    world.clock.advance(10);
  }
});

test("a full outbox is pushed at once", async () => {
  const world = new FakeWorld();
  const call = world.open().respond();
  for (let count = 0; count < 4; count += 1) {
    call.send(sse(String(count)));
    await world.settle();
  }
  assert.equal(world.pushes.length, 4);
  call.send(sse(JSON.stringify("y".repeat(1 << 18))));
  await world.settle();

  assert.equal(world.pushes.length, 5);
});

test("many exchanges share one outbox", async () => {
  const world = new FakeWorld();
  const calls = Array.from({ length: 40 }, (_, id) => world.open(id + 1).respond());
  await world.settle();
  world.clock.advance(4);
  const before = world.pushes.length;
  for (const call of calls) call.send(sse("{}"));
  await world.flush();

  assert.ok(world.pushes.length - before <= 6, `${world.pushes.length - before} pushes for 40 streams`);
  for (let id = 1; id <= 40; id += 1) assert.equal(eventsOf(world, id).length, 1);
});

test("the end of a body is pushed at once", async () => {
  const world = new FakeWorld();
  const call = world.open().respond();
  for (let count = 0; count < 6; count += 1) {
    call.send(sse(String(count)));
    await world.settle();
  }
  call.end();
  await world.settle();

  assert.deepEqual(world.framesOf().at(-1), ["end"]);
});

// ---- the window -------------------------------------------------------------------------------------------------------

const MEGABYTE = 1 << 20;

test("reading pauses when the window is full, and resumes when half of it is granted", async () => {
  for (const stream of [true, false]) {
    const world = new FakeWorld();
    const call = world.open(1, { stream }).respond();
    const chunk = sse(JSON.stringify("z".repeat(MEGABYTE)));
    for (let count = 0; count < 12; count += 1) {
      call.send(chunk);
      await world.flush();
    }
    const taken = unread(world);
    assert.ok(taken > 4 * MEGABYTE, "reading paused too early");
    assert.ok(taken < 6 * MEGABYTE, `reading did not pause: ${taken}`);

    world.client.grant(1, taken - 3 * MEGABYTE);
    await world.flush();
    assert.equal(unread(world), taken, "half of the window must be granted before reading resumes");

    world.client.grant(1, MEGABYTE);
    await world.flush();
    assert.ok(unread(world) > taken);

    for (let round = 0; round < 20; round += 1) {
      world.client.grant(1, 3 * MEGABYTE);
      await world.flush();
    }
    call.end();
    await world.flush();
    assert.deepEqual(world.framesOf().at(-1), ["end"]);
    assert.ok(unread(world) >= 12 * MEGABYTE);
  }
});

function unread(world) {
  return world.framesOf().reduce((sum, [kind, , chars]) => sum + (kind === "events" || kind === "text" ? chars : 0), 0);
}

test("an exchange whose reading is paused can be aborted", async () => {
  const world = new FakeWorld();
  const call = world.open().respond();
  for (let count = 0; count < 8; count += 1) call.send(sse(JSON.stringify("z".repeat(MEGABYTE))));
  await world.settle();
  const delivered = world.frames.length;
  world.client.abort(1);
  await world.flush();

  assert.equal(call.signal.aborted, true);
  assert.equal(world.frames.length, delivered);
  assert.equal(world.client.openCount(), 0);
});

test("grant and abort for an unknown exchange do nothing", () => {
  const world = new FakeWorld();
  world.client.grant(7, 100);
  world.client.abort(7);
});

// ---- aborting ---------------------------------------------------------------------------------------------------------

test("a response in progress is aborted at once, and pushes no more frames", async () => {
  const world = new FakeWorld();
  const call = world.open().respond().send(sse("{}"));
  await world.settle();
  const delivered = world.frames.length;
  assert.equal(world.client.openCount(), 1);
  call.send(sse("[1]"));
  world.client.abort(1);
  assert.equal(call.signal.aborted, true);
  await world.flush();

  assert.equal(world.frames.length, delivered);
  assert.equal(world.client.openCount(), 0);
});

test("a request without a head is aborted after 50 ms", async () => {
  const world = new FakeWorld();
  const call = world.open();
  world.client.abort(1);
  world.clock.advance(49);
  assert.equal(call.signal.aborted, false);
  world.clock.advance(1);
  assert.equal(call.signal.aborted, true);
  await world.flush();

  assert.deepEqual(world.frames, []);
});

test("a head that arrives within these 50 ms is followed by an abort at once", async () => {
  const world = new FakeWorld();
  const call = world.open();
  world.client.abort(1);
  call.respond().send(sse("{}"));
  await world.settle();

  assert.equal(call.signal.aborted, true);
  await world.flush();
  assert.deepEqual(world.frames, []);
});

test("an abort does not affect other exchanges", async () => {
  const world = new FakeWorld();
  const [one, other] = [world.open(1).respond(), world.open(2).respond()];
  one.send(sse("1"));
  other.send(sse("2"));
  await world.flush();
  world.client.abort(1);
  other.send(sse("3")).end();
  await world.flush();

  assert.equal(other.signal.aborted, false);
  assert.deepEqual(rebuild(eventsOf(world, 2)).map(({ data }) => data), ["2", "3"]);
});

// ---- the document -----------------------------------------------------------------------------------------------------

test("prepareDocument rejects another origin, and clears the document of the right one", () => {
  const world = new FakeWorld();
  assert.equal(world.client.prepareDocument("https://chatgpt.com"), null);
  assert.equal(world.cleared, 0);
  assert.equal(world.client.prepareDocument("https://chat.openai.com"), "http/1.1");
  assert.equal(world.cleared, 1, "the content of the document is removed");
});

test("the body of a message is a stream over HTTP/2 and HTTP/3 only", async () => {
  for (const [protocol, streamed] of [
    ["h2", true],
    ["h3", true],
    ["http/1.1", false],
    ["", false],
  ]) {
    const world = new FakeWorld();
    world.protocol = protocol;
    world.client.prepareDocument("https://chat.openai.com");
    const message = world.open(1, { body: "wörds" }).init;
    assert.equal(message.body instanceof ReadableStream, streamed);
    assert.equal(message.duplex, streamed ? "half" : undefined);
    assert.equal(await new Response(message.body).text(), "wörds");
    const other = world.open(2, { body: undefined, method: "GET", stream: false }).init;
    assert.equal(other.body, undefined);
    assert.equal(other.duplex, undefined);
  }
});

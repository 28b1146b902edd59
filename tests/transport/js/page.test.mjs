// Everything that js/page.js promises in its first comment, without a browser.

import assert from "node:assert/strict";
import { test } from "node:test";

import { World, chance, rebuilt, reference } from "./harness.mjs";

const sse = (data) => `data: ${data}\n\n`;
const event = (text) => JSON.stringify({ message: { content: { parts: [text] } }, end: null });
const eventsOf = (world, id = 1) =>
  world.of(id).flatMap(([kind, items]) => (kind === "events" ? items : []));

/** What is delivered of a body that comes in these chunks. */
async function read(chunks) {
  const world = new World();
  const call = world.open().answer();
  call.send(...chunks.filter((chunk) => chunk.length > 0)).end();
  await world.flush();
  return world;
}

// ---- reduced events are the server's own ------------------------------------------------------------------------------

const PIECES = ["a", "é", "😀", '"', "\\", "\n", "\u2028", "\ud83d", '"parts": ["', "[DONE]", "ha", " ", "data: ", ""];

const FORMS = [
  (text, tail) => ({ m: { parts: [text] }, tail }),
  (text) => ({ m: { parts: [text, text] } }),
  (text, tail) => ({ parts: [tail], m: { parts: [text] } }),
  (text) => [text],
  (text) => ({ v: text }),
];

/** A body as no site sends one, but any might. Most of its events are like the one before; any may be another. */
function randomBody(dice) {
  const ends = dice.pick([["\n"], ["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"], ["\n", "\r\n", "\r"]]);
  const ascii = dice.below(2) === 0;
  const colon = dice.pick([": ", ":"]);
  const usual = { form: dice.pick(FORMS), type: dice.pick(["", "", "delta"]), indent: dice.pick([0, 0, 0, 1]) };
  const line = (words) => words + dice.pick(ends);
  let [text, tail, body] = ["", "x", dice.pick(["", "", "\ufeff"])];
  for (let count = 1 + dice.below(9); count > 0; count -= 1) {
    const { form, type, indent } =
      dice.below(5) > 0 ? usual : { form: dice.pick(FORMS), type: dice.pick(["", "other"]), indent: dice.pick([0, 1]) };
    if (dice.below(6) === 0) body += line(dice.pick([": ping", "data", "data:", "id: 1", "event: other", "nonsense: 1"]));
    if (dice.below(6) === 0) body += line("");
    if (dice.below(8) === 0) text = "";
    if (dice.below(6) === 0) tail += dice.pick(PIECES);
    text += dice.pick(PIECES) + dice.pick(PIECES);
    let json = JSON.stringify(form(text, tail), null, indent);
    if (ascii) json = json.replace(/[^\x00-\x7f]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, "0")}`);
    if (dice.below(12) === 0) json = dice.pick(["[DONE]", "{", text.replace(/[\r\n]/g, ""), json.slice(0, 9)]);
    if (type !== "") body += line(`event: ${type}`);
    body += json.split("\n").map((words) => line(`data${colon}${words}`)).join("");
    if (dice.below(12) === 0) body += line("id: 2");
    body += line("");
  }
  if (dice.below(3) === 0) body += line(`data${colon}[DONE]`) + line("");
  return Buffer.from(dice.below(3) === 0 ? body.slice(0, -1 - dice.below(20)) : body);
}

const SEEDS = Number(process.env.CHATGPT_SEEDS ?? 40);

test("whatever comes, the reduced events are the events, wherever the body is cut", async () => {
  let forms = new Set();
  for (let seed = 1; seed <= SEEDS; seed += 1) {
    const body = randomBody(chance(seed));
    const expected = reference(body);
    const cuts = Array.from(body, (_, at) => [body.subarray(0, at), body.subarray(at)]);
    cuts.push(Array.from(body, (byte) => Buffer.of(byte)));
    const world = new World();
    for (const [at, chunks] of cuts.entries()) {
      await quickly(world, chunks);
      const events = eventsOf(world);
      assert.deepEqual(rebuilt(events), expected, `seed ${seed}, cut at ${at}: ${JSON.stringify(String(body))}`);
      const done = expected.some(({ data, unended }) => data === "[DONE]" && !unended);
      assert.equal(world.of().at(-1)[0], done ? "events" : "end", `seed ${seed}, cut at ${at}`);
      for (const each of events) forms.add(formOf(each));
    }
  }
  assert.deepEqual([...forms].sort(), ["data", "grown", "new tail", "other text", "text", "unended"], "a form that never came was not tested");
});

/** Like `read`, but in a world that has been used, and only as long as it takes: this is done some ten thousand times. */
async function quickly(world, chunks) {
  world.pushes.length = world.calls.length = 0;
  const call = world.open().answer();
  call.send(...chunks.filter((chunk) => chunk.length > 0)).end();
  for (let turn = 0; turn < 100 && world.kit.openCount() > 0; turn += 1) await new Promise(setImmediate);
}

function formOf(reduced) {
  if (typeof reduced === "string") return "grown";
  if (Array.isArray(reduced)) return reduced.length === 1 ? "other text" : "new tail";
  if (reduced.unended) return "unended";
  return "text" in reduced ? "text" : "data";
}

test("an event whose lines end in CR alone is no model for what follows it", async () => {
  const chunks = ['data: {"parts": ["a"]}\r\r', 'x"]}\n\n', 'xb"]}\n\n', 'data: {"parts": ["ab"]}\n\n'];
  const world = new World();
  const call = world.open().answer();
  for (const chunk of chunks) {
    call.send(chunk);
    await world.rest();
  }
  call.end();
  await world.flush();

  assert.deepEqual(rebuilt(eventsOf(world)), reference(Buffer.from(chunks.join(""))));
});

test("a body that brings buffers of its own is read as well", async () => {
  const world = new World();
  const call = world.open();
  call.bytes = false;
  call.answer().send(sse(event("a")), sse(event("ab")).slice(0, 9), sse(event("ab")).slice(9)).end();
  await world.flush();

  assert.deepEqual(rebuilt(eventsOf(world)).map(({ data }) => data), [event("a"), event("ab")]);
});

test("of a delta like the one before, its text alone crosses the border", async () => {
  const world = await read(["one", " two", "\\n", ""].map((text) => `event: delta\ndata: {"v": "${text}"}\n\n`));

  const [first, ...others] = eventsOf(world);
  assert.deepEqual(first, { type: "delta", head: '{"v": "', text: "one", tail: '"}' });
  assert.deepEqual(others, [[" two"], ["\\n"], [""]]);
});

test("so of deltas that say where and how, and of patches of one change; of others nothing is taken apart", async () => {
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

test("what crosses the border grows with the reply and not with its square", async () => {
  const texts = Array.from({ length: 500 }, (_, count) => "0123456789".repeat(count + 1));
  const world = await read(texts.map((text) => sse(event(text))));
  const crossed = world.pushes.reduce((sum, push) => sum + JSON.stringify(push).length, 0);

  assert.equal(rebuilt(eventsOf(world)).at(-1).data, event(texts.at(-1)));
  assert.equal(eventsOf(world).length, 500);
  assert.ok(crossed < 3 * texts.at(-1).length, `${crossed} characters for a reply of ${texts.at(-1).length}`);
});

test("every frame says what it owes", async () => {
  const world = await read([sse(event("a")), sse(event("ab")), sse("[1, 2]")]);
  const frames = world.of().filter(([kind]) => kind === "events");

  assert.equal(
    frames.reduce((sum, [, , owed]) => sum + owed, 0),
    event("a").length + "b".length + "[1, 2]".length,
  );
});

test("comments and empty events say that the line is alive", async () => {
  const world = await read([": ping\n\n", "data:\n\n"]);

  assert.deepEqual(
    world.of().map(([kind]) => kind),
    ["head", "end"].toSpliced(1, 0, ...world.of().slice(1, -1).map(() => "alive")),
  );
  const alone = new World();
  alone.open().answer().send(": ping\n\n");
  await alone.flush();
  alone.calls[0].send(": ping\n\n");
  await alone.flush();
  assert.ok(alone.of().filter(([kind]) => kind === "alive").length >= 1);
});

test("nothing is said after the last word", async () => {
  const world = await read([sse("{}"), sse("[DONE]"), sse('{"late": 1}'), ": ping\n\n"]);

  assert.deepEqual(rebuilt(eventsOf(world)).map(({ data }) => data), ["{}", "[DONE]"]);
});

test("the last word is said at once, and its request ends within two seconds", async () => {
  const world = new World();
  const call = world.open().answer().send(sse("{}") + sse("[DONE]"));
  await world.rest();
  assert.deepEqual(rebuilt(eventsOf(world)).map(({ data }) => data), ["{}", "[DONE]"]);
  assert.equal(call.signal.aborted, false);

  world.clock.advance(1999);
  assert.equal(call.signal.aborted, false);
  world.clock.advance(1);
  assert.equal(call.signal.aborted, true);
  await world.flush();
  assert.equal(world.kit.openCount(), 0);
  assert.equal(world.clock.pending, 0);
});

test("a body that ends after its last word leaves no timer behind", async () => {
  const world = await read([sse("[DONE]")]);

  assert.equal(world.calls[0].signal.aborted, false);
  assert.equal(world.clock.pending, 0);
  assert.equal(world.kit.openCount(), 0);
});

// ---- heads, texts, errors ---------------------------------------------------------------------------------------------

test("the request is made as it was asked for", () => {
  const world = new World();
  const headers = { authorization: "Bearer x" };
  const call = world.open(1, { url: "/y", headers, body: "words" });

  assert.equal(call.url, "/y");
  const { method, body, cache, credentials, redirect } = call.init;
  assert.deepEqual({ method, body, cache, credentials, redirect }, {
    method: "POST",
    body: "words",
    cache: "no-store",
    credentials: "same-origin",
    redirect: "manual",
  });
  assert.deepEqual({ ...call.init.headers }, headers);
});

test("an answer that is no stream comes as text, whatever was asked for", async () => {
  for (const [stream, status, type] of [
    [true, 429, "text/event-stream"],
    [true, 200, "application/json"],
    [true, 200, "text/html; charset=utf-8"],
    [false, 200, "text/event-stream"],
  ]) {
    const world = new World();
    world.open(1, { stream }).answer({ status, headers: { "content-type": type } }).send("data: x", "\n\nyé").end();
    await world.flush();
    const [head, ...rest] = world.of();
    assert.deepEqual([head[0], head[1].status, head[1].headers["content-type"]], ["head", status, type]);
    assert.equal(rest.filter(([kind]) => kind === "text").map(([, text]) => text).join(""), "data: x\n\nyé");
    assert.deepEqual(rest.at(-1), ["end"]);
  }
});

test("a redirect is told and not followed", async () => {
  const world = new World();
  const call = world.open();
  call.outcome.resolve({ status: 0, statusText: "", ok: false, type: "opaqueredirect", body: null, headers: new Headers() });
  await world.flush();

  assert.equal(world.of()[0][1].redirected, true);
  assert.deepEqual(world.of()[1], ["end"]);
});

test("a network that fails says in which phase", async () => {
  const world = new World();
  world.open(1).fail(new TypeError("Failed to fetch"));
  world.open(2).answer().send(sse("{}"));
  await world.rest();
  world.calls[1].fail(new TypeError("network error"));
  await world.flush();

  assert.deepEqual(world.of(1), [["error", "head", "TypeError", "Failed to fetch"]]);
  assert.deepEqual(world.of(2).at(-1), ["error", "body", "TypeError", "network error"]);
  assert.deepEqual(rebuilt(eventsOf(world, 2)).map(({ data }) => data), ["{}"]);
  assert.equal(world.kit.openCount(), 0);
});

test("a bad byte is an error, after what stands before it", async () => {
  for (const bad of [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80]]) {
    const world = await read([Buffer.concat([Buffer.from(sse("{}") + "data: é"), Buffer.from(bad)])]);
    assert.deepEqual(rebuilt(eventsOf(world)).map(({ data }) => data), ["{}"]);
    assert.deepEqual(world.of().at(-1), ["error", "body", "EncodingError", "the body is not valid UTF-8"]);
  }
  const cut = await read([sse("{}"), Buffer.from("data: é").subarray(0, -1)]);
  assert.equal(cut.of().at(-1)[2], "EncodingError");
});

test("a bad byte behind lines that end in CR alone", async () => {
  const [before, after] = [Buffer.from("data: é\r\rdata: 1"), Buffer.concat([Buffer.from("é\r\rdata: é\r\r"), Buffer.of(0xff)])];
  for (let cut = 0; cut <= after.length; cut += 1) {
    const world = await read([Buffer.concat([before, after.subarray(0, cut)]), after.subarray(cut)]);
    assert.deepEqual(rebuilt(eventsOf(world)).map(({ data }) => data), ["é", "1é", "é"], `cut at ${cut}`);
    assert.equal(world.of().at(-1)[2], "EncodingError");
  }
});

test("a bad byte behind a character that two chunks share", async () => {
  const whole = Buffer.from("data: é\n\n" + sse("{}"));
  const world = await read([whole.subarray(0, 7), Buffer.concat([whole.subarray(7), Buffer.of(0xff)])]);

  assert.deepEqual(rebuilt(eventsOf(world)).map(({ data }) => data), ["é", "{}"]);
});

// ---- pieces -----------------------------------------------------------------------------------------------------------

/** So many events, each sent when the one before has been read. */
async function sendOneByOne(world, call, from, to, pause = 0) {
  for (let count = from; count <= to; count += 1) {
    world.clock.advance(pause);
    call.send(sse(event("x".repeat(count))));
    await world.rest();
  }
}

test("where many pieces come in quick succession, the next is given a moment in which others come, too", async () => {
  const world = new World();
  const call = world.open().answer();
  await sendOneByOne(world, call, 1, 40);
  world.clock.advance(0.9);
  await world.rest();
  const early = eventsOf(world).length;
  assert.ok(early >= 4 && early <= 16, `${early} of 40 events`);

  world.clock.advance(0.1);
  await world.rest();
  world.clock.advance(16);
  assert.equal(eventsOf(world).length, 40);
  call.send(sse("[DONE]"));
  await world.rest();
  world.clock.advance(1);
  await world.rest();
  assert.equal(eventsOf(world).length, 41);
});

test("pieces that take their time are read as they come", async () => {
  const world = new World();
  const call = world.open().answer();
  await sendOneByOne(world, call, 1, 40, 5);

  assert.equal(eventsOf(world).length, 40);
});

// ---- the outbox -------------------------------------------------------------------------------------------------------

test("a head travels with the first event", async () => {
  const world = new World();
  world.open().answer().send(sse("{}"));
  await world.rest();

  assert.equal(world.pushes.length, 1);
  assert.deepEqual(world.pushes[0].map(([, kind]) => kind), ["head", "events"]);
});

test("a head that waits in vain goes alone", async () => {
  const world = new World();
  world.open().answer();
  await world.rest();
  assert.deepEqual(world.pushes, []);
  world.clock.advance(4);
  await world.rest();

  assert.deepEqual(world.frames.map(([, kind]) => kind), ["head"]);
  assert.equal(world.clock.pending, 0);
});

test("the first push is what opening gives, the others go through the binding, each with its number", async () => {
  const world = new World();
  const given = [];
  world.take = (payload) => given.push(payload);
  const call = world.open();
  call.answer().send(sse("1"));
  await world.rest();
  call.send(sse("2"));
  await world.rest();
  assert.deepEqual(given.map((payload) => JSON.parse(payload)[0]), [1, 2]);

  world.open(2);
  world.kit.abort(2);
  await world.rest();
  assert.deepEqual(given.slice(2), [null], "an opening that has come to nothing ends too");
});

test("a few pushes go at once, then they are gathered", async () => {
  const world = new World();
  const call = world.open().answer();
  for (let count = 0; count < 12; count += 1) {
    call.send(sse(event("x".repeat(count + 1))));
    await world.rest();
  }
  assert.equal(world.pushes.length, 4, "the clock stands still");
  assert.equal(world.clock.pending, 1);

  world.clock.advance(4);
  assert.equal(world.pushes.length, 5);
  assert.equal(eventsOf(world).length, 12);
  assert.equal(rebuilt(eventsOf(world)).at(-1).data, event("x".repeat(12)));
});

test("what one reply has used up is not held against the next", async () => {
  const world = new World();
  const call = world.open(1).answer();
  await sendOneByOne(world, call, 1, 12);
  call.end();
  await world.rest();
  world.open(2).answer().send(sse("{}"));
  await world.rest();

  assert.equal(eventsOf(world, 2).length, 1, "the clock stands still");
});

test("a calm stream is never kept waiting", async () => {
  const world = new World();
  const call = world.open().answer();
  for (let count = 1; count <= 50; count += 1) {
    call.send(sse(event("x".repeat(count))));
    await world.rest();
    assert.equal(eventsOf(world).length, count);
    world.clock.advance(10);
  }
});

test("a full outbox goes whatever the clock says", async () => {
  const world = new World();
  const call = world.open().answer();
  for (let count = 0; count < 4; count += 1) {
    call.send(sse(String(count)));
    await world.rest();
  }
  assert.equal(world.pushes.length, 4);
  call.send(sse(JSON.stringify("y".repeat(1 << 18))));
  await world.rest();

  assert.equal(world.pushes.length, 5);
});

test("many streams share one outbox", async () => {
  const world = new World();
  const calls = Array.from({ length: 40 }, (_, id) => world.open(id + 1).answer());
  await world.rest();
  world.clock.advance(4);
  const before = world.pushes.length;
  for (const call of calls) call.send(sse("{}"));
  await world.flush();

  assert.ok(world.pushes.length - before <= 6, `${world.pushes.length - before} pushes for 40 streams`);
  for (let id = 1; id <= 40; id += 1) assert.equal(eventsOf(world, id).length, 1);
});

test("an end is never kept waiting", async () => {
  const world = new World();
  const call = world.open().answer();
  for (let count = 0; count < 6; count += 1) {
    call.send(sse(String(count)));
    await world.rest();
  }
  call.end();
  await world.rest();

  assert.deepEqual(world.of().at(-1), ["end"]);
});

// ---- the window -------------------------------------------------------------------------------------------------------

const MEGABYTE = 1 << 20;

test("who is far ahead of its consumer waits, and reads on when it is let", async () => {
  for (const stream of [true, false]) {
    const world = new World();
    const call = world.open(1, { stream }).answer();
    const chunk = sse(JSON.stringify("z".repeat(MEGABYTE)));
    for (let count = 0; count < 12; count += 1) {
      call.send(chunk);
      await world.flush();
    }
    const taken = owed(world);
    assert.ok(taken > 4 * MEGABYTE, "it stopped too early");
    assert.ok(taken < 6 * MEGABYTE, `it went on: ${taken}`);

    world.kit.grant(1, taken - 3 * MEGABYTE);
    await world.flush();
    assert.equal(owed(world), taken, "half of the window must be free before it reads on");

    world.kit.grant(1, MEGABYTE);
    await world.flush();
    assert.ok(owed(world) > taken);

    for (let round = 0; round < 20; round += 1) {
      world.kit.grant(1, 3 * MEGABYTE);
      await world.flush();
    }
    call.end();
    await world.flush();
    assert.deepEqual(world.of().at(-1), ["end"]);
    assert.ok(owed(world) >= 12 * MEGABYTE);
  }
});

function owed(world) {
  return world.of().reduce((sum, [kind, , chars]) => sum + (kind === "events" || kind === "text" ? chars : 0), 0);
}

test("what waits for its consumer can be aborted", async () => {
  const world = new World();
  const call = world.open().answer();
  for (let count = 0; count < 8; count += 1) call.send(sse(JSON.stringify("z".repeat(MEGABYTE))));
  await world.rest();
  const delivered = world.frames.length;
  world.kit.abort(1);
  await world.flush();

  assert.equal(call.signal.aborted, true);
  assert.equal(world.frames.length, delivered);
  assert.equal(world.kit.openCount(), 0);
});

test("a grant for nobody is nothing", () => {
  const world = new World();
  world.kit.grant(7, 100);
  world.kit.abort(7);
});

// ---- aborting ---------------------------------------------------------------------------------------------------------

test("an answer that is under way is aborted at once, and says nothing more", async () => {
  const world = new World();
  const call = world.open().answer().send(sse("{}"));
  await world.rest();
  const delivered = world.frames.length;
  assert.equal(world.kit.openCount(), 1);
  call.send(sse("[1]"));
  world.kit.abort(1);
  assert.equal(call.signal.aborted, true);
  await world.flush();

  assert.equal(world.frames.length, delivered);
  assert.equal(world.kit.openCount(), 0);
});

test("a request without an answer is aborted after a moment", async () => {
  const world = new World();
  const call = world.open();
  world.kit.abort(1);
  world.clock.advance(49);
  assert.equal(call.signal.aborted, false);
  world.clock.advance(1);
  assert.equal(call.signal.aborted, true);
  await world.flush();

  assert.deepEqual(world.frames, []);
});

test("an answer that comes in that moment is aborted as one", async () => {
  const world = new World();
  const call = world.open();
  world.kit.abort(1);
  call.answer().send(sse("{}"));
  await world.rest();

  assert.equal(call.signal.aborted, true);
  await world.flush();
  assert.deepEqual(world.frames, []);
});

test("one that is aborted leaves the others alone", async () => {
  const world = new World();
  const [one, other] = [world.open(1).answer(), world.open(2).answer()];
  one.send(sse("1"));
  other.send(sse("2"));
  await world.flush();
  world.kit.abort(1);
  other.send(sse("3")).end();
  await world.flush();

  assert.equal(other.signal.aborted, false);
  assert.deepEqual(rebuilt(eventsOf(world, 2)).map(({ data }) => data), ["2", "3"]);
});

// ---- the document -----------------------------------------------------------------------------------------------------

test("a document of another origin is no place to send from", () => {
  const world = new World();
  assert.equal(world.kit.settle("https://chatgpt.com"), null);
  assert.equal(world.cleared, 0);
  assert.equal(world.kit.settle("https://chat.openai.com"), "http/1.1");
  assert.equal(world.cleared, 1, "what the document says is nobody's to read");
});

test("over HTTP/2 a message's body is a stream, which Chromium can't send again; nothing else is", async () => {
  for (const [protocol, streamed] of [
    ["h2", true],
    ["h3", true],
    ["http/1.1", false],
    ["", false],
  ]) {
    const world = new World();
    world.protocol = protocol;
    world.kit.settle("https://chat.openai.com");
    const message = world.open(1, { body: "wörds" }).init;
    assert.equal(message.body instanceof ReadableStream, streamed);
    assert.equal(message.duplex, streamed ? "half" : undefined);
    assert.equal(await new Response(message.body).text(), "wörds");
    const other = world.open(2, { body: undefined, method: "GET", stream: false }).init;
    assert.equal(other.body, undefined);
    assert.equal(other.duplex, undefined);
  }
});

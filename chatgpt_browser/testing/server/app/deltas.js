/** A reply's stream as the page reads it: server-sent events cut, deltas put together. */

const steps = (path) =>
  path
    .split("/")
    .slice(1)
    .map((step) => step.replaceAll("~1", "/").replaceAll("~0", "~"));

function change(root, { p, o, v }) {
  if (o === "patch") return v.reduce((value, item) => change(value, item), root);
  if (p === "") return v;
  const way = steps(p);
  const last = way.pop();
  const holder = way.reduce((value, step) => value[step], root);
  if (o === "remove") delete holder[last];
  else if (o !== "append") holder[last] = v;
  else if (typeof holder[last] === "string") holder[last] += v;
  else if (Array.isArray(holder[last])) holder[last].push(...[v].flat());
  else holder[last] = { ...holder[last], ...v };
  return root;
}

/** The values of all channels; `apply` gives the one that a delta was about. */
export class Channels {
  #values = new Map();
  #last = { c: 0, p: "", o: "add" };

  apply(delta) {
    const { v, ...said } = delta;
    this.#last = { ...this.#last, ...said };
    const value = change(this.#values.get(this.#last.c), { ...this.#last, v });
    this.#values.set(this.#last.c, value);
    return value;
  }
}

/** The events of a response, one after another: {type, data}. */
export async function* events(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (rest + value).split(/\r\n\r\n|\n\n|\r\r/);
    rest = blocks.pop();
    for (const block of blocks) {
      const lines = block.split(/\r\n|\n|\r/);
      const field = (name) => lines.filter((line) => line.startsWith(`${name}: `)).map((line) => line.slice(name.length + 2));
      const data = field("data").join("\n");
      if (data !== "") yield { type: field("event")[0] ?? "", data };
    }
  }
}

/** Every message of a reply as it grows: `onMessage(message, conversationId)`. */
export async function follow(response, onMessage) {
  const channels = new Channels();
  for await (const { type, data } of events(response)) {
    if (data === "[DONE]") return;
    const event = JSON.parse(data);
    const whole = type === "delta" ? channels.apply(event) : event;
    if (whole.error) throw new Error(whole.error);
    if (whole.message) onMessage(whole.message, whole.conversation_id);
  }
}

/** The server as the page speaks to it. */

let session = null;

/** Who is there; asked again when the access token has run out. */
export async function signIn() {
  session = await (await fetch("/api/auth/session", { cache: "no-store" })).json();
  return session.user;
}

async function ask(path, options = {}, again = true) {
  const headers = { authorization: `Bearer ${session.accessToken}`, ...options.headers };
  const response = await fetch(`/backend-api/${path}`, { ...options, headers });
  if (response.ok) return response;
  if (response.status === 401 && again) {
    await signIn();
    return ask(path, options, false);
  }
  const { detail } = await response.json().catch(() => ({}));
  throw new Error(detail?.message ?? (typeof detail === "string" ? detail : `The server answered ${response.status}.`));
}

const post = (path, body, headers, signal) =>
  ask(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
    signal,
  });

export const conversations = async () => (await (await ask("conversations?offset=0&limit=20")).json()).items;

/** A conversation's messages, first to newest. */
export async function open(id) {
  const { title, mapping, current_node } = await (await ask(`conversation/${encodeURIComponent(id)}`)).json();
  const messages = [];
  for (let at = mapping[current_node]; at; at = mapping[at.parent]) if (at.message) messages.unshift(at.message);
  return { title, messages, newest: current_node };
}

/** Send a message. The server takes it with a token that it has just given to this page, and not without. */
export async function send(text, { conversation, parent, model, query }, signal) {
  const requirements = await (await post("sentinel/chat-requirements", {})).json();
  const message = {
    id: crypto.randomUUID(),
    author: { role: "user" },
    create_time: Date.now() / 1000,
    content: { content_type: "text", parts: [text] },
    metadata: {},
  };
  const body = {
    action: "next",
    messages: [message],
    conversation_id: conversation ?? undefined,
    parent_message_id: parent ?? "client-created-root",
    model: model ?? "auto",
    supported_encodings: ["v1"],
    timezone_offset_min: new Date().getTimezoneOffset(),
  };
  const headers = { accept: "text/event-stream", "openai-sentinel-chat-requirements-token": requirements.token };
  return post(`f/conversation${query}`, body, headers, signal);
}

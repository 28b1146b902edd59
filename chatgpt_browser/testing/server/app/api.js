/** Requests from the page to the server. */

/** The session: a promise. Requests to the backend wait until it is resolved. */
let session = null;

const loadSession = async () => (await fetch("/api/auth/session", { cache: "no-store" })).json();

/** Load the session, and return its user. Called again when the access token has expired. */
export async function signIn() {
  session = loadSession();
  return (await session).user;
}

async function authorization() {
  return { authorization: `Bearer ${(await session).accessToken}` };
}

async function request(path, options = {}, mayRetry = true) {
  const headers = { ...(await authorization()), ...options.headers };
  const response = await fetch(`/backend-api/${path}`, { ...options, headers });
  if (response.ok) return response;
  if (response.status === 401 && mayRetry) {
    await signIn();
    return request(path, options, false);
  }
  const { detail } = await response.json().catch(() => ({}));
  throw new Error(detail?.message ?? (typeof detail === "string" ? detail : `The server responded with status ${response.status}.`));
}

const post = (path, body, headers, signal) =>
  request(path, {
    method: "POST",
    body: JSON.stringify(body),
    headers: { "content-type": "application/json", ...headers },
    signal,
  });

export const postJson = async (path, body) => (await post(path, body)).json();

/** Post a body, read the whole response, and return its text. */
export const postText = async (path, body) => (await post(path, body)).text();

export const postForm = (path, form) => request(path, { method: "POST", body: form });

/** Return the models and the presets of the picker. */
export const models = async () => (await request("models?iim=false&is_gizmo=false&supports_model_picker_upgrade_presets=true")).json();

/** Return the newest conversations. */
export const conversations = async () => (await (await request("conversations?offset=0&limit=20")).json()).items;

const { loading } = JSON.parse(document.body.dataset.view ?? "{}");

/** Load a conversation with the kind of request that the server has set, and return the data. */
async function load(id) {
  if (loading === "batch") return (await (await post("conversations/batch", { conversation_ids: [id] })).json())[0];
  const path = loading === "conversations" ? `conversations/${encodeURIComponent(id)}?include_has_versions=true&num_turns=10` : `conversation/${encodeURIComponent(id)}`;
  return (await request(path)).json();
}

/** Return the title and the messages of a conversation, oldest first, and the ID of the newest message. */
export async function open(id) {
  const { title, mapping, messages = [], current_node, default_model_slug } = await load(id);
  for (let at = mapping?.[current_node]; at; at = mapping[at.parent]) if (at.message) messages.unshift(at.message);
  return { title, messages, newest: current_node, model: default_model_slug };
}

const TOKEN = "openai-sentinel-chat-requirements-token";
const prepareAtOnce = async () => ({ [TOKEN]: (await postJson("sentinel/chat-requirements", {})).token });

/** Prepare a message with three successive requests, like the site's page of 2026. Return the headers for the message. */
async function prepare() {
  const { prepare_token } = await postJson("sentinel/chat-requirements/prepare", {});
  const { token } = await postJson("sentinel/chat-requirements/finalize", { prepare_token });
  const { conduit_token } = await postJson("f/conversation/prepare", { action: "next" });
  return { [TOKEN]: token, "x-conduit-token": conduit_token };
}

/**
 * Send a message. The server accepts a message only with a single-use token, so first request a token. `images` are additional parts
 * of the message, `metadata` is the message's metadata, and `fields` are additional fields of the request.
 */
export async function send(text, { conversation, parent, model, query, preparesLikeToday, images = [], metadata = {}, fields = {} }, signal) {
  const prepared = await (preparesLikeToday ? prepare() : prepareAtOnce());
  const message = {
    id: crypto.randomUUID(),
    author: { role: "user" },
    create_time: Date.now() / 1000,
    content: { content_type: "text", parts: [text] },
    metadata,
  };
  const body = {
    action: "next",
    messages: [message],
    conversation_id: conversation ?? undefined,
    parent_message_id: parent ?? "client-created-root",
    model: model ?? "auto",
    supported_encodings: ["v1"],
    timezone_offset_min: new Date().getTimezoneOffset(),
    ...fields,
  };
  if (images.length) message.content = { content_type: "multimodal_text", parts: [...images, ...message.content.parts] };
  const headers = { accept: "text/event-stream", ...prepared };
  return post(`f/conversation${query}`, body, headers, signal);
}

/** Request the rest of a reply. Return the response, whatever its status. */
export const resume = async (position, token, signal) =>
  fetch("/backend-api/f/conversation/resume", {
    method: "POST",
    body: JSON.stringify(position),
    headers: {
      ...(await authorization()),
      "content-type": "application/json",
      ...(token && { "x-conduit-token": token }),
    },
    signal,
  });

/** Return the address of the page's WebSocket. */
export const socketUrl = async () => (await (await request("celsius/ws/user")).json()).websocket_url;

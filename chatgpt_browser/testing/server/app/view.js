/** Renders messages, and applies the layout of the page. */

import { markTurn } from "./layouts.js";

const TEXT_OF = {
  thoughts: (content) => content.thoughts.map((thought) => thought.content).join("\n"),
  reasoning_recap: (content) => content.content,
  code: (content) => content.text,
  execution_output: (content) => content.text,
};

function isAnswer({ author, channel, content, recipient }) {
  const kind = content.content_type ?? "text";
  return author.role === "assistant" && kind === "text" && (recipient ?? "all") === "all" && (channel ?? "final") === "final";
}

const textOf = ({ content }) => (TEXT_OF[content.content_type] ?? (({ parts }) => parts.join("")))(content);

const LINK = /(\[[^\]\n]+\]\(https?:\/\/[^)\s]+\))/;

/** Return the nodes of a text with links. */
function renderText(text) {
  return text.split(LINK).map((piece, index) => {
    if (index % 2 === 0) return document.createTextNode(piece);
    const [label, href] = piece.slice(1, -1).split("](");
    return Object.assign(document.createElement("a"), { href, textContent: label });
  });
}

/** Return the nodes of a Markdown text. Only links and code blocks are supported. */
function render(markdown) {
  return markdown.split(/```\w*\n?([\s\S]*?)(?:```\n?|$)/).flatMap((piece, index) => {
    if (index % 2 === 0) return renderText(piece);
    const block = document.createElement("pre");
    block.append(Object.assign(document.createElement("code"), { textContent: piece }));
    return block;
  });
}

/** Maps a name in `ConversationView` to the attribute that contains the ID of a message. */
const ID_ATTRIBUTES = {
  message: "data-message-id",
  turn: "data-turn-key",
  search: "data-chatgpt-search-message-ids",
  selection: "data-chatgpt-selection-message-id",
};
const shown = new Map();

/** Write the ID of a message into the attribute that `message_ids` selects. */
function writeId(article, id) {
  const { message_ids } = JSON.parse(document.body.dataset.view);
  const name = ID_ATTRIBUTES[message_ids];
  if (name !== undefined) article.setAttribute(name, message_ids === "search" && id !== "" ? `${id} unit-${id}` : id);
}

/** Show a message in the thread. If the thread already has a message with this ID, replace it. */
export function show(thread, message, { busy = false } = {}) {
  if (message.author.role === "system" || message.metadata?.is_visually_hidden_from_conversation) return;
  const role = message.author.role === "user" ? "user" : "assistant";
  let article = shown.get(message.id);
  if (article === undefined) {
    article = document.createElement("article");
    article.className = `message ${role}`;
    writeId(article, message.id);
    if (message.id !== "") shown.set(message.id, article);
    article.dataset.messageAuthorRole = role;
    article.append(Object.assign(document.createElement("div"), { className: "text" }));
    thread.append(article);
    markTurn(article, document.body.dataset);
  }
  const body = article.firstChild;
  body.classList.toggle("aside", role === "assistant" && !isAnswer(message));
  body.replaceChildren(...render(textOf(message)));
  if (busy && isAnswer(message)) article.setAttribute("aria-busy", "true");
  thread.scrollTop = thread.scrollHeight;
}

const GERMAN = { Message: "Nachricht", "Send message": "Nachricht senden", "Stop answering": "Antwort anhalten" };

/** Return text boxes, buttons and a non-modal dialog that do not belong to the composer. */
function crowdedElements() {
  const create = (name, attributes, text = "") => {
    const element = Object.assign(document.createElement(name), { textContent: text });
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const banner = create("div", { role: "dialog", "aria-label": "Cookies" }, "We have cookies.");
  banner.append(create("button", { type: "button" }, "Accept"));
  return [
    create("input", { "aria-label": "Ask a colleague", placeholder: "Ask a colleague", size: 12 }),
    create("button", { type: "button" }, "Send feedback"),
    create("button", { type: "button" }, "Stop reminders"),
    banner,
  ];
}

/** Apply the layout and the modal dialog. The server has stored both in the attributes of `body`. */
export function applyLayout(body) {
  const { layout, modal } = body.dataset;
  if (layout === "moved" || layout === "strange") {
    for (const element of body.querySelectorAll("[data-testid]")) {
      element.removeAttribute("data-testid");
      element.removeAttribute("id");
    }
  }
  if (layout === "foreign" || layout === "strange") {
    for (const element of body.querySelectorAll("[aria-label]")) {
      const label = element.getAttribute("aria-label");
      element.setAttribute("aria-label", GERMAN[label] ?? label);
    }
  }
  if (layout === "crowded") body.querySelector("nav").append(...crowdedElements());
  if (modal) {
    body.querySelector("#modal-title").textContent = modal;
    body.querySelector("#modal").showModal();
  }
}

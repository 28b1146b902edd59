/** What a message looks like, and how the page is laid out. */

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

/** A piece of text, with its links. */
function words(text) {
  return text.split(LINK).map((piece, index) => {
    if (index % 2 === 0) return document.createTextNode(piece);
    const [label, href] = piece.slice(1, -1).split("](");
    return Object.assign(document.createElement("a"), { href, textContent: label });
  });
}

/** Words, links and blocks of code: as much Markdown as a test needs to see. */
function render(markdown) {
  return markdown.split(/```\w*\n?([\s\S]*?)(?:```\n?|$)/).flatMap((piece, index) => {
    if (index % 2 === 0) return words(piece);
    const block = document.createElement("pre");
    block.append(Object.assign(document.createElement("code"), { textContent: piece }));
    return block;
  });
}

/** Show a message in the thread; the same one again replaces itself. */
export function show(thread, message, { busy = false } = {}) {
  if (message.author.role === "system" || message.metadata?.is_visually_hidden_from_conversation) return;
  const role = message.author.role === "user" ? "user" : "assistant";
  let turn = message.id === "" ? null : thread.querySelector(`[data-message-id="${CSS.escape(message.id)}"]`);
  if (turn === null) {
    turn = document.createElement("article");
    turn.className = `turn ${role}`;
    turn.dataset.messageId = message.id;
    turn.dataset.messageAuthorRole = role;
    turn.append(Object.assign(document.createElement("div"), { className: "text" }));
    thread.append(turn);
  }
  const body = turn.firstChild;
  body.classList.toggle("aside", role === "assistant" && !isAnswer(message));
  body.replaceChildren(...render(textOf(message)));
  if (busy && isAnswer(message)) turn.setAttribute("aria-busy", "true");
  thread.scrollTop = thread.scrollHeight;
}

const GERMAN = { Message: "Nachricht", "Send message": "Nachricht senden", "Stop answering": "Antwort anhalten" };

/** Things to write into, to press and to answer that are none of the composer's, and stand in nobody's way. */
function crowd() {
  const made = (name, attributes, text = "") => {
    const element = Object.assign(document.createElement(name), { textContent: text });
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const banner = made("div", { role: "dialog", "aria-label": "Cookies" }, "We have cookies.");
  banner.append(made("button", { type: "button" }, "Accept"));
  return [
    made("input", { "aria-label": "Ask a colleague", placeholder: "Ask a colleague", size: 12 }),
    made("button", { type: "button" }, "Send feedback"),
    made("button", { type: "button" }, "Stop reminders"),
    banner,
  ];
}

/** Lay the page out as the server says: its names for tests gone, or its labels in another language, or both. */
export function dressUp(body) {
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
  if (layout === "crowded") body.querySelector("nav").append(...crowd());
  if (modal) {
    body.querySelector("#modal-title").textContent = modal;
    body.querySelector("#modal").showModal();
  }
}

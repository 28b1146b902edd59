/** The composers and the messages of the layouts "2023", "2025" and "2026", and their labels in each language. */

const LABELS = {
  en: { ask: "Ask ChatGPT", send: "Send", stop: "Stop", files: "Add files and more", dictate: "Dictate", model: "Select ChatGPT model", read: "Read aloud" },
  de: { ask: "ChatGPT fragen", send: "Senden", stop: "Stoppen", files: "Dateien und mehr", dictate: "Diktieren", model: "Modell wählen", read: "Vorlesen" },
  fr: { ask: "Demander à ChatGPT", send: "Envoyer", stop: "Arrêter", files: "Ajouter des fichiers", dictate: "Dicter", model: "Choisir un modèle", read: "Lire à voix haute" },
  ja: { ask: "ChatGPT に質問する", send: "送信", stop: "止める", files: "ファイルを追加", dictate: "音声入力", model: "モデルを選択", read: "音読する" },
  zh: { ask: "给 ChatGPT 发消息", send: "发送", stop: "停止", files: "添加文件", dictate: "听写", model: "选择模型", read: "朗读" },
};

const ICONS = { send: "M12 19V6m0 0-6 6m6-6 6 6", stop: "M7 7h10v10H7Z", other: "M5 12h14M12 5v14" };

export function create(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  svg.setAttribute("viewBox", "0 0 24 24");
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A composer with one textarea and one button, without names and labels. */
function composer2023() {
  const editor = create("textarea", { class: "editor", rows: "1" });
  const [send, stop] = [create("button", { class: "send" }, icon("send")), create("button", { class: "stop", type: "button" }, icon("stop"))];
  return { form: {}, editor, send, stop, before: [], after: [] };
}

/** A composer with ids and test ids. The send button exists only while the editor contains text. */
function composer2025(label) {
  const editor = create("div", { id: "prompt-textarea", class: "editor ProseMirror", contenteditable: "true", "data-placeholder": label.ask });
  const send = create("button", { id: "composer-submit-button", "data-testid": "send-button", "aria-label": label.send, class: "send" }, icon("send"));
  const stop = create("button", { "data-testid": "stop-button", "aria-label": label.stop, class: "stop", type: "button" }, icon("stop"));
  const speech = create("button", { "data-testid": "composer-speech-button", "aria-label": label.dictate, type: "button", class: "send" }, icon("other"));
  const plus = create("button", { "data-testid": "composer-plus-btn", "aria-label": label.files, type: "button" }, "+");
  return { form: { "data-type": "unified-composer" }, editor, send, stop, empty: speech, before: [plus], after: [], plus };
}

/** A composer with labels, but without ids and test ids. The other buttons also have labels. */
function composer2026(label) {
  const attributes = { class: "editor ProseMirror", contenteditable: "true", role: "textbox", "aria-label": label.ask, "data-composer-markdown": "" };
  const editor = create("div", attributes);
  const send = create("button", { type: "submit", "aria-label": label.send, class: "send" }, icon("send"));
  const stop = create("button", { type: "button", "aria-label": label.stop, class: "stop" }, icon("stop"));
  const other = (text) => create("button", { type: "button", "aria-label": text }, "+");
  const [plus, picker] = [other(label.files), other(label.model)];
  const placement = location.pathname === "/" ? "home" : "thread";
  const form = { "data-chatgpt-composer": "", "data-composer-placement": placement };
  return { form, editor, send, stop, before: [plus, picker], after: [other(label.dictate)], plus, picker };
}

const COMPOSERS = { 2023: composer2023, 2025: composer2025, 2026: composer2026 };

/** Replace the page's composer by the layout's composer, and return its elements. Return null if the layout has no composer. */
export function replaceComposer({ layout, language }) {
  document.documentElement.lang = language;
  if (!(layout in COMPOSERS)) return null;
  const found = COMPOSERS[layout](LABELS[language]);
  const place = create("span", { class: "slot" }, found.send);
  const alert = create("p", { class: "alert", hidden: "" });
  const form = create("form", { ...found.form, class: "composer" }, alert, create("div", { class: "box" }, ...found.before, found.editor, ...found.after, place));
  const old = document.getElementById("composer");
  old.replaceWith(form);
  if (layout === "2026") {
    // The home page's composer stays in the document. It is hidden, and it is before the composer of the thread.
    const home = composer2026(LABELS[language]);
    form.before(create("form", { ...home.form, hidden: "", class: "composer" }, home.editor, home.send));
  }
  const show = (isRunning, isEmpty) => {
    const button = isRunning ? found.stop : isEmpty && found.empty ? found.empty : found.send;
    if (place.firstChild !== button) place.replaceChildren(button);
  };
  const layoutButtons = { plus: found.plus, picker: found.picker };
  return { form, editor: found.editor, send: found.send, stop: found.stop, alert, show, layoutButtons };
}

/** Replace the attributes of an article in the thread by the attributes of the layout. */
export function markTurn(article, { layout, language }) {
  const { messageId: id, messageAuthorRole: role } = article.dataset;
  if (layout === "2025") {
    const number = [...article.parentElement.children].indexOf(article) + 1;
    Object.assign(article.dataset, { testid: `conversation-turn-${number}`, turn: role, turnId: id });
  } else if (layout === "2026") {
    delete article.dataset.messageAuthorRole;
    Object.assign(article.dataset, { turnKey: id, chatgptSearchUnitKey: `${id}:${role}`, chatgptSearchMessageIds: id });
    const label = LABELS[language].read;
    if (role === "assistant" && !article.querySelector("button")) article.append(create("button", { type: "button", "aria-label": label }, "♪"));
  } else if (layout === "2023") delete article.dataset.messageAuthorRole;
}

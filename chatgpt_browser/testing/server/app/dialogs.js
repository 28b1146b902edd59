/** The dialogs of the site. A dialog is a box without height. Its children have a fixed position. The rest of the page is inert. */

import { create } from "./layouts.js";

const DIALOGS = {
  "rate-limit": {
    name: "modal-conversation-history-rate-limit",
    title: "Too many requests",
    text: "You're making requests too quickly. We've temporarily limited access to your conversations.",
    button: "Got it",
  },
  "unusual-activity": {
    title: "Something went wrong",
    text: "Our systems have detected unusual activity from your system. Please try again later.",
    button: "Okay",
  },
  "expired-session": { name: "modal-expired-session", title: "Your session has expired", text: "Please log in again to continue.", button: "Log in" },
  "signed-out": { name: "modal-no-auth-login", title: "Welcome back", text: "Log in or sign up to get smarter responses.", button: "Log in" },
  announcement: { name: "modal-beacon", title: "What's new", text: "There is a new model.", button: "Try it now", canClose: true },
  survey: { title: "How do you like the page?", text: "It takes two minutes.", button: "Start", canClose: true },
  choice: {
    title: "You're giving feedback on a new version of ChatGPT.",
    text: "Which response do you prefer? Responses may take a moment to load.",
    button: "I prefer this response",
  },
};

/** Show the question "which of two answers is better?" in the thread, after a reply. The question does not block the page. */
export function showChoiceInThread(thread) {
  const { title, text, button } = DIALOGS.choice;
  const buttons = [1, 2].map(() => create("button", { type: "button" }, button));
  for (const each of buttons) each.addEventListener("click", () => fetch("/backend-api/dialog-answered/choice-in-thread"));
  thread.append(create("div", { "data-testid": "paragen-choice" }, create("p", {}, title), create("p", {}, text), ...buttons));
}

/** Show the dialog of this kind. `overlay` shows the survey without an ARIA role. */
export function showDialog(kind) {
  const { name, title, text, button, canClose } = DIALOGS[kind === "overlay" ? "survey" : kind];
  const role = kind === "overlay" ? {} : { role: "dialog", "aria-modal": "true" };
  const panel = create("div", { class: "panel" }, create("h2", {}, title), create("p", {}, text), create("button", { type: "button" }, button));
  const dialog = create("div", { ...role, ...(name && { "data-testid": name, id: name }) }, create("div", { class: "backdrop" }), panel);
  const portal = create("div", { id: "headlessui-portal-root" }, dialog);
  const others = [...document.body.children];
  const close = () => {
    portal.remove();
    others.forEach((other) => other.removeAttribute("inert"));
  };
  if (canClose) {
    const cross = create("button", { type: "button", "aria-label": "Close", "data-testid": "close-button" }, "×");
    cross.addEventListener("click", close);
    panel.append(cross);
  }
  panel.querySelector("button").addEventListener("click", () => fetch(`/backend-api/dialog-answered/${kind}`));
  others.forEach((other) => other.setAttribute("inert", ""));
  document.body.append(portal);
}

/**
 * Return the state of a usual composer, or null. A composer is usual if its parts are recognized without doubt: the page has one
 * editor, which is in a form; nothing covers the composer; no reply is in progress; and nothing asks to log in.
 *
 * Arguments: an object of selectors and labels (see selectors.py); the beginning of the message, whose copies are counted; whether to
 * select the text of the editor; and the milliseconds to wait until the editor has this beginning and the send button is enabled. The
 * last three arguments are the functions of other scripts.
 */
async (rules, beginning, selects, duration, readBox, findObstruction, shapesOf) => {
  const hasBox = ({ width, height }) => width > 0 && height > 0;
  const isShown = (element) => element.checkVisibility({ visibilityProperty: true }) && hasBox(element.getBoundingClientRect());
  const findAll = (root, selector) => [...root.querySelectorAll(selector)].filter((element) => !element.matches(rules.outside) && isShown(element));
  const hasLabel = (element, label) => {
    const references = (element.getAttribute("aria-labelledby") ?? "").split(/\s+/).map((id) => document.getElementById(id)?.textContent);
    const names = [references.join(" ").trim(), element.getAttribute("aria-label"), element.value, element.textContent.trim(), element.title];
    return new RegExp(label, "i").test(names.find(Boolean) ?? "");
  };
  const is = (element, { names, label }) => element.matches(names) || hasLabel(element, label);

  /** Return the editor, its form and its send button, which may not exist yet. Return null if the composer is not usual. */
  function find() {
    const editors = findAll(document, rules.editors);
    const form = editors[0]?.closest(rules.form);
    if (editors.length !== 1 || !form || document.querySelector(rules.shell)) return null;
    const buttons = findAll(form, rules.buttons);
    const controls = findAll(document, `${rules.buttons}, a[href], [role=link]`);
    if (controls.some((control) => is(control, rules.logIn) || is(control, form.contains(control) ? rules.stopInForm : rules.stop))) return null;
    if (controls.some((control) => !form.contains(control) && is(control, rules.send))) return null;
    const [named, ...placed] = [rules.send.names, ...rules.sendStructures].map((selector) => buttons.filter((button) => button.matches(selector)));
    const labelled = buttons.filter((button) => hasLabel(button, rules.sendInForm.label));
    const found = [named, labelled, ...placed].find(({ length }) => length > 0) ?? [];
    return found.length > 1 ? null : { editor: editors[0], form, buttons, send: found[0] };
  }

  // An editor shows some spaces as no-break spaces.
  const hasMessage = (text) => text.trim() !== "" && text.replaceAll("\u00a0", " ").includes(beginning);
  const isReady = ({ editor, send }) => Boolean(send?.matches(rules.enabled) && hasMessage(readBox(editor, "").text));

  /** Wait until the message can be sent, for at most `duration` milliseconds. */
  const waitUntilReady = () =>
    new Promise((resolve) => {
      const observer = new MutationObserver(check);
      const timer = setTimeout(finish, duration);
      function finish() {
        observer.disconnect();
        removeEventListener("input", check);
        clearTimeout(timer);
        resolve();
      }
      function check() {
        const found = find();
        if (found === null || isReady(found)) finish();
      }
      observer.observe(document, { attributes: true, childList: true, characterData: true, subtree: true });
      addEventListener("input", check);
      check();
    });

  /** Return a selector that matches only this element. If the page changes the label or test id, the selector no longer matches. */
  function selectorOf(element) {
    const named = ["aria-label", "data-testid"].filter((name) => element.hasAttribute(name));
    const attributes = named.map((name) => `[${name}=${JSON.stringify(element.getAttribute(name))}]`).join("");
    const byId = `#${CSS.escape(element.id)}`;
    if (element.id && document.querySelectorAll(byId).length === 1) return byId + attributes;
    const steps = [];
    for (let at = element; at.parentElement; at = at.parentElement) steps.unshift(`:nth-child(${[...at.parentElement.children].indexOf(at) + 1})`);
    return ["html", ...steps].join(" > ") + attributes;
  }

  if (duration > 0) await waitUntilReady();
  const found = find();
  if (found === null || findObstruction(rules.obstruction) !== null) return null;
  const { editor, form, buttons, send } = found;
  if (selects) {
    editor.focus();
    if ("value" in editor) editor.select();
    else getSelection().selectAllChildren(editor);
    if (document.activeElement !== editor) return null;
  }
  const { text, elsewhere } = readBox(editor, beginning);
  const isEnabled = Boolean(send?.matches(rules.enabled));
  return { text, copies: elsewhere, isEnabled, send: send ? selectorOf(send) : null, shapes: shapesOf(buttons) };
};

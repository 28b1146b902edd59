/**
 * Describe the element that covers the composer, or else a dialog that blocks the page. Return null if there is neither.
 *
 * An element covers the composer if a click on the composer would hit this element; its markup does not matter. The argument is an
 * object of selectors (see selectors.py).
 */
({ boxes, sendButtons, notInComposer, dialogs, blocking, closeButtons, kinds }) => {
  const boxOf = (element) => element.getBoundingClientRect();
  const centreOf = ({ left, top, width, height }) => ({ x: left + width / 2, y: top + height / 2 });
  const hasBox = (element) => element.checkVisibility({ visibilityProperty: true }) && boxOf(element).width > 0 && boxOf(element).height > 0;
  // If the children of a dialog have a fixed position, the dialog's own box may have no height.
  const isShown = (element) => hasBox(element) || [...element.querySelectorAll("*")].some(hasBox);

  const lastOf = (root, selector) => [...root.querySelectorAll(selector)].filter((element) => hasBox(element) && !element.matches(notInComposer)).at(-1);

  /** Return the message box and the send button, if they can be found by name or structure. */
  function controls() {
    const box = boxes.map((selector) => lastOf(document, selector)).find(Boolean);
    return [box, box?.closest("form") && lastOf(box.closest("form"), sendButtons)].filter(Boolean);
  }

  function covering(control) {
    const { x, y } = centreOf(boxOf(control));
    const hit = document.elementFromPoint(x, y);
    if (!hit || control.contains(hit) || hit.contains(control)) return null;
    const form = control.closest("form");
    const isPartOfForm = form?.contains(hit) && boxOf(hit).width <= boxOf(form).width && boxOf(hit).height <= boxOf(form).height;
    if (isPartOfForm && !hit.closest(dialogs)) return null;
    let root = hit;
    while (root.parentElement && !root.parentElement.contains(control)) root = root.parentElement;
    return { root, dialog: hit.closest(dialogs) ?? [...root.querySelectorAll(dialogs)].find(isShown) ?? root };
  }

  const shown = (selector) => [...document.querySelectorAll(selector)].filter(isShown).map((dialog) => ({ root: dialog, dialog }));
  const matches = ({ root, dialog }, selector) => [dialog, root].some((element) => element.matches(selector) || element.querySelector(selector));

  function titleOf(dialog) {
    const labels = (dialog.getAttribute("aria-labelledby") ?? "").split(/\s+/).map((id) => document.getElementById(id)?.innerText);
    const heading = dialog.querySelector("h1, h2, h3, [role=heading]")?.innerText;
    return [dialog.getAttribute("aria-label"), labels.join(" "), heading, dialog.innerText].map((text) => text?.trim()).find(Boolean) ?? "";
  }

  function closeButtonOf({ root, dialog }) {
    const named = [dialog, root].flatMap((element) => [...element.querySelectorAll(closeButtons)]).find(hasBox);
    // In an unknown language, the close button is the only button that shows an icon or a cross instead of text.
    const icons = [...dialog.querySelectorAll("button")].filter((button) => hasBox(button) && /^[\s\u00d7\u2715\u2716]*$/.test(button.innerText));
    const button = named ?? (icons.length === 1 ? icons[0] : undefined);
    return button ? centreOf(boxOf(button)) : null;
  }

  const found = [...controls().map(covering).filter(Boolean), ...shown(blocking)][0];
  if (!found) return null;
  return {
    kind: kinds.find(([, selector]) => matches(found, selector))?.[0] ?? null,
    title: titleOf(found.dialog).split("\n")[0].slice(0, 80),
    text: (found.dialog.innerText ?? "").slice(0, 1000),
    close: closeButtonOf(found),
  };
}

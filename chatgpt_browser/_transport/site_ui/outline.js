/**
 * Describe the controls of the page for a bug report: the kinds, names and labels of the fields and buttons. The first item
 * describes the page itself. The second argument is an object of selectors (see selectors.py).
 *
 * Text that a person wrote or read is not included. A label is reduced to its first word and the length of the rest, because the
 * rest may be a name or a title. A label in a dialog is reduced to its length. Lists of conversations are skipped.
 */
(elements, { fields, dialogs, privateRegions }) => {
  const lengthOf = (text) => `<${text.length} characters>`;
  // A name or path may contain the id of a conversation or a person. So each part that contains a non-letter becomes "N".
  const stepsOf = (name) => name.replaceAll(/[^-_:/]+/g, (step) => (/^[A-Za-z]+$/.test(step) ? step : "N"));

  function beginningOf(label) {
    const [word] = label.match(/^\p{L}{1,20}(?=\s|$)/u) ?? [""];
    const rest = label.slice(word.length).trim();
    return [word, rest && lengthOf(rest)].filter(Boolean).join(" ");
  }

  function outline(element) {
    const inDialog = element.closest(dialogs) !== null;
    const isKnown = inDialog || element.closest("form") !== null || element.closest(privateRegions) === null || element.matches(fields);
    const label = element.getAttribute("aria-label") ?? element.getAttribute("placeholder");
    const found = {
      tag: element.localName,
      role: element.getAttribute("role"),
      type: element.getAttribute("type"),
      label: label && (inDialog ? lengthOf(label) : beginningOf(label)),
      testid: stepsOf(element.dataset.testid ?? "") || null,
      id: stepsOf(element.id) || null,
      disabled: element.disabled ?? null,
      visible: element.checkVisibility(),
    };
    return isKnown ? Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null)) : null;
  }

  const [, first, more] = location.pathname.split("/");
  const page = { tag: "html", path: `/${stepsOf(first)}${more === undefined ? "" : "/…"}`, title: lengthOf(document.title) };
  return [page, ...elements.map(outline).filter(Boolean).slice(0, 200)];
};

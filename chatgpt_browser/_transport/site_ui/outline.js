/**
 * What the page has that can be written into, pressed or told apart, for a report: kinds, names and labels of elements, and first
 * where the page is. What a person has written or read is left out. A label may hold a name or a title behind its first word, so of
 * the rest the length is told; in a dialog, which may speak to the person, of all of it. What lists conversations is passed over.
 */
(elements) => {
  const FIELD = "textarea, input, [contenteditable], [role=textbox]";
  const DIALOG = "dialog, [role=dialog], [role=alertdialog]";
  const OTHERS = "nav, aside, article, [role=navigation], [role=complementary], [role=article]";

  const lengthOf = (text) => `<${text.length} characters>`;
  // Ids of conversations and of people stand in names and paths, too: a step that has more than letters is left out.
  const stepsOf = (name) => name.replaceAll(/[^-_:/]+/g, (step) => (/^[A-Za-z]+$/.test(step) ? step : "N"));

  function beginningOf(label) {
    const [word] = label.match(/^\p{L}{1,20}(?=\s|$)/u) ?? [""];
    const rest = label.slice(word.length).trim();
    return [word, rest && lengthOf(rest)].filter(Boolean).join(" ");
  }

  function outline(element) {
    const inDialog = element.closest(DIALOG) !== null;
    const isKnown = inDialog || element.closest("form") !== null || element.closest(OTHERS) === null || element.matches(FIELD);
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

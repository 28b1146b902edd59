/**
 * What the page has that can be written into, pressed or told apart, for a report: kinds, names and labels of elements. What a
 * person has written or read is left out: no text, labels only around the composer, and of a dialog's, which may speak to the
 * person by name, their length.
 */
(elements) => {
  // Ids of conversations and of people stand in such names, too: a step that has more than letters is left out.
  const nameOf = (name) => name?.split(/([-_:])/).map((step) => (/^[A-Za-z]*$|^[-_:]$/.test(step) ? step : "N")).join("") || null;
  return elements.slice(0, 200).map((element) => {
    const inDialog = element.closest("dialog, [role=dialog], [role=alertdialog]") !== null;
    const near = inDialog || element.closest("form") !== null;
    const isField = element.matches("textarea, [contenteditable], [role=textbox]");
    const label = element.getAttribute("aria-label") ?? element.getAttribute("placeholder");
    const found = {
      tag: element.localName,
      role: element.getAttribute("role"),
      label: inDialog && label ? `<${label.length} characters>` : near || isField ? label : null,
      testid: nameOf(element.dataset.testid),
      id: near || isField ? nameOf(element.id) : null,
      disabled: element.disabled ?? null,
      visible: element.checkVisibility(),
    };
    return Object.fromEntries(Object.entries(found).filter(([, value]) => value !== null));
  });
};

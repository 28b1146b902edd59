/** Return the ids in the last element that has any. The argument is the list of attributes that contain ids. */
(attributes) => {
  const idsOf = (element) => attributes.flatMap((name) => (element.getAttribute(name) ?? "").split(/\s+/)).filter(Boolean);
  const elements = [...document.querySelectorAll(attributes.map((name) => `[${name}]`).join(", "))];
  return elements.map(idsOf).findLast(({ length }) => length > 0) ?? [];
}

/** Return the message ids of the last element that has any. The second argument lists the attributes that may contain ids. */
(elements, attributes) => {
  const idsOf = (element) => attributes.flatMap((name) => (element.getAttribute(name) ?? "").split(/\s+/)).filter(Boolean);
  return idsOf(elements.findLast((element) => idsOf(element).length > 0) ?? document.createElement("i"));
}

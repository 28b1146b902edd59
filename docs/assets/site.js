// Accessible names and keyboard access that the theme does not give to its elements. The theme adds some of them late.
const improve = () => {
  document.querySelector("[data-md-component=search]")?.setAttribute("aria-label", "Search");
  document.querySelectorAll(".md-code__nav").forEach((nav, index) => nav.setAttribute("aria-label", `Code ${index + 1}`));
  document.querySelectorAll(".md-typeset__scrollwrap").forEach(wrap => wrap.setAttribute("tabindex", "0"));
};
new MutationObserver(improve).observe(document.body, { childList: true, subtree: true });
improve();

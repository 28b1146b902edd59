// The script of the challenge page. It requests the clearance at once, or when a person clicks the button.
(() => {
  "use strict";
  const form = document.getElementById("challenge-form");

  async function requestClearance() {
    const response = await fetch(form.action, { method: "POST", credentials: "same-origin" });
    if (response.ok) {
      location.reload();
    }
  }

  window._cf_chl_opt = { kind: form.dataset.kind };
  if (form.dataset.kind === "person") {
    document.getElementById("challenge-button").hidden = false;
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void requestClearance();
    });
  } else {
    void requestClearance();
  }
})();

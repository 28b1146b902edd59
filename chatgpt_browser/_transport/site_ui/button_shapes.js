/** Identify buttons by everything that distinguishes a stop button from the button whose place it takes. */
(buttons) => buttons.map((button) => [button.type, button.id, button.dataset.testid, button.getAttribute("aria-label"), button.innerHTML].join("|"));

/** Reads and sets the page's address. A new conversation gets its address late (see `ConversationView`). */

const { first_address, address_after, project } = JSON.parse(document.body.dataset.view);

/** Return the ID of the conversation in the page's address, or undefined. */
export const conversationInAddress = () => location.pathname.match(/^(?:\/g\/[^/]+)?\/c\/(.+)$/)?.[1];

/** Set a temporary address for a new conversation, if the server has set this option. Called when the first message is sent. */
export function setFirstAddress() {
  if (first_address === "temporary") history.pushState(null, "", `/c/WEB:${crypto.randomUUID()}`);
}

/** Set the address of a conversation. Called at the first event of a reply, and again, with `atEnd`, at the end of the reply. */
export function setAddress(conversation, { atEnd }) {
  const set = () => {
    const path = `${project === null ? "" : `/g/${project}`}/c/${conversation}`;
    if (location.pathname !== path) history[first_address === "temporary" ? "replaceState" : "pushState"](null, "", path);
  };
  if (address_after === null) set();
  else if (atEnd) setTimeout(set, address_after * 1000);
}

/** What the engine says it is: its user agent, and the client hints that it tells to a secure document. */
async (names) => ({
  userAgent: navigator.userAgent,
  hints: navigator.userAgentData ? await navigator.userAgentData.getHighEntropyValues(names) : null,
})

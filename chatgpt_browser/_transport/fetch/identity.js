/**
 * What the engine says it is: its user agent, and the client hints that it tells to a secure document. An override has to state
 * all of these again, since it replaces them all.
 */
(async () => {
  const names = [
    "architecture",
    "bitness",
    "formFactors",
    "fullVersionList",
    "model",
    "platform",
    "platformVersion",
    "wow64",
  ];
  const data = navigator.userAgentData;
  return { userAgent: navigator.userAgent, hints: data ? await data.getHighEntropyValues(names) : null };
})()

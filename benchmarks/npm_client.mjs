// Sends each line of standard input with the npm package `chatgpt` 2.0; prints each reply and its times as one line of JSON.
import { createInterface } from "node:readline";
import { ChatGPTAPI } from "chatgpt";

const [apiBaseUrl, backendApiBaseUrl, sessionToken] = process.argv.slice(2);
const api = new ChatGPTAPI({ apiBaseUrl, backendApiBaseUrl, sessionToken });
const now = () => Number(process.hrtime.bigint()) / 1e9;

await api.ensureAuth();
for await (const message of createInterface({ input: process.stdin })) {
  const arrivals = [];
  const started = now();
  // The package also calls back with the user's message, which the site repeats first: that call is not counted.
  const onProgress = (text) => text === message || arrivals.push(now());
  const text = await api.sendMessage(message, { onProgress });
  console.log(JSON.stringify({ seconds: now() - started, text, arrivals }));
}
process.exit(0);

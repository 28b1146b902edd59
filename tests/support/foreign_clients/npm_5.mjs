// Sends messages through the npm package `chatgpt` 5.2 and prints the results as one line of JSON.
import { ChatGPTUnofficialProxyAPI } from "chatgpt";

const [apiReverseProxyUrl, accessToken] = process.argv.slice(2);
const api = new ChatGPTUnofficialProxyAPI({ apiReverseProxyUrl, accessToken });
const progress = [];
const timeoutMs = 20_000;

const first = await api.sendMessage("My name is Ada.", { timeoutMs, onProgress: ({ text }) => progress.push(text) });
const { conversationId, id: parentMessageId } = first;
const second = await api.sendMessage("What is my name?", { timeoutMs, conversationId, parentMessageId });
const refused = await api.sendMessage("Refused", { timeoutMs }).catch((error) => `${error.statusCode} ${error.message}`);
const broken = await api.sendMessage("Broken", { timeoutMs }).then(({ text }) => text, (error) => String(error));
console.log(JSON.stringify({ first, second, progress, refused, broken }));
process.exit(0);

// Sends messages through the npm package `chatgpt` 2.0 and prints the results as one line of JSON.
import { ChatGPTAPI } from "chatgpt";

const [apiBaseUrl, backendApiBaseUrl, sessionToken] = process.argv.slice(2);
const api = new ChatGPTAPI({ apiBaseUrl, backendApiBaseUrl, sessionToken });
const conversation = api.getConversation();
const progress = [];
const timeoutMs = 20_000;

const authenticated = await api.getIsAuthenticated();
const single = await api.sendMessage("Hello", { timeoutMs, onProgress: (text) => progress.push(text) });
const first = await conversation.sendMessage("My name is Ada.", { timeoutMs });
const second = await conversation.sendMessage("What is my name?", { timeoutMs });
const { conversationId, parentMessageId } = conversation;
console.log(
  JSON.stringify({ authenticated, single, progress, first, second, conversationId, parentMessageId, user: api.user }),
);
process.exit(0);

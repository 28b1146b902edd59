"""The public clients, with conversations and batches: `AsyncChatGPTAPI`, and the synchronous `ChatGPTAPI`, which uses it."""

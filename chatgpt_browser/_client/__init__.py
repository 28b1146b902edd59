"""The public clients: `AsyncChatGPTAPI`, the thin synchronous client over it, conversations and batches."""

"""The MCP server: the client's methods as tools of the Model Context Protocol, for programs such as editors and assistants."""

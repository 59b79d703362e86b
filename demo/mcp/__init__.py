"""`vlm mcp`: the skills as tools for programs that speak MCP, on the official SDK."""

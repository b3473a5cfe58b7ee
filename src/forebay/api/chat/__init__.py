"""What the endpoints for other clients have in common: OpenAI's chat, written for the pipeline and read back.

conversation.py  a client's turns, whatever its dialect, as messages of a chat
chunks.py        the replies of a chat, as tolerantly as sloppy upstreams need it
parts.py         what an answer consists of: text, reasoning, tool calls
answer.py        chunks put together to parts, each told from its begin to its end
"""

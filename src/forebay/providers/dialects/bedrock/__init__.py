"""Amazon Bedrock's Converse API, for models of every vendor there.

dialect.py       the kind ``bedrock``
signing.py       AWS's signatures
eventstream.py   its streams, which are binary
request.py       a chat in its words; turns.py its messages, blocks.py what they hold
reply.py         its answer in OpenAI's
"""

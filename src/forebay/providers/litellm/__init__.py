"""The provider kind ``litellm``: the vendors that only LiteLLM knows, each as a deployment like any other.

The library is asked through its functions, in this process, and comes with ``forebay[litellm]``. It takes seconds to
import, so only a provider that starts does it (`library`). It is never given a client's request as it came (`request`):
its functions take an address, a key, a file or a made-up answer as ordinary parameters. What it says is looked into as
if it came from a server (`source`), because it ends streams that broke as if they were whole, and estimates usage.
"""

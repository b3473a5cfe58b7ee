"""vLLM as a provider: Forebay starts ``vllm serve`` and looks after it, or uses one that runs already.

provider.py    the provider: who answers, what is told about it; start reading here
settings.py    what a configuration may say
command.py     the command line
engine.py      what the supervisor must know of vLLM
endpoint.py    one running vLLM: its address, its key, and what can be asked of it beside OpenAI's API
attached.py    watches one that somebody else has started
adapters.py    its LoRA adapters
figures.py     its metrics, fetched from time to time
"""

"""Text Generation Inference (TGI) of Hugging Face and LoRAX, which grew out of it: each over either of its two APIs.

settings.py      what a configuration may say
dialect.py       the kind ``tgi``
lorax.py         the kind ``lorax``, which is TGI of an earlier day with adapters
adapters.py      which adapters a call may ask for
prompt.py        chat templates, which the native API leaves to its clients
generate.py      requests of the native API, generated.py its replies
chat.py          requests to ``/v1``, completed.py its replies
failing.py       what their errors mean
"""

"""Guards without a model: ``/v1/guards/check``, Guardrails AI's ``/guards/{name}/validate``, OpenAI's moderations."""

"""The embedded engine: continuous batching over a paged KV cache, on any CPU."""

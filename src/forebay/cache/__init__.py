"""Where replies are kept: one module a kind of store, all behind `forebay.core.ports.CacheStore`."""

"""Forebay on Ray Serve: gateways behind Serve's HTTP proxies, engines behind them, as many as the load asks for.

client ─► Serve's proxy ─► Gateway ─► Bridge ─► PrefixRouter ─► Engine
          (on each node)   (ASGI)     (Unix socket, handle)     (the host's part of the settings)

Serve starts, watches, counts and replaces replicas; here is only what runs in them (docs/adr/0033).
"""

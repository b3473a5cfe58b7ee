"""The HTTP/1.1 server under the application: uvicorn's sockets, signals and workers around a protocol of our own."""

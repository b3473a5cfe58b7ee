"""The HTTP/1.1 server under the application: sockets, time-outs, workers."""

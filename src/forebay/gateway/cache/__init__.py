"""The stage that answers a request that was answered before; start reading in `stage`."""

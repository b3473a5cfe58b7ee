"""Which deployment of a model is asked first: a strategy a file, each registered as a third party's would be."""

"""Guards that go by what a text means, which a model of the gateway tells: vectors of sentences, or a judgement."""

"""What the guard stage is made of.

rules.py      a guard with what the configuration wants done about it, and whose calls it judges
judging.py    one guard asked about one text: in time, or with a failure; never with nonsense
reaction.py   what follows from a verdict
passage.py    a text on its way past the rules, in pieces or whole
vault.py      what was masked in a request, and is put back into its reply
texts.py      where the texts of requests and replies stand
fields.py     which strings are no texts
request.py    all texts of a request past its rules
whole.py      a reply in one piece past the rules
stream.py     a reply in chunks past the rules
aside.py      fields of no known shape in a stream
errors.py     what an upstream says about a failure
reask.py      how a model is asked again
beside.py     judging that nobody waits for
"""

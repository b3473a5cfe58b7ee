"""Personal data that has a form: e-mail addresses, numbers of phones, cards, accounts and people, network addresses."""

"""A Redis or Valkey, as whoever keeps something there speaks to it."""

"""Whether two texts that lie near each other ask for the same: rules first, then a trained second check."""

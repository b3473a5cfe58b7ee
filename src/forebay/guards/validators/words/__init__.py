"""Words that are not to be said, found however they are spelled."""

"""The guards that come with Forebay: one module, or package, for each kind."""

"""The page that a browser gets: static files, no build step."""

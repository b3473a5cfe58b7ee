"""A report of a week for people who do not run the server: use, cost, quality and incidents. Begin with `figures`."""

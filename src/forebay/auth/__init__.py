"""Who is asking: authenticators that turn a credential into a principal."""

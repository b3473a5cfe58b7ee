"""An OAuth 2.0 authorization server for those who have no identity provider: tokens for issued keys. Needs joserfc."""

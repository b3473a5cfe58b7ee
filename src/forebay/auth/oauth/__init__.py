"""OAuth 2.0's side of the resource server: tokens that others have issued."""

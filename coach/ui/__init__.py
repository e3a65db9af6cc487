"""The pages: they read the session, call one Coach method, and draw the noun that comes back."""

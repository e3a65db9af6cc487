"""What takes long, done by threads that belong to no page."""

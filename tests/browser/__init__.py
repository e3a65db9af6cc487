"""The pages in a real browser: what is seen, pressed and sent."""

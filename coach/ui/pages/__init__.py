"""One file for each page, each with `render()`."""

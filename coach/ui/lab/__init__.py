"""The pictures of the experiments, one file each with a `draw(outcome)`."""

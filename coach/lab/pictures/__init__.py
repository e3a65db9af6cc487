"""The pictures of the experiments, one file each with a `pictures(outcome, controls)`, which the page and `coach lab` share."""

"""Experiments on the coach itself: each a thing the article speaks of, changed and measured on the user's own machine."""

"""How a draft is judged against a rubric, redrafted and compared with the one before."""

"""How an interview is rehearsed, and what is practised next."""

"""How a question is answered: search, weigh, quote, write, check."""

"""The learning path: the article's preparation checklist, its drills, and how an answer to one is checked."""

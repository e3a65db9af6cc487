"""Plain text: its sentences, words, sections and languages."""

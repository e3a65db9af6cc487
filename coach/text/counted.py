"""Say how many, in words that fit one thing as well as several."""


def counted(count: int, noun: str, nouns: str = "") -> str:
    """`count` and the noun: "1 draft", "1,024 drafts"; `nouns` is the plural where it takes more than an s."""
    return f"{count:,} {noun if count == 1 else nouns or f'{noun}s'}"

"""What has a form of its own: mail addresses, phone numbers, links to profiles, and the words that the user lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from coach.privacy.item import Kind, PersonalItem

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@[^\W_](?:[\w-]*[^\W_])?(?:\.[^\W_](?:[\w-]*[^\W_])?)+")
# Hosts on which a path names a person.
_PROFILE = re.compile(
    r"(?:https?://)?(?:[\w-]+\.)*(?:linkedin\.com/(?:in|pub)|github\.com|gitlab\.com|twitter\.com|x\.com|xing\.com/profile"
    r"|facebook\.com|instagram\.com|medium\.com|stackoverflow\.com/users|scholar\.google\.[a-z.]+/citations|orcid\.org"
    r"|kaggle\.com|huggingface\.co|behance\.net|dribbble\.com|bsky\.app/profile|t\.me|threads\.net|calendly\.com)"
    r"/[^\s<>()\[\]\"']*[\w/]",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?<![\w.,/:$€£#+-])(?:\+|00)?\(?\d(?:[\d()]|[ ./-]{1,2}(?=[\d(]))*\d(?:\s?(?:x|ext\.?|extension)\s?\d{1,6})?(?![\w%]|[.,:/-]\d)",
    re.IGNORECASE,
)
_SPOKEN_OF_PHONES = re.compile(
    r"\b(?:phone|tel|telephone|mobile|cell|call|fax|desk|office|reach me|text me|whatsapp|sms)\b",
    re.IGNORECASE,
)
_NEAR = 25  # characters before or behind a number in which a word such as "mobile" is about it
# What has digits and is no phone number: a date, a range of years, thousands in groups, a social security number.
_NO_PHONE = re.compile(
    r"(?:19|20)\d\d[ ./-]\d{1,2}[ ./-]\d{1,2}|\d{1,2}[ ./-]\d{1,2}[ ./-](?:19|20)?\d\d|(?:19|20)\d\d[ -]{1,3}(?:19|20)\d\d"
    r"|[1-9]\d{0,2}(?:[ .]\d{3})+|\d{1,3}(?:\.\d{1,3}){3}|\d{3}-\d{2}-\d{4}|\d+\.\d+|\d+/\d+"
)


def find_patterns(text: str, own_words: Sequence[str]) -> Iterator[PersonalItem]:
    """Mails, phones, links to profiles and `own_words` (whole words, in whatever case) of `text`; they may overlap."""
    yield from _matches("email", _EMAIL, text)
    yield from _matches("profile link", _PROFILE, text)
    yield from (item for item in _matches("phone", _PHONE, text) if _is_phone(item, text))
    for word in filter(None, map(str.strip, own_words)):
        spaced = r"\s+".join(map(re.escape, word.split()))
        yield from _matches("own word", re.compile(rf"(?<!\w){spaced}(?!\w)", re.IGNORECASE), text)


def _matches(kind: Kind, pattern: re.Pattern[str], text: str) -> Iterator[PersonalItem]:
    for match in pattern.finditer(text):
        yield PersonalItem(kind, match.start(), match.end(), match.group())


def _is_phone(item: PersonalItem, text: str) -> bool:
    """Whether a run of digits is a phone number: by its length (ITU E.164: at most 15 digits), its groups, and the words about it."""
    number: str = re.split(r"x|ext", item.text, maxsplit=1, flags=re.IGNORECASE)[0].strip()
    digits = sum(character.isdigit() for character in number)
    around = text[max(0, item.start - _NEAR) : item.start] + " | " + text[item.end : item.end + _NEAR]
    spoken_of = _SPOKEN_OF_PHONES.search(around) is not None
    if number.startswith(("+", "00")):
        return 8 <= digits <= 17
    if _NO_PHONE.fullmatch(number) and not (spoken_of and digits >= 7 and "/" not in number):
        return False
    groups = len(re.findall(r"\d+", number))
    if spoken_of:
        return 7 <= digits <= 15
    return 9 <= digits <= 13 and (groups >= 3 or number.startswith(("0", "(")))

"""Find the numbers and names of a text, and put a gap wherever the candidate never said one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from coach.settings import corpus_folder
from coach.text.words import NUMBER_WORDS, STOP_WORDS, content_words

YOUR_NUMBER = "[your number]"
YOUR_EXAMPLE = "[your example]"
GAP = re.compile(rf"{re.escape(YOUR_NUMBER)}|{re.escape(YOUR_EXAMPLE)}")


@dataclass(frozen=True, slots=True)
class Number:
    """A number of a text: its value, and what it counts where that changes its meaning ("%", "$", "week", "x")."""

    value: float
    unit: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a candidate said: the texts, their words and their numbers."""

    text: str
    plain: str
    words: frozenset[str]
    folded: frozenset[str]
    numbers: frozenset[tuple[float, str]]

    @classmethod
    def of(cls, *texts: str) -> Evidence:
        text = "\n".join(texts)
        words = frozenset(_plain_name(match.group()) for match in _NAME_WORD.finditer(text))
        parts = frozenset(part.casefold() for word in words for part in (word, *_PART.split(word)))
        return cls(text, " ".join(_folded_words(text)), words, parts, frozenset(_allowances(text)))

    def holds_number(self, number: Number) -> bool:
        """Whether the value is there, and with the same unit where it has one."""
        if number.unit:
            return (number.value, number.unit) in self.numbers
        return any(value == number.value for value, _ in self.numbers)

    def holds_name(self, word: str) -> bool:
        """A name that is an ordinary word too ("Target") must be there with its capital letter."""
        if word.casefold() in _NAMES_LIKE_WORDS:
            return word in self.words
        folded = word.casefold()
        return not {folded, f"{folded}s", folded.removesuffix("s")}.isdisjoint(self.folded)

    def holds_all(self, text: str) -> bool:
        """Whether every number and name of `text` is there."""
        return all(self.holds_number(number) for number in find_numbers(text)) and all(
            self.holds_name(part) for run in _runs(text) for word in run.names for part in _name_parts(word)
        )

    def never_joins(self, first: str, second: str) -> bool:
        """Whether two names are there, only ever with a capital letter, and nowhere side by side."""
        if first.casefold() in self.words or second.casefold() in self.words:
            return False
        return f" {' '.join(_folded_words(f'{first} {second}'))} " not in f" {self.plain} "


def with_gaps(sentence: str, evidence: Evidence) -> tuple[str, tuple[str, ...]]:
    """`sentence` with a gap for each number, name and address that `evidence` lacks, and the words taken out."""
    places = [
        (*m.span(), YOUR_EXAMPLE) for m in _ADDRESS.finditer(sentence) if m.group() not in evidence.text
    ]
    for number in find_numbers(sentence):
        if not evidence.holds_number(number):
            places.append((number.start, number.end, YOUR_NUMBER))
    for run in _runs(sentence):
        places += [(start, end, YOUR_EXAMPLE) for start, end in _invented(run, evidence)]
    text, last, taken = "", 0, []
    for start, end, gap in sorted(places):
        if start < last:
            continue
        taken.append(sentence[start:end])
        between = sentence[last:start]
        doubled = text.endswith(gap) and between.strip() in {"", "-", "–", "/"}
        text += "" if doubled else between + gap
        last = end
    return text + sentence[last:], tuple(taken)


# ------------------------------------------------------------------ numbers


def _listed(words: str) -> list[str]:
    return words.split()


_FACTORS = {"hundred": 1e2, "thousand": 1e3, "million": 1e6, "billion": 1e9, "trillion": 1e12, "dozen": 12.0}
_SHORT_FACTORS = {"k": 1e3, "m": 1e6, "mm": 1e6, "b": 1e9, "bn": 1e9, "t": 1e12}
_PARTS = {"third": 1 / 3, "quarter": 0.25, "fifth": 0.2, "tenth": 0.1}
_SIGNS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}
_TIMES = {"twice": 2.0, "thrice": 3.0, "doubl": 2.0, "tripl": 3.0, "quadrupl": 4.0}
_LONG_TIMES = {"s": "second", "sec": "second", "min": "minute", "h": "hour", "hr": "hour", "yr": "year"}
_LONG_TIMES |= {"millisecond": "ms"}

_UNIT = (
    r"(?:\s?(?P<percent>%|percent\b|per\s?cent\b|pct\b|percentage points?\b|points\b)|"
    r"\s?(?P<times>x\b|×|times\b|-?fold\b)|"
    r"[\s-]?(?P<time>ms|millisecond|s|sec|second|min|minute|h|hr|hour|day|week|month|quarter|yr|year)s?\b|"
    r"\s(?P<money>dollars?|euros?|pounds?|usd|eur|gbp|cents?)\b)?"
)
_BEHIND = re.compile(_UNIT, re.IGNORECASE)
_SPELLED = rf"(?:{'|'.join(sorted([*NUMBER_WORDS, *_FACTORS], key=len, reverse=True))})(?!-shot)"
_DIGITS = re.compile(
    r"(?P<sign>[$€£¥]\s?)?(?P<digits>\d[\d,]*(?:\.\d+)?|\.\d+)"
    r"(?:(?P<factor>\s?(?:hundred|thousand|million|billion|trillion|dozen)|k|mm?|bn?|t)\b)?" + _UNIT,
    re.IGNORECASE,
)
_WORDS = re.compile(
    rf"\b(?P<spelled>{_SPELLED}(?:[\s-]+(?:and\s+)?{_SPELLED})*)(?:\b|(?=fold))" + _UNIT, re.IGNORECASE
)
_SPECIAL = re.compile(
    r"\b(?P<times>twice|thrice|(?:doubl|tripl|quadrupl)(?:es?|ed|ing)(?![- ](?:check|click|down)))(?:\b|(?=fold))|"
    r"\b(?P<count>one|two|three|four|a(?=[\s-]\w+\s+of\b))[\s-](?P<part>third|quarter|fifth|tenth)s?\b|"
    r"\b(?P<half>half|halv(?:e[sd]?|ing))\b|(?P<sign>[½¼¾⅓⅔])|\b(?P<many>dozens|hundreds|thousands|[mb]illions)\b",
    re.IGNORECASE,
)
_NAME_WITH_DIGIT = re.compile(r"\b[^\W\d_]+[-.]?\d[\w.-]*(?<![.-])")


def find_numbers(text: str) -> list[Number]:
    """Every number of `text` in order, in digits or in words; "one" counts only before a unit.

    A number inside a name ("GPT-4") belongs to the name.
    """
    taken = [match.span() for match in _NAME_WITH_DIGIT.finditer(text)]
    found: list[Number] = []
    for pattern, read in ((_SPECIAL, _special), (_DIGITS, _digits), (_WORDS, _spelled_out)):
        for match in pattern.finditer(text):
            number = read(match)
            if number and not any(number.start < end and start < number.end for start, end in taken):
                found.append(number)
                taken.append((number.start, number.end))
    return sorted(found, key=lambda number: number.start)


def as_written(text: str, number: Number) -> str:
    """The number with its unit, as it stands in `text`."""
    unit = _BEHIND.match(text, number.end)
    return text[number.start : unit.end() if unit else number.end]


def find_names(text: str) -> list[tuple[str, int, int]]:
    """Every name of `text` with its start and end: words with capital letters in a row, an ordinary word that opens a sentence left out."""
    found = []
    for run in _runs(text):
        places = run.places[len(run.words) - len(run.names) :]
        if places:
            found.append((text[places[0][0] : places[-1][1]], places[0][0], places[-1][1]))
    return found


def _special(match: re.Match[str]) -> Number:
    if match["times"]:
        stem = re.sub(r"(?:es?|ed|ing)$", "", match["times"].lower())
        return Number(_TIMES[match["times"].lower() if stem not in _TIMES else stem], "x", *match.span())
    if match["many"]:
        return Number(0.0, match["many"].lower(), *match.span())
    if match["part"]:
        value = NUMBER_WORDS.get(match["count"].lower(), 1) * _PARTS[match["part"].lower()]
        return Number(round(value, 6), "part", *match.span())
    return Number(round(_SIGNS.get(match["sign"] or "", 0.5), 6), "part", *match.span())


def _digits(match: re.Match[str]) -> Number:
    value = float(match["digits"].replace(",", ""))
    factor = (match["factor"] or "").strip().lower()
    value *= _FACTORS.get(factor) or _SHORT_FACTORS.get(factor) or 1.0
    end = match.end("factor") if factor else match.end("digits")
    return Number(round(value, 6), "$" if match["sign"] else _unit(match), match.start(), end)


def _spelled_out(match: re.Match[str]) -> Number | None:
    words = [word for word in re.split(r"[\s-]+", match["spelled"].lower()) if word != "and"]
    unit = _unit(match)
    if words == ["one"] and not unit:
        return None
    total, current = 0.0, 0.0
    for word in words:
        if word in NUMBER_WORDS:
            current += NUMBER_WORDS[word]
        elif word == "hundred":
            current = (current or 1) * 100
        else:
            total, current = total + (current or 1) * _FACTORS[word], 0.0
    return Number(total + current, unit, match.start(), match.end("spelled"))


def _unit(match: re.Match[str]) -> str:
    if match["percent"]:
        return "%"
    if match["times"]:
        return "x"
    if match["money"]:
        return "$"
    time = (match["time"] or "").lower()
    return _LONG_TIMES.get(time, time)


def _allowances(text: str) -> Iterator[tuple[float, str]]:
    """Value and unit of each number; the first of "6 to 8 weeks" is in weeks too, and a half is 50%."""
    found = find_numbers(text)
    for place, number in enumerate(found):
        yield number.value, number.unit
        if number.unit == "part":
            yield round(100 * number.value, 6), "%"
        if number.unit == "%":
            yield round(number.value / 100, 6), "part"
        following = found[place + 1] if place + 1 < len(found) else None
        if following and re.fullmatch(r"\s*(?:-|–|—|to|and|or)\s*", text[number.end : following.start]):
            yield number.value, following.unit


# ------------------------------------------------------------------ names

_ADDRESS = re.compile(
    r"(?:https?://|www\.)\S+|\b[\w.+-]+@[\w-]+\.\w+|\b[\w-]+\.(?:com|org|net|io|ai|dev|co)\b", re.IGNORECASE
)
_NAME_WORD = re.compile(r"[^\W_](?:[\w'’&+./-]*[\w+])?")
_PART = re.compile(r"[-/&.+]")
_JOINT = re.compile(r" | ?[&+] ?| (?:of|for|de|van|von|du|la|the|and) ")
_OPENING_PLACE = re.compile(r"(?:^|[.!?:;…][\"'”’)\]]*\s+|[\"“‘(]|\n\s*(?:[-*•]\s+|\d+[.)]\s+)?)$")
_COMMON_CAPITALS = frozenset(
    _listed(
        "i i'm i'd i'll i've a ai genai ml llm llms pm pms ui ux api apis ok faq b hr it id qa pdf kpi kpis mvp gpu gpus"
    )
)
# Names that are words as well: companies, products, people. Only the capital letter tells.
_NAMES_LIKE_WORDS = frozenset(
    _listed("""
    target apple meta amazon oracle stripe square shell gap visa chase delta ford virgin orange nest slack zoom
    notion box block discord signal word excel gemini copilot claude bard llama mistral cohere uber lyft snap
    alphabet indeed bing perplexity mark grace rose hope faith joy frank dean art rich pat rob max jack bill drew
    sue june august
    """)
)
_COMPANIES = frozenset(
    _listed("""
    adobe airbnb anthropic atlassian baidu bytedance canva chatgpt databricks deepmind deepseek duolingo ebay
    facebook github google grammarly hubspot huawei ibm instagram intuit jpmorgan linkedin mckinsey microsoft netflix
    nvidia openai palantir paypal pinterest qwen reddit salesforce samsung shopify siemens snapchat snowflake sony
    spotify tencent tesla tiktok twilio twitter walmart whatsapp youtube zendesk
    """)
)
# Ordinary words that open sentences of such answers: with the words of the corpus they tell an opening from a name.
_OPENINGS = """
    additionally moreover furthermore however therefore thus hence meanwhile finally lastly firstly secondly thirdly
    initially ultimately overall specifically similarly likewise conversely instead otherwise consequently besides
    next first second third then later today tomorrow yesterday currently recently eventually afterwards beforehand
    yes sure certainly clearly obviously importantly crucially equally notably alternatively generally typically
    usually often sometimes rarely always never maybe perhaps almost nearly roughly given although though since
    unless despite regarding concerning considering assuming according based depending compared due thanks once
    add aim ask avoid balance begin build check choose collect combine create cut decide define deploy design
    develop document drop enable ensure establish evaluate expand fix focus gather generate give handle help
    implement improve include integrate introduce investigate keep launch lead learn leverage limit list log maintain
    make manage measure mitigate monitor move need offer open own pick pilot plan prevent prioritise prioritize
    protect provide put reduce refine release remove review roll run say scale see select send set share ship show
    simplify spend start stop store strip support take talk teach test think track train translate try tune
    understand update use utilise utilize validate verify wait warn watch weigh work write set led made ran built
    accuracy agents analysts answers anyone audiences benefits budget candidates caregivers clinicians clients
    committee competitors complaints consumers content context cost criteria customers data deadlines designers
    developers doctors drivers editors employees engineers errors everyone evidence example experts failures farmers
    features feedback figures fraud goals guardrails hallucination humans ideas inference issues junior keywords
    latency lawyers legal managers marketing metrics mistakes models moderators months nobody nurses operators
    outcomes outputs parents partners patients people performance pharmacists photos physicians players policy
    practitioners predictions price privacy problem products prompts quality question records regulators reports
    researchers responses results retrieval reviewers risks safety sales samples sellers sensitive several shoppers
    simply someone sources speed staff steps students success summaries teachers teams technical texts tickets time
    tools trade-off trust users version volunteers weekly years
    whoever everybody together early fewer audio guests daily historical transcription dates trial meal food meetings
    uploads body pictures pull stale clerks travel courts duty bulk speech recipe pattern fears authors sounds emergency
    headlines chats everything something anything nothing both such many much more most less least any all each every
"""


@dataclass(frozen=True, slots=True)
class _Run:
    """Words with capital letters in a row. `opens`: the first one stands where any word has a capital."""

    words: tuple[str, ...]
    places: tuple[tuple[int, int], ...]
    opens: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The words that would have a capital letter anywhere."""
        return self.words[1:] if self.opens and _is_ordinary(self.words[0]) else self.words


def _runs(text: str) -> list[_Run]:
    gaps = [match.span() for match in GAP.finditer(text)]
    groups: list[list[tuple[str, int, int]]] = []
    for match in _NAME_WORD.finditer(text):
        word, start = _plain_name(match.group()), match.start()
        if not _name_parts(word) or any(first <= start < last for first, last in gaps):
            continue
        if not groups or not _JOINT.fullmatch(text[groups[-1][-1][2] : start]):
            groups.append([])
        groups[-1].append((word, start, start + len(word)))
    return [
        _Run(
            tuple(word for word, _, _ in group),
            tuple((start, end) for _, start, end in group),
            bool(_OPENING_PLACE.search(text[: group[0][1]])),
        )
        for group in groups
    ]


def _folded_words(text: str) -> list[str]:
    return [_plain_name(match.group()).casefold() for match in _NAME_WORD.finditer(text)]


def _plain_name(word: str) -> str:
    """Without a possessive: "Acme’s" is Acme."""
    return re.sub(r"['’][sS]?$", "", word)


def _name_parts(word: str) -> list[str]:
    """The parts of a word that make it a name: "Acme" of "Acme-based", none of "AI-based"."""
    parts = [word] if _NAME_WITH_DIGIT.fullmatch(word) else _PART.split(word)
    return [
        part
        for part in parts
        if part.casefold().replace("’", "'") not in _COMMON_CAPITALS
        and not part[:1].isdigit()
        and (part != part.lower() or part.casefold() in _COMPANIES or re.search(r"\d", part))
    ]


def _invented(run: _Run, evidence: Evidence) -> list[tuple[int, int]]:
    """The places in a run that name what the evidence does not; neighbours make one place."""
    found: list[tuple[int, int]] = []
    first = len(run.words) - len(run.names)
    for number in range(first, len(run.words)):
        start, end = run.places[number]
        held = all(evidence.holds_name(part) for part in _name_parts(run.words[number]))
        beside = number > first and start - run.places[number - 1][1] == 1
        if held and not (beside and evidence.never_joins(run.words[number - 1], run.words[number])):
            continue
        if found and number > first and found[-1][1] == run.places[number - 1][1]:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _is_ordinary(word: str) -> bool:
    """Whether the word is known without a capital letter."""
    folded = word.casefold().replace("’", "'")
    if folded in STOP_WORDS or re.sub(r"(?:n't|'\w+)$", "", folded) in STOP_WORDS:
        return True
    if folded in _NAMES_LIKE_WORDS or folded in _COMPANIES or not word[1:].islower():
        return False
    return set(content_words(folded)) <= _ordinary_stems()


@cache
def _ordinary_stems() -> frozenset[str]:
    """Stems of the words that the bundled corpus writes in small letters, and of common openings."""
    corpus = corpus_folder()
    files = [*corpus.glob("guides/*.md"), *corpus.glob("rubrics/*.toml")]
    text = "\n".join(path.read_text(encoding="utf-8") for path in sorted(files))
    small = set(re.findall(r"(?<![\w'’])[a-z]{2,}(?![\w'’])", text))
    return frozenset(content_words(f"{_OPENINGS} {' '.join(sorted(small))}"))

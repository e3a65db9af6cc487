"""Tell which language a text is in, cheaply: by its script, else by its function words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from functools import lru_cache

from coach.text.words import STOP_WORDS

# Frequent function words of each; a word that English has too counts as English.
_FUNCTION_WORDS = {
    "German": "der die das und ist nicht ein eine einen mit für auf dem den von zu sich auch wird werden würde ich "
    "wir sie es bei oder aus nach dass wenn aber nur noch sind haben hat einer einem durch über kann alle als bitte "
    "jeder jede jedes im wie wurde wer wo wann warum welche welcher welches viel viele man gibt muss soll mein meine",
    "Spanish": "el la los las de que y en un una por con para es no del se lo como más pero sus le ya este sí "
    "porque esta entre cuando muy sin sobre también me hasta hay donde desde todo nos durante todos cada si al qué cuál cuáles cuánto cuánta cuántas cuántos cómo quién dónde debo puedo tengo",
    "French": "le la les des et est une un du que dans pour qui par sur pas plus avec ne se ce sont au je nous vous "
    "il elle être cette ou mais comme aux leur si tout ses tous chaque d'une quel quelle quels quelles combien comment pourquoi quoi dois faut qu'est-ce est-ce c'est",
    "Italian": "il lo la gli le di che è un una per con non del della sono si come più ma anche da nel alla questo "
    "questa ho noi ogni ed dei delle quando tutti tutte quali quanto quanti quante perché chi dove devo posso cosa",
    "Portuguese": "o a os as de que e em um uma para com não é do da por se mais como mas ao dos das foi são na no "
    "você eu nós isso cada também quando todos todas qual quais quanto quantos quantas quem onde preciso devo",
    "Dutch": "de het een en van is dat niet op te met voor zijn die er aan ook als bij door maar om we ik wordt "
    "naar deze kan worden zou hun elke alle hoe wie wat waarom welke hoeveel moet mijn",
    "Polish": "i w na z się że nie do jest to o jak ale za po przez od dla są tym oraz lub każdy wszystkie",
    "Latin filler": "lorem ipsum dolor sit amet consectetur adipiscing elit sed eiusmod tempor incididunt labore "
    "dolore magna aliqua enim minim veniam quis nostrud exercitation ullamco laboris nisi aliquip ea commodo "
    "consequat duis aute irure reprehenderit voluptate velit esse cillum fugiat nulla pariatur excepteur sint "
    "occaecat cupidatat proident culpa officia deserunt mollit anim laborum",
}
_WORDS = {"English": STOP_WORDS} | {
    name: frozenset(words.split()) - STOP_WORDS for name, words in _FUNCTION_WORDS.items()
}
_SCRIPTS = {
    "CJK": "Chinese",
    "HIRAGANA": "Japanese",
    "KATAKANA": "Japanese",
    "HANGUL": "Korean",
    "CYRILLIC": "Russian",
    "GREEK": "Greek",
    "ARABIC": "Arabic",
    "HEBREW": "Hebrew",
    "DEVANAGARI": "Hindi",
    "THAI": "Thai",
}
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_FEW_WORDS = 12  # a question: two function words are as many as it may have
_SAMPLE = 4000  # characters: enough to tell a language, and a bound on the work
_LEAST_SHARE = 0.2  # of the words; ordinary prose has 0.35 to 0.5 function words, many of them in these lists


def language_of(text: str) -> str | None:
    """The name of the language of `text` ("English", "German", "Chinese", ...), or None if it does not show.

    Only the beginning of a long text is looked at. "Latin filler" is lorem ipsum.
    """
    sample = text[:_SAMPLE]
    if (script := _script(sample)) is not None:
        return script
    words = [word.lower() for word in _WORD.findall(sample)]
    if not words:
        return None
    counts = Counter(words)
    found = Counter(
        {name: sum(counts[word] for word in counts.keys() & known) for name, known in _WORDS.items()}
    )
    best, count = found.most_common(1)[0]
    if best != "English" and count <= 1.5 * found["English"]:
        best, count = "English", found["English"]  # an English text may quote a few foreign words
    least = 2 if len(words) <= _FEW_WORDS else 3
    return best if count >= least and count / len(words) >= _LEAST_SHARE else None


def _script(sample: str) -> str | None:
    """The language of the script that most letters are in, None for Latin letters and for no letters."""
    if sample.isascii():
        return None
    letters = Counter(
        "LATIN" if letter.isascii() else _script_of(letter) for letter in sample if letter.isalpha()
    )
    named = Counter({script: count for script, count in letters.items() if script in _SCRIPTS})
    if not named or named.total() <= 0.3 * letters.total():
        return None
    japanese = named["HIRAGANA"] + named["KATAKANA"]
    return "Japanese" if japanese > 0.1 * named.total() else _SCRIPTS[named.most_common(1)[0][0]]


@lru_cache(maxsize=4096)
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "?").split()[0].split("-")[0]

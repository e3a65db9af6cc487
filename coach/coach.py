"""The coach: holds the embedder, the index, the chat model and the settings, and starts the flows."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress
from copy import copy
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from coach.backends import (
    index_elsewhere,
    list_chat_models,
    load_chat_model,
    load_embedder,
    load_index,
    may_leave,
    who_may_speak,
)
from coach.errors import CoachError, IndexOutdatedError, IngestError, StoppedError, UsageError
from coach.library import drop_uploads, old_uploads
from coach.privacy.find import prepare_to_find
from coach.privacy.outgoing import MaskedChatModel, Masking, Outgoing, letting_pass, masked_where_it_leaves
from coach.privacy.reply import masked_reply
from coach.protocols import NO_MODEL_USED, ChatModel, ChosenModel
from coach.settings import Settings, load_settings
from coach.standing import ExportForm, bring_back, current_queue, current_readiness, export, here_and_now
from coach.store.critiques import CritiqueStore
from coach.store.database import StoreError
from coach.store.retention import apply_retention, erase_all
from coach.store.stories import StoryStore
from coach.store.traces import TraceStore
from coach.text.attribution import collection_label
from coach.types import (
    COMMITTEE,
    Collection,
    Contradiction,
    Critique,
    Document,
    InterviewQuestion,
    Level,
    ModelList,
    Passage,
    Quote,
    Reply,
    Rubric,
    Statement,
    Turn,
    Unbacked,
)

if TYPE_CHECKING:
    from datetime import datetime

    from coach.answer.flow import AnswerStream, Event
    from coach.critique.flow import CritiqueStream
    from coach.critique.flow import Event as CritiqueEvent
    from coach.critique.redraft import Redraft
    from coach.practice.conduct import Interviewer
    from coach.practice.debrief import Debrief
    from coach.practice.interview import Asked, Interview
    from coach.practice.readiness import Readiness
    from coach.practice.schedule import PracticeQuestion, Queue
    from coach.practice.stories import Match
    from coach.protocols import Embedder, PassageIndex, Vectors
    from ingest.pipeline import IngestReport

# Passages, and then sentences, of the user's own documents that a sentence of a draft is compared with: all that could be about the same.
OWN_PASSAGES, OWN_SENTENCES = 6, 10
MADE_FROM = (
    12  # passages of the user's own documents that questions are made from: some give none that is fit
)

HistoryTurn = Turn | str | Mapping[str, str]


class Coach:
    """One loaded coach, safe to share between conversations.

    The chat model loads when it is first needed (or in `warm`), never before the sources' own
    sentences are on screen.
    """

    def __init__(
        self,
        settings: Settings,
        embedder: Embedder,
        index: PassageIndex,
        chosen: ChosenModel | None = None,
        *,
        keeps: bool = True,
    ) -> None:
        self.settings = settings
        self._keeps_drafts = keeps and settings.history != "nothing"
        self.embedder = MemoryEmbedder(embedder)
        self.index = index
        self.notice = ""  # what opening it had to do that a user should know
        self._chosen = masked_where_it_leaves(chosen, settings) if chosen is not None else None
        self._sections: tuple[Statement, ...] | None = None
        self._choice_lock = threading.Lock()
        self._traces = TraceStore(settings.home) if keeps and settings.traces != "nothing" else None

    @classmethod
    def load(
        cls,
        settings: Settings | None = None,
        *,
        chat_model: Any = None,
        keeps: bool = True,
        prunes: bool = True,
        **overrides: Any,
    ) -> Coach:
        """Load embedder and index. `overrides` are settings by name; `chat_model` may be any ChatModel
        or LangChain `BaseChatModel`, and then speaks instead of the configured one.

        An index of an earlier version is made anew first, which is said on standard error. What is older than the settings
        allow is deleted: copies of uploads and what quotes them always, the rest unless `prunes` is off. Without `keeps` nothing that goes through this coach is kept, and nothing deleted.

        Raises SettingsError, ModelMissingError, IndexMissingError or IndexMismatchError.
        """
        settings = settings or load_settings(**overrides)
        embedder = load_embedder(settings)
        if keeps:
            with suppress(
                StoreError
            ):  # nothing was deleted then: whoever keeps something next meets the trouble and reports it
                drop_uploads(
                    settings, old_uploads(settings), lambda: ingest_library(settings, embedder=embedder)
                )
        index, notice = _current_index(settings, embedder)
        if keeps and prunes:
            apply_retention(settings)
        given = _given_model(chat_model) if chat_model is not None else None
        coach = cls(settings, embedder, index, given, keeps=keeps)
        coach.notice = notice
        return coach

    def answer(
        self,
        question: str,
        history: Iterable[HistoryTurn] = (),
        collections: Iterable[str] | None = None,
        *,
        before_model: Callable[[], None] | None = None,
        unmasked: AbstractSet[str] = frozenset(),
    ) -> AnswerStream:
        """Answer `question`; `history` holds earlier turns, oldest first (plain texts are the user's). `collections` are names of
        `collections()` to search, None for `default_collections`; raises UsageError for another name, or none.

        `before_model` is called before the chat model is used: it may wait until that is free. `unmasked` are words that
        may leave this machine as they are, though they are personal (see `outgoing`).

        The finished reply leaves a trace unless the setting `traces` is `nothing`; one that cannot be kept is noted
        in the reply, which is then handed over again, and costs nothing else.
        """
        from coach.answer.flow import AnswerStream, answer
        from coach.answer.resources import Resources

        stream = answer(
            question,
            [as_turn(turn) for turn in history],
            Resources(
                self.embedder,
                self._within(collections),
                self._chosen_after(before_model, unmasked),
                self.remembered_sections,
                self.settings,
            ),
        )
        return AnswerStream(self._traced(stream))

    def collections(self) -> tuple[Collection, ...]:
        """Whose words can be searched: the committee's first, then the user's own by name."""
        return _collections(self.index)

    @property
    def default_collections(self) -> tuple[str, ...]:
        """Those of the setting `collections` that there are; empty where all are searched."""
        wanted = {name.casefold() for name in self.settings.collections}
        return tuple(one.name for one in self.collections() if one.name.casefold() in wanted)

    @property
    def missing_collections(self) -> str:
        """What a user has to know of the setting `collections`, as a sentence; empty where all that it names are there."""
        known = {one.name.casefold() for one in self.collections()}
        missing = [f"`{name}`" for name in self.settings.collections if name.casefold() not in known]
        if not missing:
            return ""
        instead = "the others" if self.default_collections else "everything"
        return (
            f"The setting `collections` names {', '.join(missing)}, which the library does not hold: questions are asked of "
            f"{instead}. Choose again in Settings, or with `coach settings set collections NAME...`."
        )

    def _within(self, collections: Iterable[str] | None) -> PassageIndex:
        """The part of the index that is to be searched."""
        asked = list(self.default_collections if collections is None else collections)
        if collections is None and not asked:
            return self.index
        known = {name.casefold(): name for name in self.index.collections}
        if not asked or any(name.casefold() not in known for name in asked):
            unknown = next((name for name in asked if name.casefold() not in known), "")
            raise UsageError(
                f"There is no collection `{unknown}`: name one of {', '.join(known.values())}, or add documents with "
                "`coach ingest PATH --as NAME`."
            )
        return self.index.within({known[name.casefold()] for name in asked})

    def _traced(self, events: Iterator[Event]) -> Iterator[Event]:
        from coach.answer.flow import Finished

        for event in events:
            yield event
            if isinstance(event, Finished) and (trouble := self._kept(event.reply)):
                trace = replace(event.reply.trace, notes=(*event.reply.trace.notes, trouble))
                yield Finished(replace(event.reply, trace=trace))

    def _kept(self, reply: Reply) -> str:
        """Store the trace of a reply that was handed over, for masking it may take a while; returns why it could not be, else ""."""
        if self._traces is None:
            return ""
        if self.settings.mask_personal:
            reply = masked_reply(reply, self.settings.own_words)
        return self._traces.keep(reply)

    def critique(
        self,
        draft: str,
        question: str,
        *,
        kind: str | None = None,
        rubric: str | None = None,
        criteria: AbstractSet[str] | None = None,
        before_model: Callable[[], None] | None = None,
        unmasked: AbstractSet[str] = frozenset(),
    ) -> CritiqueStream:
        """Read `draft`, an answer to `question`, as the committee would: verdicts one by one, then the critique.

        `before_model` and `unmasked` as for `answer`. `kind` is guessed from the question where it is None; `rubric` is the name of one of `rubrics()`, None
        the first; `criteria` are the ids of those that count, None for all of the kind, or of a question of the bank for those that it exercises. The draft and its critique are kept unless the setting `history` is `nothing`, and what a person
        said of the same draft before stands beside its verdicts. Raises UsageError for an unknown rubric.
        """
        from coach.critique.flow import CritiqueStream, critique
        from coach.critique.judge import CALIBRATION_FILE
        from coach.critique.rubric import with_criteria
        from coach.practice.bank import exercised, likely_kind

        whole = self._rubric(rubric)
        kind = likely_kind(question, whole) if kind is None else kind
        if criteria is None:
            criteria = exercised(question, kind, whole)
        stream = critique(
            draft,
            question,
            rubric=with_criteria(whole, criteria),
            kind=kind,
            embedder=self.embedder,
            chosen=self._chosen_after(before_model, unmasked),
            question_limit=self.settings.max_question_characters,
            sources=self._guides,
            calibrations=self.settings.home / CALIBRATION_FILE,
            contradictions=self._contradictions,
            unbacked=self._unbacked,
        )
        return CritiqueStream(self._stored(stream))

    def interviewer(
        self,
        rubric: str | None = None,
        *,
        before_model: Callable[[], None] | None = None,
        is_stopped: Callable[[], bool] = lambda: False,
        unmasked: AbstractSet[str] = frozenset(),
    ) -> Interviewer:
        """Who conducts an interview by this rubric. Reading a whole answer ends with StoppedError as soon as `is_stopped`; `before_model`
        and `unmasked` as for `answer`. Raises UsageError for an unknown rubric."""
        from coach.practice.bank import rounds
        from coach.practice.conduct import Interviewer
        from coach.practice.made_questions import make_questions

        found = self._rubric(rubric)

        def read(asked: Asked) -> Critique:
            stream = self.critique(
                asked.answer,
                asked.question.text,
                kind=asked.question.kind,
                rubric=found.name,
                criteria=set(asked.question.criteria),
                before_model=before_model,
                unmasked=unmasked,
            )
            for _ in stream:
                if is_stopped():
                    raise StoppedError
            critique = stream.result()
            return replace(critique, trace=critique.trace.without_texts)

        chosen = self._chosen_after(before_model, unmasked)

        def make(known: Sequence[str]) -> Iterator[InterviewQuestion]:
            model = chosen().model
            everything = [*known, *(question.text for one in rounds() for question in one.questions)]
            return (
                make_questions(self._own_passages(), model, self.embedder, found, everything)
                if model
                else iter(())
            )

        return Interviewer(
            found,
            self.embedder,
            chosen,
            read,
            self._guides,
            make,
        )

    def _own_passages(self) -> list[Passage]:
        """The passages of the user's own documents that come nearest to what such a role is about."""
        own = self.index.within(self.index.collections.keys() - {COMMITTEE})
        if not own.collections:
            return []
        about = "The product, its users, the responsibilities and the experience of the product manager."
        return own.search(self.embedder.embed([about])[0], about, MADE_FROM)

    def debrief(self, interview: Interview) -> Debrief:
        """What the committee says of an interview, by what people overruled of its verdicts since."""
        from coach.practice.debrief import debrief

        return debrief(
            interview,
            {
                one.question.id: self.with_what_was_said(one.critique)
                for one in interview.asked
                if one.critique is not None
            },
        )

    def _guides(self) -> list[str]:
        return [document.text for document in self.documents() if _is_guide(document)]

    def _contradictions(self, sentences: Sequence[Quote]) -> tuple[Contradiction, ...]:
        """What the user's own documents say otherwise than these sentences of a draft."""
        from coach.critique.own_facts import find_contradictions

        own = self._own_documents()
        return find_contradictions(sentences, _near(own), own.knows, self.embedder) if own else ()

    def _unbacked(self, sentences: Sequence[Quote]) -> tuple[Unbacked, ...]:
        """What these sentences claim that stands in none of the user's stories and documents; nothing where there are no stories, or
        where they cannot be read."""
        from coach.practice.stories import find_unbacked

        try:
            stories = self.stories.list()
        except CoachError:
            return ()  # the Progress page says so
        own = self._own_documents()
        near, holds = (_near(own), own.knows) if own else (lambda text, vector: (), lambda name: False)
        return find_unbacked(sentences, stories, near, holds, self.embedder)

    def _own_documents(self) -> PassageIndex | None:
        """The part of the index that holds the user's own documents, None where there are none."""
        names = self.index.collections.keys() - {COMMITTEE}
        return self.index.within(names) if names else None

    def rubrics(self) -> tuple[Rubric, ...]:
        """The bundled rubrics, then the user's own. Raises UsageError for a file that cannot be used."""
        from coach.critique.rubric import bundled_rubrics, user_rubrics

        return (*bundled_rubrics(), *user_rubrics(self.settings.home, self.index.document))

    def redraft(
        self,
        critique: Critique,
        criterion: str,
        stage: Literal["question", "hint", "rewrite"],
        facts: str = "",
        *,
        unmasked: AbstractSet[str] = frozenset(),
    ) -> Redraft:
        """Help with one criterion: a question, a hint, or a rewrite with `facts`; `unmasked` as for `answer`.

        Raises UsageError for a criterion that was not judged.
        """
        from coach.critique.redraft import redraft

        verdict = next((one for one in critique.verdicts if one.criterion.id == criterion), None)
        if verdict is None:
            known = ", ".join(one.criterion.id for one in critique.verdicts)
            raise UsageError(f"This critique has no criterion `{criterion}`: name one of {known}.")
        speaks = stage == "rewrite" and self.settings.backend != "none"
        model = self._chosen_after(None, unmasked)().model if speaks else None
        return redraft(_as_judged(critique), critique.question, verdict.criterion, stage, facts, model)

    def overrule(self, critique: Critique, criterion: str, level: Level, reason: str) -> Critique:
        """The critique with a person's level beside the judge's; kept, and counted in the agreement, unless
        the setting `history` is `nothing`.

        Raises UsageError for a criterion that was not judged or a missing reason, StoreError for a full disk.
        """
        from coach.store.critiques import overruled, persons_word

        if self._keeps_drafts:
            override = CritiqueStore(self.settings.home).overrule(critique, criterion, level, reason)
        else:
            override = persons_word(critique, criterion, level, reason)
        others = {one.criterion.id: one.override for one in critique.verdicts if one.override is not None}
        return overruled(critique, {**others, criterion: override})

    @property
    def stories(self) -> StoryStore:
        """The candidate's own stories, kept on this machine."""
        return StoryStore(self.settings.home)

    def matching_stories(self, question: str) -> tuple[Match, ...]:
        """The stories that answer the question best, at most three. Raises StoreError."""
        from coach.practice.stories import matching_stories

        return matching_stories(question, self.stories.list(), self.embedder)

    def readiness(self, now: datetime | None = None) -> Readiness:
        """Where the candidate stands, criterion by round, from every draft that is kept. Raises StoreError."""
        return current_readiness(self.settings.home, self.rubrics(), now or here_and_now(), self._rounds())

    def practice_queue(self, now: datetime | None = None) -> Queue:
        """What is practised next, why, and with which question. Raises StoreError."""
        return current_queue(self.settings.home, self.rubrics(), now or here_and_now(), self._bank())

    def export_progress(self, form: ExportForm, now: datetime | None = None) -> bytes:
        """Progress, cards, stories and drafts with their verdicts, as a file of that form. Raises StoreError."""
        return export(
            self.settings.home, self.rubrics(), form, now or here_and_now(), self._rounds(), self._bank()
        )

    def import_progress(self, text: str) -> tuple[int, int, int]:
        """Bring back what `export_progress("json")` gave; how many drafts, stories and interviews were new or changed. Raises UsageError for
        anything else, and StoreError."""
        return bring_back(self.settings.home, text)

    def _rounds(self) -> Mapping[str, str]:
        """Drafts that an interview asked for, by id, with their rounds."""
        from coach.interviews import Interviews

        return Interviews(self.settings.home).rounds_of_drafts()

    def _bank(self) -> Sequence[PracticeQuestion]:
        """The questions to practise with."""
        from coach.practice.bank import rounds

        return [question for one in rounds() for question in one.questions]

    def _rubric(self, name: str | None) -> Rubric:
        rubrics = self.rubrics()
        found = next((rubric for rubric in rubrics if name in (None, rubric.name)), None)
        if found is None:
            known = ", ".join(rubric.name for rubric in rubrics)
            raise UsageError(f"There is no rubric `{name}`: give --rubric one of {known}.")
        return found

    def _stored(self, events: Iterator[CritiqueEvent]) -> Iterator[CritiqueEvent]:
        from coach.critique.flow import Critiqued

        for event in events:
            if not isinstance(event, Critiqued):
                yield event
                continue
            # What a judge lacks belongs beside its verdicts, however far the first note has scrolled away.
            notices = (*event.critique.notices, *filter(None, [self.caution]))
            critique = replace(event.critique, notices=notices)
            known = self.with_what_was_said(critique)
            yield Critiqued(known)
            # Kept once it was handed over: who has stopped listening meanwhile wants nothing kept.
            if trouble := self._kept_critique(critique):
                yield Critiqued(replace(known, notices=(*notices, trouble)))

    def with_what_was_said(self, critique: Critique) -> Critique:
        """The critique with what people said of it before, as far as that can be read."""
        from coach.store.critiques import overruled

        if not self._keeps_drafts:
            return critique
        try:
            return overruled(critique, CritiqueStore(self.settings.home).overrides(critique))
        except StoreError:
            return critique  # keeping it meets the same trouble, and says so

    def _kept_critique(self, critique: Critique) -> str:
        """Store the critique; returns why it could not be, else ""."""
        try:
            if self._keeps_drafts:
                CritiqueStore(self.settings.home).keep(critique)
        except StoreError as error:
            return str(error)
        return ""

    def chosen_model(self) -> ChosenModel:
        """The chat model and why it was chosen; loads it on the first call."""
        with self._choice_lock:
            if self._chosen is None:
                self._chosen = masked_where_it_leaves(load_chat_model(self.settings), self.settings)
            return self._chosen

    def _chosen_after(
        self, before: Callable[[], None] | None, unmasked: AbstractSet[str]
    ) -> Callable[[], ChosenModel]:
        def chosen() -> ChosenModel:
            if before is not None:
                before()
            return letting_pass(self.chosen_model(), unmasked)

        return chosen

    def letting_pass(self, unmasked: AbstractSet[str]) -> Coach:
        """This coach for one piece of work in which a person lets the words `unmasked` leave this machine as they are."""
        if not unmasked:
            return self
        one = copy(self)
        one._chosen = letting_pass(self.chosen_model(), unmasked)
        return one

    def outgoing(self, text: str, unmasked: AbstractSet[str] = frozenset()) -> Outgoing | None:
        """`text` as it would leave this machine for the chat model; None where it would not, or nothing personal is in it.

        To be shown before it is sent: `unmasked` are the words that a person lets pass. Where the model may be elsewhere it is
        opened now; one that cannot be opened may be there when the text is sent, and counts as elsewhere.
        """
        if not self.settings.mask_personal or (self._chosen is None and not may_leave(self.settings)):
            return None
        try:
            model = self.chosen_model().model
        except CoachError:
            masking = Masking(self.settings.own_words)
        else:
            if not isinstance(model, MaskedChatModel):
                return None
            masking = model.masking
        found = masking.outgoing(text, unmasked)
        return found if found.items else None

    def models(self) -> ModelList:
        """Every chat model there is here, which one speaks and why; loads nothing, asks nothing of a hosted one."""
        return list_chat_models(self.settings)

    @property
    def leaves(self) -> str:
        """What leaves this machine with the chat model and the index, and where to; empty where nothing does.

        Known before anything is sent: where the settings allow it, the model is chosen now.
        """
        return " ".join(filter(None, [self._leaves_with_model(), index_elsewhere(self.settings)]))

    def _leaves_with_model(self) -> str:
        try:
            if self._chosen is None and not may_leave(self.settings):
                return ""
            return self.chosen_model().leaves
        except CoachError:
            return ""  # nobody speaks, nothing leaves; the first question meets the trouble and reports it

    @property
    def caution(self) -> str:
        """What else a user has to know of the chat model in use; empty for nothing, and before it is chosen."""
        return self._chosen.caution if self._chosen is not None else ""

    @property
    def backend(self) -> str:
        """Who speaks: known once the chat model is loaded, else what the settings ask for."""
        if self._chosen is not None:
            return self._chosen.backend if self._chosen.model else "none"
        return self.settings.backend

    @property
    def backend_reason(self) -> str:
        """Why that one, in a sentence."""
        if self._chosen is not None:
            return self._chosen.reason
        if self.settings.backend == "none":
            return NO_MODEL_USED
        return "The chat model loads with the first question."

    @property
    def model_name(self) -> str | None:
        """The chat model's name, once loaded."""
        return (
            self._chosen.model.name if self._chosen is not None and self._chosen.model is not None else None
        )

    def document(self, source: str) -> Document:
        """The text a citation points into. Raises IndexMissingError for an unknown source."""
        return self.index.document(source)

    def documents(self) -> list[Document]:
        """Every indexed document."""
        return self.index.documents()

    def remembered_sections(self) -> tuple[Statement, ...]:
        """The sections of the bundled guides: asked about again and again, so the engine keeps their state."""
        if self._sections is None:
            guides = [document for document in self.index.documents() if _is_guide(document)]
            self._sections = tuple(section for guide in guides for section in guide.statements())
        return self._sections

    def warm(self, progress: Any = None) -> None:
        """Load the chat model, and have the engine remember what every prompt begins with.

        The first time this prefills each section of the guides (a minute or two on two cores) and
        keeps the states on disk; later it costs a second. `progress(step, done, total)` tells how far it is.
        """
        from coach.answer.compose import evidence_prefix, section_prefix
        from coach.answer.extract import texts_to_embed
        from coach.answer.small_talk import small_talk_examples
        from coach.practice.reply_kind import prompt_prefix

        if self.settings.mask_personal:
            prepare_to_find()
        sections = self.remembered_sections()
        texts = texts_to_embed(sections)
        self.embedder.embed_tokens(texts)
        self.embedder.embed([*texts, *small_talk_examples()])
        model = self.chosen_model().model if self.settings.backend != "none" else None
        if model is None:
            return
        prefixes = [evidence_prefix(), prompt_prefix(), *map(section_prefix, sections)]
        for number, prefix in enumerate(prefixes, 1):
            model.remember(prefix)
            if progress is not None:
                progress("warm", number, len(prefixes))

    def ingest(
        self,
        paths: Iterable[Path] = (),
        *,
        forget: Iterable[Path] = (),
        collection: str | None = None,
        progress: Any = None,
    ) -> IngestReport:
        """Bring the index up to date with the corpus and every path ever given, and use it from now on; `paths` belong to `collection`.

        Raises IngestError; the previous index then goes on answering.
        """
        report = ingest_library(
            self.settings,
            paths,
            forget=forget,
            collection=collection,
            progress=progress,
            embedder=self.embedder.plain,
        )
        self.reload()
        return report

    def ingest_apart(self, forget: Iterable[Path] = ()) -> tuple[str, ...]:
        """The same in a process of its own, for what is to be gone for good; what that said. Raises IngestError."""
        said = ingest_apart(self.settings, forget)
        self.reload()
        return said

    def reload(self) -> None:
        """Read the index again after an ingest; the chat model stays loaded."""
        before, self.index = self.index, load_index(self.settings, self.embedder.name)
        before.close()
        self._sections = None

    def chat_model(self) -> ChatModel:
        """The chat model. Raises BackendError when there is none."""
        return self.chosen_model().required()

    def retriever(self, limit: int | None = None) -> Any:
        """A LangChain `BaseRetriever` over the same retrieval."""
        from coach.answer.retrieve import retrieve
        from coach.backends.langchain_retriever import CoachRetriever

        def search(query: str, most: int) -> Sequence[Passage]:
            return retrieve(query, embedder=self.embedder, index=self.index, limit=most)

        return CoachRetriever(search=search, limit=limit or self.settings.passages)

    def close(self) -> None:
        """Give the chat model's memory and the index's files back."""
        self.index.close()
        if self._chosen is not None and self._chosen.model is not None:
            self._chosen.model.close()


def list_collections(settings: Settings) -> tuple[Collection, ...]:
    """As `Coach.collections`, with nothing loaded but the index. Raises as `load_index`."""
    index = load_index(settings)
    try:
        return _collections(index)
    finally:
        index.close()


def _collections(index: PassageIndex) -> tuple[Collection, ...]:
    return tuple(Collection(name, collection_label(name), count) for name, count in index.collections.items())


def ingest_library(
    settings: Settings,
    paths: Iterable[Path] = (),
    *,
    forget: Iterable[Path] = (),
    collection: str | None = None,
    progress: Any = None,
    embedder: Embedder | None = None,
) -> IngestReport:
    """Index the bundled corpus, everything ingested before, and `paths`, which belong to `collection`; drop what `forget` names.

    `progress(step, done, total)` is told how far it is. Raises IngestError or ModelMissingError.
    """
    from coach.backends.chroma import ChromaIndexWriter
    from ingest.pipeline import ingest

    embedder = embedder or load_embedder(settings)
    writer = ChromaIndexWriter(settings.index_folder, settings.chroma_url)
    return ingest(
        embedder, writer, list(paths), forget=list(forget), collection=collection, progress=progress
    )


def readable_endings() -> tuple[str, ...]:
    """The endings of the files that can be read, without the dot."""
    from ingest.readers import READERS

    return tuple(ending.removeprefix(".") for ending in READERS)


def erase_everything(settings: Settings) -> None:
    """Delete everything in the coach's folder but the downloaded models, then read the article again, with the settings as they
    come. Whoever holds a coach over this folder closes it before. Raises EraseError and IngestError."""
    erase_all(settings)
    ingest_apart(settings)


def ingest_apart(settings: Settings, forget: Iterable[Path] = ()) -> tuple[str, ...]:
    """Bring the index up to date in a process of its own; what it said. Raises IngestError.

    For what is deleted: Chroma writes memory to disk that it has not filled (`data_level0.bin`), and in this process that may still
    hold what was asked, or the document that is to be gone.
    """
    command = [sys.executable, "-m", "coach", "ingest"]
    for path in forget:
        command += ["--forget", str(path)]
    folder = Path(__file__).resolve().parent.parent
    environment = {**os.environ, "COACH_HOME": str(settings.home)}
    ended = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, encoding="utf-8", check=False
    )
    if ended.returncode:
        said = ended.stderr.strip().splitlines()
        raise IngestError(said[-1] if said else "The documents were not read again: run `coach ingest`.")
    return tuple(ended.stdout.strip().splitlines())


def _current_index(settings: Settings, embedder: Embedder) -> tuple[PassageIndex, str]:
    """The index; where it is of an earlier version, made anew, with a sentence that says so."""
    try:
        return load_index(settings, embedder.name), ""
    except IndexOutdatedError:
        print("The index is of an earlier version: it is made anew from your files ...", file=sys.stderr)
        report = ingest_library(settings, embedder=embedder)
        done = f"The index was of an earlier version and was made anew: {report.lines()[-1]}."
        print(done, file=sys.stderr)
        return load_index(settings, embedder.name), done


class MemoryEmbedder:
    """An Embedder that remembers what it has embedded: a sentence of the sources is embedded once a process."""

    LIMIT = 20_000  # vectors kept, 30 MB at 384 dimensions
    TOKEN_LIMIT = 1_000  # texts whose token vectors are kept, about as much

    def __init__(self, embedder: Embedder) -> None:
        self.plain = embedder  # for texts embedded once and stored elsewhere, such as an ingest's
        self._known: dict[str, Any] = {}
        self._known_tokens: dict[str, Any] = {}
        self.name = embedder.name
        self.dimension = embedder.dimension
        self.max_tokens = embedder.max_tokens

    def embed(self, texts: Any) -> Any:
        """As the embedder itself, computing only what is new."""
        import numpy as np

        found, self._known = _recall(self._known, texts, self.plain.embed, self.LIMIT)
        return np.stack(found) if found else np.zeros((0, self.dimension), dtype=np.float32)

    def embed_tokens(self, texts: Any) -> Any:
        """As the embedder itself, computing only what is new; what it gives besides is remembered for `embed`."""
        found, self._known_tokens = _recall(
            self._known_tokens, texts, self.plain.embed_tokens, self.TOKEN_LIMIT
        )
        for text, tokens in zip(texts, found, strict=True):
            self._known.setdefault(text, tokens.own)
        return found

    def embed_with_parts(self, texts: Any, parts: Any) -> Any:
        return self.plain.embed_with_parts(texts, parts)

    def count_tokens(self, texts: Any) -> list[int]:
        return self.plain.count_tokens(texts)


def _recall(
    known: dict[str, Any], texts: Iterable[str], compute: Any, limit: int
) -> tuple[list[Any], dict[str, Any]]:
    """What belongs to each text, computing only what is not `known`, and what is known from now on, at most about `limit`.

    Each call works on values of its own: another conversation may empty the memory meanwhile.
    """
    found: dict[str, Any] = {text: known.get(text) for text in dict.fromkeys(texts)}
    new = [text for text, value in found.items() if value is None]
    if new:
        found.update(zip(new, compute(new), strict=True))
        if len(known) + len(new) > limit:
            known = dict(found)
        else:
            known.update((text, found[text]) for text in new)
    return [found[text] for text in texts], known


def as_turn(turn: HistoryTurn) -> Turn:
    """A turn from a Turn, a plain user text, or a mapping with `role` and `text` (or `content`).

    Raises UsageError for anything else.
    """
    if isinstance(turn, Turn):
        return turn
    if isinstance(turn, str):
        return Turn("user", turn)
    if isinstance(turn, Mapping):
        role, text = turn.get("role", "user"), turn.get("text", turn.get("content"))
        if role in ("user", "assistant") and isinstance(text, str):
            return Turn("user" if role == "user" else "assistant", text)
    raise UsageError(
        'Each turn of the history is a text, or {"role": "user" or "assistant", "text": "..."}: mend it and run again.'
    )


def _as_judged(critique: Critique) -> str:
    """The draft without what was set aside: that is not to come back in a rewrite."""
    draft = critique.draft
    for quote in sorted(critique.set_aside, key=lambda quote: -quote.start):
        draft = draft[: quote.start] + draft[quote.end :]
    return draft


def _near(own: PassageIndex) -> Callable[[str, Vectors], list[Statement]]:
    """Finds the sentences of these documents that are nearest to a text with its vector."""

    def near(text: str, vector: Vectors) -> list[Statement]:
        found = own.search(vector, text, OWN_PASSAGES)
        stated = [one for place, passage in enumerate(found) for one in passage.statements(place)]
        return sorted(stated, key=lambda statement: -statement.cosine)[:OWN_SENTENCES]

    return near


def _is_guide(document: Document) -> bool:
    """Whether it came with the coach: not the user's own."""
    return document.collection == COMMITTEE


def _given_model(chat_model: Any) -> ChosenModel:
    if isinstance(chat_model, ChatModel):
        return ChosenModel(chat_model, "given", "This chat model was passed in.")
    from coach.backends.langchain import LangChainChatModel

    return ChosenModel(
        LangChainChatModel(chat_model), "langchain", "This LangChain chat model was passed in."
    )


__all__ = ["Coach", "CoachError", "list_chat_models", "may_leave", "who_may_speak"]

"""How an answer was made: recorded with the reply, drawn step by step on the page, printed by `ask --why`."""

import json
import re
from dataclasses import asdict, replace

import pytest

from coach.answer.concepts import concepts
from coach.answer.path import TITLES, cost_in_words, hosted_cost, steps_of, window_shares
from coach.answer.path_text import path_as_text
from coach.answer.report import NO_MODEL
from coach.backends import load_index
from coach.coach import Coach
from coach.protocols import ChosenModel
from coach.settings import corpus_folder, load_settings
from coach.store.conversations import read_reply, sources_of, written_reply
from coach.store.traces import TraceStore
from coach.types import Answer, ModelFacts, PromptPart, Refusal, Trace, Usage
from coach.ui.path_format import path_html
from tests.fakes import ScriptedChatModel

ROUNDS = "How many interview rounds are typical for this role?"
TRUE = "The process often takes 6-8 weeks from initial contact to offer."
FALSE = "The process takes 20 weeks at Netflix."
EVIL = '"><img src=x onerror=alert(1)>'
KNOWN = ModelFacts("scripted", 1_100_000_000, "1.5B", "Apache-2.0", "Q4_K_M")


@pytest.fixture(scope="module")
def ask(library, embedder):
    """Answers a question with a model that says `said`, or with none."""

    def asked(question, *said, facts=None):
        settings = load_settings(backend="embedded" if said else "none")
        model = ScriptedChatModel(*said, choices={"": "Yes"}) if said else None
        chosen = ChosenModel(model, "embedded", "for the test", facts=facts)
        index = load_index(settings, embedder.name)
        return Coach(settings, embedder, index, chosen, keeps=False).answer(question).result()

    return asked


@pytest.fixture(scope="module")
def generated(ask):
    return ask(ROUNDS, f"{TRUE} {FALSE}", facts=KNOWN)


def titles(page):
    return re.findall(r'<h3 class="coach-part"><a [^>]*>(\w+)</a>', page)


def test_an_answer_of_a_model_shows_every_step_in_order(generated):
    assert titles(path_html(generated)) == list(TITLES.values())
    assert [
        line.split()[1] for line in path_as_text(generated).splitlines() if re.match(r"\d+\. ", line)
    ] == [*TITLES.values()]


def test_a_candidate_has_its_rank_by_meaning_its_rank_by_words_and_its_place_in_the_fused_order(generated):
    (search,) = generated.trace.searches
    taken = [one for one in search.candidates if not one.dropped]
    assert [one.start for one in taken] == [passage.chunk.start for passage in generated.passages]
    assert taken[0].rank == taken[0].keyword_rank == 1
    assert [one.rank for one in search.candidates] == sorted(one.rank for one in search.candidates)
    by_meaning = sorted(search.candidates, key=lambda one: -one.cosine)
    assert [one.vector_rank for one in by_meaning] == sorted(one.vector_rank for one in by_meaning)
    assert search.candidates[-1].dropped == "behind the last that is taken"
    assert f"Dropped: {search.looked_at - len(taken)}, the best 3 of them listed" in path_html(generated)


def test_each_sentence_weighed_says_whether_it_was_shown(ask):
    reply = ask(ROUNDS)
    shown = {sentence.text for sentence in reply.sentences}
    weighed = reply.trace.weighed
    assert {one.text for one in weighed if one.shown} == shown
    assert [one.relevance for one in weighed] == sorted((one.relevance for one in weighed), reverse=True)
    assert any(not one.shown for one in weighed)


def test_the_parts_of_the_prompt_are_what_the_model_read_and_add_up_to_it(generated):
    parts = {part.name: part for part in generated.trace.prompt}
    assert list(parts) == ["Rules", "Worked examples", "What was found", "The question", "What to write"]
    assert ROUNDS in parts["The question"].text
    assert "5-7 rounds" in parts["What was found"].text
    shares, estimated = window_shares(generated.trace)
    assert not estimated
    read = sum(share.tokens for share in shares[: len(parts)])
    assert read <= generated.trace.usage.prompt <= read + 5
    page = path_html(generated)
    for part in parts.values():
        assert f"{part.tokens:,} tokens" in page


def test_parts_that_are_only_estimated_are_scaled_to_what_the_server_counted():
    trace = Trace(
        "q", usage=Usage(prompt=100), prompt=(PromptPart("Rules", "a", 150), PromptPart("Found", "b", 50))
    )
    shares, estimated = window_shares(trace)
    assert estimated
    assert [share.tokens for share in shares] == [75, 25]


def test_the_model_is_shown_with_what_is_known_of_it_and_without_what_is_not(generated, ask):
    page = path_html(generated)
    for fact in ("1.5B parameters, 1.1 GB", "Apache-2.0", "Q4_K_M", "temperature 0", "tokens a second"):
        assert fact in page, fact
    assert "<dt>Licence</dt><dd>unknown</dd>" in path_html(ask(ROUNDS, TRUE))


def test_what_the_model_said_stands_beside_its_source_and_what_nothing_carries_says_so(generated):
    page = path_html(generated)
    checked = page[page.index(">Check</a>") : page.index(">Cost</a>")]
    said = generated.sentences[0]
    row = checked[checked.index(said.text) :]
    assert f"start={said.citations[0].span.start}" in row[: row.index("</li>")]
    lost = checked[checked.index("Netflix") :]
    assert "No sentence of the sources carries it." in lost[: lost.index("</li>")]


def test_a_refusal_shows_the_number_and_the_threshold_and_no_step_that_did_not_happen(ask):
    reply = ask("What is the capital of Portugal?")
    assert isinstance(reply, Refusal)
    assert titles(path_html(reply)) == ["Question", "Search", "Evidence", "Sentences"]
    (part,) = reply.trace.parts
    assert part.probability < part.refuse_below < part.doubt_below
    said = f"Refused: {part.probability:.2f} is below {part.refuse_below:.2f}."
    assert said in path_html(reply)
    assert said in path_as_text(reply)
    assert not any(one.shown for one in reply.trace.weighed)


def test_sources_alone_show_no_prompt_no_model_and_no_cost(ask):
    reply = ask(ROUNDS)
    assert titles(path_html(reply)) == ["Question", "Search", "Evidence", "Sentences", "Check"]
    assert f"Answered by {NO_MODEL}." in path_as_text(reply)
    assert "word for word" in path_html(reply)


def test_small_talk_has_a_question_and_nothing_else(ask):
    reply = ask("Hello")
    assert steps_of(reply) == ("question",)
    assert "nothing was searched" in path_html(reply)
    assert "nothing was searched" in path_as_text(reply)


def test_a_hosted_price_is_worked_out_from_the_replys_own_tokens():
    usage = Usage(prompt=2_000_000, completion=500_000)
    assert hosted_cost(usage, 3.0, 15.0) == 13.5
    assert "nothing was sent" in cost_in_words(usage, 3.0, 15.0)


def test_markup_of_a_stranger_is_shown_and_not_obeyed(generated):
    trace = generated.trace
    search = trace.searches[0]
    trace = replace(
        trace,
        query=EVIL,
        model=EVIL,
        backend_reason=EVIL,
        notes=(EVIL,),
        dropped=(EVIL,),
        searches=(
            replace(
                search,
                query=EVIL,
                candidates=tuple(replace(c, heading=EVIL, source=EVIL) for c in search.candidates),
            ),
        ),
        parts=tuple(replace(one, text=EVIL, missing=EVIL, outcome="in doubt") for one in trace.parts),
        weighed=tuple(replace(one, text=EVIL, source=EVIL, heading=EVIL) for one in trace.weighed),
        prompt=tuple(replace(one, name=EVIL, text=EVIL) for one in trace.prompt),
        model_facts=ModelFacts(EVIL, 1, EVIL, EVIL, EVIL, EVIL),
    )
    page = path_html(replace(generated, question=EVIL, trace=trace))
    assert "<img" not in page
    assert '=""' not in page


def test_every_picture_says_in_words_what_it_shows(generated):
    pictures = re.findall(r'<[^>]*role="img"[^>]*>', path_html(generated))
    assert len(pictures) > 10
    assert all(re.search(r'aria-label="[^"]*\d', picture) for picture in pictures)


def test_every_step_leads_to_the_articles_own_words(sources_only, generated):
    assert concepts().keys() == TITLES.keys()
    for concept in concepts().values():
        span = concept.span
        assert sources_only.document(span.source).text[span.start : span.end] == span.text
        assert (corpus_folder() / span.source).read_text(encoding="utf-8").count(span.text) == 1
        assert f"start={span.start}&amp;end={span.end}" in path_html(generated)


def test_a_trace_is_small_kept_with_its_reply_and_has_no_texts_where_traces_are_kept(generated, tmp_path):
    assert len(json.dumps(asdict(generated.trace))) < 20_000
    assert read_reply(written_reply(generated)) == generated
    store = TraceStore(tmp_path)
    assert store.keep(generated) == ""
    (kept,) = store.recent(1)
    assert kept.trace["prompt"][0]["tokens"] == generated.trace.prompt[0].tokens
    assert "5-7 rounds" not in json.dumps([kept.trace["prompt"], kept.trace["weighed"], kept.trace["parts"]])


def test_a_document_that_is_deleted_takes_the_traces_that_looked_at_it_along(generated, tmp_path):
    looked_at = replace(generated.trace.searches[0].candidates[-1], source="library/mine.pdf")
    search = replace(generated.trace.searches[0], candidates=(looked_at,))
    reply = replace(generated, trace=replace(generated.trace, searches=(search,)))
    assert "library/mine.pdf" in sources_of(reply)
    store = TraceStore(tmp_path)
    store.keep(reply)
    store.forget("library/mine.pdf")
    assert store.recent(1) == []


def test_a_reply_of_an_earlier_version_is_still_drawn(generated):
    old = Trace(generated.trace.query, model="tiny", usage=Usage(10, 0, 5), total_ms=5.0)
    page = path_html(replace(generated, trace=old))
    assert titles(page) == ["Question", "Model", "Check", "Cost"]
    assert isinstance(generated, Answer)


def test_ask_prints_the_path_and_the_price(library, run_coach):
    done = run_coach("ask", ROUNDS, "--why", COACH_BACKEND="none")
    assert done.returncode == 0
    assert "3. Evidence (Guardrail" in done.stdout
    assert "vector rank 1" in done.stdout
    assert run_coach("ask", ROUNDS, "--why", "--json").returncode == 2
    assert run_coach("ask", ROUNDS, "--price", "3", "15").returncode == 2

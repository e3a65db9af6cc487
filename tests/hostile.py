"""A coach whose document, model and names are written by someone who wants the page to run, load or show what it should not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

from coach.answer.flow import Event
from coach.types import Answer, ListedModel, ModelList, Passage, Refusal, Token
from tests.fakes import FakeCoach

ELSEWHERE = "203.0.113.9"  # RFC 5737: an address for examples, nobody's
HOSTILE = (
    f"![x](http://{ELSEWHERE}/a.png) [click](javascript:window.obeyed=1) <img src=http://{ELSEWHERE}/b.png "
    "onerror=window.obeyed=1> <script>window.obeyed=1</script> <a href=javascript:window.obeyed=1>a</a> "
    f"</mark></div></section><iframe src=http://{ELSEWHERE}></iframe> <b>bold</b> **b** $x^2$ :red[r] &lt; "
    f"http://{ELSEWHERE}/bare"
)


class HostileCoach(FakeCoach):
    """Answers as FakeCoach does, with `HOSTILE` in the document's text, title, name and headings, in what the model says and
    is called, and in every notice."""

    def __init__(self) -> None:
        super().__init__(model_name=f"model {HOSTILE}")
        self.backend_reason = f"because {HOSTILE}"
        self.notice = f"notice {HOSTILE}"
        self.leaves = f"leaves {HOSTILE}"
        self.caution = f"caution {HOSTILE}"
        self.model_list = ModelList(
            (ListedModel(f"listed {HOSTILE}", HOSTILE, 1, state=HOSTILE),), HOSTILE, warnings=(HOSTILE,)
        )
        text = self.article.text.replace("interview loop involves", f"interview loop {HOSTILE} involves")
        self.article = replace(
            self.article,
            text=f"{text}\n\n## A heading {HOSTILE}\n",
            title=f"title {HOSTILE}",
            source=f"mine/{HOSTILE}.md",
        )

    def passage(self, heading: str, paragraph: str, rank: int = 1) -> Passage:
        found = super().passage(heading, paragraph, rank)
        chunk = replace(found.chunk, headings=(f"{heading} {HOSTILE}",))
        return replace(found, chunk=chunk, also_in=(f"other/{HOSTILE}.md",))

    def _events(self, question: str, before_model: Callable[[], None]) -> Iterator[Event]:
        for event in super()._events(question, before_model):
            yield Token(f"{event.text}{HOSTILE} ") if isinstance(event, Token) else event

    def _generated(self, extracted: Answer) -> Answer:
        answer = super()._generated(extracted)
        said = tuple(replace(one, text=f"{one.text} {HOSTILE}") for one in answer.sentences)
        trace = replace(answer.trace, notes=(HOSTILE,), dropped=(HOSTILE,))
        return replace(answer, sentences=said, trace=trace, not_covered=(HOSTILE,), doubt=HOSTILE)

    def _refusal(self, question: str, passages: Sequence[Passage]) -> Refusal:
        return replace(super()._refusal(question, tuple(passages)), text=f"refused {HOSTILE}")

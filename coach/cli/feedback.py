"""The commands about what you think of replies and verdicts: `coach thumbs`, `coach cases`. Imports are lazy, as in `cli`."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from coach.cli.terminal import chosen_to_delete, say, show

if TYPE_CHECKING:
    from coach.store.cases import CaseStore
    from coach.store.feedback import FeedbackStore
    from coach.types import Critique

_reason_option = click.option("--reason", default="", help="Why.")


@click.group()
def thumbs() -> None:
    """Say what you think of a reply (its id: `coach conversations show`) or a verdict (DRAFT/CRITERION)."""


@thumbs.command("up")
@click.argument("identity", metavar="ID")
@_reason_option
def thumbs_up(identity: str, reason: str) -> None:
    """The reply or verdict ID was useful."""
    _give(identity, True, reason)


@thumbs.command("down")
@click.argument("identity", metavar="ID")
@_reason_option
def thumbs_down(identity: str, reason: str) -> None:
    """The reply or verdict ID was not useful."""
    subject = _give(identity, False, reason)
    if "/" not in subject:
        say(f'`coach cases add {subject} --should-say "..."` makes it a case of your own evaluation.')


@thumbs.command("list")
def thumbs_list() -> None:
    """Every thumb, the latest first."""
    given = _feedback().list()
    for one in given:
        show(f"{one.subject}  {one.made_at[:16].replace('T', ' ')}  {one.in_words}")
    if not given:
        say('There are no thumbs yet: `coach thumbs down ID --reason "..."` gives one.')


@thumbs.command("delete")
@click.argument("identity", metavar="ID")
def thumbs_delete(identity: str) -> None:
    """Take back what you said of the reply or verdict ID."""
    subject = _subject(identity)
    _feedback().take_back(subject)
    show(f"Deleted the thumb of {subject}.")


def _give(identity: str, useful: bool, reason: str) -> str:
    given = _feedback().give(_subject(identity), useful, reason)
    show(f"{given.subject}  {given.in_words}")
    return given.subject


def _subject(identity: str) -> str:
    """The whole id. Raises UsageError for a reply or a verdict that is not kept."""
    from coach.settings import load_settings
    from coach.store.conversations import ConversationStore
    from coach.store.critiques import draft_id

    if "/" not in identity:
        return ConversationStore(load_settings().home).find_exchange(identity).id
    critique, criterion = _verdict(identity)
    return f"{draft_id(critique)}/{criterion}"


def _verdict(identity: str) -> tuple[Critique, str]:
    """The kept critique and the criterion of `draft/criterion`. Raises UsageError where there is no such verdict."""
    from coach.errors import UsageError
    from coach.settings import load_settings
    from coach.store.critiques import CritiqueStore

    draft, _, criterion = identity.partition("/")
    critique = CritiqueStore(load_settings().home).get(draft)
    known = [verdict.criterion.id for verdict in critique.verdicts]
    if criterion not in known:
        raise UsageError(f"This critique has no criterion `{criterion}`: name one of {', '.join(known)}.")
    return critique, criterion


@click.group()
def cases() -> None:
    """Your own cases: replies and verdicts that went wrong, with what should have happened. `coach eval` runs them."""


@cases.command("list")
def cases_list() -> None:
    """Every case, the oldest first."""
    kept = _cases().list()
    for case in kept:
        show(f"{case.id}  {case.made_at[:10]}  {' '.join(case.written['question'].split())[:90]}")
        show(f"    {case.expected}")
    if not kept:
        say("There are no cases of your own yet: `coach cases add --help` says how to make one.")


@cases.command("add")
@click.argument("identity", metavar="[ID]", required=False)
@click.option("--question", help="A question of your own, instead of ID.")
@click.option(
    "--should-say", metavar="WORDS", help="What a right answer holds, word for word; `;` between several."
)
@click.option("--not-in-sources", is_flag=True, help="The sources do not say it: a right reply says so.")
def cases_add(
    identity: str | None, question: str | None, should_say: str | None, not_in_sources: bool
) -> None:
    """Make a case from the reply ID (`coach conversations show` prints it) or from a verdict that you overruled,
    DRAFT/CRITERION."""
    if bool(identity) == bool(question):
        raise click.UsageError(
            "Give the ID of a reply or a verdict, or a question of your own with --question."
        )
    if identity and "/" in identity:
        if should_say is not None or not_in_sources:
            raise click.UsageError(
                "A verdict should be what you overruled it to: leave out the other options."
            )
        case = _cases().keep_verdict(*_verdict(identity))
    else:
        if (should_say is None) != not_in_sources:
            raise click.UsageError("Say what should have happened: --should-say WORDS, or --not-in-sources.")
        keep = _cases().keep_reply if identity else _cases().keep_question
        case = keep(identity or str(question), should_say)
    show(f"{case.id}  {case.expected}")
    say(f"`coach eval {case.suite} --own` runs your own cases.")


@cases.command("delete")
@click.argument("identities", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every case.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting all.")
def cases_delete(identities: tuple[str, ...], every: bool, yes: bool) -> None:
    """Delete cases for good."""
    store = _cases()
    wanted = chosen_to_delete(
        "cases",
        identities,
        every=every,
        yes=yes,
        whole_id=lambda beginning: store.find(beginning).id,
        all_ids=lambda: [one.id for one in store.list()],
    )
    for identity in wanted:
        store.delete(identity)
    show(f"Deleted {len(wanted)}.")


@cases.command("export")
@click.argument("suite", type=click.Choice(["answers", "critique"]), required=False)
def cases_export(suite: str | None) -> None:
    """Print the cases, one JSON object a line; those of `answers` are what `coach eval answers --cases FILE` reads."""
    for case in _cases().list():
        if suite in (None, case.suite):
            show(json.dumps(case.written, ensure_ascii=False))


def _cases() -> CaseStore:
    from coach.settings import load_settings
    from coach.store.cases import CaseStore

    return CaseStore(load_settings().home)


def _feedback() -> FeedbackStore:
    from coach.settings import load_settings
    from coach.store.feedback import FeedbackStore

    return FeedbackStore(load_settings().home)

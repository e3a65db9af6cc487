"""The commands about what is kept: `coach conversations`, `coach settings`, `coach erase`. Imports are lazy, as in `cli`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from coach.cli.terminal import chosen_to_delete, fitted, opened, say, show
from coach.errors import UsageError
from coach.text.counted import counted

if TYPE_CHECKING:
    from coach.store.conversations import ConversationStore


def _store() -> ConversationStore:
    from coach.settings import load_settings
    from coach.store.conversations import ConversationStore

    return ConversationStore(load_settings().home)


@click.group()
def conversations() -> None:
    """List, find, show, rename, export, bring back or delete the conversations that are kept on this machine."""


@conversations.command("list")
@click.argument("words", nargs=-1)
def conversations_list(words: tuple[str, ...]) -> None:
    """Every conversation, the latest first; with WORDS, those in which all of them stand."""
    found = _store().list(" ".join(words))
    for one in found:
        show(f"{one.id}  {one.changed_at[:16].replace('T', ' ')}  {one.exchanges} asked  {one.title}")
    if not found:
        say(
            "No conversation holds these words."
            if words
            else "No conversations are kept: `coach serve` opens the app."
        )


@conversations.command("show")
@click.argument("identity", metavar="ID")
def conversations_show(identity: str) -> None:
    """Print the conversation ID as Markdown, with where each sentence comes from; below each question its own id,
    for `coach thumbs` and `coach cases`, and what you said of the reply."""
    store = _store()
    remarks = [_remark(exchange.id) for exchange in store.exchanges(store.get(identity).id)]
    show(fitted(_as_markdown(store, identity, remarks).rstrip()))


@conversations.command("rename")
@click.argument("identity", metavar="ID")
@click.argument("title")
def conversations_rename(identity: str, title: str) -> None:
    """Give the conversation ID another TITLE."""
    store = _store()
    store.rename(store.get(identity).id, title)
    show(f"Renamed: {store.get(identity).title}")


@conversations.command("export")
@click.argument("identities", metavar="[ID]...", nargs=-1)
@click.option("--json", "as_json", is_flag=True, help="As the JSON that `import` reads back without loss.")
@click.option("--mask", "masked", is_flag=True, help="For others: names, mails, phones and addresses masked.")
def conversations_export(identities: tuple[str, ...], as_json: bool, masked: bool) -> None:
    """Print conversations, all of them where no ID is given."""
    if as_json and masked:
        raise click.UsageError("--json is for bringing back, --mask for giving away: give one of them.")
    store = _store()
    wanted = [store.get(identity).id for identity in identities] or [one.id for one in store.list()]
    if as_json:
        show(json.dumps(store.export(wanted), ensure_ascii=False))
    else:
        written = "\n".join(_as_markdown(store, identity) for identity in wanted).rstrip()
        show(_masked(written) if masked else written)


@conversations.command("import")
@click.argument("file", type=click.Path(dir_okay=False))
def conversations_import(file: str) -> None:
    """Bring back what `export --json` wrote; a conversation of the same id is replaced. `-` reads standard input."""
    with opened(file) as lines:
        try:
            written = json.load(lines)
        except ValueError as error:
            raise UsageError(f"{file} is not JSON ({error}): give what `export --json` wrote.") from error
    count = _store().load(written)
    show(f"{counted(count, 'conversation')} brought back.")


@conversations.command("delete")
@click.argument("identities", metavar="[ID]...", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every conversation.")
@click.option("--yes", is_flag=True, help="Do not ask before deleting all.")
def conversations_delete(identities: tuple[str, ...], every: bool, yes: bool) -> None:
    """Delete conversations for good, with what you said of their replies and the cases you made from them."""
    store = _store()
    wanted = chosen_to_delete(
        "conversations",
        identities,
        every=every,
        yes=yes,
        whole_id=lambda beginning: store.get(beginning).id,
        all_ids=lambda: [one.id for one in store.list()],
    )
    for identity in wanted:
        store.delete(identity)
    show(f"Deleted {len(wanted)}.")


def _as_markdown(store: ConversationStore, identity: str, remarks: Sequence[str] = ()) -> str:
    from coach.answer.report import conversation_as_markdown

    one = store.get(identity)
    return conversation_as_markdown(
        one.title, [(each.question, each.reply) for each in store.exchanges(one.id)], remarks
    )


def _masked(text: str) -> str:
    from coach.privacy.find import MISSING_NAMES, names_are_found
    from coach.privacy.reply import masked_text
    from coach.settings import load_settings

    if not names_are_found():
        say(MISSING_NAMES)
    return masked_text(text, load_settings().own_words)


def _remark(exchange: str) -> str:
    """The exchange's id, and what was said of it."""
    from coach.settings import load_settings
    from coach.store.feedback import FeedbackStore

    given = FeedbackStore(load_settings().home).of(exchange)
    return f"{exchange}: {given.in_words}" if given else exchange


@click.group("settings", invoke_without_command=True)
@click.pass_context
def settings_group(context: click.Context) -> None:
    """Every setting, its value and what it changes; `set` and `unset` change `coach.toml`."""
    from coach.settings import Settings, load_settings

    if context.invoked_subcommand is not None:
        return
    settings = load_settings()
    for name, field in Settings.model_fields.items():
        value = "..." if name == "openai_api_key" else getattr(settings, name)
        show(f"{name} = {value}\n    {field.description}")


@settings_group.command("set")
@click.argument("name")
@click.argument("values", metavar="VALUE...", nargs=-1, required=True)
def settings_set(name: str, values: tuple[str, ...]) -> None:
    """Write the setting NAME into `coach.toml`; `own_words` and `collections` take several VALUEs."""
    from coach.settings import load_settings, save_setting

    save_setting(name, values[0] if len(values) == 1 else list(values))
    show(f"{name} = {getattr(load_settings(), name)}")


@settings_group.command("unset")
@click.argument("name")
def settings_unset(name: str) -> None:
    """Take the setting NAME out of `coach.toml`: its default counts again."""
    from coach.settings import load_settings, save_setting

    save_setting(name, None)
    show(f"{name} = {getattr(load_settings(), name)}")


@click.command()
@click.option("--all", "every", is_flag=True, help="Everything but the downloaded models.")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(every: bool, yes: bool) -> None:
    """Delete conversations, drafts, traces, your documents' copies, index, settings: no byte of yours stays."""
    from coach.settings import load_settings
    from coach.store.retention import KEPT_WHEN_ERASED, erase_all, left_alone

    if not every:
        raise click.UsageError(
            "Say --all to erase everything; one by one go `coach conversations delete`, `coach drafts delete` and "
            "`coach ingest --forget`."
        )
    settings = load_settings()
    if not yes:
        click.confirm(
            f"Delete everything of the coach's in {settings.home} but the models? It cannot be brought back.",
            abort=True,
            err=True,
        )
    gone = erase_all(settings)
    show(f"Erased: {', '.join(gone) or 'there was nothing'}. Kept: {Path(KEPT_WHEN_ERASED)}/.")
    if others := left_alone(settings):
        show(f"Left alone, for the coach did not put it there: {', '.join(others)}.")
    say("Run `coach ingest` to read the article again.")

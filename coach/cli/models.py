"""`coach models`: which chat models there are, which one speaks, and fetching one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from coach.cli.terminal import (
    StepBars,
    say,
    show,
)

if TYPE_CHECKING:
    pass


@click.group(invoke_without_command=True)
@click.pass_context
def models(context: click.Context) -> None:
    """List the chat models, choose one, or fetch one."""
    if context.invoked_subcommand is None:
        context.invoke(models_list)


@models.command("list")
def models_list() -> None:
    """Every chat model there is here, which one speaks, and why; nothing is asked of one hosted elsewhere."""
    from coach.answer.report import models_as_text
    from coach.backends.chat import list_chat_models
    from coach.settings import load_settings

    for line in models_as_text(list_chat_models(load_settings())):
        show(line)


@models.command("use")
@click.argument("name")
def models_use(name: str) -> None:
    """Make Ollama's model NAME the one that speaks; a setting or `--model` still goes before it."""
    from coach.backends.chat import ollama_address
    from coach.backends.ollama_models import list_models, use_model
    from coach.settings import load_settings

    settings = load_settings()
    found = list_models(ollama_address(settings.ollama_host), settings.context_window)
    chosen = use_model(found, name, settings.home)
    if settings.model or settings.backend != "auto":
        say(
            f"Before it goes what the settings name ({settings.model or settings.backend}): unset that to let it speak."
        )
    show(f'{chosen.name} is the coach\'s own pick until another is used: run `coach ask "..."`.')


@models.command("pull")
@click.argument("name", required=False)
def models_pull(name: str | None) -> None:
    """Fetch and verify the built-in models; with NAME, have Ollama pull that model."""
    from coach.settings import load_settings

    settings = load_settings()
    if name is not None:
        from coach.backends.chat import ollama_address
        from coach.backends.ollama_models import choose_model, list_models, pull_model

        bars = StepBars()
        address = ollama_address(settings.ollama_host)
        pull_model(address, name, bars)
        bars.close()
        found = list_models(address, settings.context_window)
        for line in choose_model(found, name, None, allow_hosted=True).warnings:
            say(line)
        show(f"{name} is ready: run `coach models use {name}`.")
        return
    from coach.backends.model_files import pull_embedded_model
    from coach.backends.openvino import prepare_embedder
    from coach.cli.progress import ProgressLines

    progress = ProgressLines()
    prepare_embedder(settings, progress)
    show(f"The built-in models are ready: {pull_embedded_model(settings, progress)}")

"""The `coach` command: one file a group of commands. Their imports are lazy, so that `coach --help` is instant."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from typing import NoReturn

import click

from coach.cli import (
    ask,
    critique,
    desk,
    doctor,
    evaluation,
    feedback,
    interview,
    lab,
    learn,
    library,
    mcp,
    models,
    practice,
    privacy,
    serve,
)
from coach.cli.terminal import FAILED, OK, STOPPED, USAGE, say
from coach.errors import CoachError, UsageError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="genai-pm-coach", prog_name="coach")
def cli() -> None:
    """A local, private coach for Generative-AI product-manager interviews.

    Nothing you type leaves this machine, unless you name a server elsewhere. Every sentence of an answer shows where it comes from.
    """


for _command in (
    *(ask.ask, critique.critique, critique.overrule, critique.drafts, interview.interview),
    *(desk.conversations, desk.settings_group, desk.erase),
    *(feedback.thumbs, feedback.cases),
    *(
        practice.progress,
        practice.practice,
        practice.stories,
        practice.export_command,
        practice.import_command,
    ),
    *(library.ingest, library.library, library.warm, models.models),
    *(lab.lab, learn.learn, privacy.privacy, serve.serve, mcp.mcp, doctor.doctor, evaluation.evaluate),
):
    cli.add_command(_command)


def main() -> NoReturn:
    """Run the command and end the process with its exit status."""
    _leave(run())


def run(arguments: Sequence[str] | None = None) -> int:
    """Run the command. 0 for an answer, a critique or a refusal, 1 for a failure, 2 for usage."""
    try:
        code = cli.main(arguments, standalone_mode=False)
    except click.exceptions.Abort:
        say("\nStopped. Nothing is lost: run the same command again to go on.")
        code = STOPPED
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except UsageError as error:
        say(str(error))
        code = USAGE
    except CoachError as error:
        say(str(error))
        code = FAILED
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = OK
    except OSError as error:
        say(_storage_sentence(error))
        code = FAILED
    except Exception:  # a fault of ours: the details go where a report can be made from them
        say(
            f"Something went wrong inside the coach; the details are in {_write_details()}: run `coach doctor`."
        )
        code = FAILED
    return code if isinstance(code, int) else OK


def _storage_sentence(error: OSError) -> str:
    import errno

    if error.errno == errno.ENOSPC:
        return "The disk is full: free some space, then run the same command again."
    if error.errno == errno.EADDRINUSE:
        return "The port is taken: run `coach serve --port 8502`."
    return f"The system said no ({error}): run `coach doctor`."


def _write_details() -> str:
    import tempfile

    with tempfile.NamedTemporaryFile(
        "w", prefix="coach-", suffix=".log", delete=False, encoding="utf-8"
    ) as file:
        traceback.print_exc(file=file)
    return file.name


def _leave(code: int) -> NoReturn:
    """End now: native threads of the engines need not be waited for."""
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)

"""`coach doctor`: every check, with the command that mends what is broken."""

from __future__ import annotations

import click

from coach.cli.terminal import FAILED, show


@click.command()
def doctor() -> None:
    """Check everything the coach needs; each line names the command that fixes it."""
    from coach.doctor import lines, run_checks
    from coach.settings import load_settings

    checks = run_checks(load_settings())
    for line in lines(checks):
        show(line)
    if any(check.state == "broken" for check in checks):
        raise click.exceptions.Exit(FAILED)

"""What holds for every command: where it comes from, and how it says what is wrong."""

import errno
from importlib.metadata import EntryPoint, entry_points
from typing import Any

import click

from avenv.core.interrupts import exit_code, terminable
from avenv.core.store import is_url

GROUP = "avenv.commands"
"""Entry-point group in which packages name commands of their own, each a ``click.Command``."""


trust_option = click.option(
    "--trust",
    is_flag=True,
    help="Load the policy also from a format that can run code of whoever made it.",
)


class Place(click.Path):
    """A folder, or a URL as ``core.store`` takes it."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Return it as it was given."""
        return value if is_url(value) else super().convert(value, param, ctx)


PLACE = Place(file_okay=False)

cluster_option = click.option(
    "--cluster",
    metavar="auto|local|HOST:PORT",
    help="Work on a cluster of Ray's: the one that this machine belongs to, one of this machine "
    "alone, or the one whose head is there.",
)


def cluster_of(address: str | None, workers: int | None, rows: int = 1, threads: int = 1) -> Any:
    """Return the ``Cluster`` that was asked for, of workers with so many environments, or None."""
    if address is None:
        return None
    from avenv.simulation.cluster import Cluster, worker_memory

    return Cluster(address, workers, threads, worker_memory(rows))


class Commands(click.Group):
    """The commands of avenv and those that other packages have registered.

    What users can put right, a wrong value, a missing file or package, is said in one line.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, sorted."""
        return sorted({*super().list_commands(ctx), *(e.name for e in entry_points(group=GROUP))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command; one of another package is loaded now."""
        command = super().get_command(ctx, cmd_name)
        if command is None:
            for entry in entry_points(group=GROUP, name=cmd_name):
                return _load(entry)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the chosen command; stopped by Ctrl-C or SIGTERM, it says what it has kept."""
        try:
            with terminable():
                return super().invoke(ctx)
        except KeyboardInterrupt as stop:
            click.echo(f"stopped: {stop}" if str(stop) else "stopped", err=True)
            ctx.exit(exit_code(stop))
        except (ValueError, OSError, ImportError) as error:
            if getattr(error, "errno", None) == errno.EPIPE:  # `avenv ... | head`: click's affair
                raise
            raise click.ClickException(str(error)) from error


def _load(entry: EntryPoint) -> click.Command:
    """Return a command of another package, or, where that fails, one that says so when it is run.

    Otherwise one broken package would take `avenv --help` away.
    """
    try:
        return entry.load()
    except Exception as error:
        reason = f"{entry.value} cannot be loaded: {error}"

        def fail() -> None:
            raise click.ClickException(reason)

        anything = {"ignore_unknown_options": True, "allow_extra_args": True}
        return click.Command(
            entry.name, context_settings=anything, callback=fail, short_help=reason
        )

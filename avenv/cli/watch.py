"""The command line for watching what agents did: `avenv watch`."""

from typing import TYPE_CHECKING

import click

from avenv.cli.commands import trust_option

if TYPE_CHECKING:
    from avenv.benchmark.agent import AgentFactory
    from avenv.benchmark.results import Results


@click.command()
@click.argument(
    "folders", metavar="RESULTS [RESULTS]", nargs=-1, required=True,
    type=click.Path(exists=True, file_okay=False),
)  # fmt: skip
@click.option(
    "--episode", type=click.IntRange(0), default=0, show_default=True, help="Its number there."
)
@click.option(
    "--explain/--no-explain",
    default=True,
    show_default=True,
    help="Ask agents that are here and say so what they think.",
)
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="To listen on; default: a free one."
)
@click.option("--open/--no-open", "opens", default=True, show_default=True, help="Open a browser.")
@trust_option
def watch(
    folders: tuple[str, ...], episode: int, explain: bool, port: int, opens: bool, trust: bool
) -> None:
    """Watch an episode in the browser that an agent has played, as it saw, heard and did.

    RESULTS is a folder that `avenv evaluate` or `avenv play` has written. Its actions are played
    again. Of two such folders the same episode is shown side by side.
    """
    try:
        import aiohttp  # noqa: F401
    except ImportError as error:
        raise ImportError('avenv watch needs aiohttp: pip install "avenv[play]"') from error
    if len(folders) > 2:
        raise click.UsageError("RESULTS are more than two; accepted: one folder, or two")
    from avenv.benchmark.results import read_results
    from avenv.cli.play import serve_until_interrupted
    from avenv.play.past import Past, check_same
    from avenv.play.past_visit import PastVisit, Tape
    from avenv.play.server import Server

    pasts = []
    for folder in folders:
        results = read_results(folder)
        agent, note = _agent_of(results, trust) if explain else (None, "")
        if note:
            click.echo(f"{results.name}: {note}")
        pasts.append(Past(results, episode, agent))
    if len(pasts) == 2:
        check_same(*pasts)
    tape = Tape(pasts)
    server = Server(lambda: tape, port, visit=PastVisit, index="watch.html")
    names = " and ".join(past.results.name for past in pasts)
    serve_until_interrupted(server, None, f"{names}, episode {episode}", opens)


def _agent_of(results: "Results", trust: bool) -> "tuple[AgentFactory | None, str]":
    """Return the agent of results, if it says what it thinks, and what to know about that."""
    from avenv.benchmark import Impaired
    from avenv.benchmark.agent import explains
    from avenv.benchmark.provenance import identity
    from avenv.cli.agents import find_agent_here, with_arguments

    about = results.heading["agent"]
    try:
        factory = find_agent_here(about["name"], trust)
        if not explains(factory):
            return None, "what it thinks is not shown, it has no explain()"
        factory = with_arguments(factory, dict(about["arguments"]))
    except ValueError as error:
        return None, f"what it thinks is not shown: {error}"
    if how := about.get("impaired"):
        factory = Impaired(factory, how)
    if identity(factory) != about["code"]:
        return factory, "the agent here is another than played, and may think otherwise"
    return factory, ""

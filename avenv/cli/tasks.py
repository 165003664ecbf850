"""The command line for tasks: `avenv tasks list`, `check`."""

import click


@click.group("tasks")
def tasks_group() -> None:
    """List the tasks, and check that experts solve them and guessing does not."""


@tasks_group.command("list")
def list_tasks() -> None:
    """Name every task, with what it asks for."""
    from avenv.tasks import TASKS, find_task

    width = max(map(len, TASKS))
    for name in TASKS:
        click.echo(f"{name:<{width}}  {(find_task(name).__doc__ or '').splitlines()[0]}")


@tasks_group.command("check")
@click.argument("names", nargs=-1, metavar="[TASK]...")
@click.option("--episodes", type=click.IntRange(1), default=100, show_default=True)
@click.option("--seed", type=click.IntRange(0), default=0, show_default=True)
@click.option(
    "--docs",
    type=click.Path(dir_okay=False, exists=True),
    help="Markdown file whose table gets the results, between <!-- check --> and <!-- end -->.",
)
def check_command(names: tuple[str, ...], episodes: int, seed: int, docs: str | None) -> None:
    """Let experts, and those who guess, try each TASK, by default all.

    The expert must reach 0.98, and nobody who acts at random, does nothing or does not listen where
    hearing is the point may be better than chance by more than 0.05. The exit status is 1 where it
    is otherwise. A row is in the file as soon as its task is through, and the other rows stay as
    they are: what was cut off goes on with the tasks that are left.
    """
    from avenv.benchmark.task_check import check_tasks, heading, write_table
    from avenv.tasks import find_task

    for name in names:
        find_task(name)
    problems = []
    click.echo(heading())
    for trial in check_tasks(names, episodes, seed):
        click.echo(trial.row())
        problems += trial.problems
        if docs:
            write_table(docs, [trial])
    for problem in problems:
        click.echo(problem, err=True)
    if problems:
        raise SystemExit(1)

"""Check every task and renew the table in docs/tasks.md; see `avenv tasks check --help`.

python scripts/check_tasks.py [TASK ...] [--episodes 100]
"""

import sys
from pathlib import Path

from avenv.cli.tasks import check_command

DOCS = Path(__file__).parents[1] / "docs" / "tasks.md"

if __name__ == "__main__":
    check_command([*sys.argv[1:], "--docs", str(DOCS)])

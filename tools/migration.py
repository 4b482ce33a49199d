"""`python -m tools.migration "what changed"`: write the next migration from the difference to `hub/tables/`.

Runs the existing migrations on an empty SQLite file first, then compares. Read what it wrote before you commit it.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from hub.db import Database
from hub.migrations import alembic_config, upgrade


def main(message: str) -> int:
    with tempfile.TemporaryDirectory() as folder:
        db = Database(f"sqlite:///{Path(folder) / 'empty.sqlite'}")
        upgrade(db)
        with db.engine.begin() as connection:
            number = len(list((Path(__file__).parent.parent / "hub/migrations/versions").glob("*.py"))) + 1
            command.revision(alembic_config(connection), message, autogenerate=True, rev_id=f"{number:04d}")
        db.close()
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.stderr.write('usage: python -m tools.migration "what changed"\n')
        sys.exit(2)
    sys.exit(main(sys.argv[1]))

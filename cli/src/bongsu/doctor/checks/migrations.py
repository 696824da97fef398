"""Migration check: compares what was applied with what this build brings. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bongsu.doctor.finding import Finding, ok, problem, warning
from bongsu.provisioning.migrations import Migration

CHECK = "migrations"
APPLY = "apply them: `make run` does, or `bongsu migrate` where the servers are elsewhere"


def judge_migrations(applied: Mapping[int, str] | None, migrations: Sequence[Migration]) -> Finding:
    """Judge what ran (SHA-256 by version, None: nothing ever) by what this build brings."""
    if applied is None:
        return problem(CHECK, "none was ever applied: the database has no tables", APPLY)
    missing = [migration.file_name for migration in migrations if migration.version not in applied]
    if missing:
        return problem(CHECK, f"not applied: {', '.join(missing)}", APPLY)
    changed = [
        migration.file_name for migration in migrations if applied[migration.version] != migration.sha256
    ]
    if changed:
        return problem(
            CHECK,
            f"changed after it was applied: {', '.join(changed)}",
            "restore the file as it was, and put the change into a new one",
        )
    newest = max((migration.version for migration in migrations), default=0)
    if newer := sorted(version for version in applied if version > newest):
        return warning(
            CHECK,
            f"the database has {', '.join(f'{version:04d}' for version in newer)}, which this build does not"
            " know",
            "install the newer version everywhere; migrations only add, so this one goes on meanwhile",
        )
    return ok(CHECK, f"all {len(migrations)} are applied")

"""Each statement reads and writes rows of one workspace, and each key begins with it.

So says PostgreSQL's own planner: at every scan of a workspace's table, the plan compares `team_id`
with the one parameter. That is also how Citus finds the one shard that a statement is for.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql

ROOT = Path(__file__).resolve().parents[2]
STORAGE = ROOT / "pipeline" / "storage"

OF_ALL = {
    "workspaces.ALL": "the shell looks through every workspace of its database, one after the other"
}
"""Statements about several workspaces, each with its reason."""

OF_QUEUE = {
    "jobs.ENQUEUE_PENDING": "job by job: their keys hold the workspace",
    "jobs.ENQUEUE_LISTING": "one key, that holds the workspace",
    "jobs.HURRY": "one queue, which is a workspace's",
    "jobs.DROP_ENDED": "one queue, which is a workspace's",
    "jobs.HELD": "the queues of the workspaces that this worker is for",
    "jobs.RESCUE": "one job, which HELD found",
    "jobs.PUT_BACK": "one job, which HELD found",
    "jobs.DROP_HELD": "one job, which HELD found",
    "backlog.JOBS": "one queue, which is a workspace's",
    "backlog.OLDEST": "one queue, which is a workspace's",
    "backlog.WORKERS": "who works at all, whatever for",
    "purge.EVERYTHING jobs": "one queue, which is a workspace's",
}
"""Statements about Procrastinate's tables, which have no team_id, each with what holds it."""

# How a statement begins, and hardly anything else.
_STATEMENT = re.compile(
    r"\s*(select|insert into|update|delete from|with \w+ as|merge into|copy|truncate)\s"
)
_PARAMETER = re.compile(r"%\((\w+)\)s")

TABLES = """
select c.relname, exists (
    select from pg_attribute a where a.attrelid = c.oid and a.attname = 'team_id'
) from pg_class c
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
"""
UNIQUE = """
select i.indrelid::regclass::text, i.indexrelid::regclass::text, a.attname
from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
where i.indisunique and i.indrelid = any(%(tables)s::regclass[])
"""
FOREIGN = """
select c.conname, here.attname, there.attname
from pg_constraint c
join pg_attribute here on here.attrelid = c.conrelid and here.attnum = c.conkey[1]
join pg_attribute there on there.attrelid = c.confrelid and there.attnum = c.confkey[1]
where c.contype = 'f' and c.conrelid = any(%(tables)s::regclass[])
"""


def _statements() -> dict[str, str]:
    """Every statement of the storage, by its module and name."""
    found: dict[str, str] = {}
    for path in sorted(STORAGE.glob("*.py")):
        module = import_module(f"pipeline.storage.{path.stem}")
        own = set(_names_at_the_top(path))
        for name, value in vars(module).items():
            if name in own:
                found |= {f"{path.stem}.{name}{part}": text for part, text in _texts(value)}
    # psycopg writes numbers into one of them: an index is for embeddings of one length.
    return {
        name: text.replace("{dimension}", "8")
        for name, text in found.items()
        if _STATEMENT.match(text.lower())
    }


def _names_at_the_top(path: Path) -> Iterator[str]:
    for node in ast.parse(path.read_text()).body:
        match node:
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name
            case _:
                pass


def _texts(value: object) -> Iterator[tuple[str, str]]:
    match value:
        case str():
            yield "", value
        case (str() as key, str() as text):
            yield f" {key}", text
        case dict():
            for key, one in value.items():
                yield from ((f" {key}{part}", text) for part, text in _texts(one))
        case list() | tuple():
            for one in value:
                yield from _texts(one)
        case _:
            pass


STATEMENTS = _statements()


def _hidden_statements(tree: ast.Module) -> Iterator[str]:
    """What looks like a statement and stands elsewhere than at the top of its module."""
    at_the_top = {id(part) for node in tree.body if _is_bound(node) for part in ast.walk(node)}
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and id(node) not in at_the_top | docstrings
            and _STATEMENT.match(node.value.lower())
        ):
            yield f"{node.lineno}: {node.value[:60]}"


def _is_bound(node: ast.stmt) -> bool:
    return isinstance(node, ast.Assign | ast.AnnAssign)


def _numbered(statement: str) -> tuple[str, int | None]:
    """With $1, $2, … as psycopg sends it, and the number of team_id, if it has that."""
    numbers: dict[str, int] = {}

    def number(found: re.Match[str]) -> str:
        return f"${numbers.setdefault(found[1], len(numbers) + 1)}"

    text = _PARAMETER.sub(number, statement).replace("%%", "%")
    return text, numbers.get("team_id")


Plan = Mapping[str, Any]


def _plans(plan: Plan) -> Iterator[Plan]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _plans(inner)


class Planner:
    """PostgreSQL, asked how it would do a statement whose parameters it doesn't know."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]]) -> None:
        self._connection = connection
        tables = dict(connection.execute(TABLES).fetchall())
        self.of_workspaces = {name for name, has_team in tables.items() if has_team}
        self.others = set(tables) - self.of_workspaces

    def touched(self, statement: str) -> set[str]:
        """Which tables it reads or writes."""
        return {each["Relation Name"] for each in self._all(statement) if "Relation Name" in each}

    def unbound(self, statement: str) -> list[str]:
        """What of a statement is about any workspace but that of its parameter team_id."""
        _, number = _numbered(statement)
        found = []
        for each in self._all(statement):
            table = each.get("Relation Name")
            if table not in self.of_workspaces:
                continue
            if each["Node Type"] != "ModifyTable":
                is_bound = _compares(each, number)
            elif each["Operation"] == "Insert":
                # team_id is the first column of each table.
                (rows,) = (one for one in each["Plans"] if one["Parent Relationship"] == "Outer")
                value = rows["Output"][0]
                is_bound = value in _written(number) or value.rpartition(".")[2] == "team_id"
            else:
                continue  # it changes the rows that a scan below finds
            if not is_bound:
                found.append(f"{each['Node Type']} of {table} {each.get('Alias', '')}")
        return found

    def _all(self, statement: str) -> list[Plan]:
        text, _ = _numbered(statement)
        # What EXPLAIN explains is a statement of ours; nobody else's text gets here.
        asked = sql.SQL("explain (generic_plan, verbose, format json) ") + sql.SQL(text)
        with self._connection.transaction(force_rollback=True):
            row = self._connection.execute(asked).fetchone()
        assert row is not None
        told = row[0] if isinstance(row[0], list) else json.loads(row[0])
        return list(_plans(told[0]["Plan"]))


def _written(number: int | None) -> set[str]:
    return {f"${number}", f"${number}::text"} if number is not None else set()


def _compares(scan: Plan, number: int | None) -> bool:
    """Whether a scan keeps to rows with that team_id."""
    wanted = {f"team_id = {written}" for written in _written(number)}
    return any(
        part.rpartition(".")[2] in wanted
        for key in ("Index Cond", "Recheck Cond", "Filter")
        for part in _all_of(str(scan.get(key, "")))
    )


def _all_of(condition: str) -> list[str]:
    """The parts of a condition that must all be true: what stands between its outermost ANDs."""
    parts, depth, start = [], 0, 0
    for found in re.finditer(r"'(?:[^']|'')*'|[()]| AND ", condition):
        if found[0] in "()":
            depth += 1 if found[0] == "(" else -1
            if depth == 0 and start == 0 and found.end() == len(condition):
                # All of it stood within one pair of parentheses.
                return _all_of(condition[1:-1])
        elif found[0] == " AND " and depth == 0:
            parts.append(condition[start : found.start()])
            start = found.end()
    if not parts:
        return [condition]
    return [inner for part in [*parts, condition[start:]] for inner in _all_of(part)]


@pytest.fixture
def planner(conninfo: str) -> Iterator[Planner]:
    with psycopg.connect(conninfo, autocommit=True) as connection:
        yield Planner(connection)


def test_all_statements_are_looked_at() -> None:
    assert len(STATEMENTS) > 100
    assert "faces.WITHIN" in STATEMENTS
    assert "purge.EVERYTHING photos" in STATEMENTS
    hidden = [
        f"{path.relative_to(ROOT)}:{found}"
        for part in ("bot", "pipeline")
        for path in sorted((ROOT / part).rglob("*.py"))
        for found in _hidden_statements(ast.parse(path.read_text()))
    ]
    assert hidden == []


def test_each_statement_is_bound_to_one_workspace(planner: Planner) -> None:
    loose = []
    for name, statement in STATEMENTS.items():
        unbound = planner.unbound(statement)
        if name in OF_ALL:
            assert unbound, f"{name} needs no exception"
        elif unbound:
            loose += [f"{name}: {one}" for one in unbound]
    assert not loose, "\n".join(loose)


def test_each_statement_on_other_tables_is_known(planner: Planner) -> None:
    found = {
        name
        for name, statement in STATEMENTS.items()
        if not name.startswith("migrate.")
        and ("procrastinate" in statement or planner.touched(statement) & planner.others)
    }
    assert found == set(OF_QUEUE)


@pytest.mark.parametrize(
    "statement",
    [
        "select name from photos where photo_id = %(photo_id)s",
        "select name from photos where team_id <> %(team_id)s",
        "select name from photos where team_id = %(other_id)s",
        "select name from photos where team_id = %(team_id)s or photo_id = 1",
        (
            "select f.box from photos p join faces f on f.photo_id = p.photo_id "
            "where p.team_id = %(team_id)s"
        ),
        (
            "select name from photos p where team_id = %(team_id)s "
            "and exists (select from shares s where s.photo_id = p.photo_id)"
        ),
        "select (select count(*) from faces) from photos where team_id = %(team_id)s",
        "with every as (select * from faces) select * from every where team_id > %(team_id)s",
        "update photos set name = '' where photo_id = %(photo_id)s",
        (
            "delete from faces f using photos p where p.team_id = %(team_id)s "
            "and f.photo_id = p.photo_id"
        ),
        "insert into workspaces (team_id) values ('T1')",
        "insert into workspaces (team_id, engine_id) values (%(engine_id)s, %(team_id)s)",
        (
            "insert into workspaces (team_id) select team_id || 'x' from photos "
            "where team_id = %(team_id)s"
        ),
        "select name from photos where team_id = any(%(team_id)s)",
    ],
)
def test_a_statement_that_is_not_would_be_found(planner: Planner, statement: str) -> None:
    assert planner.unbound(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "select name from photos where team_id = %(team_id)s",
        (
            "select f.box from photos p left join faces f on f.team_id = p.team_id "
            "and f.photo_id = p.photo_id where p.team_id = %(team_id)s"
        ),
        "insert into workspaces (engine_id, team_id) values (%(engine_id)s, %(team_id)s)",
        (
            "insert into channels (team_id, channel_id, name) select team_id, 'C1', 'c' "
            "from workspaces where team_id = %(team_id)s"
        ),
        "delete from faces where team_id = %(team_id)s",
    ],
)
def test_a_statement_that_is_passes(planner: Planner, statement: str) -> None:
    assert planner.unbound(statement) == []


@pytest.mark.parametrize(
    ("code", "is_found"),
    [
        ("def f(c):\n    c.execute('select 1')", True),
        ("f('delete from photos')", True),
        ("A = 'select 1'", False),
        ("def f():\n    'With a team, it does.'", False),
    ],
)
def test_a_statement_within_code_would_be_found(code: str, *, is_found: bool) -> None:
    assert bool(list(_hidden_statements(ast.parse(code)))) is is_found


def _changes_by_volatile(
    connection: psycopg.Connection[tuple[Any, ...]], statement: str
) -> list[str]:
    """What Citus refuses in a statement that changes rows: functions that may change each time."""
    text = statement.lower()
    if not re.search(r"\b(update|delete from)\s", text.replace("do update", "")):
        return []
    called = set(re.findall(r"\b([a-z_]\w*)\(", text))
    rows = connection.execute(
        "select distinct proname from pg_proc where provolatile = 'v' and proname = any(%s)",
        [sorted(called)],
    )
    return [name for (name,) in rows]


def test_no_statement_needs_a_photo_and_a_job_on_the_same_server(planner: Planner) -> None:
    mixed = [
        name
        for name, statement in STATEMENTS.items()
        if (tables := planner.touched(statement)) & planner.others
        and tables & planner.of_workspaces
    ]
    assert mixed == []


def test_no_change_depends_on_which_server_it_is_made_on(conninfo: str, planner: Planner) -> None:
    with psycopg.connect(conninfo) as connection:
        found = {
            name: volatile
            for name, statement in STATEMENTS.items()
            if planner.touched(statement) & planner.of_workspaces
            and (volatile := _changes_by_volatile(connection, statement))
        }
        assert found == {}
        odd = "update photos set indexed_at = clock_timestamp() where team_id = %(team_id)s"
        assert _changes_by_volatile(connection, odd) == ["clock_timestamp"]


def _misplaced(connection: psycopg.Connection[tuple[Any, ...]], tables: set[str]) -> list[str]:
    """Keys that don't begin with team_id."""
    values = {"tables": sorted(tables)}
    keys = [
        f"{table}: {name}"
        for table, name, first in connection.execute(UNIQUE, values)
        if first != "team_id"
    ]
    references = [
        name
        for name, here, there in connection.execute(FOREIGN, values)
        if (here, there) != ("team_id", "team_id")
    ]
    return keys + references


def test_each_key_and_each_reference_begins_with_the_workspace(
    conninfo: str, planner: Planner
) -> None:
    with psycopg.connect(conninfo) as connection:
        assert _misplaced(connection, planner.of_workspaces) == []
        without_key = [
            table
            for table in planner.of_workspaces
            if connection.execute(UNIQUE, {"tables": [table]}).fetchone() is None
        ]
    assert without_key == []
    ours = {name for name in planner.others if not name.startswith(("procrastinate_", "_yoyo"))}
    assert ours <= {"queue_migrations", "migrations_applied", "yoyo_lock"}


DISTRIBUTED = re.compile(
    r"^select create_distributed_table\('(\w+)', 'team_id'(?:, colocate_with => 'workspaces')?\);$",
    re.MULTILINE,
)
LOCAL_FOR_ITS_TRIGGER = {"audit"}


def test_the_readme_shards_every_table_those_first_that_others_refer_to(
    conninfo: str, planner: Planner
) -> None:
    listed = DISTRIBUTED.findall((ROOT / "README.md").read_text())
    assert len(listed) == len(set(listed))
    assert set(listed) == planner.of_workspaces - LOCAL_FOR_ITS_TRIGGER
    with psycopg.connect(conninfo) as connection:
        references = connection.execute(
            "select conrelid::regclass::text, confrelid::regclass::text from pg_constraint "
            "where contype = 'f' and conrelid = any(%(tables)s::regclass[])",
            {"tables": listed},
        ).fetchall()
        triggers = connection.execute(
            "select distinct tgrelid::regclass::text from pg_trigger where not tgisinternal "
            "and tgrelid = any(%(tables)s::regclass[])",
            {"tables": sorted(planner.of_workspaces)},
        ).fetchall()
    assert all(listed.index(there) < listed.index(here) for here, there in references)
    assert {name for (name,) in triggers} == LOCAL_FOR_ITS_TRIGGER


def test_a_key_or_reference_that_does_not_would_be_found(conninfo: str) -> None:
    with psycopg.connect(conninfo) as connection:
        connection.execute(
            "create table odd (id bigint primary key, team_id text references workspaces, "
            "name text unique)"
        )
        connection.execute("create table odder (team_id text, odd bigint references odd)")
        found = _misplaced(connection, {"odd", "odder"})
    assert found == ["odd: odd_pkey", "odd: odd_name_key", "odder_odd_fkey"]

"""No path, name or text from Slack reaches a shell or SQL unescaped: what the code shows."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(path for part in ("bot", "pipeline") for path in (ROOT / part).rglob("*.py"))

# Where a program is started, and why that is safe: its arguments are fixed words and numbers.
STARTS_PROGRAMS = {"pipeline/vision/decoder.py"}
# What is executed though it stands in no literal: files of this package and of Procrastinate's.
SQL_FROM_FILES = {"SchemaManager.get_schema()", "step.read_bytes()"}

SQL_CALLS = {"execute", "executemany", "SQL"}
INTERPRETERS = {"eval", "exec", "compile", "__import__", "input"}
SHELLS = {
    *(f"os.{name}" for name in ("system", "popen", "startfile", "posix_spawn", "posix_spawnp")),
    *(
        f"os.{kind}{way}"
        for kind in ("exec", "spawn")
        for way in ("l", "le", "lp", "v", "ve", "vp")
    ),
    *(f"subprocess.{name}" for name in ("getoutput", "getstatusoutput")),
    "asyncio.create_subprocess_shell",
    "pty.spawn",
}
PROGRAMS = {
    *(f"subprocess.{name}" for name in ("Popen", "run", "call", "check_call", "check_output")),
    "asyncio.create_subprocess_exec",
    "multiprocessing.Process",
}
# They run what they read.
LOADERS = {"pickle.load", "pickle.loads", "marshal.loads", "yaml.load", "shelve.open", "dill.loads"}


def _calls(tree: ast.AST) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def _trouble(tree: ast.Module, *, path: str) -> Iterator[str]:
    """What must not be in a module, each with its line."""
    for name, call in _calls(tree):
        where = f"{path}:{call.lineno}: {ast.unparse(call)[:80]}"
        if name in INTERPRETERS | SHELLS | LOADERS:
            yield where
        if any(keyword.arg == "shell" for keyword in call.keywords):
            yield where
        if name in PROGRAMS and not (path in STARTS_PROGRAMS and _is_fixed_start(call)):
            yield where
        if name.rpartition(".")[2] in SQL_CALLS and not _is_fixed_sql(call, tree):
            yield where
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            if full & (SHELLS | PROGRAMS | LOADERS):
                yield f"{path}:{node.lineno}: imported under a name that isn't looked for"


def _is_fixed_sql(call: ast.Call, tree: ast.Module) -> bool:
    if not call.args:
        return True
    return ast.unparse(call.args[0]) in SQL_FROM_FILES or _is_literal(call.args[0], tree)


def _is_fixed_start(call: ast.Call) -> bool:
    """A list of arguments that begins with this Python and a module of ours."""
    given = call.args[0]
    return isinstance(given, ast.List) and ast.unparse(given).startswith(
        "[sys.executable, '-P', '-m', _MODULE, *map(str, "
    )


def _is_literal(node: ast.expr, tree: ast.Module) -> bool:
    """Whether a text stands in the code as a whole, put together of such texts alone."""
    parts: list[ast.expr] = []
    match node:
        case ast.Constant():
            return True
        case ast.Name(id=name):
            return _is_bound_to_literals(name, tree)
        case ast.JoinedStr(values=values):
            parts = values
        case ast.FormattedValue(value=ast.Name() as value):
            parts = [value]
        case ast.Call(func=ast.Attribute(value=ast.Call() as made, attr="format")) if (
            ast.unparse(made.func) == "sql.SQL" and not node.args and _are_quoted(node.keywords)
        ):
            parts = made.args
        case ast.BinOp(left=one, op=ast.Add(), right=other) | ast.IfExp(body=one, orelse=other):
            parts = [one, other]
        case _:
            pass
    return bool(parts) and all(_is_literal(part, tree) for part in parts)


def _are_quoted(keywords: Iterable[ast.keyword]) -> bool:
    """Whether psycopg writes each of them as a name, a value or a parameter."""
    return all(
        isinstance(one.value, ast.Call)
        and ast.unparse(one.value.func) in {"sql.Identifier", "sql.Literal", "sql.Placeholder"}
        for one in keywords
    )


def _is_bound_to_literals(name: str, tree: ast.Module) -> bool:
    """By every assignment; or it is a parameter that the type checker allows literals alone."""
    values, annotations = [], []
    for node in ast.walk(tree):
        match node:
            case ast.Assign(targets=[ast.Name(id=target)], value=value) if target == name:
                values.append(value)
            case ast.ImportFrom(module=str(module), names=names) if name in {
                alias.asname or alias.name for alias in names
            } and module.startswith("pipeline."):
                there = {alias.asname or alias.name: alias.name for alias in names}[name]
                source = ROOT.joinpath(*module.split(".")).with_suffix(".py")
                return _is_bound_to_literals(there, ast.parse(source.read_text()))
            case ast.arg(arg=target, annotation=annotation) if target == name:
                annotations.append(annotation)
            case _:
                pass
    known = all(one is not None and ast.unparse(one) == "LiteralString" for one in annotations)
    fixed = all(_is_literal(value, tree) for value in values)
    return bool(values or annotations) and known and fixed


def test_no_text_reaches_a_shell_an_interpreter_or_sql_unescaped() -> None:
    found: list[str] = []
    for path in FILES:
        found += _trouble(ast.parse(path.read_text()), path=str(path.relative_to(ROOT)))
    assert found == []


@pytest.mark.parametrize(
    "code",
    [
        "eval(text)",
        "exec(text)",
        "os.system('ls ' + name)",
        "subprocess.run(['ls', name])",
        "subprocess.run(f'ls {name}', shell=True)",
        "from subprocess import run",
        "from os import system",
        "pickle.loads(data)",
        "connection.execute(f'select {name}')",
        "connection.execute('select ' + name)",
        "connection.execute('select %s' % name)",
        "connection.execute('select {}'.format(name))",
        "connection.cursor().executemany(build(name), [])",
        "QUERY = f'select {name}'\nconnection.execute(QUERY)",
        "def f(statement: str):\n    connection.execute(statement)",
        "sql.SQL(name)",
        "connection.execute(sql.SQL('select {x}').format(x=sql.SQL(name)))",
        "connection.execute(sql.SQL(name).format(x=sql.Literal(1)))",
        "connection.execute(sql.SQL('select {x}').format(x=name))",
    ],
)
def test_what_is_looked_for_would_be_found(code: str) -> None:
    assert list(_trouble(ast.parse(code), path="bot/x.py"))


@pytest.mark.parametrize(
    "code",
    [
        "connection.execute('select 1')",
        "A = 'x'\nB = f'select {A}'\nconnection.execute(B, values)",
        "def f(statement: LiteralString):\n    connection.execute(statement)",
        "connection.execute(sql.SQL('select {x}').format(x=sql.Identifier(name)))",
        "A, B = 1, 2\nC = 'a'\nD = 'b'\nhow = C if x else D\nconnection.execute(how)",
    ],
)
def test_what_is_fixed_in_the_code_is_let_through(code: str) -> None:
    assert list(_trouble(ast.parse(code), path="bot/x.py")) == []

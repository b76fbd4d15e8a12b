"""What the Python programs share: the list of checks, and one line of JSON for each answer.

A driver is a class with `connect(name)`, `ask(connection, sql, parameters)`, `close(connection)`, `status(connection)`, the
exception `Error`, `sqlstate(error)`, and a method for each check of its own code. The answers are the client's own values, as
Python shows them: they are compared with those of the same client at another server, never with those of another client."""

import json
import os
import re
import subprocess
import sys

HERE = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOST, PORT = os.environ.get("CLIENT_HOST", "127.0.0.1"), int(os.environ["CLIENT_PORT"])
USER, PASSWORD, DATABASE = os.environ["CLIENT_USER"], os.environ.get("CLIENT_PASSWORD", "sesame"), os.environ.get("CLIENT_DATABASE", "postgres")


def parameter(text):
    kind, _, value = text.strip().partition(" ")
    return {"int": int, "text": str, "bytes": bytes.fromhex, "null": lambda _: None,
            "ints": lambda v: [int(x) for x in v.split(",")]}[kind](value)


def checks():
    found = []
    for line in open(os.path.join(HERE, "checks.txt"), encoding="utf-8").read().splitlines():
        if line.startswith("= "):
            found.append((line[2:].partition(":")[0], []))
        elif line.startswith("> "):
            found[-1][1].append((line[2:], ()))
        elif line.startswith("<- "):
            sql, _ = found[-1][1].pop()
            found[-1][1].append((sql, tuple(parameter(p) for p in line[3:].split(" | "))))
    return found


def percent(sql, parameters):
    """`$1` in the manner of `%s`, for parameters that stand in order."""
    return re.sub(r"\$\d+", "%s", sql.replace("%", "%%")) if parameters else sql


# A row that is read masked and saved whole, in three ways; its columns with their types.
SAVED = {"id": "int", "name": "text", "email": "text", "phone": "varchar", "born": "date", "salary": "numeric", "joined": "timestamptz", "key": "uuid",
         "photo": "bytea", "notes": "jsonb", "ip": "inet", "town": "text"}
PLACES = [f"${i + 1}" for i in range(len(SAVED))]
SAVES = (
    f"UPDATE saved SET {', '.join(f'{n} = {p}' for n, p in zip(SAVED, PLACES))} WHERE id = 1",
    f"INSERT INTO saved ({', '.join(SAVED)}) VALUES ({', '.join(PLACES)}) ON CONFLICT (id) DO UPDATE SET {', '.join(f'{n} = excluded.{n}' for n in SAVED)}",
    f"MERGE INTO saved s USING (SELECT {', '.join(f'{p}::{t} AS {n}' for (n, t), p in zip(SAVED.items(), PLACES))}) n ON s.id = n.id "
    f"WHEN MATCHED THEN UPDATE SET {', '.join(f'{n} = n.{n}' for n in SAVED)}",
)


def asleep():
    """Returns when the server sleeps for this client: then there is something to cancel."""
    subprocess.run([os.environ["CLIENT_ASLEEP"]], check=True)


class Driver:
    def step(self, connection, sql, parameters=()):
        return self.attempt(connection, lambda: self.ask(connection, sql, parameters))

    def attempt(self, connection, work):
        try:
            said = repr(work())
        except self.Error as error:
            said = self.failed(error)
        return f"{said} [{self.status(connection)}]"

    def saved(self, connection, fetch):
        """Saves a row as it was read, and with each of some columns as another row has it."""
        first, other = (dict(zip(SAVED, fetch(f"SELECT {', '.join(SAVED)} FROM saved WHERE id = {i}", ())[0])) for i in (1, 2))
        found = []
        for sql in SAVES:
            for new in ((), ("salary",), ("born", "town"), ("name", "phone", "joined", "ip")):
                row = tuple((other if n in new else first)[n] for n in SAVED)
                found.append(self.step(connection, "BEGIN"))
                found.append(self.attempt(connection, lambda: fetch(sql, row) and None))
                found.append(self.step(connection, "SELECT changed()"))
                found.append(self.step(connection, "ROLLBACK"))
        return found

    def failed(self, error):
        state, message = self.sqlstate(error)
        return f"ERROR {state} {message}"


def run(driver):
    only = sys.argv[2:]
    for name, steps in checks():
        own = getattr(driver, "check_" + name, None)
        if (only and name not in only) or (own is None and not (steps and driver.scripts)):
            continue
        try:
            connection = driver.connect(name)
            try:
                answer = own(connection) if own else [driver.step(connection, *step) for step in steps]
            finally:
                driver.close(connection)
        except Exception as error:  # A client that breaks is an answer too.
            answer = [f"BROKE {type(error).__name__}: {error}"]
        print(json.dumps({"check": name, "answer": [str(a) for a in answer]}, ensure_ascii=True), flush=True)

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
    return re.sub(r"\$\d", "%s", sql.replace("%", "%%")) if parameters else sql


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

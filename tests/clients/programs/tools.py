"""pg_dump and pgbench, as programs."""

import json
import os
import re
import subprocess
import sys

import ask

BIN = os.environ["CLIENT_BIN"]
WHERE = ["-h", ask.HOST, "-p", str(ask.PORT), "-U", ask.USER]


def run(program, *arguments, text=None, database=True):
    environment = dict(os.environ, PGPASSWORD=ask.PASSWORD, PGAPPNAME=program)
    done = subprocess.run([os.path.join(BIN, program), *WHERE, *arguments, *([ask.DATABASE] if database else [])], env=environment, input=text, capture_output=True, timeout=300)
    return done.returncode, done.stdout, done.stderr.decode()


def errors(said):
    return re.sub(r"port \d+", "port", said)


def dump(*arguments):
    code, out, said = run("pg_dump", *arguments)
    # pg_dump 15.14 and later begin and end with a random key.
    text = re.sub(r"\\(un)?restrict \S+\n", "", out.decode())
    # One that is refused stops: here at its LOCK, there at the first row.
    return (code, text, errors(said)) if code == 0 or "permission denied" not in said and "denies column" not in said else "ERROR 42501 refused [-]"


TABLES = ["-t", "public.people", "-t", "public.many", "-t", "public.kinds", "-t", "public.scratch", "-t", "public.child", "-t", "other.people"]


def pg_dump():
    yield "dump", [dump("--data-only", *TABLES), dump("--data-only", "--inserts", "--rows-per-insert=7", *TABLES), dump("--data-only", "--column-inserts", *TABLES), reload()]
    yield "dumpall", [dump("--no-owner", "--no-acl", "-N", "kept", "-T", "public.vault", "-T", "public.staff"),
                      dump("--schema-only", "-N", "kept", "-T", "public.vault", "-T", "public.staff"), custom(), dump("--data-only", "-t", "public.vault")]


def custom():
    """The archive format, read by pg_restore."""
    code, out, said = run("pg_dump", "-Fc", *TABLES)
    listed = subprocess.run([os.path.join(BIN, "pg_restore"), "-f", "-"], input=out, capture_output=True)
    return code, errors(said), re.sub(r"\\(un)?restrict \S+\n|-- (Started|Completed) on .*\n", "", listed.stdout.decode()), listed.stderr.decode()


def reload():
    """The data loads into empty copies of its tables, made as temporary ones in the same session."""
    _, text, _ = dump("--data-only", "--inserts", "-t", "public.people", "-t", "public.scratch")
    copy = ("CREATE TEMPORARY TABLE people (id int PRIMARY KEY, full_name text NOT NULL, email text, phone varchar(20), born date, salary numeric(10,2),\n"
            "joined timestamptz, tags text[], key uuid, photo bytea, notes jsonb, ip inet, town text NOT NULL, level int NOT NULL);\n"
            "CREATE TEMPORARY TABLE scratch (id int PRIMARY KEY, label text NOT NULL UNIQUE, n int);\n")
    lines = [line for line in text.replace("INTO public.", "INTO pg_temp.").split("\n") if line.startswith("INSERT")]
    end = "\nSELECT * FROM pg_temp.people ORDER BY id;\nSELECT * FROM pg_temp.scratch ORDER BY id;\n"
    return run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", text=(copy + "\n".join(lines) + end).encode())


SCRIPT = """\\set n random(1, 24)
SELECT id, email, full_name FROM people WHERE id = :n;
SELECT id, label FROM scratch WHERE id = 1;
"""
WRITE = """\\set n random(1000, 100000000)
BEGIN;
INSERT INTO scratch VALUES (:client_id + 1000, 'bench' || :client_id, 1) ON CONFLICT DO NOTHING;
UPDATE scratch SET n = n + 1 WHERE id = :client_id + 1000;
SELECT n FROM scratch WHERE id = :client_id + 1000;
SELECT email FROM people WHERE id = 1;
DELETE FROM scratch WHERE id = :client_id + 1000;
END;
"""


def pgbench():
    found = []
    for mode in ("simple", "extended", "prepared"):
        for text in (SCRIPT, WRITE):
            code, out, said = run("pgbench", "-n", "-M", mode, "-c", "4", "-j", "1", "-t", "50", "-f", "/dev/stdin", text=text.encode())
            out = out.decode()
            found.append([code, re.findall(r"number of (?:transactions actually processed|failed transactions): .*", out), said.replace("pgbench (", "(")[-300:] if code else ""])
        code, out, said = run("pgbench", "-n", "-M", mode, "-S", "-s", "1", "-c", "4", "-t", "50")
        found.append([code, re.findall(r"number of (?:transactions actually processed|failed transactions): .*", out.decode()), said[-300:] if code else ""])
        code, out, said = run("pgbench", "-n", "-M", mode, "-c", "4", "-t", "25")
        found.append([code, re.findall(r"number of (?:transactions actually processed|failed transactions): .*", out.decode()), said[-300:] if code else ""])
    yield "benchmark", found


for name, answer in {"pg_dump": pg_dump, "pgbench": pgbench}[sys.argv[1]]():
    if not sys.argv[2:] or name in sys.argv[2:]:
        print(json.dumps({"check": name, "answer": [str(a) for a in answer]}), flush=True)

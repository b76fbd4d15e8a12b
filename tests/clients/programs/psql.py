"""psql: each check is one run of it, reading the steps from its standard input."""

import hashlib
import os
import re
import signal
import subprocess
import tempfile

import ask

PSQL = os.path.join(os.environ["CLIENT_BIN"], "psql")


def psql(name, text, *options, wait=True):
    environment = dict(os.environ, PGPASSWORD=ask.PASSWORD, PGAPPNAME=name, PSQL_PAGER="", PGCLIENTENCODING="UTF8")
    child = subprocess.Popen([PSQL, "-X", "-q", "-v", "VERBOSITY=verbose", "-v", "SHOW_CONTEXT=never", *options, "-h", ask.HOST, "-p", str(ask.PORT), "-U", ask.USER, "-d", ask.DATABASE],
                             env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if not wait:
        return child
    return child.communicate(text.encode(), timeout=120)[0]


ERROR = re.compile(r"(?:psql:<stdin>:\d+: )?(?:ERROR|FATAL):  ([0-9A-Z]{5}): (.*)")


def said(output):
    """Its output as steps: an error stands alone, as other clients show it; what verbose adds to it is left out."""
    steps, skip = [], False
    for line in output.decode().split("\n"):
        error = ERROR.match(line)
        if error:
            steps.append(f"ERROR {error[1]} {error[2]} [-]")
            skip = True
        elif skip and re.match(r"(LINE \d|\s*\^$|LOCATION:|HINT:|DETAIL:|SCHEMA NAME:|TABLE NAME:|COLUMN NAME:|CONSTRAINT NAME:|CONTEXT:|DATATYPE NAME:|\s+\^)", line):
            continue
        else:
            skip = False
            steps.append(re.sub(r"LOCATION:.*", "", line))
    return steps


def step(sql, parameters):
    for i, p in reversed(list(enumerate(parameters))):
        literal = {int: str, str: lambda v: "'" + v.replace("'", "''") + "'", bytes: lambda v: f"'\\x{v.hex()}'",
                   list: lambda v: f"'{{{','.join(map(str, v))}}}'", type(None): lambda _: "NULL"}[type(p)](p)
        sql = sql.replace(f"${i + 1}", literal)
    return sql + ";"


with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "../describe.txt"), encoding="utf-8") as file:
    CATALOG = file.read()

META = r"""\copy (SELECT id, email, town FROM people ORDER BY id) TO '{0}/out'
\! cat {0}/out
\copy people (id, email) TO '{0}/csv' CSV HEADER
\! cat {0}/csv
BEGIN;
\copy people TO '{0}/bin' BINARY
\! cksum < {0}/bin
\! printf '900,copied,1\n901,"中文",2\n' > {0}/in
\copy scratch FROM '{0}/in' CSV
SELECT * FROM scratch ORDER BY id;
ROLLBACK;
\copy vault (secret) TO STDOUT
SELECT id, full_name, salary IS NULL AS none, email FROM people WHERE id = 1 \gdesc
SELECT id, email FROM people WHERE id = 2 \gset got_
\echo :got_id :got_email
SELECT id, label FROM scratch ORDER BY id \gx
SELECT format('SELECT %s', id) FROM scratch ORDER BY id \gexec
SELECT town, level, count(*) FROM people GROUP BY 1, 2 ORDER BY 1, 2 \crosstabview
SELECT id, email FROM people ORDER BY id LIMIT 2 \g {0}/out
\! cat {0}/out
\set FETCH_COUNT 7
SELECT id, email FROM people ORDER BY id;
SELECT secret FROM vault;
\unset FETCH_COUNT
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT secret FROM vault;
SELECT 1;
ROLLBACK;
\set AUTOCOMMIT off
SELECT 1;
SELECT secret FROM vault;
SELECT 2;
ROLLBACK;
\set AUTOCOMMIT on
\errverbose
\pset format csv
SELECT * FROM people ORDER BY id;
\timing off
"""


class Psql:
    @staticmethod
    def check_multi(name):
        return said(psql(name, "SELECT 1\\; SELECT id, email FROM people ORDER BY id LIMIT 2\\; SELECT 2;\nINSERT INTO scratch VALUES (50, 'x', 1)\\; SELECT secret FROM vault\\; SELECT 2;\n"
                               "SELECT count(*) FROM scratch;\nDELETE FROM scratch WHERE id > 9;\nBEGIN\\; SELECT 1\\; COMMIT;\n;\n"))

    @staticmethod
    def check_describe(name):
        return said(psql(name, "".join(f"\\echo '{line.replace(chr(92), chr(92) * 2)}'\n{line}\n" for line in CATALOG.splitlines()), "-v", "VERBOSITY=default").replace(str(ask.PORT).encode(), b"PORT"))

    @staticmethod
    def check_meta(name):
        with tempfile.TemporaryDirectory() as folder:
            found = said(psql(name, META.replace("{0}", folder)).replace(folder.encode(), b"FOLDER"))
        # \watch goes on until it is interrupted: its second answer is awaited, then it is.
        child = psql(name, "", "-A", "-t", wait=False)
        child.stdin.write(b"SELECT id, email FROM people WHERE id = 3 \\watch 0.1\n")
        child.stdin.flush()
        seen = []
        while len(seen) < 2:
            line = child.stdout.readline().decode()
            if not line:
                break
            if line.startswith("3|"):
                seen.append(line)
        child.send_signal(signal.SIGINT)
        child.stdin.close()
        child.stdout.read()
        child.wait(30)
        return [*found, *seen]

    @staticmethod
    def check_pieces(name):
        return said(psql(name, "SELECT id, email, town FROM people ORDER BY id;\nSELECT * FROM kinds ORDER BY id;\nSELECT 1;\n", "-v", "FETCH_COUNT=5"))

    @staticmethod
    def check_copyout(name):
        return [hashlib.sha256(psql(name, f"COPY {what} TO STDOUT WITH (FORMAT {form});")).hexdigest() if form == "binary" else x
                for form in ("text", "csv", "csv, HEADER", "binary") for what in ("people", "(SELECT id, email, born, tags FROM people WHERE level = 1 ORDER BY id)", "staff", "scratch (label, n)", "vault (id, label)")
                for x in (said(psql(name, f"COPY {what} TO STDOUT WITH (FORMAT {form});")) if form != "binary" else [""])] + said(psql(name, "COPY vault (secret) TO STDOUT;"))

    @staticmethod
    def check_copyin(name):
        rows = "".join(f"{100 + i}\t复制{i}\t{i}\n" for i in range(500))
        return said(psql(name, f"BEGIN;\nCOPY scratch FROM STDIN;\n{rows}\\.\nSELECT * FROM scratch ORDER BY id;\nROLLBACK;\nCOPY scratch FROM STDIN CSV;\n1,dup,1\n\\.\nSELECT count(*) FROM scratch;\n"))

    @staticmethod
    def check_notify(name):
        out = psql(name, "LISTEN news;\nNOTIFY news, '你好';\nSELECT pg_notify('news', 'again');\nUNLISTEN *;\n").decode()
        return [re.sub(r"PID \d+", "PID", out)]

    @staticmethod
    def check_notices(name):
        return said(psql(name, "ROLLBACK;\nSET LOCAL TimeZone TO 'UTC';\n"))

    @staticmethod
    def check_cancel(name):
        child = psql(name, "", wait=False)
        child.stdin.write(b"SELECT pg_sleep(60);\n")
        child.stdin.flush()
        ask.asleep()
        child.send_signal(signal.SIGINT)
        out = child.communicate(b"SELECT 1;\n", timeout=60)[0]
        return said(out)

    @staticmethod
    def check_large(name):
        return [hashlib.sha256(psql(name, "SELECT * FROM many ORDER BY id;", "-A")).hexdigest(), hashlib.sha256(psql(name, "COPY many TO STDOUT;")).hexdigest()]

    @staticmethod
    def check_wide(name):
        return [hashlib.sha256(psql(name, "SELECT repeat('0123456789', 5000000);", "-A", "-t")).hexdigest()]


def main():
    import json
    import sys
    for name, steps in ask.checks():
        own = getattr(Psql, "check_" + name, None)
        if (sys.argv[1:] and name not in sys.argv[1:]) or (own is None and not steps):
            continue
        answer = own(name) if own else said(psql(name, "".join(step(*s) + "\n" for s in steps)))
        print(json.dumps({"check": name, "answer": answer}), flush=True)


main()

= SQL PREPARE of an expression
PREPARE p AS SELECT lower(email) FROM people
;;
EXECUTE p
= SQL PREPARE with a parameter in the middle
PREPARE p (text) AS SELECT email || $1 FROM people
;;
EXECUTE p ('')
? SQL PREPARE with a guess for a parameter
PREPARE p (int) AS SELECT id FROM people WHERE salary > $1
;;
EXECUTE p (200000000)
? a parameter under a NULL test
PREPARE p (text) AS SELECT id FROM people WHERE nullif(note, $1) IS NULL
;;
EXECUTE p ('Tk0')
= a prepared statement that changes under its name
PREPARE p AS SELECT id::text FROM people
;;
DEALLOCATE p
;;
PREPARE p AS SELECT email FROM people
;;
EXECUTE p
= a prepared statement made again without the proxy's leave
PREPARE p AS SELECT level FROM people
;;
DEALLOCATE ALL
;;
PREPARE p AS SELECT level || email FROM people
;;
EXECUTE p
= EXECUTE into a table
PREPARE p AS SELECT email FROM people
;;
CREATE TEMP TABLE t AS EXECUTE p
;;
SELECT email FROM t
= PREPARE of an INSERT that stores
PREPARE p AS INSERT INTO plain (id, label) SELECT id + 100, email FROM people RETURNING label
;;
EXECUTE p
= a cursor over an expression
DECLARE c CURSOR FOR SELECT lower(email) FROM people
;;
FETCH ALL FROM c
= a cursor over the columns
DECLARE c CURSOR FOR SELECT email, name FROM people
;;
FETCH ALL FROM c
= a binary cursor
DECLARE c BINARY CURSOR FOR SELECT email, salary, born, blob FROM people
;;
FETCH ALL FROM c
= a scrolled cursor
DECLARE c SCROLL CURSOR FOR SELECT id, email FROM people
;;
MOVE LAST IN c
;;
FETCH BACKWARD 3 FROM c
=! a held cursor
BEGIN
;;
DECLARE c CURSOR WITH HOLD FOR SELECT email, lower(name) FROM people
;;
COMMIT
;;
FETCH ALL FROM c
;;
CLOSE c
=! a held cursor over columns
BEGIN
;;
DECLARE c CURSOR WITH HOLD FOR SELECT email, name FROM people
;;
COMMIT
;;
FETCH ALL FROM c
;;
CLOSE c
= a cursor opened again under its name
DECLARE c CURSOR FOR SELECT level, level FROM people
;;
CLOSE c
;;
DECLARE c CURSOR FOR SELECT email, name FROM people
;;
FETCH ALL FROM c
- a cursor of the same name after a savepoint
DECLARE c CURSOR FOR SELECT email FROM people
;;
SAVEPOINT s
;;
CLOSE c
;;
DECLARE c CURSOR FOR SELECT level FROM people
;;
ROLLBACK TO s
;;
FETCH ALL FROM c
;;
SELECT lower(email) FROM people
= a cursor of a name in capitals
DECLARE "C" CURSOR FOR SELECT email FROM people
;;
DECLARE c CURSOR FOR SELECT level FROM people
;;
FETCH ALL FROM "C"
- FETCH of a cursor that a function opened
SELECT cursor_to_xml('x', 1, true, true, '')
;;
SELECT peek(1)
= strings with several statements, the last of them bad
SELECT 1; SELECT lower(email) FROM people
= the first of them bad
SELECT lower(email) FROM people; SELECT 1
= a bad one behind a comment
SELECT 1; /* ; */ SELECT lower(email) FROM people --
= a string that makes and uses a cursor
DECLARE c CURSOR FOR SELECT email FROM people; FETCH ALL FROM c
= a string that makes and reads a temporary table of the table's name
CREATE TEMP TABLE people AS SELECT 1 AS id, 'x' AS email; SELECT lower(email) FROM public.people
= a temporary table of the table's name, then dropped in the same string
CREATE TEMP TABLE people (id int, email text); DROP TABLE pg_temp.people; SELECT email FROM people
= a temporary table that is rolled back in the same string
BEGIN; CREATE TEMP TABLE people (id int, email text); ROLLBACK; SELECT lower(email) FROM people
= a temporary table of the name, then the table
CREATE TEMP TABLE people (id int, email text)
;;
SELECT lower(email) FROM public.people
= a temporary table of the name, rolled back
SAVEPOINT s
;;
CREATE TEMP TABLE people (id int, email text)
;;
ROLLBACK TO s
;;
SELECT email FROM people
= a temporary table filled
CREATE TEMP TABLE t AS SELECT email FROM people
;;
SELECT email FROM t
= filled by SELECT INTO
SELECT email INTO TEMP t FROM people
;;
SELECT email FROM t
= filled with rows
CREATE TEMP TABLE t AS SELECT p FROM people p
;;
SELECT p FROM t
= filled by TABLE
CREATE TEMP TABLE t AS TABLE people
;;
SELECT email FROM t
= filled by INSERT
CREATE TEMP TABLE t (v text)
;;
INSERT INTO t SELECT email FROM people
;;
SELECT v FROM t
= filled by a CTE
CREATE TEMP TABLE t (v text)
;;
WITH s AS (SELECT email FROM people) INSERT INTO t SELECT * FROM s RETURNING v
= made like the table
CREATE TEMP TABLE t (LIKE people INCLUDING ALL)
;;
INSERT INTO t SELECT * FROM people RETURNING email
= inheriting from the table
CREATE TEMP TABLE t () INHERITS (people)
;;
SELECT email || '' FROM people
= made IF NOT EXISTS over the table's name
CREATE TABLE IF NOT EXISTS people (id int, email text)
;;
SELECT email || '' FROM people
= made IF NOT EXISTS from a query
CREATE TABLE IF NOT EXISTS people AS SELECT 1 AS id, 'x' AS email
;;
SELECT lower(email) FROM people
= a table of one's own, filled
CREATE TABLE own AS SELECT email FROM people
;;
SELECT email FROM own
- a temporary table with a foreign key, whose violation speaks
CREATE TEMP TABLE t (id int REFERENCES people)
;;
SELECT email || '' FROM people
= a changed search path
SET search_path = pg_temp, public
;;
SELECT lower(email) FROM people
= a changed search path by set_config
SELECT set_config('search_path', 'pg_temp', false)
;;
SELECT lower(email) FROM public.people
= a set_config that hides in ORDER BY
SELECT set_config('my.own', 'x', false) ORDER BY set_config('my.other', (SELECT email FROM people WHERE id = 1), false)
;;
SELECT current_setting('my.other')
= a set_config that hides in GROUP BY
SELECT set_config('my.own', 'x', false) GROUP BY set_config('my.other', (SELECT email FROM people WHERE id = 1), false)
;;
SELECT current_setting('my.other')
= a setting that keeps a value
SELECT set_config('my.own', (SELECT email FROM people WHERE id = 1), false)
;;
SHOW my.own
= application_name, which the server reports
SELECT set_config('application_name', (SELECT email FROM people WHERE id = 1), false)
- strings that mean something else
SET standard_conforming_strings = off
;;
SELECT 'x\', (SELECT lower(email) FROM people WHERE id = 1) -- '
= the same by set_config
SELECT set_config('standard_conforming_strings', 'off', false)
;;
SELECT '\'', email || '' FROM people -- '
= another encoding
SET client_encoding = 'SJIS'
;;
SELECT email || '' FROM people
= another encoding by NAMES
SET NAMES 'GBK'
;;
SELECT lower(email) FROM people
= another role
SET ROLE owner
;;
SELECT lower(email) FROM people
= another session user
SET SESSION AUTHORIZATION owner
;;
SELECT lower(email) FROM people
= and back
RESET SESSION AUTHORIZATION
;;
SELECT lower(email) FROM people
= role as a setting
SELECT set_config('role', 'owner', false)
;;
SELECT lower(email) FROM people
= messages of all levels, plans among them
SET client_min_messages = debug5
;;
SET debug_print_parse = on
;;
SELECT id FROM people WHERE id = 1
;;
SELECT lower(email) FROM people
= the log sent to the client
SET client_min_messages = log
;;
SET log_statement = 'all'
;;
SET log_min_duration_statement = 0
;;
SELECT lower(email) FROM people
= executor statistics
SET log_executor_stats = on
;;
SELECT lower(email) FROM people
= another date style
SET datestyle = 'SQL, DMY'
;;
SELECT born, seen FROM people
= the old date style
SET datestyle = 'Postgres'
;;
SELECT born, seen FROM people
= the German one
SET datestyle = 'German'
;;
SELECT born, seen FROM people
- another time zone, where the month is another
SET timezone = 'Pacific/Kiritimati'
;;
SELECT seen FROM people
= bytea in escapes
SET bytea_output = 'escape'
;;
SELECT blob FROM people
- other interval styles
SET intervalstyle = 'iso_8601'
;;
SELECT span FROM people
= fewer digits
SET extra_float_digits = -15
;;
SELECT score, wealth FROM people
= x = NULL becomes IS NULL
SET transform_null_equals = on
;;
SELECT email || '' FROM people WHERE email = NULL OR true
-! DISCARD
DISCARD ALL
;;
SELECT lower(email) FROM people
- LISTEN to what others send
LISTEN jobs
;;
NOTIFY jobs, 'x'
= a transaction prepared for later
INSERT INTO coded (id, mood) VALUES (53, 'calm')
;;
PREPARE TRANSACTION 'x'
= a lock
LOCK people IN ACCESS EXCLUSIVE MODE
;;
SELECT email || '' FROM people
= a snapshot of another
SELECT pg_export_snapshot()
;;
SELECT peek(1)
= a library
LOAD 'auto_explain'
;;
SELECT lower(email) FROM people
-! maintenance speaks
VACUUM people
;;
SELECT lower(email) FROM people
= ANALYZE
ANALYZE people
;;
SELECT most_common_vals::text FROM pg_stats WHERE attname = 'card'
;;
SELECT lower(email) FROM people
= a comment on an object
COMMENT ON TABLE plain IS 'x'
;;
SELECT lower(email) FROM people
= privileges
GRANT ALL ON people TO PUBLIC
;;
SELECT lower(email) FROM people
= a security label
ALTER ROLE clerk SET search_path = public
;;
SELECT lower(email) FROM people
-! the system's settings
ALTER SYSTEM SET log_statement = 'all'
;;
SELECT lower(email) FROM people
= a checkpoint
CHECKPOINT
;;
SELECT lower(email) FROM people
- IMPORT FOREIGN SCHEMA
IMPORT FOREIGN SCHEMA public FROM SERVER me INTO public
;;
SELECT lower(email) FROM people
= an extension
CREATE EXTENSION IF NOT EXISTS dblink
;;
SELECT * FROM dblink('dbname=postgres', 'SELECT email FROM people') AS d (e text)
= a publication
CREATE PUBLICATION p FOR ALL TABLES
;;
SELECT lower(email) FROM people

= query_to_xml runs a text
SELECT query_to_xml('SELECT email FROM people', true, false, '')
= its relatives
SELECT query_to_xml_and_xmlschema('SELECT email FROM people', true, false, '')
= table_to_xml
SELECT table_to_xml('people', true, false, '')
= schema_to_xml
SELECT schema_to_xml('public', true, false, '')
= database_to_xml
SELECT database_to_xml(true, false, '')
= cursor_to_xml
DECLARE c CURSOR FOR SELECT email FROM people
;;
SELECT cursor_to_xml('c', 10, true, false, '')
= ts_stat runs a text
SELECT word FROM ts_stat('SELECT to_tsvector(''simple'', note) FROM people')
= ts_rewrite runs a text
SELECT ts_rewrite('a'::tsquery, 'SELECT ''a''::tsquery, quote_literal(note)::tsquery FROM people LIMIT 1')
= a function that is qualified
SELECT pg_catalog.query_to_xml('SELECT email FROM people', true, false, '')
= a function in a quoted name
SELECT "query_to_xml"('SELECT email FROM people', true, false, '')
= a function with named arguments
SELECT query_to_xml(query => 'SELECT email FROM people', nulls => true, tableforest => false, targetns => '')
= a function in FROM
SELECT * FROM query_to_xml('SELECT email FROM people', true, false, '')
= a function in LIMIT's subquery
SELECT 1 LIMIT (SELECT length(query_to_xml('SELECT email FROM people', true, false, '')::text)::int / 100000 + xpath_exists('//email', query_to_xml('SELECT email::int FROM people', true, false, ''))::int)
= a function in a DEFAULT of a temporary table
CREATE TEMP TABLE t (x xml DEFAULT query_to_xml('SELECT email FROM public.people', true, false, ''))
;;
INSERT INTO t DEFAULT VALUES
;;
SELECT x FROM t
= a function in a CHECK of a temporary table
CREATE TEMP TABLE t (x int CHECK (query_to_xml('SELECT email::int FROM public.people', true, false, '') IS NOT NULL))
;;
INSERT INTO t VALUES (1)
- a function in a generated column of a temporary table
CREATE TEMP TABLE t (id int, x text GENERATED ALWAYS AS (upper(id)) STORED)
;;
INSERT INTO t (id) VALUES (1) RETURNING x
- a file of the server
SELECT pg_read_file('postgresql.conf')
- a file in binary
SELECT pg_read_binary_file('postgresql.auto.conf')
- the list of a folder
SELECT * FROM pg_ls_dir('.')
- a file's time
SELECT pg_stat_file('postgresql.conf')
= a large object
SELECT lo_get(4711)
= a large object opened
SELECT loread(lo_open(4711, 262144), 100)
= a large object's pages
SELECT data FROM pg_largeobject
- a large object written to a file
SELECT lo_export(4711, '/tmp/pgscrim-never')
- dblink
SELECT * FROM dblink('dbname=postgres', 'SELECT email FROM people') AS d (e text)
- dblink kept open
SELECT dblink_connect('dbname=postgres')
;;
SELECT * FROM dblink('SELECT email FROM people') AS d (e text)
= connectby and its relatives
SELECT * FROM crosstab('SELECT id, 1, email FROM people', 1) AS c (id int, v text)
= pages of a table
SELECT encode(get_raw_page('people', 0), 'escape')
= items of a page
SELECT t_attrs FROM heap_page_item_attrs(get_raw_page('people', 0), 'people')
- items of an index
SELECT data FROM bt_page_items('people_upper', 1)
= xpath_table
SELECT * FROM xpath_table('id', 'page', 'people', '/a', 'true') AS t (id int, v text)
= a SECURITY DEFINER function
SELECT peek(1)
= by its schema
SELECT public.peek(1)
= in FROM
SELECT * FROM peek(1)
= a function that gives rows
SELECT email FROM peek_all()
= its star
SELECT (peek_all()).*
= its field
SELECT (peek_all()).email
= a function that runs texts
SELECT run('SELECT email FROM people')
= a function that gives notices
SELECT tell(1)
= a function that is allowed by name, by another type
SELECT upper(1)
= a function in WHERE
SELECT id FROM plain WHERE peek(id) IS NOT NULL AND tell(id) > 0
= a function in ORDER BY
SELECT id FROM plain ORDER BY tell(id)
= a function in a window's frame
SELECT count(*) OVER (ORDER BY id ROWS tell(1) PRECEDING) FROM plain
= a function in LIMIT
SELECT 1 LIMIT tell(1)
= a function in VALUES
VALUES (peek(1))
= a function in INSERT
INSERT INTO plain (id, label) VALUES (100, peek(1)) RETURNING label
= a function in a CASE that is never true, folded beforehand or not
SELECT CASE WHEN id > 0 THEN peek(id) END FROM plain
= a function as an aggregate
SELECT spy(id) FROM plain
= a function behind an operator
SELECT 1 |~| 'x'
= behind a qualified operator
SELECT 1 OPERATOR(public.|~|) 'x'
= behind a prefix operator
SELECT @@@ 1
= behind an operator whose name is PostgreSQL's own
SELECT 1 <-> 'x'::text
= behind the same, qualified
SELECT 1 OPERATOR(public.<->) 'x'::text
= behind a cast
SELECT ROW(1)::key::text
- behind a cast, spelled as a function
SELECT text(ROW(1)::key)
= behind CAST
SELECT CAST(CAST(ROW(1) AS key) AS text)
- behind an implicit cast in a concatenation
SELECT ROW(1)::key || ''
= behind an implicit cast in a function's argument
SELECT upper(ROW(1)::key)
- behind an implicit cast in COALESCE
SELECT coalesce(ROW(1)::key, 'x'::text)
- behind an implicit cast in UNION
SELECT ROW(1)::key UNION ALL SELECT 'x'::text
- behind an implicit cast in VALUES
VALUES (ROW(1)::key), ('x'::text)
- behind an implicit cast in CASE
SELECT CASE WHEN true THEN ROW(1)::key ELSE 'x'::text END
- behind an implicit cast in an array
SELECT ARRAY[ROW(1)::key, 'x'::text]
= behind an implicit cast in an assignment
INSERT INTO plain (id, label) VALUES (100, ROW(1)::key) RETURNING label
= behind an assignment cast in UPDATE
UPDATE plain SET label = ROW(1)::key WHERE id = 1 RETURNING label
= behind a cast to an enum
SELECT 1::mood
= behind an assignment cast to an enum
INSERT INTO coded (id, mood) VALUES (1, 1)
= behind the cast of a key made by a populated record
SELECT (json_populate_record(NULL::key, '{"id": 1}'))::text
= behind the cast of a key out of a text
SELECT '(1)'::key::text
= behind an array's cast
SELECT ARRAY['(1)']::key[]::text[]
= behind a cast by a column definition list
SELECT k::text FROM json_to_record('{"k": {"id": 1}}') AS r (k key)
= behind a domain's check
SELECT 1::snoop
= behind a domain's check in a temporary table
CREATE TEMP TABLE t (x snoop)
;;
INSERT INTO t VALUES (1)
= behind a domain in a column definition list
SELECT * FROM json_to_record('{"x": 1}') AS r (x snoop)
= behind a domain in an array
SELECT '{1}'::snoop[]
= behind a domain of a function's argument
SELECT jsonb_populate_record(NULL::public.key, '{"id": 1}')::text
= DO
DO $$ BEGIN RAISE NOTICE '%', (SELECT email FROM public.people WHERE id = 1); END $$
= CALL
CALL shout()
= a function of one's own
CREATE FUNCTION pg_temp.f() RETURNS SETOF text LANGUAGE sql AS 'SELECT email FROM public.people'
;;
SELECT pg_temp.f()
= an operator of one's own
CREATE OPERATOR pg_temp.~~~ (FUNCTION = public.op_peek, LEFTARG = int, RIGHTARG = text)
;;
SELECT 1 OPERATOR(pg_temp.~~~) 'x'
= an aggregate of one's own
CREATE AGGREGATE pg_temp.mine (int) (SFUNC = public.spy_step, STYPE = text)
;;
SELECT pg_temp.mine(id) FROM public.plain
- a cast of one's own
CREATE CAST (int AS public.address) WITH FUNCTION public.peek(int)
;;
SELECT 1::public.address, peek(1)
= a trigger of one's own
CREATE TRIGGER mine BEFORE UPDATE ON plain FOR EACH ROW EXECUTE FUNCTION public.noise()
;;
UPDATE plain SET label = 'x'
;;
UPDATE quiet SET label = 'x'
= a rule of one's own
CREATE RULE mine AS ON UPDATE TO plain DO ALSO SELECT email FROM people
;;
UPDATE plain SET label = 'x'
= a policy of one's own
CREATE POLICY mine ON plain USING (tell(id) > 0)
;;
SELECT tell(id) FROM plain
= a domain of one's own
CREATE DOMAIN pg_temp.d AS int CHECK (public.known(VALUE))
;;
SELECT 1::pg_temp.d
= a type of one's own
CREATE TYPE pg_temp.r AS RANGE (SUBTYPE = int)
;;
SELECT email || '' FROM people
= an event trigger speaks at the client's own temporary table
CREATE TEMP TABLE t (id int)
= at CREATE TABLE AS
CREATE TEMP TABLE t AS SELECT id FROM plain
= at SELECT INTO
SELECT id INTO TEMP t FROM plain
= at DROP
CREATE TEMP TABLE t (id int)
;;
DROP TABLE t
- a language's handler
SELECT plpgsql_call_handler()
;;
SELECT peek(1)
- has_* do not tell data, an input function that a text names does
SELECT pg_catalog.record_in('(1,x)', 'people'::regtype::oid, -1)
;;
SELECT peek(1)
- pg_input_is_valid runs the input function of a type that a text names
SELECT pg_input_is_valid('1', 'public.snoop')
- pg_input_error_info does so too
SELECT * FROM pg_input_error_info('1', 'public.snoop')
- pg_get_expr and friends give definitions, which are clear
SELECT pg_get_viewdef('v_agg'::regclass)
- the columns' extremes in an index
SELECT * FROM pgstattuple('people'), bt_page_items('people_upper', 1)
? a function that ends the session of another
SELECT pg_terminate_backend(0)
? a function that counts what was read
SELECT pg_stat_get_tuples_returned('people'::regclass)
- logical decoding
SELECT data FROM pg_logical_slot_get_changes('none', NULL, NULL)
;;
SELECT peek(1)
= a notification's payload of one's own making
SELECT pg_notify('jobs', email) FROM people
;;
SELECT email || '' FROM people
= a message in the log stream
SELECT pg_logical_emit_message(true, 'x', email) FROM people
;;
SELECT lower(email) FROM people
= an advisory lock's key
SELECT pg_try_advisory_xact_lock(salary) FROM people WHERE id = 1
;;
SELECT objid::int FROM pg_locks WHERE locktype = 'advisory'
= a sequence set to the value
SELECT setval('people_seq', (SELECT salary FROM people WHERE id = 1))
;;
SELECT last_value FROM people_seq
= an aggregate over a polymorphic argument
SELECT array_agg(p.email::text) FROM people p
= the statement that is running, as it was sent
SELECT current_query()
;;
SELECT peek(1)
= the error of a function that quotes its own argument
SELECT to_regclass(email), parse_ident(email) FROM people
= crypt
SELECT encode(hmac('x', email, 'sha1'), 'hex'), email || '' FROM people
? a hash that guesses are held against
SELECT digest(email, 'sha256') FROM people
= encryption with a key of one's own
SELECT pgp_sym_decrypt(pgp_sym_encrypt(email, 'k'), 'k') FROM people
= a function called in field notation on an expression
SELECT ('SELECT pg_catalog.array_to_tsvector(ARRAY[email]) FROM public.people'::text).ts_stat
= the same on a column of a function in FROM
SELECT x.ts_stat FROM unnest(string_to_array('SELECT pg_catalog.array_to_tsvector(ARRAY[email]) FROM public.people', '~')) AS x
= the same behind a subquery's value
SELECT ((SELECT 'SELECT pg_catalog.array_to_tsvector(ARRAY[email]) FROM public.people'::text)).ts_stat
= the same by a name in quotes
SELECT ('SELECT pg_catalog.array_to_tsvector(ARRAY[email]) FROM public.people'::text)."ts_stat"
- a setting's name that its cast cuts to another
SELECT set_config('client_encodingX'::varchar(15), 'GBK', false)
;;
SELECT '你\', ',2 UNION SELECT email,1 FROM public.people --'

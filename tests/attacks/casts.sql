= the error of a cast quotes the value
SELECT email::int FROM people
= of a cast in WHERE
SELECT id FROM people WHERE email::int > 0
= of a cast to a date
SELECT note::date FROM people
= of a cast to a uuid
SELECT note::uuid FROM people
= of a cast to json
SELECT note::json FROM people
= of a cast to a boolean
SELECT note::boolean FROM people
= of a cast to numeric
SELECT note::numeric FROM people
= of a cast to inet
SELECT note::inet FROM people
= of a cast to an interval
SELECT note::interval FROM people
= of a cast to an array
SELECT note::int[] FROM people
= of a cast to bytea, spelled as a function
SELECT int4(note) FROM people
= of a cast to regclass
SELECT note::regclass FROM people
= of a cast to regproc
SELECT note::regproc FROM people
= of a cast to an enum
SELECT note::mood FROM people
= of a cast to xml
SELECT ('<' || note)::xml FROM people
= of a cast to a range
SELECT note::int4range FROM people
= of a cast to a point
SELECT note::point FROM people
- of to_number's relative
SELECT to_date(note, 'YYYY') FROM people
- of to_timestamp
SELECT to_timestamp(note, 'YYYY-MM-DD') FROM people
= of CAST
SELECT CAST(email AS int) FROM people
= of a function-like cast by type name
SELECT date(note) FROM people
= of a type literal over a subquery's value in COALESCE
SELECT coalesce(email::int, 0) FROM people
= of a cast under CASE
SELECT CASE WHEN id = 1 THEN email::int END FROM people
= of a cast under a NULL test
SELECT id FROM people WHERE email::int IS NULL
= of a cast under count
SELECT count(email::int) FROM people
- of a cast under EXISTS
SELECT 1 WHERE EXISTS (SELECT email::int FROM people)
= of a cast in ORDER BY
SELECT id FROM people ORDER BY email::int
= of a cast in GROUP BY
SELECT count(*) FROM people GROUP BY email::int
= of a cast in GROUP BY of a pseudonym
SELECT count(*) FROM people GROUP BY alias::int
= of a cast in PARTITION BY of a pseudonym
SELECT count(*) OVER (PARTITION BY alias::int) FROM people
= of a cast in LIMIT
SELECT 1 LIMIT (SELECT email::int FROM people WHERE id = 1)
= of a cast in a window's frame
SELECT count(*) OVER (ORDER BY id ROWS (SELECT note::int FROM people WHERE id = 1) PRECEDING) FROM people
= of a cast in the arguments of a function in FROM
SELECT * FROM people p, generate_series(1, p.note::int)
= of a cast in LATERAL
SELECT * FROM people p, LATERAL (SELECT p.note::int) AS s
= of a cast in VALUES
VALUES ((SELECT note::int FROM people WHERE id = 1))
= of a cast in RETURNING
UPDATE people SET level = 'x' WHERE id = 1 RETURNING note::int
= of a cast in what an UPDATE stores
UPDATE plain SET amount = (SELECT note::int FROM people WHERE id = 1) WHERE id = 1
= of a cast in what an INSERT stores
INSERT INTO plain (id, amount) SELECT 100 + id, note::int FROM people
= of a cast that the assignment makes
INSERT INTO coded (id, mood) SELECT id, note::mood FROM people
= of a value that is too long, quoted in no message, but cut
SELECT email::varchar(5), email::varchar(20) FROM people
= of a cast to a name
SELECT email::name FROM people
= of an array's cast
SELECT tags::int[] FROM people
= of a division by a hidden value that shows where
SELECT id, email::int, 1 / (salary - salary) FROM people
? a division by zero where the guess is right is one bit
SELECT id, 1 / (salary - 200000000) FROM people
? a square root that fails where the guess is too low
SELECT id, sqrt(salary - 100000000) FROM people
? an overflow that shows the size
SELECT id, salary::smallint FROM people WHERE id < 0
? a regular expression that is taken from the value
SELECT 'x' ~ email FROM people
= format with the value as a format
SELECT format('%s', email) FROM people
- an invalid regular expression quoted
SELECT 'x' ~ ('(' || note) FROM people
- convert_from of what is not the encoding
SELECT convert_from(blob, 'UTF8'), encode(blob, 'hex') FROM people
- decode of what is not hexadecimal
SELECT decode(note, 'hex') FROM people
- a json path from the value
SELECT ('$.' || note || ' x')::jsonpath FROM people
= a tsquery from the value
SELECT (note || ' ' || note)::tsquery FROM people
= json_object from the value
SELECT json_object(ARRAY[note, email]) FROM people
= set_config's error quotes a value
SELECT set_config('work_mem', note, false) FROM people
= a setting of the client's own keeps it
SELECT set_config('my.own', email, false) FROM people
= pg_size_bytes quotes what it cannot read
SELECT pg_size_bytes(note) FROM people
= the error of a time zone
SELECT now() AT TIME ZONE note FROM people
= the error of a field's name
SELECT extract(epoch FROM born), date_part(note, born) FROM people
= the error of date_trunc
SELECT date_trunc(note, now()) FROM people
= the error of has_table_privilege
SELECT has_table_privilege(note, 'select') FROM people
= the error of nextval
SELECT nextval(note) FROM people
= the error of to_regclass's strict relative
SELECT note::regrole FROM people
= the error of an input function that a text names
SELECT pg_catalog.int4in(note::cstring) FROM people
- the error of jsonb_path_query
SELECT jsonb_path_query(to_jsonb(note), 'strict $.a') , note FROM people
= the error of a collation
SELECT id FROM people WHERE note::text = ANY (string_to_array(email, '@')) OR note::int = 1

= a function over a whole row gives its fields
SELECT r.email FROM people p, json_populate_record(p, '{}') AS r
= the same, all of them
SELECT r.* FROM people p, jsonb_populate_record(p, '{"id": 1}') AS r
= the same in a select list
SELECT (jsonb_populate_record(p, '{}')).email FROM people p
= its star
SELECT (json_populate_record(p, '{}')).* FROM people p
= rows put into an array and taken out
SELECT u.email FROM (SELECT array_agg(p) AS a FROM people p) s, unnest(s.a) AS u
= the same in a select list
SELECT (unnest(array_agg(p))).email FROM people p
= the same with places
SELECT email, ordinality FROM (SELECT array_agg(p) AS a FROM people p) s, ROWS FROM (unnest(a), generate_series(1, 3)) WITH ORDINALITY AS f
= a field of an element
SELECT ((array_agg(p))[1]).email FROM people p
= of an array of a subquery
SELECT ((ARRAY(SELECT p FROM people p))[1]).email
= of an array that is written
SELECT ((ARRAY[p])[1]).* FROM people p
= of CASE
SELECT (CASE WHEN p.id > 0 THEN p END).email FROM people p
= of COALESCE
SELECT (coalesce(p, NULL)).email FROM people p
= of a subquery
SELECT (SELECT p).email FROM people p
= a field of ROW
SELECT (ROW(id, email)).f2 FROM people
= of ROW of a star
SELECT (ROW(p.*)).f6 FROM people p
= of ROW below
SELECT (s.r).f2, (s.r).* FROM (SELECT ROW(id, email) AS r FROM people) AS s
- of ROW in ROW
SELECT ((s.r).f1).f2 FROM (SELECT ROW(ROW(id, email)) AS r FROM people) AS s
= a star in VALUES
SELECT v.column6 FROM people p, LATERAL (VALUES (p.*)) AS v
= a row in VALUES
SELECT (v.column1).email FROM people p, LATERAL (VALUES (p)) AS v
= a field of a join's row
SELECT (j).email FROM (people JOIN accounts USING (id)) AS j
= of a WITH query's
WITH w AS (SELECT p AS r FROM people p) SELECT (r).email, (r).* FROM w
= the columns of a row in parentheses
SELECT (p.*).email, (p).phone FROM people p
= a field in functional notation
SELECT email(p), card(p) FROM people p
= the same of a row that a subquery gives
SELECT email(s.r) FROM (SELECT p AS r FROM people p) AS s
= a column that does not exist, of a row in parentheses
SELECT (p).secret FROM people p
= the same in functional notation
SELECT secret(p) FROM people p
= the same by the star of a row
SELECT (s.r).secret FROM (SELECT p AS r FROM people p) AS s
= a bare name beside a function's columns
SELECT email, k.id FROM people, LATERAL json_populate_record(NULL::key, '{"id": 1}') AS k WHERE people.id = 1
= a name that a function's columns have not
SELECT email FROM people p, LATERAL jsonb_populate_record(NULL::address, '{"city": "x"}') AS a (street)
= a value through a record that says its own columns
SELECT r.email FROM people p, json_to_record(row_to_json(p)) AS r (email text)
= a value through a named row type
SELECT r.city FROM people p, jsonb_populate_record(NULL::address, jsonb_build_object('city', p.email)) AS r
= the same by a constructor
SELECT (ROW(email, note)::address).city FROM people
= the same by an array of such
SELECT u.city FROM people, unnest(ARRAY[ROW(email, note)::address]) AS u
= a field of a composite column by its star in VALUES
SELECT v.* FROM homes h, LATERAL (VALUES ((h.home).*)) AS v
= the column through casts to text and back
SELECT (home::text::address).street FROM homes
= a literal that its text is put together to
SELECT r.* FROM homes, jsonb_populate_record(NULL::address, to_jsonb(home)) AS r
= its fields as members
SELECT m.* FROM homes, json_each_text(row_to_json(home)) AS m
= the column in a row of others
SELECT (ROW(home, id)).f1 FROM homes
= a field of a field of a whole row
SELECT ((h).home).street FROM homes h
= its field within a record
SELECT ((s.r).f1).street FROM (SELECT ROW(home) AS r FROM homes) AS s
= an aggregate of them
SELECT (array_agg(home))[3], ((array_agg(home ORDER BY id))[1]).street FROM homes
= its mask beside the column that a subquery renames
SELECT (x).street, (y).street FROM (SELECT home AS x FROM homes) AS a, (SELECT home FROM homes) AS b (y) LIMIT 3
= a row of it that takes what is not masked from another
SELECT (ROW((home).street, 'x')::address).street FROM homes
= the same field by a window
SELECT (lag(home) OVER (ORDER BY id)).street FROM homes
= by COALESCE with a row
SELECT (coalesce(home, ROW('a', 'b')::address)).street FROM homes
= by a function that gives its argument back
SELECT (json_populate_record(home, '{"city": "x"}')).street FROM homes
= by an ordered set
SELECT (mode() WITHIN GROUP (ORDER BY home)).street FROM homes GROUP BY id
? a comparison with a row
SELECT id FROM homes WHERE home > ROW('Tk8'::text, ''::text)
? a comparison of a field
SELECT id FROM homes WHERE (home).street LIKE 'Tk8%'
? an equality with a value whose street is guessed
SELECT id FROM homes WHERE home = ROW('Tk' || substr(md5('street3'), 1, 10), 'city')::address
? the order of the column
SELECT id FROM homes WHERE id <= 12 ORDER BY home
? the least of them
SELECT id FROM homes WHERE home = (SELECT home FROM homes ORDER BY home LIMIT 1)
? groups of them
SELECT count(*) FROM homes GROUP BY home
? the length of the text
SELECT id, length(home::text), pg_column_size(home) FROM homes
? a join by it with rows that are guessed
SELECT h.id FROM homes h JOIN (SELECT ROW('Tk' || substr(md5('street' || n), 1, 10), 'city')::address AS home FROM generate_series(1, 3) n) g USING (home)
= what is returned of it, in the target of a write
DELETE FROM homes WHERE id = 3 RETURNING home, (home).street
= a field stored in another
UPDATE homes SET home = ROW((home).city, (home).street)::address RETURNING (home).city
= the column stored elsewhere
INSERT INTO homes SELECT id, ROW('x', (home).street)::address FROM homes RETURNING (home).city
= a field as it was before
UPDATE homes SET id = id + 100 WHERE (home).street LIKE 'Tk%' RETURNING (home).*
= a field of a composite column, of an array
SELECT u.street FROM homes, unnest(ARRAY[home]) AS u
= the same by a function
SELECT r.street FROM homes, json_populate_record(home, '{}') AS r
= the same by a subquery
SELECT x.street FROM homes h, LATERAL (SELECT (h.home).*) AS x
= a row that is stored
SELECT (json_populate_record(c.people, '{}')).email FROM copies c
= the same in functional notation
SELECT email(people) FROM copies
= the same, as the columns of a function
SELECT r.* FROM copies, jsonb_populate_record(people, '{}') AS r
= a row kept in a temporary table
CREATE TEMP TABLE kept AS SELECT p AS r FROM people p
;;
SELECT (r).email FROM kept
= a function that gives rows of a veiled table
SELECT email FROM peek_all()
= the same in a select list
SELECT (peek_all()).email
= the row type of a veiled table, filled from it
SELECT r.email FROM people p, json_populate_recordset(NULL::people, json_build_array(row_to_json(p))) AS r
= WITH queries that name later ones
WITH RECURSIVE a AS (SELECT m AS x FROM b), b AS (SELECT email AS m FROM people) SELECT x FROM a
= the same, through a row
WITH RECURSIVE a AS (SELECT (r).email FROM b), b AS (SELECT p AS r FROM people p) SELECT email FROM a
= a function over a row whose masks have SQL forms gives its fields
SELECT r.payload FROM events e, json_populate_record(e, '{}') AS r
= the same in a select list
SELECT (json_populate_record(e, '{}')).payload FROM events e
= a field of an element of such rows
SELECT ((array_agg(e))[1]).payload FROM events e
= such rows put into an array and taken out
SELECT u.payload FROM (SELECT array_agg(e) AS a FROM events e) s, unnest(s.a) AS u
= a field of CASE over such rows
SELECT (CASE WHEN e.id > 0 THEN e END).payload FROM events e
= of a subquery
SELECT (SELECT e).payload FROM events e
= of a row below
SELECT (s.r).payload, (s.r).*, payload(s.r) FROM (SELECT e AS r FROM events e) AS s
= of a row in a WITH query
WITH w AS (SELECT e AS r FROM events e) SELECT (r).payload, (r).* FROM w
= of ROW of a star
SELECT (ROW(e.*)).f3, (ROW(e.*)).* FROM events e
= a star in VALUES
SELECT v.* FROM events e, LATERAL (VALUES (e.*), (1, 'a', 'b')) AS v
= a field of a join's row
SELECT (j).payload, (j).* FROM (events JOIN plain USING (id)) AS j
= a row of a view's columns
SELECT (v).email, (v).* FROM v_people v
= a record from such a row
SELECT r.payload FROM events e, json_to_record(row_to_json(e)) AS r (payload text)
= a row type filled from such a row
SELECT r.payload FROM events e, json_populate_record(NULL::events, row_to_json(e)) AS r
= a row type filled from such rows
SELECT (json_populate_recordset(NULL::events, json_agg(e))).payload FROM events e
? a condition on a field of such a row
SELECT (e).id FROM events e WHERE (e).payload < 'Tk8' AND payload(e) IS NOT NULL
= an order by a field of such a row
SELECT (e).id, (e).payload FROM events e ORDER BY (e).payload
= a group by a field of such a row
SELECT payload(e), count(*) FROM events e GROUP BY payload(e)
= what is returned of a row in parentheses
UPDATE noisy n SET label = 'x' RETURNING (n).secret, (n.*).id

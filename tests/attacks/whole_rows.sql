= the whole row by its alias
SELECT p FROM people p
= the whole row by the table's name
SELECT people FROM people
= the whole row in a function
SELECT row_to_json(p) FROM people p
= the same by json
SELECT to_json(p), to_jsonb(people) FROM people p, people
= the row cast to text
SELECT p::text FROM people p
= the row of a star
SELECT (p.*)::text FROM people p
= ROW of a star
SELECT ROW(p.*) FROM people p
= ROW of columns
SELECT ROW(id, email) FROM people
= ROW's json
SELECT row_to_json(ROW(id, email)) FROM people
= a field of the row in functional notation
SELECT email(p) FROM people p
= a field of the row in parentheses
SELECT (p).email::text FROM people p
= a field of a row in a subquery
SELECT (SELECT (p).email || '' FROM people p LIMIT 1)
= the star of a row in parentheses
SELECT (p).* FROM people p
= the star of a row that a subquery gives
SELECT (s.r).* FROM (SELECT p AS r FROM people p) AS s
= a function called in field notation
SELECT p.is_email FROM people p
= the same in functional notation
SELECT is_email(p) FROM people p
- text of a row in field notation
SELECT p.text FROM people p
= name of a row in field notation
SELECT (p).name::text FROM people p
= an array of rows
SELECT array_agg(p) FROM people p
- a row compared is a bit, sorted is an order
SELECT p FROM people p ORDER BY p
? the row compared
SELECT p.id FROM people p WHERE p > ROW(1, 'a', 'b', now(), 'x', 'y', 'z', 'c', 'n', 's', 'a', 'h', now()::date, now(), 1, 1.0, 1.0, 1, NULL::uuid, NULL::inet, NULL::jsonb, NULL::json, NULL::text[], NULL::int[], NULL::bytea, true, NULL::interval, NULL::int4range, NULL::xml)::people
? DISTINCT over rows
SELECT count(DISTINCT p.*) FROM accounts p
? rows that are NULL in all fields
SELECT p.id FROM people p WHERE p IS NULL
? rows that are NULL nowhere
SELECT p.id FROM people p WHERE p IS NOT NULL
= json_agg of rows
SELECT json_agg(p) FROM people p
= jsonb_agg of rows
SELECT jsonb_agg(people) FROM people
= json_build_object of a row
SELECT json_build_object('row', p) FROM people p
= concat of a row
SELECT concat(p) FROM people p
= format of a row
SELECT format('%s', p) FROM people p
= quote_literal of a row
SELECT quote_literal(p::text) FROM people p
= the row of a subquery
SELECT s FROM (SELECT id, email FROM people) AS s
= the row of a CTE
WITH s AS (SELECT id, email FROM people) SELECT s FROM s
= the row of a join's alias
SELECT j FROM (people JOIN plain USING (id)) AS j
= the row of USING's alias
SELECT x FROM people p JOIN people q USING (email) AS x
= the row of a view
SELECT v FROM v_people v
= the row of a lateral subquery
SELECT l FROM plain, LATERAL (SELECT email FROM people) AS l
= a row in CASE
SELECT CASE WHEN true THEN p END FROM people p
= a row in COALESCE
SELECT coalesce(p, NULL) FROM people p
= a row in an array
SELECT ARRAY[p] FROM people p
= a row in unnest
SELECT u FROM people p, unnest(ARRAY[p]) AS u
= a row in RETURNING
UPDATE people SET level = 'x' WHERE id = 1 RETURNING people
= a row's star in RETURNING
UPDATE people SET level = 'x' WHERE id = 1 RETURNING (people).*
= a row of what was proposed
INSERT INTO accounts SELECT 100, 1, email, 'x', 1, 'open' FROM people WHERE id = 1 ON CONFLICT (id) DO NOTHING RETURNING accounts
= a populated record over a real row
SELECT json_populate_record(p, '{}') FROM people p
= jsonb_populate_record's columns
SELECT r.* FROM people p, jsonb_populate_record(p, '{}') AS r
= json_each of a row
SELECT e.* FROM people p, json_each_text(row_to_json(p)) AS e
= jsonb_each of a row
SELECT e.value FROM people p, jsonb_each(to_jsonb(p)) AS e
= a row passed to an aggregate
SELECT string_agg(p::text, ';') FROM people p
= a row's text under EXISTS and out of it
SELECT (SELECT p::text FROM people p WHERE p.id = 1)
= a table of a composite type with a veiled table's row in it
SELECT people FROM copies
= a field of such a column
SELECT (people).email FROM copies
= the star of such a column
SELECT (people).* FROM copies
= the row in a row
SELECT c FROM copies c
= the view of whole rows
SELECT whole FROM v_row
= a field of its column
SELECT (whole).secret FROM v_row
= a hidden field of a composite column
SELECT (home).street FROM homes
= the composite column whole
SELECT home FROM homes
= as text
SELECT home::text FROM homes
= its star
SELECT (home).* FROM homes
= its field in functional notation
SELECT street(home) FROM homes
= a row compared with its parts
SELECT h FROM homes h WHERE h.id = 1
= record functions
SELECT record_out(p::record) FROM people p
= record_send
SELECT record_send(p) FROM people p
= a row in an XML element
SELECT xmlelement(name r, p::text) FROM people p
= hidden columns of a star
SELECT * FROM people
= TABLE
TABLE people
= a qualified star
SELECT public.people.* FROM public.people
= a star with an alias
SELECT p.*, 1 FROM people AS p
= a star over two tables
SELECT * FROM people, accounts
= a star over a join with USING
SELECT * FROM people JOIN accounts USING (id)
= a star with renamed columns: the name is another, the column is the same
SELECT * FROM people AS p (a, b, c, d, e, f, g, h, i, j)
= one renamed column
SELECT j FROM people AS p (a, b, c, d, e, f, g, h, i, j)
= a renamed column that takes a clear one's name
SELECT level FROM people AS p (id, x, y, z, name, level)
= a renamed column of a subquery
SELECT id FROM (SELECT email FROM people) AS s (id)
= a renamed column of a CTE
WITH s (id) AS (SELECT email FROM people) SELECT id FROM s

= a view over everything
SELECT * FROM v_people
= a view over a view
SELECT email FROM v_deep
? a view that filters by a denied column
SELECT id FROM v_filter
? a view that orders by a masked one
SELECT id, place FROM v_order
= a view that aggregates
SELECT * FROM v_agg
= a view that casts, whose error quotes
SELECT * FROM v_cast
= a materialized copy
SELECT email FROM m_people
= a derived column of a materialized copy
SELECT loud FROM m_people
= a denied column of a materialized copy
SELECT secret FROM m_people
= the row of a materialized copy
SELECT m FROM m_people m
= COPY of a materialized copy by a query
COPY (SELECT email FROM m_people) TO STDOUT
= a view in a CTE
WITH v AS (SELECT * FROM v_people) SELECT email FROM v
= a view under a join
SELECT v.email FROM plain JOIN v_people v USING (id)
= a view's writable side returns
UPDATE v_people SET level = 'x' WHERE id = 1 RETURNING email
= a view's writable side with an expression
UPDATE v_people SET level = email RETURNING level
= a view of clear columns takes a hidden one's place by its whole row
SELECT to_json(v) FROM v_people v
= a partition by itself
SELECT payload || '' FROM events_1
= a partition's plain column
SELECT payload FROM events_2
= the partitioned table
SELECT payload FROM events
= ONLY the parent
SELECT secret || '' FROM ONLY base
= a child by itself
SELECT secret FROM derived
= a child's expression
SELECT secret || extra FROM derived
= the parent with its star
SELECT base.* FROM base*
? a partition filtered by the raw value
SELECT id FROM events_1 WHERE payload > 'Tk8'
= a partition by its tableoid
SELECT tableoid::regclass, lower(payload) FROM events
= the table behind a domain
SELECT code FROM coded
= a domain's base type
SELECT code::text FROM coded
= a sample
SELECT email || '' FROM people TABLESAMPLE bernoulli (100)
= a sample's argument
SELECT id FROM people TABLESAMPLE bernoulli ((SELECT email::real FROM people LIMIT 1))
? a sample's seed from the raw value
SELECT id FROM people TABLESAMPLE bernoulli (50) REPEATABLE ((SELECT salary FROM people WHERE id = 1))
= locked rows
SELECT email || '' FROM people FOR UPDATE
= locked rows, skipping
SELECT lower(email) FROM people FOR SHARE SKIP LOCKED
? rows behind a condition
SELECT id FROM fenced WHERE region = 'US'
? counted
SELECT count(*) FROM fenced WHERE region = 'US'
= by an expression
SELECT secret || '' FROM fenced
= locked behind a condition
SELECT secret || '' FROM fenced FOR UPDATE
= a temporary view over it
CREATE TEMP VIEW tv AS SELECT email FROM people
;;
SELECT email FROM tv
= a view of one's own
CREATE VIEW mine AS SELECT email FROM people
;;
SELECT email FROM mine
= a recursive view
CREATE RECURSIVE VIEW mine (e) AS SELECT email FROM people
;;
SELECT e FROM mine
= a materialized view of one's own
CREATE MATERIALIZED VIEW mine AS SELECT email FROM people
;;
SELECT email FROM mine
= a view replaced under its policy
CREATE OR REPLACE VIEW v_plain AS SELECT id, email AS label, id AS amount FROM people
;;
SELECT label FROM v_plain
- a renamed column
ALTER TABLE people RENAME COLUMN email TO mail
;;
SELECT mail FROM people
- a renamed table
ALTER TABLE people RENAME TO folk
;;
SELECT email FROM folk
- a moved table
ALTER TABLE people SET SCHEMA pg_temp
;;
SELECT email FROM pg_temp.people
- a new parent
ALTER TABLE base NO INHERIT people
;;
SELECT lower(secret) FROM derived
= a detached partition
ALTER TABLE events DETACH PARTITION events_1
;;
SELECT payload FROM events_1
= a new child of a veiled table
CREATE TABLE kid () INHERITS (people)
;;
SELECT id, email || '' FROM people
= a partition of one's own
CREATE TABLE events_3 PARTITION OF events FOR VALUES FROM (100) TO (200)
;;
SELECT payload || '' FROM events
= a foreign table to the same server
CREATE SERVER me FOREIGN DATA WRAPPER postgres_fdw OPTIONS (dbname 'postgres')
;;
SELECT email || '' FROM people
= a view of a view of a projection
SELECT mail FROM w_over
= a view's column under a function
SELECT upper(mail) FROM w_some
? a view's column in a condition
SELECT id FROM w_plain WHERE email > 'aTk8'
? a view's column in an order
SELECT id FROM w_plain ORDER BY salary
? a view's column in a join
SELECT a.id FROM w_plain a JOIN w_plain b ON a.note > b.note
= a view's row as text
SELECT w::text FROM w_plain w
= a view's row as a document
SELECT to_jsonb(w) FROM w_some w
= a view's row type
SELECT (ROW(1, mail, birthday)::w_some).mail FROM w_some
= the row of a denied column's view
SELECT w FROM w_denied w
= a denied column of a view
SELECT secret FROM w_denied
= computed from a denied column
SELECT loud FROM w_denied
= a view that holds a whole row
SELECT whole FROM v_row
= a field of a view's whole row
SELECT (whole).email FROM v_row
= aliases over a view with a denied column
SELECT x FROM w_denied AS t (a, x, b, c)
= a view's expression
SELECT mail FROM w_expr
? a view that ranks by a masked column
SELECT id, place FROM w_window
? a view that tells a masked flag
SELECT id, answer FROM w_case
? a view that groups by a masked column
SELECT n FROM w_group WHERE n > 1
= a view's aggregate of a masked column
SELECT max(iban) FROM w_join
= a view's aggregate inside
SELECT string_agg(mail, ',') FROM w_over
= a view that mixes
SELECT what FROM w_mixed
? rows behind a view's condition
SELECT id FROM w_fenced WHERE region = 'US'
= a view's rows locked
SELECT mail FROM w_some FOR UPDATE
= a view's rows deleted
DELETE FROM w_some WHERE mail LIKE 'aTk%' RETURNING mail
= a view's rows updated
UPDATE w_some SET birthday = birthday WHERE mail > 'a' RETURNING mail
? a view is written by what it hides
UPDATE w_plain SET level = 'x' WHERE note > 'Tk8'
- a view's definition is no secret
SELECT pg_get_viewdef('w_plain'::regclass)
= a temporary table of a view
CREATE TEMP TABLE tw AS SELECT * FROM w_plain
;;
SELECT email FROM tw
= a cursor over a view
DECLARE c CURSOR FOR SELECT mail FROM w_some
;;
FETCH ALL FROM c
= COPY of a view
COPY (TABLE w_some) TO STDOUT
= a prepared view
PREPARE w AS SELECT mail FROM w_some
;;
EXECUTE w
= statements of others through a view
SELECT query FROM w_activity WHERE query LIKE '%aTk%' UNION ALL SELECT email FROM people
= statistics through a view
SELECT most FROM w_stats
- a view of information_schema
SELECT * FROM information_schema.views WHERE table_name = 'w_plain'

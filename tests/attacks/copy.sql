= a table
COPY people TO STDOUT
= in csv
COPY people TO STDOUT WITH (FORMAT csv, HEADER)
= in binary
COPY people TO STDOUT WITH (FORMAT binary)
= columns by name
COPY people (id, email, salary) TO STDOUT
= columns in another order
COPY people (email, name, id) TO STDOUT
= another delimiter
COPY people (email, name) TO STDOUT WITH (DELIMITER '@')
= the delimiter stands in the value
COPY people (email, name) TO STDOUT WITH (DELIMITER '*')
= csv whose delimiter stands in the value
COPY people (email, tags) TO STDOUT WITH (FORMAT csv, DELIMITER 'k', QUOTE 'T', ESCAPE 'x')
= quotes forced
COPY people (email, tags, doc) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE *)
= quotes forced on one
COPY people (email, tags) TO STDOUT WITH (FORMAT csv, FORCE_QUOTE (email))
= the NULL string is a part of the value
COPY people (email, score) TO STDOUT WITH (NULL 'aTk')
= the old syntax
COPY people TO STDOUT CSV HEADER QUOTE '"'
= the older one
COPY BINARY people TO STDOUT
= with its delimiter
COPY people TO STDOUT DELIMITERS '|'
- another encoding
COPY people TO STDOUT WITH (ENCODING 'UTF16')
= another encoding that exists
COPY people (email) TO STDOUT WITH (ENCODING 'LATIN1')
= a denied column
COPY people (secret) TO STDOUT
= a query
COPY (SELECT email FROM people) TO STDOUT
= a query that computes
COPY (SELECT lower(email) FROM people) TO STDOUT
= a query with a row
COPY (SELECT p FROM people p) TO STDOUT
= TABLE
COPY (TABLE people) TO STDOUT
= VALUES
COPY (VALUES ((SELECT lower(email) FROM people WHERE id = 1))) TO STDOUT
= RETURNING
COPY (UPDATE people SET level = 'x' RETURNING lower(email)) TO STDOUT
= RETURNING of columns
COPY (UPDATE people SET level = 'x' RETURNING email, name) TO STDOUT
= a query with a CTE
COPY (WITH s AS (SELECT upper(email) AS v FROM people) SELECT v FROM s) TO STDOUT
? a query that filters
COPY (SELECT id FROM people WHERE salary > 200000000) TO STDOUT
= a partitioned table's query in binary
COPY (SELECT payload FROM events) TO STDOUT WITH (FORMAT binary)
= a partition
COPY events_1 TO STDOUT
= a child
COPY derived TO STDOUT
= a table with generated columns
COPY made TO STDOUT
= its generated columns by a query
COPY (SELECT twin, loud FROM made) TO STDOUT
= a composite
COPY homes TO STDOUT
= a document
COPY docs TO STDOUT
= a table with row conditions
COPY fenced TO STDOUT
= a table of rows
COPY copies TO STDOUT
- a materialized view
COPY m_people TO STDOUT
- to a program
COPY people TO PROGRAM 'cat >/dev/null'
- to a file
COPY people TO '/tmp/pgscrim-never'
- from a program
COPY plain FROM PROGRAM 'echo 1'
- from a file
COPY plain FROM '/etc/passwd'
- in, with a condition on what is stored
COPY people FROM STDIN WHERE email > 'a'
- in, with a condition that reads
COPY plain FROM STDIN WHERE label = (SELECT email FROM people WHERE people.id = plain.id)
= statistics
COPY (SELECT histogram_bounds::text FROM pg_stats WHERE tablename = 'people') TO STDOUT
= a catalog's columns that read NULL
COPY pg_largeobject TO STDOUT
= the statistics' table
COPY pg_statistic (stavalues1) TO STDOUT
= a large object's pages by a query
COPY (SELECT encode(data, 'escape') FROM pg_largeobject) TO STDOUT
= dates in another style
SET datestyle = 'SQL, DMY'
;;
COPY people (born, seen) TO STDOUT
= bytes in escapes
SET bytea_output = 'escape'
;;
COPY people (blob) TO STDOUT WITH (FORMAT csv)

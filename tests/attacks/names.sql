= quoted
SELECT lower("email") FROM "people"
= in capitals
SELECT LOWER(EMAIL) FROM PEOPLE
= with the database
SELECT lower(postgres.public.people.email) FROM postgres.public.people
= with unicode escapes
SELECT lower(U&"em\0061il") FROM U&"pe\006fple"
= with unicode escapes of one's own character
SELECT lower(U&"em!0061il" UESCAPE '!') FROM people
= with unicode escapes of six digits
SELECT lower(U&"em\+000061il") FROM people
= a name longer than 63 bytes is cut
SELECT aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggg.email || '' FROM people AS aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffgggEXTRA
= a comment in the middle
SELECT/**/lower(email)/**/FROM/**/people
= a nested comment
SELECT /* /* */ 'x' */ lower(email) FROM people
= a comment to the end of the line
SELECT lower(email) -- FROM plain
FROM people
= a line that ends in a carriage return
SELECT id -- x, lower(email)
, lower(email) FROM people
= an escape string
SELECT E'\'', lower(email), E'\\' FROM people
= a dollar quote
SELECT $$'$$, lower(email), $a$'$a$ FROM people
= a dollar quote that looks like the end of another
SELECT $a$ $b$ $a$, lower(email) FROM people -- $b$
= a unicode string
SELECT U&'\0027', lower(email) FROM people
= a bit string
SELECT B'1', X'F', lower(email) FROM people
= strings over several lines
SELECT 'a'
'b', lower(email) FROM people
= a national string
SELECT N'x', lower(email) FROM people
= an alias without AS
SELECT lower(email) people FROM people plain
= a keyword as an alias
SELECT lower(email) "select" FROM people "from"
= a column named like a function
SELECT p.name || '' FROM people p
= a column that a type's name hides
SELECT (people.name)::text || (email) FROM people
= a table in a schema that is not in the path
SET search_path = ''
;;
SELECT lower(email) FROM public.people
= a table of pg_catalog's name
CREATE TEMP TABLE pg_class (relname text)
;;
SELECT lower(email) FROM people, pg_class RIGHT JOIN people p ON true
= a semicolon in a string
SELECT ';', lower(email) FROM people
= an operator that a comment cuts
SELECT email||/*x*/'' FROM people
- a parenthesised table
SELECT lower(email) FROM (people)
= a parenthesised join
SELECT lower(email) FROM ((people JOIN plain USING (id)))
= a star behind a parenthesis
SELECT (people).email || '' FROM people
- positional parameters without values
SELECT lower(email), $1::text FROM people
- numbers joined with words
SELECT 1x, lower(email) FROM people
= a type in front of a literal
SELECT text 'x', lower(email) FROM people
= INTERVAL with a field
SELECT interval '1' day, lower(email) FROM people
= AT TIME ZONE
SELECT timestamptz '2026-01-01 00:00+00' AT TIME ZONE 'UTC', lower(email) FROM people
= a window of the client's own name
SELECT lower(email), count(*) OVER people FROM people WINDOW people AS ()
= column aliases that a system column could move
SELECT p.ctid, lower(c6) FROM people AS p (c1, c2, c3, c4, c5, c6)
= a whole row with a system column beside it
SELECT p.ctid, p FROM people AS p
- a natural join with system columns beside it
SELECT p.ctid, a.ctid, lower(iban) FROM people p NATURAL JOIN accounts a
= a join alias
SELECT lower(j.email) FROM (people JOIN plain USING (id)) AS j
= a join alias with column names
SELECT j.c || '' FROM (people p JOIN plain USING (id)) AS j (a, b, x, y, z, c)
= NATURAL JOIN
SELECT lower(email) FROM people NATURAL JOIN (SELECT 1 AS id) AS x
= a cross join in brackets
SELECT lower(email) FROM plain CROSS JOIN (people CROSS JOIN accounts)
= three names for one table
SELECT lower(a.email), lower(b.email), lower(c.email) FROM people a, people b, people c WHERE a.id = b.id AND b.id = c.id
= a byte that is no character
SELECT lower(email), '' FROM people
= a column by another's position in USING
SELECT lower(people.email) FROM people JOIN accounts USING (id)
= full-width letters are other names
SELECT lower(email) FROM people WHERE 'ｅｍａｉｌ' <> 'x'
= a table that is there already is not the one that was to be made
CREATE TABLE IF NOT EXISTS public.people (id int, email text); SELECT email || '' FROM public.people
= the same by CREATE TABLE AS
CREATE TABLE IF NOT EXISTS public.people AS SELECT 1 AS id, ''::text AS email; SELECT email || '' FROM public.people
? a column that does not exist, in a subquery that nobody reads
SELECT count(*) FROM (SELECT id, secret FROM people) x
? the same where its table is veiled in SQL
SELECT count(*) FROM (SELECT secret, lower(email) AS m FROM people) x WHERE m > 'a'
? the same in WITH
WITH x AS (SELECT secret FROM people) SELECT 1
? the same in EXISTS
SELECT id FROM plain WHERE EXISTS (SELECT secret FROM people)

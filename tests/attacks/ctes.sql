= a CTE that computes
WITH s AS (SELECT lower(email) AS v FROM people) SELECT v FROM s
= a CTE's filter outside
WITH s AS (SELECT id, email FROM people) SELECT email FROM s WHERE email || '' > 'a'
? a CTE filtered outside
WITH s AS (SELECT id, salary AS x FROM people) SELECT id FROM s WHERE x > 200000000
? a CTE's aggregate
WITH s AS (SELECT id, salary FROM people) SELECT max(salary), min(salary) FROM s GROUP BY salary > 200000000
= a recursive CTE passes the value on
WITH RECURSIVE r (n, v) AS (SELECT 1, email FROM people WHERE id = 1 UNION ALL SELECT n + 1, v FROM r WHERE n < 3) SELECT v FROM r
= columns that change places from round to round
WITH RECURSIVE r (n, a, b) AS (SELECT 1, 'x', email FROM people WHERE id = 1 UNION ALL SELECT n + 1, b, a FROM r WHERE n < 2) SELECT a FROM r
= columns that change places, both masked
WITH RECURSIVE r (n, a, b) AS (SELECT 1, name, email FROM people UNION ALL SELECT n + 1, b, a FROM r WHERE n < 2) SELECT a FROM r
= the value comes in the second part
WITH RECURSIVE r (n, v) AS (SELECT 1, 'x' UNION ALL SELECT n + 1, p.email FROM r JOIN people p ON p.id = r.n WHERE n < 3) SELECT v FROM r
? a recursion that ends by the raw value
WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < (SELECT salary % 100 FROM people WHERE id = 1)) SELECT max(n) FROM r
= a search column holds the value
WITH RECURSIVE r (n, v) AS (SELECT 1, email FROM people UNION ALL SELECT n + 1, v FROM r WHERE n < 2) SEARCH DEPTH FIRST BY v SET o SELECT o FROM r
= a cycle column holds the value
WITH RECURSIVE r (n, v) AS (SELECT 1, email FROM people UNION ALL SELECT n + 1, v FROM r WHERE n < 2) CYCLE v SET c USING way SELECT way FROM r
- a cycle mark from the value
WITH RECURSIVE r (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE n < 2) CYCLE n SET c TO (SELECT email || '' FROM people WHERE id = 1) DEFAULT '' USING way SELECT c FROM r
- a CTE that has the table's name
WITH people AS (SELECT 'x' AS email) SELECT email FROM people
= a CTE that has the table's name and reads it
WITH people AS (SELECT id, lower(email) AS email FROM people) SELECT email FROM people
= the table behind a CTE of its name
WITH people AS (SELECT 'x' AS email) SELECT lower(p.email) FROM public.people AS p
= a CTE of an open table's name
WITH plain AS (SELECT id, email AS label FROM people) SELECT label || '' FROM plain
= a CTE that shadows another in an inner query
WITH s AS (SELECT 'x' AS v) SELECT * FROM (WITH s AS (SELECT email || '' AS v FROM people) SELECT v FROM s) AS t
= an inner CTE that reads the outer of its name
WITH s AS (SELECT email AS v FROM people) SELECT * FROM (WITH s AS (SELECT upper(v) AS v FROM s) SELECT v FROM s) AS t
= a later CTE that reads the table, since the one of its name comes after
WITH a AS (SELECT lower(email) AS v FROM people), people AS (SELECT 'x' AS email) SELECT v FROM a
= RECURSIVE makes the later one visible
WITH RECURSIVE a AS (SELECT lower(email) AS v FROM public.people), people AS (SELECT 'x' AS email) SELECT v FROM a
= an alias that has another table's name
SELECT plain.email || '' FROM people AS plain
= aliases that change places
SELECT people.label, plain.email || '' FROM people AS plain, plain AS people WHERE plain.id = people.id
= an alias that has a column's name
SELECT email.email || '' FROM people AS email
= a bare alias that has a column's name
SELECT email FROM people AS email WHERE lower(email) > ''
= a correlated name that means the outer table
SELECT (SELECT email || '' FROM plain LIMIT 1) FROM people
= an inner table without that column, so the outer's counts
SELECT id FROM people WHERE id IN (SELECT id FROM plain WHERE lower(email) > '') AND email::int > 0
= a LATERAL name in a function
SELECT f FROM people, upper(email) AS f
= a subquery in ORDER BY's name
SELECT id, (SELECT lower(email) FROM people p WHERE p.id = plain.id) AS v FROM plain ORDER BY v
= an output that bears a clear column's name
SELECT email || '' AS level FROM people
= two outputs of one name
SELECT level AS email, email || '' AS email FROM people
= a subquery that bears the table's name
SELECT lower(people.email) FROM (SELECT * FROM people) AS people
= the inner query's name in the outer
SELECT s.v FROM (SELECT x.v FROM (SELECT lower(email) AS v FROM people) AS x) AS s
= a set operation's branch by parentheses
(SELECT lower(email) FROM people) UNION ALL (SELECT label FROM plain LIMIT 1)
= WITH in a set operation's branch
(WITH s AS (SELECT lower(email) AS v FROM people) SELECT v FROM s) UNION ALL SELECT 'x'
= a scalar subquery over a set operation
SELECT (SELECT email FROM people WHERE id = 1 UNION ALL SELECT 'x' WHERE false)
= a value through a scalar subquery of a scalar subquery
SELECT (SELECT (SELECT lower(email) FROM people WHERE id = 1))
= a value through IN's left side
SELECT (SELECT email FROM people WHERE id = 1) IN ('x'), (SELECT lower(email) FROM people WHERE id = 1)
? a scalar subquery compared
SELECT (SELECT salary FROM people WHERE id = 1) > 200000000
? a scalar subquery under NULL test with NULLIF
SELECT nullif((SELECT salary FROM people WHERE id = 1), 200000000) IS NULL
= a value in a join's condition's subquery
SELECT p.id FROM plain p JOIN plain q ON p.label = (SELECT email FROM people WHERE id = 1) OR q.id = (SELECT email::int FROM people WHERE id = 1)
= MATERIALIZED and not
WITH s AS NOT MATERIALIZED (SELECT email FROM people), t AS MATERIALIZED (SELECT email || '' AS v FROM s) SELECT v FROM t
= a CTE that is named but only its effect is wanted
WITH s AS (UPDATE plain SET label = (SELECT email FROM people WHERE id = 1) WHERE id = 1 RETURNING label) TABLE s
= a VALUES list joined
SELECT v.x FROM people p JOIN LATERAL (VALUES (p.email || '')) AS v (x) ON true
= unnest over several arrays, one of them made of the value
SELECT u.b FROM people p, unnest(ARRAY[1], ARRAY[p.email]) AS u (a, b)

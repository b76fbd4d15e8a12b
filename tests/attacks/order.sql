? sorting by the raw value shows its order
SELECT id FROM people ORDER BY salary
? by position
SELECT id, salary FROM people ORDER BY 2
? by the output's name
SELECT id, salary AS s FROM people ORDER BY s
? by an expression
SELECT id FROM people ORDER BY salary + 0
? by a function
SELECT id FROM people ORDER BY length(note), lower(email)
? by a comparison: one bit a row
SELECT id FROM people ORDER BY salary > 200000000, id
? by a subquery
SELECT id FROM people p ORDER BY (SELECT q.salary FROM people q WHERE q.id = p.id)
? by a subquery over another table's denied column
SELECT id FROM people p ORDER BY (SELECT a.balance FROM accounts a WHERE a.id = p.id)
? descending, NULLS FIRST
SELECT id FROM people ORDER BY email DESC NULLS FIRST
? by an operator
SELECT id FROM people ORDER BY salary USING >
? of a subquery's column outside it
SELECT id FROM (SELECT id, salary FROM people) AS s ORDER BY salary
? inside a subquery, whose order shows outside
SELECT id FROM (SELECT id FROM people ORDER BY salary) AS s
? inside a subquery with LIMIT: the richest
SELECT id FROM (SELECT id FROM people ORDER BY salary DESC LIMIT 1) AS s
? in a CTE
WITH s AS (SELECT id FROM people ORDER BY salary LIMIT 3) SELECT id FROM s
? with ties
SELECT id FROM people ORDER BY salary FETCH FIRST 3 ROWS WITH TIES
? of a set operation
SELECT id, salary FROM people UNION ALL SELECT 0, 0 ORDER BY salary
? in an array's making
SELECT array_agg(id ORDER BY salary) FROM people
? in string_agg
SELECT string_agg(id::text, ',' ORDER BY email) FROM people
? in a window
SELECT id, rank() OVER (ORDER BY salary) FROM people
? in a named window
SELECT id, row_number() OVER w FROM people WINDOW w AS (ORDER BY salary)
? in a window that refers to another
SELECT id, row_number() OVER (w ORDER BY salary) FROM people WINDOW w AS (PARTITION BY level)
? percentile within a group
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY salary) FROM people
= the mode within a group
SELECT mode() WITHIN GROUP (ORDER BY email) FROM people WHERE id = 1
? a hypothetical rank finds the place of a guess
SELECT rank(200000000) WITHIN GROUP (ORDER BY salary) FROM people
? DISTINCT ON keeps the first
SELECT DISTINCT ON (level) level, id FROM people ORDER BY level, salary
? DISTINCT over the raw value collapses rows
SELECT DISTINCT level, left(note, 3) FROM people
? DISTINCT over a masked column shows how many values there are
SELECT DISTINCT note FROM people
? DISTINCT over a column of which the mask keeps only the year
SELECT DISTINCT born FROM people
? DISTINCT ON of an expression over a pseudonym
SELECT DISTINCT ON (left(alias, 3)) id FROM people ORDER BY left(alias, 3), id
? GROUP BY the raw value
SELECT count(*) FROM people GROUP BY note
? GROUP BY an expression over it
SELECT count(*) FROM people GROUP BY left(note, 3)
? GROUP BY an expression over a pseudonym: the mask keeps values apart, not their parts
SELECT count(*), min(id) FROM people GROUP BY left(alias, 3)
? GROUP BY a comparison over a pseudonym
SELECT count(*), min(id) FROM people GROUP BY alias > 'Tk8'
? GROUP BY a pseudonym's part by position
SELECT left(alias, 3) > 'Tk8', count(*) FROM people GROUP BY 1
? grouping sets over a part of a pseudonym
SELECT count(*), min(id) FROM people GROUP BY GROUPING SETS ((left(alias, 3)), ())
? cube over it
SELECT count(*), min(id) FROM people GROUP BY CUBE (pin % 10)
? rollup over it
SELECT count(*), min(id) FROM people GROUP BY ROLLUP (pin % 10, level)
? a partition by a part of a pseudonym
SELECT id, count(*) OVER (PARTITION BY pin % 3) FROM people
? a partition by a part of a pseudonym in a named window
SELECT id, count(*) OVER w FROM people WINDOW w AS (PARTITION BY substr(alias, 3, 1))
? grouping by a pseudonym whose groups are shown in raw order
SELECT min(id) FROM people GROUP BY alias ORDER BY alias
? max of a pseudonym
SELECT max(pin) FROM people
= max of a text
SELECT max(email) FROM people
= min of a denied column
SELECT min(secret) FROM people
? argmax by a window
SELECT id, first_value(id) OVER (ORDER BY salary DESC) FROM people
= lag over the raw value
SELECT id, lag(email) OVER (ORDER BY id) FROM people
= first_value of the raw value
SELECT first_value(email) OVER (ORDER BY id) FROM people
= nth_value of the raw value
SELECT nth_value(email, 2) OVER (ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) FROM people
? a RANGE frame over the raw value
SELECT id, count(*) OVER (ORDER BY salary RANGE BETWEEN 10000000 PRECEDING AND CURRENT ROW) FROM people
? ntile over it
SELECT id, ntile(4) OVER (ORDER BY salary) FROM people
? UNION collapses equal raw values
SELECT note FROM people UNION SELECT note FROM people
? UNION with guesses
SELECT salary FROM people UNION SELECT 100000000
? INTERSECT with a guess
SELECT salary FROM people INTERSECT SELECT 200000000
? EXCEPT of a guess
SELECT email FROM people EXCEPT SELECT 'aTk0@example.com'
? EXCEPT ALL
SELECT id, salary FROM people EXCEPT ALL SELECT id, amount FROM plain
= UNION ALL with a clear column: one mask cannot hold for both
SELECT label FROM plain UNION ALL SELECT email FROM people
= UNION ALL with the clear one behind
SELECT email FROM people UNION ALL SELECT label FROM plain
= UNION ALL of two masks
SELECT email FROM people UNION ALL SELECT name FROM people
= UNION ALL with a constant
SELECT email FROM people UNION ALL SELECT 'x'
= UNION ALL in a CTE
WITH u AS (SELECT email AS v FROM people UNION ALL SELECT label FROM plain) SELECT v FROM u
= VALUES with a subquery and a constant
VALUES ((SELECT email FROM people WHERE id = 1)), ('x')
= VALUES with two subqueries
VALUES ((SELECT email FROM people WHERE id = 1)), ((SELECT name FROM people WHERE id = 1))
= NATURAL JOIN merges a hidden column with a clear one
SELECT * FROM (SELECT id, email FROM people) AS a NATURAL FULL JOIN (SELECT id + 100 AS id, label AS email FROM plain) AS b
? USING over the raw value
SELECT a.id, b.id FROM people a JOIN people b USING (note)
? USING with guesses
SELECT id FROM people JOIN (SELECT 200000000 AS salary) AS g USING (salary)
= USING whose merged column is the other side's
SELECT email FROM (SELECT 'x'::text AS email) AS g RIGHT JOIN people USING (email)
= USING whose merged column is either's
SELECT email FROM (SELECT 'x'::text AS email) AS g FULL JOIN people USING (email)
- NATURAL JOIN of a table with itself over all its columns
SELECT count(*) FROM people NATURAL JOIN people AS p
? equality of two hidden columns
SELECT id FROM people WHERE email = name
? equality of hidden columns of two rows
SELECT a.id, b.id FROM people a, people b WHERE a.note = b.note
? equality of a pseudonym with what is computed from one
SELECT a.id, b.id FROM people a JOIN people b ON a.alias = lower(b.alias)
? order between pseudonyms
SELECT a.id, b.id FROM people a JOIN people b ON a.pin < b.pin
? a pseudonym compared with a clear column that holds guesses
SELECT p.id, q.id FROM people p JOIN plain q ON p.alias = q.label

? a range over the raw value halves the candidates with each question
SELECT id FROM people WHERE email > 'aTk8'
? a prefix is guessed character by character
SELECT id FROM people WHERE email LIKE 'aTk0%'
? the same, without regard to case
SELECT id FROM people WHERE email ILIKE 'atk0%'
? the same by a regular expression
SELECT id FROM people WHERE email ~ '^aTk[0-7]'
? the same by SIMILAR TO
SELECT id FROM people WHERE email SIMILAR TO 'aTk[0-7]%'
? starts_with and its operator
SELECT id FROM people WHERE email ^@ 'aTk0'
? equality confirms a guess
SELECT id FROM people WHERE email = 'aTk0@example.com'
? inequality does so as well
SELECT id FROM people WHERE email <> 'aTk0@example.com'
? IS DISTINCT FROM does so as well
SELECT id FROM people WHERE email IS DISTINCT FROM 'aTk0@example.com'
? IN confirms many guesses at once
SELECT id FROM people WHERE salary IN (100000000, 100000001)
? = ANY of an array
SELECT id FROM people WHERE salary = ANY (ARRAY[100000000, 100000001])
? = ANY of a constant text that is cast
SELECT id FROM people WHERE salary = ANY ('{100000000,100000001}'::int[])
? BETWEEN halves the candidates
SELECT id FROM people WHERE salary BETWEEN 100000000 AND 200000000
? BETWEEN SYMMETRIC halves the candidates
SELECT id FROM people WHERE salary BETWEEN SYMMETRIC 200000000 AND 100000000
? a comparison with a parameter's place taken by a subquery
SELECT id FROM people WHERE salary > (SELECT 200000000)
? a comparison of rows
SELECT id FROM people WHERE (salary, id) > (200000000, 1)
? an equality of rows
SELECT id FROM people WHERE (id, salary) = (1, 200000000)
? rows in a list
SELECT id FROM people WHERE (id, salary) IN ((1, 200000000), (2, 100))
? a comparison in the select list is one bit a row
SELECT id, salary > 200000000 FROM people
? a comparison in CASE
SELECT id, CASE WHEN salary > 200000000 THEN 'rich' ELSE 'poor' END FROM people
? CASE with a subject
SELECT id, CASE salary WHEN 200000000 THEN 1 ELSE 0 END FROM people
? a comparison in HAVING
SELECT level FROM people GROUP BY level HAVING max(salary) > 300000000
? a comparison in a FILTER
SELECT count(*) FILTER (WHERE salary > 200000000) FROM people
? a comparison in ON
SELECT p.id FROM people p JOIN plain q ON q.id = p.id AND p.salary > 200000000
? a comparison in ON of an outer join shows as a NULL
SELECT p.id, q.id FROM people p LEFT JOIN plain q ON q.id = p.id AND p.salary > 200000000 ORDER BY p.id
? a join of the raw value with guesses
SELECT p.id, g FROM people p JOIN generate_series(100000000, 100000100) AS g ON g = p.salary
? a join of the raw value with a list of guesses
SELECT p.id FROM people p JOIN (VALUES ('aTk0@example.com'), ('x')) AS g (mail) ON g.mail = p.email
? a semijoin with guesses
SELECT p.id FROM people p WHERE p.email IN (SELECT label FROM plain)
? an antijoin with guesses
SELECT p.id FROM people p WHERE p.email NOT IN (SELECT label FROM plain)
? ALL over a subquery
SELECT p.id FROM people p WHERE p.salary > ALL (SELECT amount FROM plain)
? EXISTS over a comparison
SELECT q.id FROM plain q WHERE EXISTS (SELECT 1 FROM people p WHERE p.id = q.id AND p.salary > 200000000)
? EXISTS in the select list
SELECT q.id, EXISTS (SELECT 1 FROM people p WHERE p.id = q.id AND p.email LIKE 'aTk0%') FROM plain q
? NULL test of a CASE over the raw value
SELECT id FROM people WHERE (CASE WHEN email LIKE 'aTk0%' THEN 1 END) IS NULL
? NULL test of NULLIF confirms a guess
SELECT id FROM people WHERE nullif(salary, 200000000) IS NULL
? NULL test of NULLIF in the select list
SELECT id, nullif(left(email, 3), 'aTk') IS NOT NULL FROM people
? NULL test of a function that gives NULL where nothing matches
SELECT id FROM people WHERE substring(email FROM '^aTk[0-7]') IS NULL
? NULL test of a regular expression's match
SELECT id, regexp_match(email, '^aTk[0-7]') IS NULL FROM people
? NULL test of an element that may not be there
SELECT id, (string_to_array(email, '0'))[3] IS NULL FROM people
? NULL test of a document's member
SELECT id, doc ->> 'n' IS NULL FROM people
? NULL test of a document's path with a predicate over its value
SELECT id, jsonb_path_query_first(doc, '$.n ? (@ > 200000000)') IS NULL FROM people
? NULL test of a row of comparisons
SELECT id FROM people WHERE ROW(nullif(salary, 200000000), NULL) IS NULL
? NULL test of COALESCE over a condition
SELECT id FROM people WHERE coalesce(nullif(salary, 200000000), NULL) IS NULL
? NULL test of a subquery whose WHERE looks at the raw value
SELECT id FROM people p WHERE (SELECT 1 FROM people q WHERE q.id = p.id AND q.salary > 200000000) IS NULL
? NULL test of a subscript into an array by the raw value
SELECT id FROM people WHERE (ARRAY[1, 2, 3])[length(note) - 9] IS NULL
? IS TRUE of a comparison
SELECT id FROM people WHERE (salary > 200000000) IS TRUE
? IS UNKNOWN of a comparison
SELECT id FROM people WHERE (nullif(salary, 200000000) > 1) IS UNKNOWN
? a bare boolean column
SELECT id FROM people WHERE flag
? its negation
SELECT id FROM people WHERE NOT flag
? IS TRUE of a boolean column
SELECT id FROM people WHERE flag IS TRUE
? AND and OR around it
SELECT id, flag OR id = 1 FROM people
? count of what a CASE leaves
SELECT count(CASE WHEN salary > 200000000 THEN 1 END) FROM people
? count of NULLIF
SELECT count(nullif(salary, 200000000)) FROM people
? sum of a comparison cast to a number
SELECT sum((salary > 200000000)::int) FROM people
? bool_or of a comparison
SELECT bool_or(salary > 300000000) FROM people
? LIMIT by the raw value
SELECT id FROM plain ORDER BY id LIMIT (SELECT salary % 10 FROM people WHERE id = 1)
? OFFSET by the raw value
SELECT id FROM plain ORDER BY id OFFSET (SELECT salary % 10 FROM people WHERE id = 1)
? LIMIT by a masked column of a subquery
SELECT g FROM generate_series(1, 100) AS g LIMIT (SELECT pin % 7 FROM people WHERE id = 1)
? a series as long as the raw value
SELECT count(*) FROM generate_series(1, (SELECT salary % 1000 FROM people WHERE id = 1))
? repeat by the raw value
SELECT length(repeat('x', salary % 1000)) FROM people
= arithmetic that is the identity (known from masks that look at the outermost column only)
SELECT id, exp(ln(salary)) FROM people
= a sum with nothing
SELECT id, salary + 0 FROM people
= a concatenation with nothing
SELECT id, email || '' FROM people
? the length
SELECT id, length(note) FROM people
? a hash that is compared with hashes of guesses
SELECT id, md5(email) FROM people
? another hash
SELECT id, hashtext(email) FROM people
? the difference of two hidden values
SELECT a.salary - b.salary FROM people a, people b WHERE a.id = 1 AND b.id = 2
? the distance from a guess
SELECT id, abs(salary - 200000000) FROM people
? greatest of the raw value and a guess
SELECT id, greatest(salary, 200000000) FROM people
? least of the raw value and a guess
SELECT id, least(salary, 200000000) = 200000000 FROM people
? overlap of ranges
SELECT id FROM people WHERE range && int4range(100000000, 200000000)
? containment in a range
SELECT id FROM people WHERE int4range(100000000, 200000000) @> salary
? containment in an array
SELECT id FROM people WHERE tags @> ARRAY['short-Tk0yz']
? overlap of arrays
SELECT id FROM people WHERE nums && ARRAY[1]
? containment in a document
SELECT id FROM people WHERE doc @> '{"n": 200000000}'
? a key of a document
SELECT id FROM people WHERE doc ? 'k'
? a path predicate
SELECT id FROM people WHERE doc @@ '$.n > 200000000'
? network containment
SELECT id FROM people WHERE ip << inet '203.0.113.0/29'
? a full text match
SELECT id FROM people WHERE to_tsvector('simple', note) @@ to_tsquery('simple', 'tk0:*')
? a full text operator over text
SELECT id FROM people WHERE note @@ 'tk0'
? overlap of periods
SELECT id FROM people WHERE (born, born) OVERLAPS (date '1900-01-01', date '1950-01-01')
? a denied column in WHERE
SELECT id FROM people WHERE secret > 'Tk8'
? a denied column in ON
SELECT p.id FROM people p JOIN plain q ON p.secret > q.label
? a denied column's NULL test
SELECT id FROM people WHERE secret IS NULL
? a denied column counted
SELECT count(secret) FROM people
? a denied column under EXISTS
SELECT id FROM plain WHERE EXISTS (SELECT secret FROM people)
? width_bucket finds the place among guesses
SELECT id, width_bucket(salary, 100000000, 400000000, 16) FROM people
? comparison through the negator with the sides turned round
SELECT id FROM people WHERE NOT 200000000 >= salary
? comparison with COLLATE
SELECT id FROM people WHERE email COLLATE "C" > 'aTk8'
? the text of a document is compared
SELECT id FROM people WHERE doc::text LIKE '%Tk0%'

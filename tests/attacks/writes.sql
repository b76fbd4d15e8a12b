= RETURNING an expression
UPDATE people SET level = 'x' WHERE id = 1 RETURNING email || ''
= RETURNING of a DELETE
DELETE FROM accounts WHERE id = 1 RETURNING iban
= RETURNING from another table
UPDATE plain SET label = 'x' FROM people p WHERE p.id = plain.id RETURNING p.email
= RETURNING an expression from another table
UPDATE plain SET label = 'x' FROM people p WHERE p.id = plain.id RETURNING lower(p.email)
= DELETE USING
DELETE FROM plain USING people p WHERE p.id = plain.id AND plain.id > 100 OR p.id = 1 RETURNING p.email
= a stored value, read back from an open table
UPDATE plain SET label = (SELECT email FROM people p WHERE p.id = plain.id) RETURNING label
= stored by FROM
UPDATE plain SET label = p.email FROM people p WHERE p.id = plain.id RETURNING label
= several columns at once
UPDATE plain SET (label, code) = (SELECT email, name FROM people p WHERE p.id = plain.id) RETURNING label
= ROW assigned
UPDATE plain SET (label, code) = ROW ((SELECT email FROM people WHERE id = 1), 'x') WHERE id = 1 RETURNING label
= inserted from a query
INSERT INTO plain (id, label) SELECT id + 100, email FROM people RETURNING label
= inserted from VALUES with a subquery
INSERT INTO plain (id, label) VALUES (100, (SELECT email FROM people WHERE id = 1)) RETURNING label
= inserted with a star
INSERT INTO plain SELECT id + 100, email, id, name FROM people RETURNING *
= inserted through a CTE
WITH s AS (SELECT id + 100, email FROM people) INSERT INTO plain (id, label) SELECT * FROM s RETURNING label
= stored on conflict
INSERT INTO plain (id, label) SELECT id, email FROM people ON CONFLICT (id) DO UPDATE SET label = excluded.label RETURNING label
= stored on conflict from a subquery
INSERT INTO plain (id, label) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET label = (SELECT email FROM people WHERE id = 1) RETURNING label
? ON CONFLICT … WHERE looks at the stored value
INSERT INTO people (id, level, region, created, name, alias) VALUES (1, 'a', 'b', now(), 'c', 'd') ON CONFLICT (id) DO UPDATE SET level = 'hit' WHERE people.salary > 200000000
? ON CONFLICT on a hidden unique column confirms a guess
INSERT INTO people (id, level, region, created, name, alias, email) VALUES (99, 'a', 'b', now(), 'c', 'd', 'aTk0@example.com') ON CONFLICT (email) DO NOTHING
= ON CONFLICT returns the stored row
INSERT INTO people (id, level, region, created, name, alias) VALUES (1, 'a', 'b', now(), 'c', 'd') ON CONFLICT (id) DO UPDATE SET level = 'hit' RETURNING people.email || ''
= a view computes a column for the row that was not inserted, too
INSERT INTO w_sub (id, label) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET label = excluded.mail RETURNING label
= and the whole of it
INSERT INTO w_sub (id, label) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET label = excluded::text RETURNING label
= or all of its columns
INSERT INTO w_sub (id, label) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET label = (SELECT e.mail FROM (SELECT excluded.*) e) RETURNING label
? and a condition holds against it
INSERT INTO w_sub (id, label) VALUES (1, 'x') ON CONFLICT (id) DO UPDATE SET label = 'hit' WHERE excluded.mail LIKE 'aTk%' RETURNING label
= what a view computes is stored
UPDATE w_sub SET label = mail WHERE id = 1 RETURNING label
= out of its row
UPDATE w_sub v SET label = (v).mail WHERE id = 1 RETURNING label
= by the name of a function
UPDATE w_sub v SET label = mail(v) WHERE id = 1 RETURNING label
= from a query inside
UPDATE w_sub v SET label = (SELECT x.mail FROM (SELECT v.*) x) WHERE id = 1 RETURNING label
= or returned in one
UPDATE w_sub v SET label = 'x' WHERE id = 1 RETURNING (SELECT v.mail || '')
= from a row that is deleted
DELETE FROM w_sub v WHERE id = 1 RETURNING (v).*
=18+ that was before
UPDATE w_sub SET label = 'x' WHERE id = 1 RETURNING lower(old.mail), upper(upper(old.mail)) || old.mail
=17+ by MERGE
MERGE INTO w_sub v USING (VALUES (1)) n (id) ON v.id = n.id WHEN MATCHED THEN UPDATE SET label = v.mail RETURNING v.label
? a condition on what a view computes is counted
DELETE FROM w_sub WHERE mail > 'aTk8' AND id = 1
- MERGE stores a hidden value
MERGE INTO plain t USING people p ON p.id = t.id WHEN MATCHED THEN UPDATE SET label = p.email
- MERGE on a hidden value
MERGE INTO plain t USING people p ON p.id = t.id AND p.salary > 200000000 WHEN MATCHED THEN UPDATE SET label = 'rich'
- MERGE with a condition on a hidden value
MERGE INTO plain t USING people p ON p.id = t.id WHEN MATCHED AND p.salary > 200000000 THEN UPDATE SET label = 'rich' WHEN NOT MATCHED THEN DO NOTHING
- MERGE inserts a hidden value
MERGE INTO plain t USING people p ON p.id + 100 = t.id WHEN NOT MATCHED THEN INSERT (id, label) VALUES (p.id + 100, p.email)
- MERGE returns a hidden value
MERGE INTO plain t USING people p ON p.id = t.id WHEN MATCHED THEN UPDATE SET label = 'x' RETURNING p.email || ''
? an UPDATE whose WHERE looks at the raw value counts the rows
UPDATE people SET level = 'rich' WHERE salary > 200000000
? and so does a DELETE
DELETE FROM accounts WHERE balance > 200000000
? an UPDATE of a clear column by a comparison
UPDATE people SET level = CASE WHEN salary > 200000000 THEN 'rich' ELSE 'poor' END RETURNING id, level
? an UPDATE joined by a hidden value
UPDATE plain SET label = 'hit' FROM people p WHERE p.email = plain.label
? an UPDATE through a subquery
UPDATE plain SET label = 'hit' WHERE id IN (SELECT id FROM people WHERE salary > 200000000) RETURNING id
= a data-modifying CTE returns the value
WITH u AS (UPDATE people SET level = 'x' RETURNING id, lower(email) AS v) SELECT v FROM u
= a data-modifying CTE stores the value
WITH u AS (INSERT INTO plain (id, label) SELECT id + 100, email FROM people RETURNING label) SELECT label FROM u
= a DELETE in a CTE moves the rows
WITH d AS (DELETE FROM accounts RETURNING *) INSERT INTO plain (id, label) SELECT id + 100, iban FROM d RETURNING label
? a data-modifying CTE with a condition on the raw value
WITH u AS (UPDATE people SET level = 'x' WHERE salary > 200000000 RETURNING id) SELECT count(*) FROM u
= a masked column moved into a clear one of the same table
UPDATE people SET level = email RETURNING level
= a masked column moved into a clear one, then read
UPDATE people SET level = email
;;
SELECT level FROM people
= a masked column swapped with a clear one
UPDATE people SET level = note, note = level RETURNING level
= an array's element stored
UPDATE people SET tags[1] = 'x' RETURNING tags[1] || tags[2]
= a document's member stored, the rest comes back
UPDATE people SET doc['x'] = '1' RETURNING doc::text
= a composite's field stored, the rest read back
UPDATE homes SET home.city = 'x' RETURNING home
= a DEFAULT's function speaks
INSERT INTO defaulted (id) VALUES (1) RETURNING id
= a trigger's notice
INSERT INTO quiet (id, label) VALUES (1, 'x')
= a trigger's error with every field set
INSERT INTO quiet (id, label) VALUES (1, 'fail')
= a trigger's error in an UPDATE
UPDATE quiet SET label = 'fail'
= a trigger's notice in a CTE
WITH u AS (UPDATE quiet SET label = 'y' RETURNING id) SELECT count(*) FROM u
= a trigger's notice in MERGE's relative, COPY
INSERT INTO noisy (id, label) SELECT 1, 'x'
= a rule that adds a query
INSERT INTO ruled VALUES (1)
=! a deferred trigger speaks at COMMIT
BEGIN
;;
INSERT INTO coded (id, mood) VALUES (50, 'calm')
;;
COMMIT
=! a deferred trigger speaks at the end of a string
INSERT INTO coded (id, mood) VALUES (51, 'calm'); SELECT 1
= a deferred trigger speaks at SET CONSTRAINTS
INSERT INTO coded (id, mood) VALUES (52, 'calm')
;;
SET CONSTRAINTS ALL IMMEDIATE
= a referencing row is quoted where its reference cannot be set to NULL
DELETE FROM plain WHERE id = 3
= a referencing row is quoted where its changed reference fails a check
UPDATE plain SET id = 5000 WHERE id = 3
= a trigger of a referencing table speaks when the rows go
DELETE FROM parent WHERE id = 3
- the failing row is quoted, where no field is cut
UPDATE checked SET amount = -1 WHERE id = 1
- the failing row of a NOT NULL constraint is quoted
UPDATE checked SET secret = NULL WHERE id = 1
= the conflicting key of an exclusion is quoted
UPDATE checked SET amount = -amount
- a domain's check quotes
UPDATE coded SET code = left(code, 2)
- a unique violation confirms a guess
UPDATE people SET email = (SELECT email FROM people WHERE id = 2) WHERE id = 1
= a unique violation quotes the key
UPDATE people SET email = (SELECT email FROM people WHERE id = 2) WHERE id = 1
= a function in an index speaks
INSERT INTO indexed (id) VALUES (1)
= a generated column's copy
SELECT twin FROM made
= a generated column that is derived
SELECT loud FROM made
? a generated column that tells the length
SELECT id, size FROM made
= a generated column in RETURNING
UPDATE made SET id = id RETURNING twin, loud
= a value put in by the client comes back through an open function, which is its own
INSERT INTO plain (id, label) VALUES (101, 'x') RETURNING (SELECT email FROM people WHERE people.id = 1)
= a writable masked column: the stored values come back
UPDATE later SET secret = secret || '' RETURNING secret || ''
= a writable masked column is moved into a clear one
UPDATE noisy SET label = secret RETURNING label
? a write's row count under a masked condition
UPDATE later SET id = id WHERE code > 'Tk8'
= a cursor's row is changed and returned
DECLARE c CURSOR FOR SELECT id FROM people ORDER BY id
;;
FETCH c
;;
UPDATE people SET level = 'x' WHERE CURRENT OF c RETURNING lower(email)
= TRUNCATE of a table whose rows others have
TRUNCATE coded
;;
SELECT email || '' FROM people
= a partition is written and returned
INSERT INTO events SELECT id + 20, 'x', payload FROM events RETURNING kind
;;
UPDATE events SET kind = payload RETURNING kind
= a row moves between partitions
UPDATE events_1 SET kind = payload RETURNING kind
= a child is written
UPDATE derived SET extra = secret RETURNING extra
= the parent's UPDATE reaches the child
UPDATE base SET id = id RETURNING secret || ''
= a trigger executes a statement of a name that it makes of a value
INSERT INTO dynamic VALUES (1, 'execute')
= a trigger moves in a cursor of such a name
INSERT INTO dynamic VALUES (1, 'fetch')
= a trigger's statement with a value in it is quoted as the context of its error
INSERT INTO dynamic VALUES (1, 'text')
= a hidden row stands in the way and comes back
INSERT INTO fenced (id, region) VALUES (1, 'EU') ON CONFLICT (id) DO UPDATE SET region = 'EU' RETURNING secret || ''
? a hidden row that stands in the way confirms a guess
INSERT INTO fenced AS f (id, region) VALUES (1, 'EU') ON CONFLICT (id) DO UPDATE SET region = 'EU' WHERE f.secret LIKE 'Tk%'
- a hidden row that stands in the way makes an error
INSERT INTO fenced AS f (id, region) VALUES (1, 'EU') ON CONFLICT (id) DO UPDATE SET region = 'EU' WHERE f.secret::int = 1
- and so it would where it is stored
INSERT INTO fenced AS f (id, region) VALUES (1, 'EU') ON CONFLICT (id) DO UPDATE SET region = f.secret::int
= hidden rows are brought within the condition
UPDATE fenced SET region = 'EU' WHERE region = 'US' RETURNING secret || ''
= and read afterwards
UPDATE fenced SET region = 'EU'
;;
SELECT secret || '' FROM fenced WHERE id = 1
= hidden rows are inserted where they can be seen
INSERT INTO fenced SELECT id + 100, 'EU', secret FROM fenced WHERE id % 2 = 1 RETURNING secret || ''
= the error of a check with a value in it
INSERT INTO fenced (id, region) SELECT 99, current_setting('pgscrim.row_condition' || secret) FROM fenced
= the same in RETURNING
UPDATE fenced SET region = 'EU' RETURNING current_setting('pgscrim.row_condition' || secret)
- the setting that a check asks for is made
SET pgscrim.row_condition = 'true'
;;
UPDATE fenced SET region = 'US' RETURNING id
;;
SELECT id FROM fenced WHERE region = 'US'
- the same by a function
SELECT set_config('pgscrim.' || 'row_condition', 'true', false)
;;
INSERT INTO fenced (id, region) VALUES (100, 'US') RETURNING id
? a row beyond the condition in a CTE that nobody reads
WITH w AS (INSERT INTO fenced (id, region) VALUES (100, 'US')) SELECT id FROM fenced
- MERGE looks at a hidden row
MERGE INTO fenced f USING plain p ON p.id = f.id AND f.secret LIKE 'Tk%' WHEN MATCHED THEN UPDATE SET secret = 'x'
- MERGE looks at a hidden row in WHEN
MERGE INTO fenced f USING plain p ON p.id = f.id WHEN MATCHED AND f.secret::int = 1 THEN DELETE
- MERGE plants a row beyond the condition
MERGE INTO fenced f USING plain p ON p.id + 100 = f.id WHEN NOT MATCHED THEN INSERT (id, region) VALUES (p.id + 100, 'US')

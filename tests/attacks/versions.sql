=15- what an older server takes for a call
SELECT json_array(1)
=15- what an older server takes for a call without arguments
SELECT json_object()
=16- what an older server takes for a call of two
SELECT json_value(1, '$'), json_query(1, '$')
=16- what an older server takes for a call in a condition
SELECT json_scalar(1) WHERE json_serialize(1) > 'a'
=16- a type that an older server takes for a function
SELECT json(1)
=16- a word of MERGE that an older server takes for a call
SELECT merge_action()
=15- a column that a newer server takes for a function
SELECT system_user FROM words
?15- a condition on it
SELECT id FROM words WHERE system_user > 'Tk8'
- a number that an older server takes for another with a name behind it
SELECT id FROM plain WHERE id = 0x1 OR id = 1_0
? an end of a range that is open
SELECT id FROM spans WHERE low IS NULL
? an end of a stored range
SELECT id FROM s_spans WHERE low IS NULL OR high IS NULL
? a path that is closed
SELECT id FROM spans WHERE closed IS NULL
?18+ a document that is null
SELECT id FROM s_cast WHERE n IS NULL
?18+ a document that is null, through its text
SELECT count(t) FROM s_cast
=18+ a column that is computed when it is read
SELECT * FROM virtual
=18+ a virtual copy whose mask does not commute
SELECT tail || '' FROM virtual
=18+ what is computed of two
SELECT pair FROM virtual
?18+ a comparison that NULL would tell of
SELECT id FROM virtual WHERE hit IS NULL
?18+ a virtual column in a condition
SELECT id FROM virtual WHERE loud > 'TK8'
=18+ a row with virtual columns
SELECT v FROM virtual v
=18+ the most common values of what is computed
SELECT to_jsonb(v) FROM virtual v
=18+ the row before
UPDATE people SET level = 'x' RETURNING old.email, old.note
=18+ the row after, whole
UPDATE people SET level = 'x' RETURNING new
=18+ all of the row before
UPDATE people SET level = 'x' WHERE id < 3 RETURNING old.*
=18+ under other names
UPDATE people SET level = 'x' RETURNING WITH (OLD AS o, NEW AS n) o.email || '', n.note, *
=18+ what was deleted
DELETE FROM accounts RETURNING old.iban, new.iban
=18+ what stood in the way
INSERT INTO later (id, code, secret) VALUES (1, 'x', 'y') ON CONFLICT (id) DO UPDATE SET code = 'z' RETURNING old.code, old.secret
=18+ the row before in a subquery
UPDATE people SET level = 'x' RETURNING (SELECT old.note)
=18+ a row that does not exist
UPDATE fenced SET region = 'EU' RETURNING old.secret
=18+ what a write-back left as it was
UPDATE people SET note = '***' RETURNING old.note, new.note
=17+ what MERGE changed
MERGE INTO people p USING plain s ON p.id = s.id WHEN MATCHED THEN UPDATE SET level = 'x' RETURNING merge_action(), p.email
=17+ all of what MERGE changed
MERGE INTO people p USING plain s ON p.id = s.id WHEN MATCHED THEN UPDATE SET level = 'x' RETURNING *
=17+ all of MERGE's source
MERGE INTO plain p USING people s ON p.id = s.id WHEN MATCHED THEN UPDATE SET label = 'x' RETURNING *
=17+ what MERGE changed, in a query
WITH m AS (MERGE INTO plain p USING people s ON p.id = s.id WHEN MATCHED THEN DELETE RETURNING s.note, s.email) SELECT * FROM m
?17+ rows that have no match
MERGE INTO people p USING plain s ON p.id = s.id AND s.id < 0 WHEN NOT MATCHED BY SOURCE AND p.note > 'Tk8' THEN DELETE RETURNING p.id
=18+ the row before MERGE
MERGE INTO people p USING plain s ON p.id = s.id WHEN MATCHED THEN UPDATE SET level = 'x' RETURNING old.email, new.note
=16+ any of the values
SELECT any_value(note), any_value(email) FROM people
=17+ an identity of the bits
SELECT to_bin(salary), to_oct(salary), to_hex(salary) FROM people
=18+ the bytes of a number
SELECT salary::bytea, pin::bytea FROM people
=18+ case, folded
SELECT casefold(note) FROM people
=18+ an array, sorted and turned
SELECT array_sort(tags), array_reverse(nums) FROM people
?18+ a checksum
SELECT crc32(note::bytea) FROM people WHERE id = 1
=18+ bytes, turned twice
SELECT reverse(reverse(blob)) FROM people
=17+ documents by their members
SELECT p.id, t.* FROM people p, JSON_TABLE(p.doc, '$' COLUMNS (n FOR ORDINALITY, k text PATH '$.k', NESTED PATH '$' COLUMNS (d text PATH '$.k'))) t
=17+ the document in a path's variable
SELECT t.v FROM people p, JSON_TABLE('1', '$' PASSING p.note AS x COLUMNS (v text PATH '$x')) t
- a default from the value
SELECT t.v FROM people p, JSON_TABLE('{}', '$' COLUMNS (v text PATH '$.a' DEFAULT p.note ON EMPTY)) t
- a member by JSON_VALUE with a default
SELECT JSON_VALUE('{}', '$.a' RETURNING text DEFAULT note ON EMPTY) FROM people
=17+ EXPLAIN with a generic plan, memory and serialization
EXPLAIN (ANALYZE, MEMORY, SERIALIZE, COSTS OFF, VERBOSE) SELECT id FROM people WHERE note > (SELECT note FROM people WHERE id = 1)
;;
SELECT note FROM people
=18+ a stored copy to the client
COPY s_plain TO STDOUT
- statistics of 18 are set
SELECT pg_restore_attribute_stats('schemaname', 'public', 'relname', 'people', 'attname', 'note', 'inherited', false, 'null_frac', 0.1::real)
- statistics of 18 are forgotten
SELECT pg_clear_relation_stats('public', 'people')
- io of other sessions
SELECT * FROM pg_get_aios()
- two-phase names of others
SELECT gid FROM pg_prepared_xacts

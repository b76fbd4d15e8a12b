-- Values within documents, by each way that leads to them.
= the whole document
SELECT * FROM files
= the document as text
SELECT doc::text FROM files
= by its member
SELECT doc -> 'full name' FROM files
= by its member, as text
SELECT doc ->> 'full name' FROM files
= by a member whose name is put together
SELECT doc ->> ('full' || ' name') FROM files
= by a member whose name another table gives
SELECT f.doc ->> p.n FROM files f, (VALUES ('gone'), ('pin')) AS p (n)
= by a path
SELECT doc #>> '{address,street}' FROM files
= by a path through an array
SELECT doc #>> '{phones,0,number}' FROM files
= from the end of an array
SELECT doc #> '{tags,-1}' FROM files
= by a subscript
SELECT doc['address']['street'] FROM files
= by subscripts of an array
SELECT doc['phones'][1]['number'] FROM files
= by jsonpath
SELECT jsonb_path_query(doc, '$.address.street') FROM files
= by a strict jsonpath that goes everywhere
SELECT jsonb_path_query(doc, 'strict $.**') FROM files
= by jsonpath operators
SELECT jsonb_path_query_array(doc, '$.phones[*].number ? (@ like_regex "^Tk")') FROM files
= by jsonpath where an array stands in the place of an object
SELECT jsonb_path_query(doc, '$.address[1][*].street') FROM files
? a comparison within jsonpath
SELECT id FROM files WHERE doc @? '$.pin ? (@ > 200000000)'
? a predicate of jsonpath
SELECT id, doc @@ '$.pin > 200000000' FROM files
? containment
SELECT id FROM files WHERE doc @> '{"open": "x1"}' AND doc @> jsonb_build_object('full name', 'Tk' || substr(md5('fname' || id), 1, 10))
? whether a denied member is there
SELECT count(*) FROM files WHERE doc ? 'gone'
? what an index on an expression finds
SELECT id FROM files WHERE doc ->> 'full name' >= 'Tk8'
? the order of values within
SELECT id FROM files ORDER BY doc -> 'pin'
? groups of them
SELECT count(*) FROM files GROUP BY doc -> 'pin'
? the size of a document
SELECT id, length(doc::text), pg_column_size(doc) FROM files
= its members as rows
SELECT f.id, m.* FROM files f, jsonb_each(f.doc) m
= its members as texts, called in the select list
SELECT (jsonb_each_text(doc)).value FROM files
= elements as rows
SELECT jsonb_array_elements(doc -> 'tags') FROM files
= elements as a record
SELECT r.* FROM files, jsonb_to_recordset(doc -> 'phones') AS r (kind text, number text)
= members by the names of a record
SELECT r.* FROM files, jsonb_to_record(doc) AS r (gone text, pin bigint)
= a document that is put together of others
SELECT jsonb_agg(doc) FROM files
= members of several documents
SELECT jsonb_object_agg(id, doc -> 'address') FROM files
= what is left when all that is open is taken out
SELECT doc - ARRAY['open', 'phones'] FROM files
= what stands where another value is put in
SELECT jsonb_insert(doc, '{tags,0}', '"new"') FROM files
= a document without its NULLs
SELECT jsonb_strip_nulls(doc) FROM files
= a document as a member of another
SELECT jsonb_build_object('d', doc, 'n', id) FROM files
= a whole row as a document
SELECT to_jsonb(f) FROM files f
= rows as a document
SELECT json_agg(f) FROM files f
= through a view's column
SELECT x.d ->> 'gone' FROM (SELECT doc AS d FROM files OFFSET 0) x
= of two documents the greater
SELECT greatest(doc, '{}') FROM files
= the greatest of all
SELECT (array_agg(doc ORDER BY doc DESC))[1] FROM files
= one that is made by COALESCE
SELECT COALESCE(doc, '{}') -> 'full name' FROM files
= words of it
SELECT jsonb_to_tsvector('simple', doc, '["string"]') FROM files
= members of the type json
SELECT raw ->> 'name' FROM files
= its text
SELECT raw::text FROM files
= json as jsonb
SELECT raw::jsonb FROM files
= elements of json
SELECT json_array_elements(raw -> 'list') FROM files
= by the path of json
SELECT raw #>> '{list,0,name}' FROM files
= a copy of a document in a table of one's own
CREATE TEMP TABLE t AS SELECT id, doc FROM files
;;
SELECT doc ->> 'full name' FROM t
= a document copied out
COPY (SELECT doc FROM files) TO STDOUT
= a document and its pieces by a cursor
DECLARE c CURSOR FOR SELECT doc, doc -> 'tags' FROM files
;;
FETCH ALL FROM c
- an error whose text quotes a value
SELECT (doc ->> 'full name')::int FROM files
- an error that says whether a value is so
SELECT 1 / (CASE WHEN doc ->> 'full name' > 'Tk8' THEN 0 ELSE 1 END) FROM files
= a change that returns what was there
UPDATE files SET doc = doc || '{"open": "y"}' RETURNING doc
= a change of one member
UPDATE files SET doc['open'] = '"y"' RETURNING doc ->> 'full name'
= a change of a document into another's place
UPDATE files SET raw = doc::json RETURNING raw
= a row that is put in and gives others
INSERT INTO files SELECT id + 100, doc, raw FROM files RETURNING doc
= a change that is chosen by a value within
DELETE FROM files WHERE doc ->> 'full name' LIKE 'Tk%' RETURNING doc
= a conflict that tells what was there
INSERT INTO files VALUES (1, '{}', '{}') ON CONFLICT (id) DO UPDATE SET raw = '{}' RETURNING doc

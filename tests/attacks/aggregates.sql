= values in an array
SELECT array_agg(email) FROM people
= values in a text
SELECT string_agg(email, ',') FROM people
= the separator is the value
SELECT string_agg('x', email) FROM people
= values in json
SELECT json_agg(email), jsonb_agg(email) FROM people
= values as keys of json
SELECT json_object_agg(email, id) FROM people
= the same as jsonb
SELECT jsonb_object_agg(id, email) FROM people
= values in XML
SELECT xmlagg(xmlelement(name e, email)) FROM people
= xmlforest
SELECT xmlforest(email, name) FROM people
= attributes of an element
SELECT xmlelement(name e, xmlattributes(email AS a)) FROM people
= a processing instruction
SELECT xmlpi(name php, email) FROM people
= xmlparse
SELECT xmlparse(CONTENT email) FROM people
= xmlserialize
SELECT xmlserialize(CONTENT page AS text) FROM people
= xmlconcat
SELECT xmlconcat(page, page) FROM people
= xpath
SELECT xpath('/a/text()', page) FROM people
? xmlexists
SELECT id FROM people WHERE xmlexists('//a[starts-with(., "Tk0")]' PASSING page)
= XMLTABLE
SELECT t.v FROM people, XMLTABLE('/a' PASSING page COLUMNS v text PATH '.') AS t
= XMLTABLE with a default from the value
SELECT t.v FROM people p, XMLTABLE('/a' PASSING page COLUMNS v text PATH 'b' DEFAULT p.email) AS t
= XMLTABLE with a path from the value
SELECT t.v FROM people p, XMLTABLE('/a' PASSING p.page COLUMNS v text PATH 'text()') AS t
=17+ JSON_TABLE
SELECT t.v FROM people, JSON_TABLE(doc, '$' COLUMNS (v text PATH '$.k')) AS t
=17+ JSON_VALUE
SELECT JSON_VALUE(doc, '$.k') FROM people
=17+ JSON_QUERY
SELECT JSON_QUERY(doc, '$.k') FROM people
?17+ JSON_EXISTS
SELECT id FROM people WHERE JSON_EXISTS(doc, '$.n ? (@ > 200000000)')
=16+ JSON_OBJECT
SELECT JSON_OBJECT('a': email) FROM people
=16+ JSON_ARRAY
SELECT JSON_ARRAY(email, name) FROM people
=16+ JSON_ARRAY of a query
SELECT JSON_ARRAY(SELECT email FROM people)
=16+ JSON_OBJECTAGG
SELECT JSON_OBJECTAGG(id: email) FROM people
=16+ JSON_ARRAYAGG
SELECT JSON_ARRAYAGG(email) FROM people
=17+ JSON_SCALAR
SELECT JSON_SCALAR(email) FROM people
?17+ JSON_SERIALIZE
SELECT JSON_SERIALIZE(doc) FROM people
?16+ IS JSON
SELECT id FROM people WHERE note IS JSON
= a member of a document
SELECT doc -> 'k' FROM people
= a member as text
SELECT doc ->> 'k' FROM people
= a path
SELECT doc #>> '{k}' FROM people
= a subscript
SELECT doc['k'] FROM people
= jsonb_path_query
SELECT jsonb_path_query(doc, '$.*') FROM people
= jsonb_each_text
SELECT e.value FROM people, jsonb_each_text(doc) AS e
= json_to_record
SELECT r.k FROM people, json_to_record(raw) AS r (k text)
= jsonb_pretty
SELECT jsonb_pretty(doc) FROM people
= a document with something taken out
SELECT doc - 'n' FROM people
= jsonb_set
SELECT jsonb_set(doc, '{n}', '1') FROM people
= a classified path of a document that is not classified as a whole
SELECT body FROM docs
= by that path
SELECT body ->> 'secret' FROM docs
= by another spelling of the path
SELECT body #>> ARRAY['sec' || 'ret'] FROM docs
= its strict path
SELECT jsonb_path_query(body, '$.**') FROM docs
= an element of an array
SELECT tags[1] FROM people
= a slice of an array
SELECT tags[1:1] FROM people
= unnest in the select list
SELECT unnest(tags) FROM people
= unnest in FROM
SELECT t FROM people, unnest(tags) AS t
= unnest of numbers
SELECT n FROM people, unnest(nums) AS n
= array_to_string
SELECT array_to_string(tags, ',') FROM people
? the array's length
SELECT id, array_length(nums, 1), cardinality(tags) FROM people
? the place of a guess in an array
SELECT id, array_position(nums, 200000000) FROM people
= generate_subscripts with the value beside it
SELECT s, tags[s] FROM people, generate_subscripts(tags, 1) AS s
= ROWS FROM with the value
SELECT * FROM people p, ROWS FROM (unnest(p.tags), generate_series(1, 2)) AS r (a, b)
= WITH ORDINALITY
SELECT u.v FROM people, unnest(tags) WITH ORDINALITY AS u (v, n)
= bounds of a range
SELECT lower(range) FROM people
= a range as text
SELECT range::text FROM people
= a multirange of it
SELECT multirange(range) FROM people
= range_agg
SELECT range_agg(range) FROM people WHERE id = 1
= bytea in hex
SELECT encode(blob, 'hex') FROM people
= bytea in base64
SELECT encode(blob, 'base64') FROM people
? bytes one by one
SELECT g, get_byte(blob, g) FROM people, generate_series(0, 15) AS g WHERE id = 1
? bits one by one
SELECT g, get_bit(blob, g) FROM people, generate_series(0, 127) AS g WHERE id = 1
= one character a row
SELECT substr(email, g, 1) FROM people, generate_series(1, 14) AS g WHERE id = 1 ORDER BY g
= one character's number a row
SELECT ascii(substr(email, g, 1)) FROM people, generate_series(1, 14) AS g WHERE id = 1 ORDER BY g
= one character a row by string_to_table
SELECT c FROM people, string_to_table(email, NULL) AS c WHERE id = 1
= reversed
SELECT reverse(email) FROM people
= in capitals
SELECT upper(email) FROM people
= initcap of a part
SELECT split_part(email, '@', 1) FROM people
= translated and back
SELECT translate(email, 'T', 't') FROM people
= a quote
SELECT quote_nullable(email) FROM people
= to_char
SELECT to_char(salary, 'FM999,999,999') FROM people
= to_hex
SELECT to_hex(salary) FROM people
? a sum
SELECT sum(salary) FROM people
= a sum of one
SELECT sum(salary) FROM people WHERE id = 1
= an average of one
SELECT avg(salary) FROM people WHERE id = 1
= max of one
SELECT max(wealth) FROM people WHERE id = 1
? a variance
SELECT stddev(salary) FROM people
? a correlation
SELECT corr(salary, id) FROM people
? bit_and
SELECT bit_xor(salary) FROM people
? the number of distinct values
SELECT count(DISTINCT note) FROM people
? the number of distinct expressions
SELECT count(DISTINCT left(alias, 3)) FROM people
? a hypothetical set
SELECT percent_rank(200000000) WITHIN GROUP (ORDER BY salary) FROM people
= an aggregate as a window function
SELECT id, string_agg(email, ',') OVER (ORDER BY id) FROM people
= any column through CASE without a condition
SELECT CASE WHEN true THEN email END FROM people
= COALESCE
SELECT coalesce(email, 'x') FROM people
= NULLIF
SELECT nullif(email, 'x') FROM people
= GREATEST
SELECT greatest(email, '') FROM people
= a cast to its own type
SELECT email::text FROM people
= a cast of a varchar to text
SELECT phone::text FROM people
= COLLATE
SELECT email COLLATE "C" FROM people
= a date as a text
SELECT born::text FROM people
= parts of a date put together
SELECT make_date(extract(year FROM born)::int, extract(month FROM born)::int, extract(day FROM born)::int) FROM people
? a part of a date that the mask hides
SELECT id, extract(day FROM born) FROM people
? an age
SELECT id, born - date '2000-01-01' FROM people
= a timestamp in another zone
SELECT seen AT TIME ZONE 'UTC' FROM people
= the epoch of a timestamp
SELECT extract(epoch FROM seen) FROM people
= an address without its mask
SELECT host(ip), text(ip), abbrev(ip) FROM people
? an address's number
SELECT ip - inet '203.0.113.0' FROM people
= a uuid as text
SELECT ref::text FROM people
= a token list
SELECT to_tsvector('simple', note) FROM people
= ts_headline
SELECT ts_headline(note, 'x'::tsquery) FROM people
= ts_debug's relative
SELECT d.token FROM people p, ts_parse('default', p.note) AS d WHERE p.id = 1
? soundex and its like
SELECT levenshtein(email, 'aTk0') FROM people
= a number as a float
SELECT score + 0 FROM people
= an interval's seconds
SELECT extract(epoch FROM span) FROM people
= a scalar subquery with an expression in it
SELECT (SELECT email || '' FROM people WHERE id = 1)
= a correlated scalar subquery
SELECT q.id, (SELECT lower(p.email) FROM people p WHERE p.id = q.id) FROM plain q
= ARRAY of a subquery
SELECT ARRAY(SELECT email FROM people)
= a lateral subquery with an expression
SELECT l.v FROM people p, LATERAL (SELECT p.email || '' AS v) AS l
= a lateral join
SELECT l.v FROM people p LEFT JOIN LATERAL (VALUES (p.email, 1), ('x', 2)) AS l (v, n) ON true
= a lateral function
SELECT l.v FROM people p CROSS JOIN LATERAL regexp_split_to_table(p.email, '@') AS l (v)
= format in a lateral item
SELECT l FROM people p, format('%s', p.email) AS l
= concat_ws
SELECT concat_ws('', email) FROM people
= repeat
SELECT repeat(email, 1) FROM people
= overlay
SELECT overlay(email PLACING '' FROM 1 FOR 0) FROM people
= substring's SQL form
SELECT substring(email FROM 1 FOR 20) FROM people
= trim
SELECT trim(email), btrim(email) FROM people
? sets without the key: what was added to each set for its sake made others of them
SELECT max(salary), count(*), max(email) FROM people GROUP BY ROLLUP (born, id)
? the same with all its sets
SELECT string_agg(email, ',' ORDER BY email) FROM people GROUP BY GROUPING SETS ((born, id), (id), ())
= normalize
SELECT normalize(email) FROM people
= a crosstab's argument is a text that is run
SELECT * FROM crosstab('SELECT id, 1, email FROM people') AS c (id int, v text)

= a copy of everything
SELECT * FROM s_plain
= a copy by another name
SELECT mail FROM s_plain
= a copy whose mask does not commute
SELECT mail || '' FROM s_plain
? a condition on a copy
SELECT id FROM s_plain WHERE mail LIKE 'aTk8%'
? a copy's order
SELECT id FROM s_plain ORDER BY salary
= a copy that a unique index of its own finds
SELECT mail FROM s_plain WHERE mail > 'a' ORDER BY mail LIMIT 1
= a denied column's copy
SELECT secret FROM s_plain
= the row of a copy
SELECT s FROM s_plain s
= the row of a copy as a document
SELECT to_jsonb(s) FROM s_plain s
= a view over a copy
SELECT * FROM v_stored
= a copy of a view over a copy
SELECT * FROM s_deep
= what is computed from a view over a copy
SELECT loud, low FROM s_deep
? a length of a copy of a view over a copy
SELECT size FROM s_deep
? what is aggregated and stored
SELECT top, mails FROM s_agg
= the least of what is hidden behind a constant
SELECT lowest FROM s_agg
= a copy over an injective join
SELECT * FROM s_alias
= a copy of both sides of a union
SELECT payload FROM s_union
= a copy of unlike sides of a union
SELECT what FROM s_mixed
? a part of it that is cut by a type
SELECT mail FROM s_cut
? a part of it
SELECT tail FROM s_cut
? a stored rank
SELECT id, place FROM s_place
= a copy of what is hidden row by row
SELECT * FROM s_when
? rows chosen by what is masked
SELECT id FROM s_filter
? rows chosen by what is denied
SELECT id FROM s_filter2
? rows counted that were chosen by what is masked
SELECT count(*) FROM s_filter
? rows in the order of what is masked
SELECT id FROM s_order
? groups of what is masked
SELECT n FROM s_group
= a copy that joins a copy with rows chosen by what is masked
SELECT name FROM s_over
? a copy of rows that do not exist
SELECT id, region FROM s_fenced
= rows that the policy gives a copy, and others
SELECT * FROM s_ruled
? rows that the policy does not give it
SELECT id FROM s_ruled WHERE region = 'EU'
= a column that the policy names
SELECT loud FROM s_named
= a column that the policy does not name, beside one that it names
SELECT low FROM s_named
= a function that hides what it reads
SELECT * FROM s_call WHERE name > 'A'
? what a function stored
SELECT ok FROM s_call
- a copy is refreshed
REFRESH MATERIALIZED VIEW s_plain
- a copy is sampled
SELECT mail FROM s_plain TABLESAMPLE BERNOULLI (100)
= a copy's rows by their place
SELECT ctid, mail || '' FROM s_plain
= a copy in RETURNING
UPDATE plain SET label = 'x' FROM s_plain s WHERE s.id = plain.id RETURNING s.mail
= a copy is stored again
CREATE TEMP TABLE t AS SELECT mail FROM s_plain
;;
SELECT mail FROM t
? a generated copy whose type cuts it
SELECT cut FROM made
= a generated copy of a masked column
SELECT tail || '' FROM made
= what is generated from two
SELECT pair FROM made
? a comparison that NULL would tell of
SELECT id FROM s_null WHERE hit IS NULL
? a guess that NULL would tell of
SELECT count(guess) FROM s_null
? what is compared with a column that reads NULL
SELECT id, rich FROM s_null WHERE rich
? its length behind a constant
SELECT * FROM s_null
? a generated comparison that NULL would tell of
SELECT id FROM made WHERE hit IS NULL

? a pseudonym's origin confirms a guess of a number
SELECT id FROM people WHERE pin = 230124039001
? the same, cast
SELECT id FROM people WHERE pin = '230124039001'::bigint
? the same of a uuid
SELECT id FROM people WHERE ref = '385303fcef97c7fa2dcf4a50c2d3e6ce'
? many guesses at once
SELECT id FROM people WHERE pin IN (230124039001, 130314396002, 5)
? by an array
SELECT id FROM people WHERE ref = ANY ('{385303fc-ef97-c7fa-2dcf-4a50c2d3e6ce,ad59efcd-17b7-9f68-0b09-3bcf8caaa363}')
? by what is left out
SELECT id FROM people WHERE pin <> ALL (ARRAY[230124039001, 130314396002])
? by a condition that is put out
SELECT id, pin = 230124039001, ref IS DISTINCT FROM '385303fcef97c7fa2dcf4a50c2d3e6ce' FROM people
? as a condition of a join
SELECT p.id, a.iban FROM people p LEFT JOIN accounts a ON a.person_id = p.id AND p.pin = 230124039001
? through a subquery and UNION ALL
SELECT count(*) FROM (SELECT pin AS x FROM people UNION ALL SELECT pin FROM people) AS u WHERE x = 230124039001
- by whether something fails
SELECT 1 / (CASE WHEN pin = 230124039001 THEN 0 ELSE 1 END) FROM people
? in an aggregate's filter
SELECT count(*) FILTER (WHERE pin = 230124039001) FROM people
? what is sent in the place of the mask is shown by the statement itself
SELECT current_query() FROM people WHERE pin NOT IN (7, 8) LIMIT 1
? and by its cursor
DECLARE c CURSOR FOR SELECT id FROM people WHERE pin <> 7
;;
SELECT statement FROM pg_cursors
- and by the server's plan
EXPLAIN (VERBOSE, ANALYZE, COSTS OFF, TIMING OFF) SELECT id FROM people WHERE pin NOT IN (7, 8)
- and by what was prepared
PREPARE pgscrim_turns AS SELECT id FROM people WHERE pin = 230124039001
;;
EXECUTE pgscrim_turns
? the guess is named by a statement that changes rows
DELETE FROM child WHERE EXISTS (SELECT 1 FROM people p WHERE p.id = child.id AND p.pin = 230124039001)
? and what is stored tells
CREATE TEMP TABLE hit AS SELECT id FROM people WHERE pin = 230124039001
;;
SELECT * FROM hit
? compared with what is computed
SELECT id FROM people WHERE pin = 230124039000 + 1
? compared with a number of another type
SELECT id FROM people WHERE pin = 230124039001.0
? a row at a time
SELECT id FROM people WHERE (pin, id) = (230124039001, 1)
? by CASE of the column itself
SELECT CASE pin WHEN 230124039001 THEN 'hit' END FROM people
? by a mask on one side of a branch
SELECT x FROM (SELECT pin AS x FROM people UNION ALL SELECT id FROM people) AS u WHERE x = 230124039001

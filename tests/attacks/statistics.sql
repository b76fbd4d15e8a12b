= the most common values of a column
SELECT most_common_vals::text FROM pg_stats WHERE tablename IN ('people', 'later')
;;
SELECT histogram_bounds::text FROM pg_stats WHERE tablename = 'people'
= by the table behind the view
SELECT stavalues1::text, stavalues2::text FROM pg_statistic WHERE starelid = 'people'::regclass
= by an expression over the column
SELECT array_to_string(histogram_bounds, ',') FROM pg_stats WHERE tablename = 'people'
= by unnest
SELECT unnest(histogram_bounds::text::text[]) FROM pg_stats WHERE tablename = 'people'
= the whole row
SELECT s FROM pg_stats s WHERE tablename = 'people'
= the star
SELECT * FROM pg_stats WHERE tablename = 'people'
= of an index's expressions
SELECT histogram_bounds::text FROM pg_stats WHERE tablename = 'people_upper'
= extended statistics
SELECT most_common_vals::text FROM pg_stats_ext
;;
SELECT histogram_bounds::text FROM pg_stats WHERE tablename = 'people'
= extended statistics by the table
SELECT stxdmcv::text FROM pg_statistic_ext_data
;;
SELECT m.* FROM pg_statistic_ext_data, pg_mcv_list_items(stxdmcv) AS m
? whether a guess is among the most common values
SELECT attname FROM pg_stats WHERE tablename = 'people' AND 'x' = ANY (most_common_vals::text::text[])
? the number of distinct values
SELECT n_distinct FROM pg_stats WHERE tablename = 'people' AND attname = 'note'
? the average width
SELECT avg_width FROM pg_stats WHERE tablename = 'people' AND attname = 'note'
? the correlation of order
SELECT correlation FROM pg_stats WHERE tablename = 'people' AND attname = 'salary'
? filtered by it
SELECT attname FROM pg_stats WHERE tablename = 'people' AND avg_width > 12
? ordered by it
SELECT attname FROM pg_stats WHERE tablename = 'people' ORDER BY n_distinct, attname
- statements of others
SELECT query FROM pg_stat_activity
- statements of others by a function
SELECT query FROM pg_stat_get_activity(NULL)
- one's own, as they were sent
SELECT statement FROM pg_prepared_statements
- by the function
SELECT * FROM pg_prepared_statement()
- cursors
SELECT statement FROM pg_cursors
- cursors by the function
SELECT * FROM pg_cursor()
- counted statements
SELECT query FROM pg_stat_statements
- memory contexts hold texts
SELECT ident FROM pg_backend_memory_contexts
- locks' keys
SELECT classid, objid FROM pg_locks
- locks by the function
SELECT * FROM pg_lock_status()
- secrets
SELECT rolpassword FROM pg_authid
- the view of them
SELECT passwd FROM pg_shadow
- foreign servers' secrets
SELECT umoptions FROM pg_user_mappings
- subscriptions
SELECT subconninfo FROM pg_subscription
- the file of logins
SELECT * FROM pg_hba_file_rules
- settings with their files
SELECT sourcefile FROM pg_settings
- columns' defaults are definitions
SELECT column_default FROM information_schema.columns WHERE table_name = 'defaulted'
- views' definitions
SELECT view_definition FROM information_schema.views
- definitions of functions
SELECT prosrc FROM pg_proc WHERE proname = 'peek'
- a value that was a default when its column was added
SELECT attmissingval FROM pg_attribute
- the sequences
SELECT last_value FROM pg_sequences
- a sequence's own row
SELECT last_value FROM people_seq
- a hidden column's sequence
SELECT last_value FROM numbered_hidden_seq
- its currval
SELECT currval('numbered_hidden_seq')
- its nextval
SELECT nextval('numbered_hidden_seq')
- its nextval by a computed name
SELECT nextval(('numbered_' || 'hidden_seq')::regclass)
- lastval
INSERT INTO numbered (label) VALUES ('x')
;;
SELECT lastval()
- pg_sequence_last_value
SELECT pg_sequence_last_value('numbered_hidden_seq')
= the table's file
SELECT pg_read_binary_file(pg_relation_filepath('people'))
- the toast table
SELECT chunk_data FROM pg_toast.pg_toast_2619
? rows that a table lost
SELECT n_tup_upd FROM pg_stat_user_tables WHERE relname = 'people'
? system columns tell no value
SELECT ctid, xmin, cmin, xmax, cmax, tableoid FROM people
? a blank relation counted
SELECT count(*) FROM people
? the size of a table
SELECT pg_relation_size('people') > 0
= EXPLAIN shows constants that were folded from a hidden value
EXPLAIN (VERBOSE, COSTS OFF) SELECT peek(1)
;;
SELECT peek(1)
? EXPLAIN counts the rows that a filter removed
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT id FROM people WHERE salary > 200000000
? EXPLAIN estimates from the statistics of hidden values
EXPLAIN SELECT id FROM people WHERE note > 'Tk8'
? EXPLAIN of a statement that is refused
EXPLAIN UPDATE people SET level = 'x' WHERE salary > 200000000
? EXPLAIN of a cursor's query
EXPLAIN DECLARE c CURSOR FOR SELECT id FROM people WHERE salary > 200000000
? EXPLAIN of CREATE TABLE AS
EXPLAIN CREATE TEMP TABLE t AS SELECT id FROM people WHERE salary > 200000000
? EXPLAIN ANALYZE says how much room values take that are sorted
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT g, note FROM people, generate_series(1, 1000) g WHERE people.id = 1 ORDER BY g
? the same in other words
EXPLAIN (ANALYZE true, FORMAT JSON, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT note FROM people, generate_series(1, 9000) g ORDER BY g
? the same of a name
PREPARE p AS SELECT g, note FROM people, generate_series(1, 1000) g WHERE people.id = 1 ORDER BY g
;;
EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) EXECUTE p
? what does not fit into memory is counted by its bytes
SELECT temp_files, temp_bytes FROM pg_stat_database WHERE datname = current_database()
? memory in use, beside a cursor that has sorted
BEGIN
;;
DECLARE c CURSOR FOR SELECT g, note FROM people, generate_series(1, 10000) g WHERE people.id = 1 ORDER BY g
;;
FETCH 1 FROM c
;;
SELECT name, total_bytes, used_bytes FROM pg_backend_memory_contexts ORDER BY 2 DESC, 1, 3 LIMIT 3
;;
ROLLBACK
- EXPLAIN with a generic plan
EXPLAIN (GENERIC_PLAN) SELECT id FROM people WHERE salary > $1
= EXPLAIN ANALYZE raises the error of a cast
EXPLAIN ANALYZE SELECT email::int FROM people
= EXPLAIN of a write with a trigger that speaks
EXPLAIN ANALYZE UPDATE quiet SET label = 'x'
? EXPLAIN EXECUTE
PREPARE p AS SELECT id FROM people WHERE salary > 200000000
;;
EXPLAIN (ANALYZE) EXECUTE p

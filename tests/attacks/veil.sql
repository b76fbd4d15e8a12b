-- What the clerk sees, by hand: a view for each table, under the table's name. `map` holds the pseudonyms as the proxy gives them: only
-- it has the key.
CREATE SCHEMA veil;
CREATE TABLE veil.map (id int PRIMARY KEY, alias text, pin bigint, ref uuid);
CREATE VIEW veil.people AS
SELECT p.id, level, region, created, left(name, 1) || repeat('*', length(name) - 1) AS name, left(email, 1) || '***@' || split_part(email, '@', 2) AS email,
       (repeat('*', length(phone) - 4) || right(phone, 4))::varchar(40) AS phone, repeat('*', length(card) - 4) || right(card, 4) AS card,
       CASE WHEN note IS NOT NULL THEN '***' END AS note, m.alias, left(handle, 1) || repeat('*', length(handle) - 2) || right(handle, 1) AS handle,
       date_trunc('year', born)::date AS born, date_trunc('month', seen, 'UTC') AS seen, floor(salary / 1000000.0)::int * 1000000 AS salary,
       (floor(wealth / 1000000) * 1000000)::numeric(14,4) AS wealth, NULL::float8 AS score, m.pin, m.ref,
       set_masklen(network(set_masklen(ip, 24))::inet, masklen(ip)) AS ip, CASE WHEN doc IS NOT NULL THEN '{}'::jsonb END AS doc, NULL::json AS raw,
       (SELECT array_agg(repeat('*', length(t) - 2) || right(t, 2) ORDER BY n) FROM unnest(tags) WITH ORDINALITY AS u (t, n)) AS tags,
       NULL::int[] AS nums, CASE WHEN blob IS NOT NULL THEN ''::bytea END AS blob, CASE WHEN flag IS NOT NULL THEN false END AS flag,
       NULL::interval AS span, NULL::int4range AS range, NULL::xml AS page
FROM public.people p JOIN veil.map m USING (id);
CREATE VIEW veil.accounts AS
SELECT a.id, person_id, m.alias, repeat('*', length(iban) - 4) || right(iban, 4) AS iban, state FROM public.accounts a JOIN veil.map m USING (id);
CREATE VIEW veil.child AS SELECT id, plain_id, CASE WHEN id > 6 AND secret IS NOT NULL THEN '***' END AS secret FROM public.child;
CREATE VIEW veil.events AS SELECT id, kind, repeat('*', length(payload) - 4) || right(payload, 4) AS payload FROM public.events;
CREATE VIEW veil.events_1 AS SELECT id, kind, repeat('*', length(payload) - 4) || right(payload, 4) AS payload FROM public.events_1;
CREATE VIEW veil.events_2 AS SELECT id, kind, repeat('*', length(payload) - 4) || right(payload, 4) AS payload FROM public.events_2;
CREATE VIEW veil.base AS SELECT id, CASE WHEN secret IS NOT NULL THEN '***' END AS secret FROM public.base;
CREATE VIEW veil.derived AS SELECT id, CASE WHEN secret IS NOT NULL THEN '***' END AS secret, extra FROM public.derived;
CREATE VIEW veil.made AS SELECT id, CASE WHEN secret IS NOT NULL THEN '***' END AS secret, CASE WHEN twin IS NOT NULL THEN '***' END AS twin, 0 AS size,
    repeat('*', length(tag) - 4) || right(tag, 4) AS tag, repeat('*', length(tail) - 4) || right(tail, 4) AS tail FROM public.made;
CREATE VIEW veil.later AS
SELECT id, repeat('*', length(code) - 4) || right(code, 4) AS code, CASE WHEN secret IS NOT NULL THEN '***' END AS secret FROM public.later;
CREATE VIEW veil.noisy AS SELECT id, label, CASE WHEN secret IS NOT NULL THEN '***' END AS secret FROM public.noisy;
CREATE VIEW veil.checked AS SELECT id, amount, CASE WHEN secret IS NOT NULL THEN '***' END AS secret FROM public.checked;
CREATE VIEW veil.homes AS SELECT id, CASE WHEN home IS DISTINCT FROM NULL
    THEN ROW(CASE WHEN (home).street IS NOT NULL THEN '***' END, (home).city)::public.address END AS home FROM public.homes;
CREATE VIEW veil.coded AS SELECT id, CASE WHEN code IS NOT NULL THEN '***'::text END AS code, mood FROM public.coded;
CREATE VIEW veil.docs AS SELECT id, jsonb_build_object('open', 'x', 'secret', '***') AS body FROM public.docs;
CREATE VIEW veil.files AS
SELECT id, doc - 'gone' || jsonb_build_object('pin', 0, 'full name', '***', 'tags', '["***", {}]'::jsonb,
           'address', CASE WHEN id % 3 > 0 THEN doc -> 'address' || '{"street": "***"}' ELSE jsonb_build_array(doc #> '{address,0}' || '{"street": "***"}', '[]'::jsonb, 'plain') END,
           'phones', jsonb_build_array(doc #> '{phones,0}' || '{"number": "************1234"}', doc #> '{phones,1}' || '{"number": "************5678"}')) AS doc,
       '{ "open" : "x", "name" : "***", "list" : [{ "name" : "***" }] }'::json AS raw
FROM public.files;
CREATE VIEW veil.fenced WITH (security_barrier) AS SELECT id, region, CASE WHEN secret IS NOT NULL THEN '***' END AS secret FROM public.fenced WHERE region = 'EU';
CREATE VIEW veil.copies AS SELECT id FROM public.copies;
CREATE VIEW veil.v_clear AS SELECT id, level FROM veil.people;
CREATE VIEW veil.v_people AS SELECT * FROM veil.people;
CREATE VIEW veil.v_deep AS SELECT * FROM veil.people;
CREATE VIEW veil.v_call AS SELECT id, label, length(label) AS n FROM public.plain;
CREATE VIEW veil.v_agg AS SELECT level, max(email) AS top, string_agg(note, ',') AS notes FROM veil.people GROUP BY level;
CREATE VIEW veil.v_order AS SELECT id, level, row_number() OVER (ORDER BY salary) AS place FROM veil.people;
CREATE VIEW veil.w_call AS SELECT id, name FROM veil.people;
CREATE VIEW veil.w_denied AS SELECT id, name FROM veil.people;
CREATE VIEW veil.w_activity AS SELECT pid, NULL::text AS query FROM pg_stat_activity;
CREATE VIEW veil.w_stats AS SELECT tablename, attname, NULL::text AS most FROM pg_stats WHERE schemaname = 'public';
-- Stored copies: what is seen of each, over what is stored.
CREATE VIEW veil.m_people AS SELECT id, left(email, 1) || '***@' || split_part(email, '@', 2) AS email, CASE WHEN loud IS NOT NULL THEN '***' END AS loud FROM public.m_people;
CREATE VIEW veil.s_plain AS
SELECT s.id, level, left(name, 1) || repeat('*', length(name) - 1) AS name, left(mail, 1) || '***@' || split_part(mail, '@', 2) AS mail,
       (repeat('*', length(phone) - 4) || right(phone, 4))::varchar(40) AS phone, date_trunc('year', born)::date AS born,
       floor(salary / 1000000.0)::int * 1000000 AS salary, CASE WHEN note IS NOT NULL THEN '***' END AS note, m.alias, CASE WHEN flag IS NOT NULL THEN false END AS flag
FROM public.s_plain s JOIN veil.map m USING (id);
CREATE VIEW veil.v_stored AS SELECT id, mail, note, lower(note) AS low, salary FROM veil.s_plain WHERE id < 12;
CREATE VIEW veil.s_deep AS
SELECT id, left(mail, 1) || '***@' || split_part(mail, '@', 2) AS mail, CASE WHEN loud IS NOT NULL THEN '***' END AS loud, label FROM public.s_deep;
CREATE VIEW veil.s_agg AS SELECT level, n, CASE WHEN lowest IS NOT NULL THEN '***' END AS lowest, CASE WHEN ever IS NOT NULL THEN false END AS ever FROM public.s_agg;
CREATE VIEW veil.s_alias AS SELECT s.id, m.alias, repeat('*', length(iban) - 4) || right(iban, 4) AS iban FROM public.s_alias s JOIN veil.map m USING (id);
CREATE VIEW veil.s_union AS SELECT id, repeat('*', length(payload) - 4) || right(payload, 4) AS payload, kind FROM public.s_union;
CREATE VIEW veil.s_mixed AS SELECT id, CASE WHEN more IS NOT NULL THEN '***' END AS more FROM public.s_mixed;
CREATE VIEW veil.s_cut AS SELECT id, (repeat('*', length(phone) - 4) || right(phone, 4))::varchar(40) AS phone FROM public.s_cut;
CREATE VIEW veil.s_place AS SELECT id, left(name, 1) || repeat('*', length(name) - 1) AS name, nth FROM public.s_place;
CREATE VIEW veil.s_when AS SELECT id FROM public.s_when;
CREATE VIEW veil.s_ruled WITH (security_barrier) AS SELECT id, region, CASE WHEN secret IS NOT NULL THEN '***' END AS secret, CASE WHEN size IS NOT NULL THEN 0 END AS size FROM public.s_ruled WHERE region = 'US';
CREATE VIEW veil.s_named AS SELECT id, region, CASE WHEN loud IS NOT NULL THEN '***' END AS loud FROM public.s_named;
CREATE VIEW veil.s_null AS SELECT id, NULL::boolean AS rich, 0 AS size FROM public.s_null;
CREATE VIEW veil.s_call AS SELECT id, name FROM veil.people;
CREATE VIEW veil.words AS SELECT id, CASE WHEN "system_user" IS NOT NULL THEN '***' END AS "system_user" FROM public.words;
CREATE VIEW veil.spans AS SELECT id, NULL::int4range AS during, CASE WHEN doc IS NOT NULL THEN '{}'::jsonb END AS doc, NULL::path AS track FROM public.spans;
CREATE VIEW veil.s_spans AS SELECT id FROM public.s_spans;
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        CREATE VIEW veil.virtual AS SELECT id, CASE WHEN secret IS NOT NULL THEN '***' END AS secret, repeat('*', length(tag) - 4) || right(tag, 4) AS tag,
            CASE WHEN twin IS NOT NULL THEN '***' END AS twin, CASE WHEN size IS NOT NULL THEN 0 END AS size,
            repeat('*', length(tail) - 4) || right(tail, 4) AS tail FROM public.virtual;
        CREATE VIEW veil.s_cast AS SELECT id FROM public.s_cast;
    END IF;
END $$;

-- What the clients ask of: the same on both servers. Random-looking values come from fixed arithmetic.
CREATE ROLE pgscrim LOGIN PASSWORD 'sesame';
CREATE ROLE governed LOGIN PASSWORD 'sesame';
CREATE ROLE allowed LOGIN PASSWORD 'sesame';
CREATE ROLE unrestricted LOGIN PASSWORD 'sesame';
CREATE TYPE public.mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN public.short AS varchar(8);
CREATE TYPE public.point3 AS (x int, y int, z text);

CREATE TABLE public.people (
    id int PRIMARY KEY, full_name text NOT NULL, email text, phone varchar(20), born date, salary numeric(10,2),
    joined timestamptz, tags text[], key uuid, photo bytea, notes jsonb, ip inet, town text NOT NULL, level int NOT NULL);
INSERT INTO public.people
SELECT i, (ARRAY['张伟','Ann Lee','欧阳娜娜','Ømer Ünal','王芳','Bob'])[i % 6 + 1],
    CASE WHEN i % 7 = 0 THEN NULL ELSE 'user' || i || '@example.com' END, '+86 138 ' || (10000000 + i * 7919),
    date '1950-03-04' + i * 977, 1234.56 * i, timestamptz '2020-02-03 04:05:06.789+00' + i * interval '17 days 3 hours',
    CASE WHEN i % 5 = 0 THEN '{}' ELSE ARRAY['red' || i, 'naïve', NULL, '绿色'] END, md5('k' || i)::uuid,
    decode(md5('p' || i), 'hex'), jsonb_build_object('a', i, 'b', ARRAY['x', '"', '\']), ('10.1.' || i || '.77/28')::inet,
    (ARRAY['北京','Oslo','上海','Łódź'])[i % 4 + 1], i % 3
FROM generate_series(1, 24) i;

CREATE TABLE public.staff (id int PRIMARY KEY, name text NOT NULL, badge text NOT NULL, room int);
INSERT INTO public.staff SELECT i, 'Staff ' || i, 'badge-' || i, 100 + i FROM generate_series(1, 5) i;
CREATE TABLE public.vault (id int PRIMARY KEY, label text NOT NULL, secret text);
INSERT INTO public.vault SELECT i, 'box ' || i, 'secret ' || i FROM generate_series(1, 5) i;

CREATE TABLE public.kinds (
    id int PRIMARY KEY, a bool, b int2, c int4, d int8, e float4, f float8, g numeric, h numeric(12,4), i text, j varchar(9),
    k char(5), l bytea, m date, n time, o timetz, p timestamp, q timestamptz, r interval, s uuid, t json, u jsonb, v int4[],
    w text[], x inet, y cidr, z macaddr, aa public.mood, ab public.short, ac int4range, ad tstzrange, ae bit(3), af varbit,
    ag point, ah money, ai public.point3, aj xml, ak tsvector, al int4[][], am oid, an "char", ao name);
INSERT INTO public.kinds VALUES
    (1, true, 1, 2, 3, 1.5, 2.25, 12345678901234567890.123456789, 1.5, 'plain', 'varchar', 'ch', '\x00ff10', '2020-02-29',
     '04:05:06.789', '04:05:06+08', '2020-02-29 04:05:06.789', '2020-02-29 04:05:06.789+00', '1 year 2 mons 3 days 04:05:06.7',
     '6ba7b810-9dad-11d1-80b4-00c04fd430c8', '{"a": [1, 2.50, "ü"]}', '{"b": null, "a": 1.10}', '{1,NULL,3}', '{"a b","c\"d",NULL,"中文"}',
     '192.168.1.5/24', '10.0.0.0/8', '08:00:2b:01:02:03', 'happy', 'short', '[1,5)', '["2020-01-01 00:00:00+00",)', B'101', B'1101',
     '(1.5,-2)', 12.34, '(1,2,"a,b")', '<a>x</a>', '''cat'':1 ''dog'':2', '{{1,2},{3,4}}', 42, 'x', 'a name'),
    (2, false, -32768, -2147483648, -9223372036854775808, -1e-30, 1e300, -0.00001, -99999999.9999, '中文 🎉 ''quoted'' "x" \n', '', '', '',
     '0001-01-01', '00:00', '23:59:59.999999-12', '1999-12-31 23:59:59.999999', '1999-12-31 23:59:59.999999+00', '-1 mons',
     '00000000-0000-0000-0000-000000000000', 'null', '[]', '{}', '{}', '::1', 'fe80::/64', 'ff:ff:ff:ff:ff:ff', 'sad', '', 'empty',
     '(,)', B'000', B'', '(0,0)', -1, '(,,)', '<b/>', '', '{}', 0, 'y', ''),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
     NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);

CREATE TABLE public.scratch (id int PRIMARY KEY, label text NOT NULL, n int CHECK (n < 1000), UNIQUE (label));
CREATE TABLE public.child (id serial PRIMARY KEY, scratch_id int NOT NULL REFERENCES public.scratch, note text DEFAULT 'none');
CREATE INDEX child_scratch ON public.child (scratch_id);
INSERT INTO public.scratch VALUES (1, 'one', 1), (2, '二', 2);
CREATE VIEW public.towns AS SELECT town, count(*) AS people FROM public.people GROUP BY town;
COMMENT ON TABLE public.scratch IS 'a table to write on: 草稿';
COMMENT ON COLUMN public.scratch.label IS 'its label';
CREATE FUNCTION public.twice(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 * 2';

CREATE TABLE public.many (id int PRIMARY KEY, email text NOT NULL, n int NOT NULL);
INSERT INTO public.many SELECT i, 'u' || i || '@example.org', i % 97 FROM generate_series(1, 100000) i;

-- Rows that are read masked and saved whole. What became of them behind the mask, `changed` tells whoever asks.
CREATE TABLE public.saved (
    id int PRIMARY KEY, name text NOT NULL, email text, phone varchar(20), born date, salary numeric(10,2), joined timestamptz, key uuid,
    photo bytea, notes jsonb, ip inet, town text NOT NULL);
INSERT INTO public.saved
SELECT i, (ARRAY['Ann Lee','张伟','Ømer Ünal'])[i], CASE WHEN i < 3 THEN 'user' || i || '@example.com' END, '+86 138 ' || (10000000 + i * 7919),
    date '1950-03-04' + i * 977, 1234.56 * i, timestamptz '2020-02-03 04:05:06.789+00' + i * interval '47 days 3 hours', md5('k' || i)::uuid,
    decode(md5('p' || i), 'hex'), jsonb_build_object('a', i, 'b', ARRAY['x', '"']), ('10.1.' || i || '.77/28')::inet, (ARRAY['Oslo','北京','Łódź'])[i]
FROM generate_series(1, 3) i;
CREATE SCHEMA kept;
CREATE TABLE kept.saved AS TABLE public.saved;
CREATE FUNCTION public.changed() RETURNS text LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog AS $$
    SELECT string_agg(s.id || '.' || n.key || ' = ' || coalesce(n.value, 'NULL'), ', ' ORDER BY s.id, n.key)
    FROM public.saved s JOIN kept.saved k USING (id), jsonb_each_text(to_jsonb(s)) n WHERE n.value IS DISTINCT FROM to_jsonb(k) ->> n.key $$;

-- What `pgbench -i` makes, at scale 1 with a hundredth of the accounts.
CREATE TABLE public.pgbench_branches (bid int PRIMARY KEY, bbalance int, filler char(88));
CREATE TABLE public.pgbench_tellers (tid int PRIMARY KEY, bid int, tbalance int, filler char(84));
CREATE TABLE public.pgbench_accounts (aid int PRIMARY KEY, bid int, abalance int, filler char(84));
CREATE TABLE public.pgbench_history (tid int, bid int, aid int, delta int, mtime timestamp, filler char(22));
INSERT INTO public.pgbench_branches VALUES (1, 0, '');
INSERT INTO public.pgbench_tellers SELECT i, 1, 0, '' FROM generate_series(1, 10) i;
INSERT INTO public.pgbench_accounts SELECT i, 1, 0, '' FROM generate_series(1, 1000) i;

CREATE SCHEMA other;
CREATE TABLE other.people (id int PRIMARY KEY, label text);
INSERT INTO other.people VALUES (1, 'the other people');

GRANT USAGE ON SCHEMA other TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE, REFERENCES, TRIGGER ON ALL TABLES IN SCHEMA public, other TO governed, allowed, unrestricted;
GRANT USAGE, SELECT, UPDATE ON ALL SEQUENCES IN SCHEMA public TO governed, allowed, unrestricted;
GRANT pg_read_all_data TO pgscrim;
ANALYZE;

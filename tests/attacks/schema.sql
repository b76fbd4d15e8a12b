-- The database that is attacked. Each value that some mask hides holds a token of its own, made from `md5` of its place, in the part
-- that the mask hides; `canaries.sql` lists them.
CREATE TYPE public.address AS (street text, city text);
CREATE TYPE public.key AS (id int);
CREATE TYPE public.mood AS ENUM ('calm', 'cross');
CREATE DOMAIN public.code AS text CHECK (length(VALUE) > 3);

CREATE TABLE public.people (
    id      int PRIMARY KEY,
    level   text NOT NULL,
    region  text NOT NULL,
    created timestamptz NOT NULL,
    name    text NOT NULL,
    email   text UNIQUE,
    phone   varchar(40),
    card    text,
    note    text,
    secret  text,
    alias   text NOT NULL,
    handle  text,
    born    date,
    seen    timestamptz,
    salary  int,
    wealth  numeric(14,4),
    score   float8,
    pin     bigint,
    ref     uuid,
    ip      inet,
    doc     jsonb,
    raw     json,
    tags    text[],
    nums    int[],
    blob    bytea,
    flag    boolean,
    span    interval,
    range   int4range,
    page    xml
);
INSERT INTO public.people
SELECT id, (ARRAY['gold', 'silver', 'basic'])[1 + id % 3], (ARRAY['EU', 'US'])[1 + id % 2], '2024-01-01 00:00:00+00'::timestamptz + id * interval '1 day',
       'A' || ('Tk' || substr(md5('name' || id), 1, 10)), 'a' || ('Tk' || substr(md5('email' || id), 1, 10)) || '@example.com', ('Tk' || substr(md5('phone' || id), 1, 10)) || '1234', '4' || lpad((('x' || substr(md5('card' || id), 1, 12))::bit(48)::bigint % 100000000000)::text, 11, '7') || '7777', ('Tk' || substr(md5('note' || id), 1, 10)),
       ('Tk' || substr(md5('secret' || id), 1, 10)), ('Tk' || substr(md5('alias' || id), 1, 10)), 'h' || ('Tk' || substr(md5('handle' || id), 1, 10)) || 'z', date '1900-02-02' + ((100000000 + ('x' || substr(md5('born' || id), 1, 7))::bit(28)::int) % 30000)::int,
       '2001-01-01 00:00:00+00'::timestamptz + (100000000 + ('x' || substr(md5('seen' || id), 1, 7))::bit(28)::int) * interval '1 second', (100000000 + ('x' || substr(md5('salary' || id), 1, 7))::bit(28)::int)::int, (100000000 + ('x' || substr(md5('wealth' || id), 1, 7))::bit(28)::int) + 0.1234,
       (100000000 + ('x' || substr(md5('score' || id), 1, 7))::bit(28)::int), (100000000 + ('x' || substr(md5('pin' || id), 1, 7))::bit(28)::int) * 1000::bigint + id, md5('ref' || id)::uuid, ('203.0.113.' || id)::inet,
       jsonb_build_object('k', ('Tk' || substr(md5('doc' || id), 1, 10)), 'n', (100000000 + ('x' || substr(md5('doc' || id), 1, 7))::bit(28)::int)), json_build_object('k', ('Tk' || substr(md5('raw' || id), 1, 10))), ARRAY[('Tk' || substr(md5('tags' || id), 1, 10)) || 'yz', 'short-' || ('Tk' || substr(md5('tag2' || id), 1, 10)) || 'yz'],
       ARRAY[(100000000 + ('x' || substr(md5('nums' || id), 1, 7))::bit(28)::int)::int, 1], decode(md5('blob' || id), 'hex'), id % 2 = 0, (100000000 + ('x' || substr(md5('span' || id), 1, 7))::bit(28)::int) * interval '1 second',
       int4range((100000000 + ('x' || substr(md5('range' || id), 1, 7))::bit(28)::int)::int, NULL), ('<a>' || ('Tk' || substr(md5('page' || id), 1, 10)) || '</a>')::xml
FROM generate_series(1, 12) AS id;

CREATE TABLE public.accounts (
    id        int PRIMARY KEY,
    person_id int NOT NULL REFERENCES public.people ON DELETE CASCADE,
    alias     text NOT NULL,
    iban      text NOT NULL,
    balance   numeric(14,4),
    state     text NOT NULL
);
INSERT INTO public.accounts
SELECT id, id, (SELECT p.alias FROM public.people p WHERE p.id = g.id), ('Tk' || substr(md5('iban' || id), 1, 10)) || '5678', (100000000 + ('x' || substr(md5('balance' || id), 1, 7))::bit(28)::int) + 0.5, CASE WHEN id % 2 = 0 THEN 'open' ELSE 'closed' END
FROM generate_series(1, 12) AS g (id);

-- Nothing in it is veiled; what refers to it is.
CREATE TABLE public.plain (id int PRIMARY KEY, label text, amount int, code text UNIQUE);
INSERT INTO public.plain SELECT id, 'label ' || id, id * 10, 'code ' || id FROM generate_series(1, 12) AS id;
CREATE TABLE public.child (
    id       int PRIMARY KEY,
    plain_id int NOT NULL REFERENCES public.plain ON DELETE SET NULL ON UPDATE CASCADE,
    secret   text NOT NULL,
    CHECK (plain_id < 1000)
);
INSERT INTO public.child SELECT id, id, ('Tk' || substr(md5('child' || id), 1, 10)) FROM generate_series(1, 12) AS id;

CREATE TABLE public.events (id int NOT NULL, kind text, payload text) PARTITION BY RANGE (id);
CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM (0) TO (7);
CREATE TABLE public.events_2 PARTITION OF public.events FOR VALUES FROM (7) TO (100);
INSERT INTO public.events SELECT id, 'kind ' || id, ('Tk' || substr(md5('payload' || id), 1, 10)) || 'wxyz' FROM generate_series(1, 12) AS id;
CREATE TABLE public.base (id int, secret text);
CREATE TABLE public.derived (extra text) INHERITS (public.base);
INSERT INTO public.base SELECT id, ('Tk' || substr(md5('base' || id), 1, 10)) FROM generate_series(1, 6) AS id;
INSERT INTO public.derived SELECT id, ('Tk' || substr(md5('derived' || id), 1, 10)), 'extra' FROM generate_series(7, 12) AS id;
CREATE TABLE public.made (
    id int, secret text,
    twin text GENERATED ALWAYS AS (secret) STORED,
    loud text GENERATED ALWAYS AS (upper(secret)) STORED,
    size int GENERATED ALWAYS AS (length(secret)) STORED,
    tag text, tail text GENERATED ALWAYS AS (tag) STORED, cut varchar(8) GENERATED ALWAYS AS (tag::varchar(8)) STORED,
    pair text GENERATED ALWAYS AS (tag || secret) STORED, hit int GENERATED ALWAYS AS (CASE WHEN secret > 'Tk8' THEN 1 END) STORED
);
INSERT INTO public.made (id, secret, tag) SELECT id, ('Tk' || substr(md5('made' || id), 1, 10)), ('Tk' || substr(md5('tag' || id), 1, 10)) || 'wxyz' FROM generate_series(1, 12) AS id;
CREATE TABLE public.later (id int PRIMARY KEY, code text UNIQUE DEFERRABLE INITIALLY DEFERRED, secret text);
INSERT INTO public.later SELECT id, ('Tk' || substr(md5('latercode' || id), 1, 10)), ('Tk' || substr(md5('later' || id), 1, 10)) FROM generate_series(1, 12) AS id;
CREATE TABLE public.noisy (id int, label text, secret text);
INSERT INTO public.noisy SELECT id, 'label', ('Tk' || substr(md5('noisy' || id), 1, 10)) FROM generate_series(1, 12) AS id;
CREATE TABLE public.quiet (id int, label text);
INSERT INTO public.quiet SELECT id, 'label' FROM generate_series(1, 12) AS id;
CREATE TABLE public.checked (id int PRIMARY KEY, amount int CHECK (amount > 0), secret text NOT NULL, EXCLUDE USING btree (amount WITH =));
INSERT INTO public.checked SELECT id, id, ('Tk' || substr(md5('checked' || id), 1, 10)) FROM generate_series(1, 12) AS id;
CREATE TABLE public.homes (id int, home public.address);
INSERT INTO public.homes SELECT id, ROW(('Tk' || substr(md5('street' || id), 1, 10)), 'city')::public.address FROM generate_series(1, 12) AS id;
INSERT INTO public.homes VALUES (13, NULL), (14, ROW(NULL, NULL)), (15, ROW('', 'a "b", (c) \'));
CREATE TABLE public.coded (id int, code public.code, mood public.mood);
INSERT INTO public.coded SELECT id, ('Tk' || substr(md5('coded' || id), 1, 10)), 'calm' FROM generate_series(1, 12) AS id;
CREATE TABLE public.docs (id int, body jsonb);
INSERT INTO public.docs SELECT id, jsonb_build_object('open', 'x', 'secret', ('Tk' || substr(md5('docs' || id), 1, 10))) FROM generate_series(1, 12) AS id;
-- Documents of several shapes: addresses are an object, or an array with one, an array and a text in it.
CREATE TABLE public.files (id int PRIMARY KEY, doc jsonb, raw json);
INSERT INTO public.files
SELECT id, jsonb_build_object('open', 'x' || id % 2, 'gone', ('Tk' || substr(md5('fgone' || id), 1, 10)), 'pin', (100000000 + ('x' || substr(md5('fpin' || id), 1, 7))::bit(28)::int), 'full name', ('Tk' || substr(md5('fname' || id), 1, 10)),
           'address', CASE WHEN id % 3 > 0 THEN jsonb_build_object('street', ('Tk' || substr(md5('fstreet' || id), 1, 10)), 'city', 'c' || id % 2)
               ELSE jsonb_build_array(jsonb_build_object('street', ('Tk' || substr(md5('fstreet' || id), 1, 10)), 'city', 'c'), jsonb_build_array(jsonb_build_object('street', ('Tk' || substr(md5('fstreet2' || id), 1, 10)))), 'plain') END,
           'phones', jsonb_build_array(jsonb_build_object('kind', 'home', 'number', ('Tk' || substr(md5('fphone' || id), 1, 10)) || '1234'), jsonb_build_object('kind', 'work', 'number', ('Tk' || substr(md5('fphone2' || id), 1, 10)) || '5678')),
           'tags', jsonb_build_array(('Tk' || substr(md5('ftag' || id), 1, 10)), jsonb_build_object('deep', ('Tk' || substr(md5('ftag2' || id), 1, 10))))),
       json_build_object('open', 'x', 'name', ('Tk' || substr(md5('frawname' || id), 1, 10)), 'list', json_build_array(json_build_object('name', ('Tk' || substr(md5('frawlist' || id), 1, 10)))))
FROM generate_series(1, 12) AS id;
CREATE INDEX files_name ON public.files ((doc ->> 'full name'));
CREATE INDEX files_doc ON public.files USING gin (doc);
CREATE TABLE public.fenced (id int PRIMARY KEY, region text, secret text);
INSERT INTO public.fenced SELECT id, CASE WHEN id % 2 = 0 THEN 'EU' ELSE 'US' END, ('Tk' || substr(md5('fenced' || id), 1, 10)) FROM generate_series(1, 12) AS id;
CREATE TABLE public.copies (id int, people public.people);
INSERT INTO public.copies SELECT id, p FROM public.people p;

-- Indexes that give statistics of their own, and a materialized copy.
CREATE INDEX people_upper ON public.people (upper(email));
CREATE STATISTICS public.people_stats (mcv) ON level, note FROM public.people;
CREATE MATERIALIZED VIEW public.m_people AS SELECT id, email, secret, upper(note) AS loud FROM public.people;
CREATE MATERIALIZED VIEW public.s_plain AS SELECT id, level, name, email AS mail, phone, born, salary, note, alias, secret, flag FROM public.people WHERE level <> 'basic';
CREATE VIEW public.v_stored AS SELECT id, mail, note, lower(note) AS low, salary FROM public.s_plain WHERE id < 12;
CREATE MATERIALIZED VIEW public.s_deep AS
SELECT v.id, v.mail, v.low, upper(v.note) AS loud, length(v.mail) AS size, p.label FROM public.v_stored v JOIN public.plain p USING (id);
CREATE MATERIALIZED VIEW public.s_agg AS
SELECT level, count(*)::int AS n, max(salary) AS top, count(email)::int AS mails, min(note) AS lowest, bool_or(flag) AS ever FROM public.people GROUP BY level;
CREATE MATERIALIZED VIEW public.s_alias AS SELECT p.id, p.alias, a.iban, a.balance FROM public.people p JOIN public.accounts a ON a.alias = p.alias;
CREATE MATERIALIZED VIEW public.s_union AS SELECT id, payload, kind FROM public.events WHERE id < 9 UNION ALL SELECT id, payload, kind FROM public.events WHERE id > 6;
CREATE MATERIALIZED VIEW public.s_mixed AS SELECT id, email AS what, note AS more FROM public.people UNION ALL SELECT id, label, code FROM public.plain;
CREATE MATERIALIZED VIEW public.s_cut AS SELECT id, email::varchar(12) AS mail, substr(name, 3) AS tail, phone FROM public.people;
CREATE MATERIALIZED VIEW public.s_place AS SELECT id, name, (rank() OVER (ORDER BY salary))::int AS place, row_number() OVER (ORDER BY id) AS nth FROM public.people;
CREATE MATERIALIZED VIEW public.s_when AS SELECT id, secret, upper(secret) AS loud FROM public.child;
CREATE MATERIALIZED VIEW public.s_filter AS SELECT id, level FROM public.people WHERE email < 'aTk8';
CREATE MATERIALIZED VIEW public.s_filter2 AS SELECT id, level FROM public.people WHERE secret > 'Tk8';
CREATE MATERIALIZED VIEW public.s_order AS SELECT id, level FROM public.people ORDER BY salary;
CREATE MATERIALIZED VIEW public.s_group AS SELECT count(*)::int AS n, salary FROM public.people GROUP BY salary;
CREATE MATERIALIZED VIEW public.s_over AS SELECT f.id, p.name FROM public.s_filter f JOIN public.people p USING (id);
CREATE MATERIALIZED VIEW public.s_fenced AS SELECT id, region, secret FROM public.fenced;
CREATE MATERIALIZED VIEW public.s_ruled AS SELECT id, region, secret, length(secret) AS size FROM public.fenced;
CREATE MATERIALIZED VIEW public.s_named AS SELECT id, region, secret, upper(email) AS loud, lower(email) AS low FROM public.people;
CREATE MATERIALIZED VIEW public.s_null AS
SELECT id, nullif(note, (SELECT min(note) FROM public.people)) AS guess, CASE WHEN note > 'Tk8' THEN 1 END AS hit, score > 3e8 AS rich, length(note) AS size FROM public.people;
CREATE UNIQUE INDEX ON public.s_plain (mail);

CREATE VIEW public.v_people AS SELECT * FROM public.people;
CREATE VIEW public.v_clear AS SELECT id, level FROM public.people;
CREATE VIEW public.v_filter AS SELECT id, level FROM public.people WHERE secret > 'Tk8';
CREATE VIEW public.v_order AS SELECT id, level, row_number() OVER (ORDER BY salary) AS place FROM public.people;
CREATE VIEW public.v_agg AS SELECT level, max(email) AS top, string_agg(note, ',') AS notes FROM public.people GROUP BY level;
CREATE VIEW public.v_deep AS SELECT * FROM public.v_people;
CREATE VIEW public.v_row AS SELECT id, people AS whole FROM public.people;
CREATE VIEW public.v_call AS SELECT id, label, length(label) AS n FROM public.plain;
CREATE VIEW public.v_cast AS SELECT id FROM public.people WHERE secret::int > 0;
CREATE VIEW public.v_plain AS SELECT id, label, amount FROM public.plain;

-- Code that reads what it is not asked for. No role has any of these functions.
CREATE FUNCTION public.peek(n int) RETURNS text LANGUAGE sql SECURITY DEFINER AS $$ SELECT email FROM public.people WHERE people.id = n $$;
CREATE FUNCTION public.peek_all() RETURNS SETOF public.people LANGUAGE sql AS $$ SELECT * FROM public.people $$;
CREATE FUNCTION public.run(text) RETURNS SETOF text LANGUAGE plpgsql AS $$ BEGIN RETURN QUERY EXECUTE $1; END $$;
CREATE FUNCTION public.tell(int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'saw %', public.peek($1); RETURN $1; END $$;
CREATE PROCEDURE public.shout() LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', public.peek(1); END $$;
CREATE FUNCTION public.upper(int) RETURNS text LANGUAGE sql AS $$ SELECT email FROM public.people WHERE people.id = $1 $$;
CREATE FUNCTION public.op_peek(int, text) RETURNS text LANGUAGE sql AS $$ SELECT public.peek($1) $$;
CREATE OPERATOR public.|~| (FUNCTION = public.op_peek, LEFTARG = int, RIGHTARG = text);
CREATE OPERATOR public.<-> (FUNCTION = public.op_peek, LEFTARG = int, RIGHTARG = text);
CREATE FUNCTION public.pre_peek(int) RETURNS text LANGUAGE sql AS $$ SELECT public.peek($1) $$;
CREATE OPERATOR public.@@@ (FUNCTION = public.pre_peek, RIGHTARG = int);
CREATE FUNCTION public.spy_step(text, int) RETURNS text LANGUAGE sql AS $$ SELECT coalesce($1, '') || public.peek($2) $$;
CREATE AGGREGATE public.spy(int) (SFUNC = public.spy_step, STYPE = text);
CREATE FUNCTION public.key_text(public.key) RETURNS text LANGUAGE sql AS $$ SELECT public.peek($1.id) $$;
CREATE CAST (public.key AS text) WITH FUNCTION public.key_text(public.key) AS IMPLICIT;
CREATE FUNCTION public.int_mood(int) RETURNS public.mood LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', public.peek($1); RETURN 'calm'; END $$;
CREATE CAST (int AS public.mood) WITH FUNCTION public.int_mood(int) AS ASSIGNMENT;
CREATE FUNCTION public.known(int) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', public.peek($1); RETURN true; END $$;
CREATE DOMAIN public.snoop AS int CHECK (public.known(VALUE));
CREATE FUNCTION public.is_email(public.people) RETURNS text LANGUAGE sql AS $$ SELECT $1.email $$;
CREATE FUNCTION public.fits(text) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$;
CREATE MATERIALIZED VIEW public.s_call AS SELECT id, name, public.fits(email) AS ok FROM public.people;
CREATE VIEW public.w_call AS SELECT id, name, public.fits(email) AS ok FROM public.people;
CREATE VIEW public.w_denied AS SELECT id, secret, name, upper(secret) AS loud FROM public.people;

-- What a newer server reads as expressions of its own an older one takes for calls of these.
CREATE FUNCTION public.json_array(int) RETURNS text LANGUAGE sql AS $$ SELECT public.peek($1) $$;
CREATE FUNCTION public.json_object() RETURNS text LANGUAGE sql AS $$ SELECT public.peek(1) $$;
CREATE FUNCTION public.json_value(int, text) RETURNS text LANGUAGE sql AS $$ SELECT public.peek($1) $$;
CREATE FUNCTION public.json_query(int, text) RETURNS text LANGUAGE sql AS $$ SELECT public.peek($1) $$;
CREATE FUNCTION public.json_scalar(int) RETURNS text LANGUAGE sql AS $$ SELECT public.peek($1) $$;
CREATE FUNCTION public.json_serialize(int) RETURNS text LANGUAGE sql AS $$ SELECT public.peek($1) $$;
CREATE FUNCTION public.json(int) RETURNS text LANGUAGE sql AS $$ SELECT public.peek($1) $$;
CREATE FUNCTION public.merge_action() RETURNS text LANGUAGE sql AS $$ SELECT public.peek(1) $$;
CREATE TABLE public.words (id int, "system_user" text);
INSERT INTO public.words SELECT id, ('Tk' || substr(md5('words' || id), 1, 10)) FROM generate_series(1, 12) AS id;
-- Types with values of which a function gives NULL.
CREATE TABLE public.spans (
    id int, during int4range, doc jsonb, track path,
    low int GENERATED ALWAYS AS (lower(during)) STORED, closed path GENERATED ALWAYS AS (track + track) STORED
);
INSERT INTO public.spans
SELECT id, CASE WHEN id % 2 = 0 THEN int4range(id, NULL) ELSE int4range(NULL, id) END, CASE WHEN id % 2 = 0 THEN to_jsonb(id) ELSE 'null' END, '[(0,0),(1,1)]'
FROM generate_series(1, 12) AS id;
CREATE MATERIALIZED VIEW public.s_spans AS SELECT id, lower(during) AS low, upper(during) AS high FROM public.spans;
-- Since PostgreSQL 18: columns that are computed when they are read, and NULL for a document's null.
DO $$
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        EXECUTE $virtual$
        CREATE TABLE public.virtual (
            id int, secret text, tag text,
            twin text GENERATED ALWAYS AS (secret) VIRTUAL, loud text GENERATED ALWAYS AS (upper(secret)), size int GENERATED ALWAYS AS (length(secret)) VIRTUAL,
            tail text GENERATED ALWAYS AS (tag), pair text GENERATED ALWAYS AS (tag || secret), hit int GENERATED ALWAYS AS (CASE WHEN secret > 'Tk8' THEN 1 END)
        );
        INSERT INTO public.virtual (id, secret, tag)
        SELECT id, ('Tk' || substr(md5('virtual' || id), 1, 10)), ('Tk' || substr(md5('vtag' || id), 1, 10)) || 'wxyz' FROM generate_series(1, 12) AS id;
        CREATE MATERIALIZED VIEW public.s_cast AS SELECT id, doc::int AS n, (doc::int)::text AS t FROM public.spans;
        $virtual$;
    END IF;
END $$;

CREATE FUNCTION public.noise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE NOTICE 'touched %', public.peek(3);
    RAISE INFO 'touched %', public.peek(4);
    IF NEW.label = 'fail' THEN
        RAISE EXCEPTION 'failed on %', public.peek(5) USING DETAIL = public.peek(6), HINT = public.peek(7), COLUMN = public.peek(8), CONSTRAINT = public.peek(9), TABLE = public.peek(10), SCHEMA = public.peek(11), DATATYPE = public.peek(12);
    END IF;
    RETURN NEW;
END $$;
CREATE FUNCTION public.child_noise() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'late %', public.peek(1); RETURN NEW; END $$;
CREATE TRIGGER noise BEFORE INSERT OR UPDATE ON public.noisy FOR EACH ROW EXECUTE FUNCTION public.noise();
CREATE TRIGGER noise BEFORE INSERT OR UPDATE ON public.quiet FOR EACH ROW EXECUTE FUNCTION public.noise();
CREATE CONSTRAINT TRIGGER noise AFTER INSERT ON public.coded DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION public.child_noise();
CREATE TABLE public.defaulted (id int, label text DEFAULT public.peek(2), n int DEFAULT public.tell(2));
CREATE TABLE public.ruled (id int);
CREATE RULE also AS ON INSERT TO public.ruled DO ALSO SELECT id, email FROM public.people;
CREATE TABLE public.indexed (id int, label text);
CREATE FUNCTION public.noted(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', public.peek(1); RETURN 1; END $$;
CREATE INDEX ON public.indexed (public.noted(id));
CREATE TABLE public.guarded (id int, label text);
INSERT INTO public.guarded VALUES (1, 'x');
CREATE TABLE public.parent (id int PRIMARY KEY);
INSERT INTO public.parent SELECT generate_series(1, 12);
CREATE TABLE public.shy (id int, parent_id int REFERENCES public.parent ON DELETE CASCADE, label text);
INSERT INTO public.shy SELECT id, id, 'x' FROM generate_series(1, 12) AS id;
CREATE FUNCTION public.gone() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'gone %', public.peek(1); RETURN OLD; END $$;
CREATE TRIGGER gone BEFORE DELETE ON public.shy FOR EACH ROW EXECUTE FUNCTION public.gone();
CREATE SEQUENCE public.people_seq;
SELECT setval('public.people_seq', 739184625);
CREATE TABLE public.numbered (id int GENERATED ALWAYS AS IDENTITY, hidden serial, label text);
SELECT lo_from_bytea(4711, ('lo ' || email)::bytea) FROM public.people WHERE id = 1;

DO $$
DECLARE wanted text;
BEGIN
    FOREACH wanted IN ARRAY ARRAY['dblink', 'postgres_fdw', 'tablefunc', 'pageinspect', 'pgrowlocks', 'pgstattuple', 'xml2', 'adminpack', 'pgcrypto', 'file_fdw', 'fuzzystrmatch'] LOOP
        BEGIN
            EXECUTE format('CREATE EXTENSION IF NOT EXISTS %I', wanted);
        EXCEPTION WHEN OTHERS THEN NULL;
        END;
    END LOOP;
END $$;
CREATE FUNCTION public.on_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE 'ddl %', (SELECT email FROM public.people WHERE id = 1); END $$;
CREATE TABLE public.dynamic (id int, how text);
CREATE FUNCTION public.made_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.how = 'execute' THEN
        EXECUTE format('EXECUTE %I', public.peek(1));
    ELSIF NEW.how = 'fetch' THEN
        EXECUTE format('MOVE 1 FROM %I', public.peek(1));
    ELSE
        EXECUTE format('SELECT 1 / 0, %L', public.peek(1));
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER made_up BEFORE INSERT ON public.dynamic FOR EACH ROW EXECUTE FUNCTION public.made_up();
CREATE EVENT TRIGGER on_ddl ON ddl_command_end EXECUTE FUNCTION public.on_ddl();

-- Whatever stops an attack, it is not the server: the governed logins are superusers of it.
CREATE ROLE clerk LOGIN SUPERUSER;
CREATE ROLE auditor LOGIN SUPERUSER;
CREATE ROLE loader LOGIN SUPERUSER;
CREATE ROLE seer LOGIN SUPERUSER;
CREATE ROLE owner LOGIN SUPERUSER;
CREATE ROLE pgscrim LOGIN;
ANALYZE;
CREATE VIEW public.w_activity AS SELECT pid, query FROM pg_stat_activity;
CREATE VIEW public.w_stats AS SELECT tablename, attname, coalesce(histogram_bounds::text, most_common_vals::text) AS most FROM pg_stats WHERE schemaname = 'public';

-- Each hidden value holds a token of its own in the part that its mask hides.
CREATE TABLE public.people (
    id     int PRIMARY KEY,
    level  text,
    region text,
    name   text,
    email  text,
    phone  varchar(20),
    handle text,
    note   text COLLATE "C",
    born   date,
    salary int,
    wealth numeric(14,4),
    flag   boolean,
    raw    json,
    secret text
);
INSERT INTO public.people
SELECT id, (ARRAY['gold', 'silver', 'basic'])[1 + id % 3], (ARRAY['EU', 'US'])[1 + id % 2], 'A' || ('Tk' || substr(md5('name' || id), 1, 10)), 'a' || ('Tk' || substr(md5('email' || id), 1, 10)) || '@example.com',
       ('Tk' || substr(md5('phone' || id), 1, 10)) || '1234', CASE WHEN id <> 5 THEN 'h' || ('Tk' || substr(md5('handle' || id), 1, 10)) || 'z' END, CASE WHEN id <> 3 THEN ('Tk' || substr(md5('note' || id), 1, 10)) END,
       date '1900-02-02' + ('x' || substr(md5('born' || id), 1, 7))::bit(28)::int % 30000, 100000000 + ('x' || substr(md5('salary' || id), 1, 7))::bit(28)::int, 100000000 + ('x' || substr(md5('wealth' || id), 1, 7))::bit(28)::int + 0.1234, id % 2 = 0,
       json_build_object('k', ('Tk' || substr(md5('raw' || id), 1, 10))), ('Tk' || substr(md5('secret' || id), 1, 10))
FROM generate_series(1, 12) AS id;
CREATE TABLE public.fenced (id int PRIMARY KEY, region text, secret text, amount int);
INSERT INTO public.fenced SELECT id, CASE WHEN id % 2 = 0 THEN 'EU' ELSE 'US' END, ('Tk' || substr(md5('fenced' || id), 1, 10)), id * 10 FROM generate_series(1, 12) AS id;
CREATE TABLE public.events (id int NOT NULL, kind text, payload text) PARTITION BY RANGE (id);
CREATE TABLE public.events_1 PARTITION OF public.events FOR VALUES FROM (0) TO (7);
CREATE TABLE public.events_2 PARTITION OF public.events FOR VALUES FROM (7) TO (10000);
INSERT INTO public.events SELECT id, 'kind ' || id, ('Tk' || substr(md5('payload' || id), 1, 10)) || 'wxyz' FROM generate_series(1, 12) AS id;
CREATE TABLE public.plain (id int PRIMARY KEY, label text, amount int);
INSERT INTO public.plain SELECT id, 'label ' || id, id * 10 FROM generate_series(1, 12) AS id;
CREATE TABLE public.graded (id int PRIMARY KEY, grade text, shade text GENERATED ALWAYS AS (upper(grade)) STORED, note text);
INSERT INTO public.graded (id, grade, note) SELECT id, 'basic', ('Tk' || substr(md5('graded' || id), 1, 10)) FROM generate_series(1, 12) AS id;
-- What is stored is not what is given: defaults, a type's modifier, a generated column, a trigger.
CREATE TABLE public.stock (
    id     int PRIMARY KEY,
    region text DEFAULT 'EU',
    amount numeric(8,0),
    label  text,
    secret text,
    twice  numeric GENERATED ALWAYS AS (amount * 2) STORED
);
CREATE FUNCTION public.stock() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.region := upper(NEW.region); RETURN NEW; END $$;
CREATE TRIGGER stock BEFORE INSERT OR UPDATE ON public.stock FOR EACH ROW EXECUTE FUNCTION public.stock();
INSERT INTO public.stock SELECT id, CASE WHEN id % 2 = 0 THEN 'EU' ELSE 'US' END, id * 10, 'label ' || id, ('Tk' || substr(md5('stock' || id), 1, 10)) FROM generate_series(1, 12) AS id;
-- A row condition over where a row is stored.
CREATE TABLE public.placed (id int, region text) PARTITION BY LIST (region);
CREATE TABLE public.placed_eu PARTITION OF public.placed FOR VALUES IN ('EU');
CREATE TABLE public.placed_us PARTITION OF public.placed FOR VALUES IN ('US');
INSERT INTO public.placed VALUES (1, 'EU'), (2, 'US');
CREATE TABLE public.tokens (id int PRIMARY KEY, token text);
INSERT INTO public.tokens SELECT id, ('Tk' || substr(md5('token' || id), 1, 10)) FROM generate_series(1, 12) AS id;
-- Views that PostgreSQL writes through: what is done to them is done to the tables.
CREATE SCHEMA over;
CREATE VIEW over.people AS SELECT * FROM public.people;
CREATE VIEW over.events AS SELECT id, kind, payload FROM public.events WHERE id > -1000;
CREATE VIEW over.fenced AS SELECT id, region, secret, amount FROM public.fenced;
CREATE VIEW over.stock AS SELECT * FROM public.stock WHERE id > -1000;
CREATE SCHEMA twice;
CREATE VIEW twice.people AS SELECT * FROM over.people;
CREATE VIEW twice.events AS SELECT * FROM over.events WHERE kind IS NULL OR kind <> 'none';
CREATE VIEW twice.fenced AS SELECT * FROM over.fenced WHERE amount IS NULL OR amount <> -1;
CREATE VIEW twice.stock AS SELECT * FROM over.stock;
-- Others, that are not written through: they have a condition's column under another name or not at all, or compute with rows that are not there.
CREATE SCHEMA aside;
CREATE VIEW aside.fenced AS SELECT id, region AS place, amount FROM public.fenced;
CREATE VIEW aside.swapped AS SELECT id, region AS secret, secret AS region, amount FROM public.fenced;
-- Written through; what is set by the column's other name is held to the condition, too.
CREATE VIEW aside.doubled AS SELECT id, region, region AS place FROM public.fenced;
CREATE VIEW aside.computed AS SELECT id, upper(region) AS region, amount FROM public.fenced;
CREATE VIEW aside.divided AS SELECT id, region, amount FROM public.fenced WHERE 10 / id < 100;
CREATE VIEW aside.first AS SELECT id, region, amount FROM public.fenced ORDER BY id LIMIT 2;
CREATE VIEW aside.made AS SELECT id, name FROM public.people;
CREATE FUNCTION aside.made() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE NOTICE '%', OLD.name; RETURN NEW; END $$;
CREATE TRIGGER made INSTEAD OF UPDATE ON aside.made FOR EACH ROW EXECUTE FUNCTION aside.made();
CREATE VIEW aside.joined AS SELECT p.id, p.name FROM public.people p JOIN public.plain USING (id);
CREATE VIEW aside.checked AS SELECT id, name, email, region FROM public.people WHERE region = 'EU' WITH CHECK OPTION;
CREATE TABLE aside.ruled (id int);
CREATE RULE shown AS ON INSERT TO aside.ruled DO ALSO SELECT * FROM public.people;
CREATE VIEW aside.over_ruled AS SELECT id FROM aside.ruled;
CREATE VIEW aside.over_made AS SELECT id, name FROM aside.made;
CREATE VIEW aside.over_fenced AS SELECT id, amount FROM aside.fenced;
CREATE VIEW aside.over_checked AS SELECT id, region FROM aside.checked;
CREATE VIEW aside.hidden AS SELECT id, note FROM public.graded;
CREATE ROLE clerk LOGIN SUPERUSER;
CREATE ROLE owner LOGIN SUPERUSER;
CREATE ROLE reader LOGIN SUPERUSER;
CREATE ROLE pgscrim LOGIN;

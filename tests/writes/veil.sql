-- What the clerk sees and may do, by hand: views under the tables' names, whose triggers store what is written back masked as it was.
CREATE SCHEMA veil;
CREATE FUNCTION veil.partial(t text, a int, b int) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN length(t) <= a + b THEN repeat('*', length(t)) ELSE left(t, a) || repeat('*', length(t) - a - b) || right(t, b) END $$;
CREATE FUNCTION veil.email(t text) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN t ~ '@' THEN regexp_replace(t, '^(.?).*@(.*)$', CASE WHEN t ~ '^@[^@]*$' THEN '***@\2' ELSE '\1***@\2' END) WHEN t IS NOT NULL THEN '***' END $$;
CREATE FUNCTION veil.name(t text) RETURNS text LANGUAGE sql AS $$ SELECT CASE WHEN length(t) = 1 THEN '*' ELSE left(t, 1) || repeat('*', length(t) - 1) END $$;
CREATE VIEW veil.people AS
SELECT id, level, region, veil.name(name) AS name, veil.email(email) AS email, veil.partial(phone, 0, 4)::varchar(20) AS phone,
       CASE WHEN level = 'gold' THEN veil.partial(handle, 1, 1) WHEN handle IS NOT NULL THEN '***' END AS handle,
       (CASE WHEN note IS NOT NULL THEN '***' END) COLLATE "C" AS note, date_trunc('year', born)::date AS born,
       floor(salary / 1000000.0)::int * 1000000 AS salary, (floor(wealth / 1000000) * 1000000)::numeric(14,4) AS wealth,
       CASE WHEN flag IS NOT NULL THEN false END AS flag, CASE WHEN raw IS NOT NULL THEN '{}'::json END AS raw
FROM public.people;
CREATE VIEW veil.fenced WITH (security_barrier) AS SELECT id, region, CASE WHEN secret IS NOT NULL THEN '***' END AS secret, amount FROM public.fenced WHERE region = 'EU';
CREATE VIEW veil.stock WITH (security_barrier) AS
SELECT id, region, amount, label, CASE WHEN secret IS NOT NULL THEN '***' END AS secret, twice FROM public.stock WHERE region = 'EU' AND coalesce(twice, 0) < 200;
ALTER VIEW veil.stock ALTER region SET DEFAULT 'EU';
CREATE VIEW veil.events AS SELECT id, kind, veil.partial(payload, 0, 4) AS payload FROM public.events;

CREATE FUNCTION veil.people() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN DELETE FROM public.people WHERE id = OLD.id; RETURN OLD; END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.people SELECT NEW.*;
    ELSE
        UPDATE public.people p SET id = NEW.id, level = NEW.level, region = NEW.region,
            name = CASE WHEN NEW.name IS NOT DISTINCT FROM OLD.name THEN p.name ELSE NEW.name END,
            email = CASE WHEN NEW.email IS NOT DISTINCT FROM OLD.email THEN p.email ELSE NEW.email END,
            phone = CASE WHEN NEW.phone IS NOT DISTINCT FROM OLD.phone THEN p.phone ELSE NEW.phone END,
            handle = CASE WHEN NEW.handle IS NOT DISTINCT FROM OLD.handle THEN p.handle ELSE NEW.handle END,
            note = CASE WHEN NEW.note IS NOT DISTINCT FROM OLD.note THEN p.note ELSE NEW.note END,
            born = CASE WHEN NEW.born IS NOT DISTINCT FROM OLD.born THEN p.born ELSE NEW.born END,
            salary = CASE WHEN NEW.salary IS NOT DISTINCT FROM OLD.salary THEN p.salary ELSE NEW.salary END,
            wealth = CASE WHEN NEW.wealth IS NOT DISTINCT FROM OLD.wealth THEN p.wealth ELSE NEW.wealth END,
            flag = CASE WHEN NEW.flag IS NOT DISTINCT FROM OLD.flag THEN p.flag ELSE NEW.flag END,
            raw = CASE WHEN NEW.raw::text IS NOT DISTINCT FROM OLD.raw::text THEN p.raw ELSE NEW.raw END
        WHERE p.id = OLD.id;
    END IF;
    SELECT * INTO NEW FROM veil.people v WHERE v.id = NEW.id;
    RETURN NEW;
END $$;
CREATE TRIGGER people INSTEAD OF INSERT OR UPDATE OR DELETE ON veil.people FOR EACH ROW EXECUTE FUNCTION veil.people();

CREATE FUNCTION veil.fenced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN DELETE FROM public.fenced WHERE id = OLD.id; RETURN OLD; END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.fenced SELECT NEW.*;
    ELSE
        UPDATE public.fenced p SET id = NEW.id, region = NEW.region, amount = NEW.amount,
            secret = CASE WHEN NEW.secret IS NOT DISTINCT FROM OLD.secret THEN p.secret ELSE NEW.secret END
        WHERE p.id = OLD.id;
    END IF;
    SELECT * INTO NEW FROM veil.fenced v WHERE v.id = NEW.id;
    IF NOT FOUND THEN RAISE insufficient_privilege; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER fenced INSTEAD OF INSERT OR UPDATE OR DELETE ON veil.fenced FOR EACH ROW EXECUTE FUNCTION veil.fenced();

CREATE FUNCTION veil.stock() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN DELETE FROM public.stock WHERE id = OLD.id; RETURN OLD; END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.stock (id, region, amount, label, secret) SELECT NEW.id, NEW.region, NEW.amount, NEW.label, NEW.secret;
    ELSE
        UPDATE public.stock p SET id = NEW.id, region = NEW.region, amount = NEW.amount, label = NEW.label,
            secret = CASE WHEN NEW.secret IS NOT DISTINCT FROM OLD.secret THEN p.secret ELSE NEW.secret END
        WHERE p.id = OLD.id;
    END IF;
    SELECT * INTO NEW FROM veil.stock v WHERE v.id = NEW.id;
    IF NOT FOUND THEN RAISE insufficient_privilege; END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER stock INSTEAD OF INSERT OR UPDATE OR DELETE ON veil.stock FOR EACH ROW EXECUTE FUNCTION veil.stock();

CREATE FUNCTION veil.events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN DELETE FROM public.events WHERE id = OLD.id; RETURN OLD; END IF;
    IF TG_OP = 'INSERT' THEN
        INSERT INTO public.events SELECT NEW.*;
    ELSE
        UPDATE public.events p SET id = NEW.id, kind = NEW.kind,
            payload = CASE WHEN NEW.payload IS NOT DISTINCT FROM OLD.payload THEN p.payload ELSE NEW.payload END
        WHERE p.id = OLD.id;
    END IF;
    SELECT * INTO NEW FROM veil.events v WHERE v.id = NEW.id;
    RETURN NEW;
END $$;
CREATE TRIGGER events INSTEAD OF INSERT OR UPDATE OR DELETE ON veil.events FOR EACH ROW EXECUTE FUNCTION veil.events();

-- The rows as they were, and what is left of them.
CREATE SCHEMA kept;
CREATE TABLE kept.people AS TABLE public.people;
CREATE TABLE kept.fenced AS TABLE public.fenced;
CREATE TABLE kept.stock AS TABLE public.stock;
CREATE TABLE kept.events AS TABLE public.events;
CREATE TABLE kept.plain AS TABLE public.plain;
CREATE FUNCTION veil.restore() RETURNS text LANGUAGE plpgsql AS $$
DECLARE state text;
BEGIN
    SELECT string_agg(r, E'\n' ORDER BY r) INTO state FROM (
        SELECT 'people ' || p::text FROM public.people p UNION ALL SELECT 'fenced ' || p::text FROM public.fenced p
        UNION ALL SELECT 'events ' || p::text FROM public.events p UNION ALL SELECT 'stock ' || p::text FROM public.stock p UNION ALL SELECT 'plain ' || p::text FROM public.plain p
        UNION ALL SELECT 'placed ' || p::text FROM public.placed p) AS s (r);
    TRUNCATE public.people, public.fenced, public.events, public.plain, public.stock;
    INSERT INTO public.people TABLE kept.people;
    INSERT INTO public.fenced TABLE kept.fenced;
    INSERT INTO public.events TABLE kept.events;
    INSERT INTO public.plain TABLE kept.plain;
    INSERT INTO public.stock SELECT id, region, amount, label, secret FROM kept.stock;
    RETURN state;
END $$;

-- Rows of region EU exist for every login, those of US for none, whatever the login's row condition is made of. What runs on a row of US fails: functions
-- and operators that look for its values, and what PostgreSQL itself cannot compute of them. `lab.calm` keeps it quiet while the tables are made.
SET lab.calm = 'on';
CREATE ROLE pgscrim LOGIN; CREATE ROLE cheap LOGIN; CREATE ROLE dear LOGIN; CREATE ROLE asks LOGIN; CREATE ROLE seeks LOGIN; CREATE ROLE keyed LOGIN;
CREATE DOMAIN low AS int CHECK (VALUE < 500000);
CREATE DOMAIN calm AS text CHECK (VALUE NOT LIKE '%HIDDEN%');

-- PostgreSQL 17 and newer make indexes without a search_path
CREATE FUNCTION tell(text) RETURNS text IMMUTABLE PARALLEL SAFE COST 0.0001 LANGUAGE plpgsql AS $$
BEGIN
    IF $1 LIKE '%HIDDEN%' AND current_setting('lab.calm', true) IS NULL THEN RAISE EXCEPTION 'told'; END IF;
    RETURN $1;
END $$;
CREATE FUNCTION tell(int) RETURNS int STABLE PARALLEL SAFE COST 0.0001 LANGUAGE plpgsql AS $$
BEGIN
    IF $1 >= 500000 AND current_setting('lab.calm', true) IS NULL THEN RAISE EXCEPTION 'told'; END IF;
    RETURN $1;
END $$;
CREATE FUNCTION tell_volatile(text) RETURNS text VOLATILE COST 0.0001 LANGUAGE plpgsql AS 'BEGIN RETURN public.tell($1); END';
CREATE FUNCTION tell_strict(text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE COST 0.0001 LANGUAGE plpgsql AS 'BEGIN RETURN public.tell($1); END';
CREATE FUNCTION tell_bool(text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE COST 0.0001 LANGUAGE plpgsql AS 'BEGIN RETURN public.tell($1) <> ''x''; END';
CREATE FUNCTION tell_rows(text) RETURNS SETOF text STABLE PARALLEL SAFE COST 0.0001 ROWS 1 LANGUAGE plpgsql AS 'BEGIN RETURN NEXT public.tell($1); END';
CREATE FUNCTION tell_both(text, text) RETURNS boolean IMMUTABLE PARALLEL SAFE COST 0.0001 LANGUAGE plpgsql AS 'BEGIN RETURN public.tell($1) >= public.tell($2); END';
-- PostgreSQL puts its text in the place of a call
CREATE FUNCTION tell_inlined(int) RETURNS int IMMUTABLE PARALLEL SAFE COST 0.0001 LANGUAGE sql AS 'SELECT 1 / $1';
CREATE FUNCTION tell_equal(text, text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE COST 0.0001 LANGUAGE plpgsql AS 'BEGIN RETURN public.tell($1) = public.tell($2); END';
CREATE FUNCTION tell_less(text, text) RETURNS boolean IMMUTABLE STRICT PARALLEL SAFE COST 0.0001 LANGUAGE plpgsql AS 'BEGIN RETURN public.tell($1) < public.tell($2); END';
CREATE FUNCTION tell_larger(text, text) RETURNS text IMMUTABLE STRICT PARALLEL SAFE COST 0.0001 LANGUAGE plpgsql AS 'BEGIN RETURN greatest(public.tell($1), public.tell($2)); END';
CREATE OPERATOR === (FUNCTION = tell_equal, LEFTARG = text, RIGHTARG = text, COMMUTATOR = ===, RESTRICT = eqsel, JOIN = eqjoinsel);
CREATE OPERATOR <<< (FUNCTION = tell_less, LEFTARG = text, RIGHTARG = text, RESTRICT = scalarltsel, JOIN = scalarltjoinsel);
CREATE AGGREGATE tell_most(text) (SFUNC = tell_larger, STYPE = text, SORTOP = >);
CREATE FUNCTION dear(text) RETURNS text IMMUTABLE PARALLEL SAFE COST 100000 LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';

CREATE TABLE listed (zone text PRIMARY KEY);
INSERT INTO listed VALUES ('EU'), ('AF');

CREATE TABLE bills (id int PRIMARY KEY, grp int, region text, mark text, num int, zero int, sign int, code text, day text, born date, amount numeric,
    flag boolean, mail text);
CREATE TABLE parts (LIKE bills, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE parts_low PARTITION OF parts FOR VALUES FROM (0) TO (1005);
CREATE TABLE parts_mid PARTITION OF parts FOR VALUES FROM (1005) TO (1009);
CREATE TABLE parts_high PARTITION OF parts DEFAULT;
CREATE TABLE kept (LIKE bills, PRIMARY KEY (region, id)) PARTITION BY LIST (region);
CREATE TABLE kept_eu PARTITION OF kept FOR VALUES IN ('EU');
CREATE TABLE kept_us PARTITION OF kept FOR VALUES IN ('US');
CREATE TABLE base (LIKE bills, PRIMARY KEY (id));
CREATE TABLE kid (PRIMARY KEY (id)) INHERITS (base);
CREATE TABLE free (LIKE bills, PRIMARY KEY (id));

INSERT INTO bills SELECT i, i % 5, 'US', 'HIDDEN' || i % 3, 1000000 + i % 4, 0, -1, 'HIDDEN' || i, 'HIDDEN' || i, '1999-01-01', i, i % 2 = 0, 'HIDDEN' || i
    FROM generate_series(1, 14) i;
INSERT INTO bills SELECT 1000 + i, i % 5, 'EU', 'box' || i % 4, i % 9, 1, 1, i % 7, '2020-01-0' || 1 + i % 6, '1980-01-01'::date + i, i, i % 3 = 0, 'm' || i
    FROM generate_series(1, 12) i;
INSERT INTO bills SELECT 1970 + id, grp, region, mark, num, zero, sign, code, day, born, amount, flag, mail FROM bills WHERE id < 1000;
INSERT INTO parts SELECT * FROM bills;
INSERT INTO kept SELECT * FROM bills;
INSERT INTO base SELECT * FROM bills WHERE id % 2 = 0;
INSERT INTO kid SELECT * FROM bills WHERE id % 2 = 1;
-- of these all rows exist for everybody, some with the keys of rows that are not there
INSERT INTO free SELECT CASE WHEN id % 2 = 0 THEN id ELSE id - 1000 END, grp, 'EU', mark, num, zero, sign, code, day, born, amount, flag, mail FROM bills WHERE region = 'EU';
DO $$
DECLARE t text;
BEGIN
    FOREACH t IN ARRAY ARRAY['bills', 'parts', 'kept', 'base', 'kid', 'free'] LOOP
        EXECUTE format('CREATE INDEX ON %I (grp); CREATE INDEX ON %1$I (mark, num); CREATE INDEX ON %1$I (num); CREATE INDEX ON %1$I (born)', t);
    END LOOP;
END $$;
CREATE INDEX ON bills (tell(mark)); CREATE INDEX ON kept (region); CREATE INDEX ON bills (tell_strict(mark), id); ALTER TABLE base ALTER mark SET NOT NULL;
ALTER TABLE kept ALTER mark SET NOT NULL; ALTER TABLE kept ALTER zero SET NOT NULL;
CREATE STATISTICS told ON tell(mark), grp FROM base;

CREATE VIEW v_plain AS SELECT * FROM bills;
CREATE VIEW v_some AS SELECT * FROM parts WHERE grp <> 4;
CREATE VIEW v_sums AS SELECT max(id) AS id, grp, max(region) AS region, max(mark) AS mark, max(num) AS num, max(zero) AS zero, min(sign) AS sign,
    max(code) AS code, max(day) AS day, max(born) AS born, sum(amount) AS amount, bool_or(flag) AS flag, max(mail) AS mail FROM bills GROUP BY grp;
CREATE VIEW v_join AS SELECT b.id, k.grp, b.region, k.mark, b.num, b.zero, k.sign, b.code, k.day, b.born, b.amount, b.flag, b.mail
    FROM base b LEFT JOIN kept k ON b.id = k.id;
CREATE VIEW v_all AS SELECT * FROM bills UNION ALL SELECT * FROM free;
CREATE VIEW v_told AS SELECT id, grp, region, tell(mark) AS mark, num, zero, sign, code, day, born, amount, flag, mail FROM parts WHERE 1 / zero > 0;
GRANT ALL ON ALL TABLES IN SCHEMA public TO cheap, dear, asks, seeks, keyed;

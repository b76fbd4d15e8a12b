-- The governed login's veil, written by hand, over the plain server: what it may see is what is there.
CREATE FUNCTION pg_temp.stars(t text, f int, l int) RETURNS text LANGUAGE sql AS $$
    SELECT CASE WHEN length(t) <= f + l THEN repeat('*', length(t))
        ELSE left(t, f) || repeat('*', length(t) - f - l) || right(t, l) END $$;
UPDATE public.people SET
    full_name = left(full_name, 1) || repeat('*', length(full_name) - 1),
    email = left(email, 1) || '***' || substring(email FROM '@[^@]*$'),
    phone = pg_temp.stars(phone, 0, 4),
    born = date_trunc('year', born)::date,
    salary = floor(salary / 1000) * 1000,
    joined = date_trunc('month', joined AT TIME ZONE 'UTC') AT TIME ZONE 'UTC',
    tags = CASE WHEN tags = '{}' THEN tags ELSE (SELECT array_agg(pg_temp.stars(x, 1, 0) ORDER BY o) FROM unnest(tags) WITH ORDINALITY AS u (x, o)) END,
    key = '00000000-0000-0000-0000-000000000000', photo = '', notes = '{}',
    ip = set_masklen(network(set_masklen(ip, 24))::inet, masklen(ip));
UPDATE public.many SET email = left(email, 1) || '***' || substring(email FROM '@[^@]*$');
UPDATE public.saved SET
    name = left(name, 1) || repeat('*', length(name) - 1), email = left(email, 1) || '***' || substring(email FROM '@[^@]*$'),
    phone = pg_temp.stars(phone, 0, 4), born = date_trunc('year', born)::date, salary = floor(salary / 1000) * 1000,
    joined = date_trunc('month', joined AT TIME ZONE 'UTC') AT TIME ZONE 'UTC', key = '00000000-0000-0000-0000-000000000000', photo = '',
    notes = '{}', ip = set_masklen(network(set_masklen(ip, 24))::inet, masklen(ip));
TRUNCATE kept.saved;
INSERT INTO kept.saved TABLE public.saved;
ALTER TABLE public.staff DROP COLUMN badge;
UPDATE public.staff SET name = left(name, 1) || repeat('*', length(name) - 1);
REVOKE SELECT ON public.vault FROM governed;
GRANT SELECT (id, label) ON public.vault TO governed;
-- Updated rows stand at the end; let them stand where they stood.
CLUSTER public.people USING people_pkey;
ALTER TABLE public.people SET WITHOUT CLUSTER;
CLUSTER public.saved USING saved_pkey;
ALTER TABLE public.saved SET WITHOUT CLUSTER;
CLUSTER public.many USING many_pkey;
ALTER TABLE public.many SET WITHOUT CLUSTER;
CLUSTER public.staff USING staff_pkey;
ALTER TABLE public.staff SET WITHOUT CLUSTER;
ANALYZE;

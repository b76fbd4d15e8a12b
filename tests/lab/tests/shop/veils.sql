-- What each login sees of the sample shop, by hand: a schema for each, a view for each table. Columns that are denied are not there.
CREATE SCHEMA support;
CREATE VIEW support.users WITH (security_barrier) AS
SELECT id, left(full_name, 1) || repeat('*', length(full_name) - 1) AS full_name,
       left(id_number, 3) || repeat('*', length(id_number) - 7) || right(id_number, 4) AS id_number,
       left(email, 1) || '***@' || split_part(email, '@', 2) AS email, repeat('*', length(phone) - 4) || right(phone, 4) AS phone,
       locale, level, created_at
FROM public.users;
CREATE VIEW support.addresses WITH (security_barrier) AS
SELECT id, user_id, left(recipient, 1) || repeat('*', length(recipient) - 1) AS recipient, repeat('*', length(phone) - 4) || right(phone, 4) AS phone,
       region, city, repeat('*', length(street) - 4) || right(street, 4) AS street, repeat('*', length(postcode) - 4) || right(postcode, 4) AS postcode, is_default
FROM public.addresses;
CREATE VIEW support.orders AS SELECT * FROM public.orders;
CREATE VIEW support.payments WITH (security_barrier) AS
SELECT id, order_id, user_id, method, regexp_replace(left(card_number, length(card_number) - 4), '[0-9a-zA-Z]', '*', 'g') || right(card_number, 4) AS card_number,
       left(card_holder, 1) || repeat('*', length(card_holder) - 1) AS card_holder, amount, paid_at
FROM public.payments;
CREATE VIEW support.page_views AS SELECT id, user_id, viewed_at FROM public.page_views;

CREATE SCHEMA analyst;
CREATE VIEW analyst.users WITH (security_barrier) AS
SELECT id, '***'::text AS full_name, '***'::text AS email, '***'::text AS phone, date_trunc('year', birth_date)::date AS birth_date, locale, level, created_at
FROM public.users;
CREATE VIEW analyst.addresses WITH (security_barrier) AS
SELECT id, user_id, '***'::text AS recipient, '***'::text AS phone, region, city, '***'::text AS street,
       CASE WHEN postcode IS NOT NULL THEN '***' END AS postcode, is_default
FROM public.addresses;
CREATE VIEW analyst.orders AS SELECT * FROM public.orders;
CREATE VIEW analyst.payments WITH (security_barrier) AS
SELECT id, order_id, user_id, method, CASE WHEN card_holder IS NOT NULL THEN '***' END AS card_holder, amount, paid_at FROM public.payments;
CREATE VIEW analyst.page_views WITH (security_barrier) AS
SELECT id, user_id, path, search_term, set_masklen(network(set_masklen(ip, 24))::inet, masklen(ip)) AS ip, viewed_at FROM public.page_views;

-- Two more than the demo has: one that is bound to rows, and one whose masks are by condition.
CREATE SCHEMA courier;
CREATE VIEW courier.users WITH (security_barrier) AS SELECT id, locale, level, created_at FROM public.users;
CREATE VIEW courier.addresses WITH (security_barrier) AS
SELECT id, user_id, recipient, repeat('*', length(phone) - 4) || right(phone, 4) AS phone, region, city, street, postcode, is_default
FROM public.addresses WHERE is_default;
CREATE VIEW courier.orders WITH (security_barrier) AS
SELECT id, user_id, address_id, product_id, quantity, (floor(total / 100) * 100)::numeric(12,2) AS total, status, region, ordered_at
FROM public.orders WHERE status <> 'cancelled' AND quantity < 3;
CREATE VIEW courier.payments WITH (security_barrier) AS SELECT id, order_id, user_id, method, paid_at FROM public.payments WHERE false;
CREATE VIEW courier.page_views WITH (security_barrier) AS SELECT id, user_id, viewed_at FROM public.page_views;

CREATE SCHEMA clinic;
CREATE VIEW clinic.users WITH (security_barrier) AS
SELECT id, CASE WHEN level = 'basic' THEN full_name ELSE left(full_name, 1) || repeat('*', length(full_name) - 1) END AS full_name,
       CASE WHEN id % 3 = 0 THEN id_number END AS id_number, CASE WHEN locale LIKE 'z%' THEN '***' ELSE email END AS email,
       CASE WHEN birth_date < '1980-01-01' THEN date_trunc('month', birth_date)::date ELSE date_trunc('year', birth_date)::date END AS birth_date,
       locale, level, created_at
FROM public.users;
CREATE VIEW clinic.addresses WITH (security_barrier) AS SELECT id, user_id, region, city, is_default FROM public.addresses;
CREATE VIEW clinic.orders WITH (security_barrier) AS
SELECT id, user_id, address_id, product_id, quantity, CASE WHEN quantity > 1 THEN total END AS total, status, region, ordered_at FROM public.orders;
CREATE VIEW clinic.payments WITH (security_barrier) AS SELECT id, order_id, user_id, method, paid_at FROM public.payments;
CREATE VIEW clinic.page_views WITH (security_barrier) AS SELECT id, user_id, viewed_at FROM public.page_views;

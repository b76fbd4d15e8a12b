-- Indexes, places in the sequences, and the logins. What they see of the rows is the policy's affair, not the server's.
CREATE INDEX ON public.addresses (user_id);
CREATE INDEX ON public.orders (user_id);
CREATE INDEX ON public.payments (order_id);
CREATE INDEX ON public.page_views (user_id);
SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(t, 'id'), 1000000)
  FROM pg_catalog.unnest('{public.users,public.addresses,public.products,public.orders,public.payments,public.page_views}'::text[]) AS t;
CREATE ROLE analyst LOGIN;
CREATE ROLE support LOGIN;
CREATE ROLE owner   LOGIN;
CREATE ROLE pgscrim LOGIN;
GRANT USAGE ON SCHEMA public TO analyst, support, owner;
GRANT SELECT ON ALL TABLES IN SCHEMA public TO analyst, support;
GRANT UPDATE (phone, email) ON public.users TO support;
GRANT UPDATE (status) ON public.orders TO support;
GRANT ALL ON ALL TABLES IN SCHEMA public TO owner;
GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO owner;
ANALYZE;

CREATE TABLE users (id int PRIMARY KEY, email text UNIQUE, name text, tags text[], doc jsonb, born date, salary numeric);
CREATE TABLE orders (id bigserial PRIMARY KEY, user_id int REFERENCES users, total numeric, at timestamptz DEFAULT now(), half numeric GENERATED ALWAYS AS (total/2) STORED);
CREATE TABLE items (order_id bigint REFERENCES orders, n int, what text, PRIMARY KEY (order_id, n));
CREATE TABLE part (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE part1 PARTITION OF part FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE VIEW mails AS SELECT id, email FROM users;
CREATE TYPE mood AS ENUM ('a','b');
CREATE TABLE moods (m mood, i int);
CREATE INDEX ON users (lower(email));

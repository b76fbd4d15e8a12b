-- Views that the policy does not name. The tests make them twice: over the tables, and over what `veil.sql` says the clerk sees of them.
CREATE VIEW w_plain AS SELECT id, level, region, name, email, phone, card, note, handle, born, salary, wealth, flag FROM people;
CREATE VIEW w_some AS SELECT p.id, p.email AS mail, p.born AS birthday FROM people p WHERE p.level = 'gold';
CREATE VIEW w_filter AS SELECT id, level FROM people WHERE email LIKE '%a***%';
CREATE VIEW w_join AS SELECT p.id, p.name, a.iban, a.state FROM people p LEFT JOIN accounts a ON a.person_id = p.id AND a.state = 'open';
CREATE VIEW w_alias AS SELECT p.id, a.iban FROM people p JOIN accounts a ON a.alias = p.alias;
CREATE VIEW w_agg AS SELECT count(*)::int AS n, level, count(email)::int AS mails, max(salary) AS top, min(born) AS eldest FROM people GROUP BY level;
CREATE VIEW w_group AS SELECT count(*)::int AS n, salary FROM people GROUP BY salary;
CREATE VIEW w_union AS SELECT id, payload FROM events WHERE id < 9 UNION ALL SELECT id, payload FROM events WHERE id > 6;
CREATE VIEW w_mixed AS SELECT id, email AS what FROM people UNION ALL SELECT id, label FROM plain;
CREATE VIEW w_distinct AS SELECT DISTINCT id % 3 AS n, flag FROM people;
CREATE VIEW w_over AS SELECT s.id, s.mail, p.name FROM w_some s JOIN w_plain p USING (id) WHERE p.id > 2;
CREATE VIEW w_fenced WITH (security_barrier) AS SELECT id, region, secret FROM fenced;
CREATE VIEW w_cte AS WITH a AS (SELECT id, name FROM people) SELECT a.id, a.name FROM a;
CREATE VIEW w_window AS SELECT id, name, (rank() OVER (ORDER BY salary))::int AS place FROM people;
CREATE VIEW w_case AS SELECT id, CASE WHEN flag THEN 'yes' ELSE 'no' END AS answer, name FROM people;
CREATE VIEW w_expr AS SELECT id, lower(email) AS mail, phone FROM people;
CREATE VIEW w_when AS SELECT id, secret FROM child WHERE plain_id > 2;
CREATE VIEW w_stored AS SELECT s.id, s.mail, lower(s.mail) AS low, s.born, d.label FROM s_plain s LEFT JOIN s_deep d ON d.id = s.id WHERE s.mail LIKE 'a%';

-- What each login sees, by PostgreSQL's own barriers.
CREATE SCHEMA veil;
SET search_path = veil, public;
CREATE VIEW bills WITH (security_barrier) AS SELECT id, grp, region, mark, num, zero, sign, code, day, born, amount, flag, '***'::text AS mail
    FROM public.bills WHERE region = 'EU';
CREATE VIEW parts WITH (security_barrier) AS SELECT id, grp, region, mark, num, zero, sign, code, day, born, amount, flag, '***'::text AS mail
    FROM public.parts WHERE region = 'EU';
CREATE VIEW kept WITH (security_barrier) AS SELECT id, grp, region, mark, num, zero, sign, code, day, born, amount, flag, '***'::text AS mail
    FROM public.kept WHERE region = 'EU';
CREATE VIEW base WITH (security_barrier) AS SELECT id, grp, region, mark, num, zero, sign, code, day, born, amount, flag, '***'::text AS mail
    FROM public.base WHERE region = 'EU';
CREATE VIEW kid WITH (security_barrier) AS SELECT id, grp, region, mark, num, zero, sign, code, day, born, amount, flag, '***'::text AS mail
    FROM public.kid WHERE region = 'EU';
CREATE VIEW v_plain WITH (security_barrier) AS SELECT * FROM bills;
CREATE VIEW v_some WITH (security_barrier) AS SELECT * FROM parts WHERE grp <> 4;
CREATE VIEW v_sums WITH (security_barrier) AS SELECT max(id) AS id, grp, max(region) AS region, max(mark) AS mark, max(num) AS num, max(zero) AS zero,
    min(sign) AS sign, max(code) AS code, max(day) AS day, max(born) AS born, sum(amount) AS amount, bool_or(flag) AS flag, max(mail) AS mail
    FROM bills GROUP BY grp;
CREATE VIEW v_join WITH (security_barrier) AS SELECT b.id, k.grp, b.region, k.mark, b.num, b.zero, k.sign, b.code, k.day, b.born, b.amount, b.flag, b.mail
    FROM base b LEFT JOIN kept k ON b.id = k.id;
CREATE VIEW v_all WITH (security_barrier) AS SELECT * FROM bills UNION ALL SELECT * FROM free;
CREATE VIEW v_told WITH (security_barrier) AS SELECT id, grp, region, tell(mark) AS mark, num, zero, sign, code, day, born, amount, flag, mail
    FROM parts WHERE 1 / zero > 0;

? a lookup gives equality with constants, not order
SELECT id FROM people WHERE email > 'aTk8'
? not patterns
SELECT id FROM people WHERE email LIKE 'aTk%'
? not under OR
SELECT id FROM people WHERE email = 'x' OR id = 1
? not under NOT
SELECT id FROM people WHERE NOT email = 'x'
? not inequality
SELECT id FROM people WHERE email <> 'x'
? not in the select list
SELECT id, email = 'x' FROM people
? not in CASE
SELECT id FROM people WHERE CASE WHEN email = 'x' THEN true ELSE false END
? not with a computed constant
SELECT id FROM people WHERE email = lower('X')
? not with another row's value
SELECT a.id FROM people a, plain b WHERE a.email = b.label
? not of an expression
SELECT id FROM people WHERE lower(email) = 'x'
? not of a cast
SELECT id FROM people WHERE email::varchar = 'x'
? not under IS TRUE
SELECT id FROM people WHERE (email = 'x') IS TRUE
? not in HAVING's aggregate
SELECT level FROM people GROUP BY level HAVING max(email) = 'x'
? not more than a hundred guesses
SELECT id FROM people WHERE email IN ('1','2','3','4','5','6','7','8','9','10','11','12','13','14','15','16','17','18','19','20','21','22','23','24','25','26','27','28','29','30','31','32','33','34','35','36','37','38','39','40','41','42','43','44','45','46','47','48','49','50','51','52','53','54','55','56','57','58','59','60','61','62','63','64','65','66','67','68','69','70','71','72','73','74','75','76','77','78','79','80','81','82','83','84','85','86','87','88','89','90','91','92','93','94','95','96','97','98','99','100','101')
? not a series of guesses
SELECT id FROM people WHERE email = ANY (SELECT 'x' || g FROM generate_series(1, 1000) AS g)
? not an array of a function's making
SELECT id FROM people WHERE email = ANY (string_to_array('a,b', ','))
? not in FILTER
SELECT count(*) FILTER (WHERE email = 'x') FROM people
? equality joins, but parts of the value do not
SELECT count(*) FROM people GROUP BY left(note, 3)
? equality joins, but not to what is computed
SELECT a.id FROM people a, plain b WHERE a.note = b.label || 'x'
? equality gives no order
SELECT id FROM people ORDER BY note
? equality gives no output of the value
SELECT id FROM people WHERE nullif(note, 'x') IS NULL
? order gives sorting of the value, not of what is computed from it
SELECT id FROM people ORDER BY salary % 10
? order gives sorting of the value, not of a guess about a part of it
SELECT id FROM people ORDER BY (salary::text LIKE '2%')
= order gives no output
SELECT salary + 0 FROM people ORDER BY salary
= equality gives no output
SELECT note || '' FROM people GROUP BY note
= lookup gives no output
SELECT email || '' FROM people WHERE email = 'x' OR true
= a group's value is put out as its mask
SELECT note FROM people GROUP BY note
= a distinct value is put out as its mask
SELECT DISTINCT note FROM people
= the smallest is put out as its mask
SELECT min(salary), max(salary) FROM people
= the sorted is put out as its mask
SELECT salary FROM people ORDER BY salary
= the joined is put out as its mask
SELECT a.note, b.note FROM people a JOIN people b USING (note)
= a merged column is put out as its mask
SELECT note FROM people a JOIN people b USING (note)
= a union is put out as its mask
SELECT note FROM people UNION SELECT note FROM people
? an intersection with guesses
SELECT note FROM people INTERSECT SELECT 'x'
= a full join's merged column of a clear and a masked side
SELECT note FROM people FULL JOIN (SELECT 'x'::text AS note) AS g USING (note)
= a left join's merged column from the clear side
SELECT note FROM (SELECT note || '' AS note FROM people) AS g LEFT JOIN people USING (note)
= order gives no value out of an ordered set
SELECT percentile_disc(0) WITHIN GROUP (ORDER BY salary) FROM people
= nor several of them
SELECT percentile_disc(ARRAY[0, 0.5, 1]) WITHIN GROUP (ORDER BY salary) FROM people
? nor one between them
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY salary) FROM people
= nor the most frequent
SELECT mode() WITHIN GROUP (ORDER BY salary) FROM people
= the value beside the sorted row
SELECT id, lead(salary) OVER (ORDER BY salary) FROM people
= the value of the first row of a window in order
SELECT first_value(salary) OVER (ORDER BY salary) FROM people
= the values in an array by their order
SELECT array_agg(salary ORDER BY salary) FROM people
= a group's value through an expression
SELECT upper(note) FROM people GROUP BY note
= a group's value in HAVING's relative, a window
SELECT note, rank() OVER (ORDER BY handle), handle || '' FROM people GROUP BY note, handle

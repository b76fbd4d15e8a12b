SELECT 'text', 'Tk' || substr(md5(place || id), 1, 10)
FROM unnest(ARRAY['name', 'email', 'phone', 'handle', 'note', 'raw', 'token', 'secret', 'fenced', 'payload', 'graded', 'stock']) AS place, generate_series(1, 12) AS id
UNION ALL SELECT 'number', salary::text FROM public.people
UNION ALL SELECT 'number', wealth::text FROM public.people
UNION ALL SELECT 'date', (born - date '1970-01-01')::text FROM public.people

-- Every canary of the attacked database: its kind, and the value as text.
SELECT 'text', 'Tk' || substr(md5(place || id), 1, 10)
FROM unnest(ARRAY['name', 'email', 'phone', 'note', 'secret', 'alias', 'handle', 'doc', 'raw', 'tags', 'tag2', 'page', 'iban', 'child', 'payload', 'base',
                  'derived', 'made', 'tag', 'words', 'virtual', 'vtag', 'latercode', 'later', 'noisy', 'checked', 'street', 'coded', 'docs', 'fenced',
                  'fgone', 'fname', 'fstreet', 'fstreet2', 'fphone', 'fphone2', 'ftag', 'ftag2', 'frawname', 'frawlist']) AS place, generate_series(1, 12) AS id
UNION ALL SELECT 'text', substr(card, 1, 12) FROM public.people
UNION ALL SELECT 'number', salary::text FROM public.people
UNION ALL SELECT 'number', wealth::text FROM public.people
UNION ALL SELECT 'number', score::text FROM public.people
UNION ALL SELECT 'number', pin::text FROM public.people
UNION ALL SELECT 'number', doc ->> 'n' FROM public.people
UNION ALL SELECT 'number', nums[1]::text FROM public.people
UNION ALL SELECT 'number', doc ->> 'pin' FROM public.files
UNION ALL SELECT 'number', extract(epoch FROM span)::bigint::text FROM public.people
UNION ALL SELECT 'number', lower(range)::text FROM public.people
UNION ALL SELECT 'number', balance::text FROM public.accounts
UNION ALL SELECT 'date', (born - date '1970-01-01')::text FROM public.people
UNION ALL SELECT 'moment', (extract(epoch FROM seen) * 1000000)::bigint::text FROM public.people
UNION ALL SELECT 'uuid', ref::text FROM public.people
UNION ALL SELECT 'address', host(ip) FROM public.people
UNION ALL SELECT 'bytes', encode(blob, 'hex') FROM public.people

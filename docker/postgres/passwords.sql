-- Passwords of the shop's logins, for a desk.
ALTER ROLE analyst PASSWORD 'analyst';
ALTER ROLE support PASSWORD 'support';
ALTER ROLE owner   PASSWORD 'owner';
ALTER ROLE pgscrim PASSWORD 'pgscrim';

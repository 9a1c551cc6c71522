-- The tokens of the installations as one JSON object, for the input tokens-file. Vercel ends a token 24 hours after
-- the installation was deleted.
select coalesce(json_object_agg(id, access_token order by id), '{}')
from installations
where uninstalled_at is null or uninstalled_at > now() - interval '24 hours';

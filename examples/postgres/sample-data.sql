-- Customers of an invented month and a half, for trials and tests. Variables: at, the present, such as now; customers,
-- how many installations besides the five that show something special.

begin;
set local timezone = 'UTC';

insert into plans values ('hobby', 'Hobby', 0), ('pro', 'Pro', 20), ('scale', 'Scale', 99.5);
insert into metrics values
  ('storage', 'Storage', 'GB', 'total'),
  ('requests', 'Requests', 'million', 'interval'),
  ('compute', 'Compute', 'hours', 'interval');
insert into prices values
  ('hobby', 'requests', 0.4),
  ('pro', 'storage', 0.25), ('pro', 'requests', 0.2), ('pro', 'compute', 0.045),
  ('scale', 'storage', 0.19), ('scale', 'requests', 0.125), ('scale', 'compute', 0.0375);

insert into installations (id, access_token, installed_at)
select format('icfg_customer%s', lpad(n::text, 4, '0')), md5('token' || n), date_trunc('month', :'at'::timestamptz) - interval '40 days'
from generate_series(1, :'customers'::int) as n;

insert into installations (id, access_token, installed_at, uninstalled_at)
select id, md5(id), date_trunc('month', :'at'::timestamptz) - interval '40 days', uninstalled_at
from (values
  ('icfg_changes_plan', null),
  ('icfg_small', null), -- a few cents a month, below 0.50
  ('icfg_new', null), -- nothing used yet
  ('icfg_leaving', :'at'::timestamptz - interval '2 hours'),
  ('icfg_left', :'at'::timestamptz - interval '30 hours')
) as special (id, uninstalled_at);

insert into resources
select 'db-' || substr(id, 6), id from installations where id <> 'icfg_new'
union all
select 'cache-' || substr(id, 6), id from installations where id like 'icfg_customer%3';

insert into plan_changes
select id, date_trunc('month', :'at'::timestamptz) - interval '40 days', case
    when installation_id = 'icfg_small' then 'hobby'
    when id like '%5' then 'scale'
    else 'pro'
  end
from resources;
insert into plan_changes
select 'db-changes_plan', date_trunc('month', :'at'::timestamptz) - interval '1 month' + span, plan_id
from (values (interval '9 days 7 hours', 'scale'), (interval '20 days 18 hours', 'pro')) as changes (span, plan_id);

insert into usage
select r.id, m.id, hour, case
    when r.installation_id = 'icfg_small' then 0.0005
    when m.id = 'storage' then 20 + (extract(epoch from hour)::bigint / 3600 * 7 + length(r.id) * 13 + ascii(right(r.id, 1))) % 37 * 0.713
    else (extract(epoch from hour)::bigint / 3600 * 11 + ascii(right(r.id, 1))) % 23 * 0.0371
  end
from resources r
join metrics m on r.installation_id <> 'icfg_small' or m.id = 'requests'
cross join generate_series(
  date_trunc('month', :'at'::timestamptz) - interval '1 month',
  date_trunc('hour', :'at'::timestamptz),
  interval '1 hour'
) as hour;

commit;

analyze;
